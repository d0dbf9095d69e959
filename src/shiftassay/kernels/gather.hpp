// Images from where they lie, in the order asked for, normalised: into the lanes, or into rows.
#pragma once

#include "lanes.hpp"
#include "program.hpp"

namespace shiftassay {

// The division is kept (rather than a product with the inverse) since (x − mean) / deviation is what PyTorch rounds.
inline void normalised_row(const Images& images, int64_t image, int64_t elements, int64_t channels, float* row) {
    const int64_t plane = elements / channels;
    for (int64_t c = 0; c < channels; ++c) {
        const float mean = images.mean[c], deviation = images.deviation[c];
        float* to = row + c * plane;
        if (images.bytes) {
            const uint8_t* from = (const uint8_t*)images.pixels + image * elements + c * plane;
            for (int64_t i = 0; i < plane; ++i) to[i] = ((float)from[i] / 255.0f - mean) / deviation;
        } else {
            const float* from = (const float*)images.pixels + image * elements + c * plane;
            for (int64_t i = 0; i < plane; ++i) to[i] = (from[i] - mean) / deviation;
        }
    }
}

typedef float Row16 __attribute__((vector_size(64), aligned(4), may_alias));

// 16 × 16 floats turned over, in four rounds of interleaving.
inline void turn(const float* from, int64_t from_step, float* to, int64_t to_step) {
    Vec16 a[16], b[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) a[i] = *(const Row16*)(from + i * from_step);
#pragma GCC unroll 4
    for (int round = 0; round < 4; ++round) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; ++i) {
            b[2 * i] = __builtin_shufflevector(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            b[2 * i + 1] =
                __builtin_shufflevector(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i) a[i] = b[i];
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) *(Row16*)(to + i * to_step) = a[i];
}

// to[column · to_step + row] = from[row · from_step + column] for sixteen rows and any number of columns.
inline void transpose(const float* from, int64_t from_step, int64_t columns, float* to, int64_t to_step) {
    int64_t column = 0;
    for (; column + kBlock <= columns; column += kBlock) turn(from + column, from_step, to + column * to_step, to_step);
    for (; column < columns; ++column)
        for (int row = 0; row < kBlock; ++row) to[column * to_step + row] = from[row * from_step + column];
}

// to[row · to_step + column] = from[column · from_step + row] for sixteen rows and any number of columns;
// up to the next multiple of sixteen the rows are filled with zeros.
inline void transpose_back(const float* from, int64_t from_step, int64_t columns, float* to, int64_t to_step) {
    int64_t column = 0;
    for (; column + kBlock <= columns; column += kBlock) turn(from + column * from_step, from_step, to + column, to_step);
    if (column == columns) return;
    for (int row = 0; row < kBlock; ++row)
        for (int64_t i = column; i < column + kBlock; ++i)
            to[row * to_step + i] = i < columns ? from[i * from_step + row] : 0.0f;
}

}  // namespace shiftassay
