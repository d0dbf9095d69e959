// Direct convolution with sixteen images in the lanes, stride 1, no padding. Tensors are (channel, row, column, image).
// Each kernel keeps a tile of sums in registers, so that a vector loaded serves several multiply-adds.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "lanes.hpp"

namespace shiftassay {

struct ConvolutionShape {
    int channels, height, width, outputs, kernel_height, kernel_width;
    int rows, columns;  // of the output that is used: what pooling drops at the lower and right edge is never computed
    int tap_count() const { return kernel_height * kernel_width; }
};

// Splits `size` into the fewest pieces of at most `most`, as equal as can be.
template <class Visit>
SHIFTASSAY_INLINE void split(int size, int most, Visit visit) {
    int pieces = (size + most - 1) / most, start = 0;
    for (int i = 0; i < pieces; ++i) {
        int length = size / pieces + (i < size % pieces);
        visit(start, length);
        start += length;
    }
}

constexpr int kOutputTile = 5;
constexpr int kColumnTile = kRegisters == 32 ? 5 : 2;

template <int C, int X>
void forward_tile(const ConvolutionShape& s, const float* in, const float* weight, const float* bias, float* out,
                  int64_t out_stride) {
    Vec sums[C][X];
    const int64_t filter = (int64_t)s.channels * s.tap_count();
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
        for (int x = 0; x < X; ++x) sums[c][x] = splat(bias ? bias[c] : 0.0f);
    for (int channel = 0; channel < s.channels; ++channel)
        for (int ky = 0; ky < s.kernel_height; ++ky) {
            const float* row = in + ((int64_t)channel * s.height + ky) * s.width * kBlock;
            const float* w = weight + channel * s.tap_count() + ky * s.kernel_width;
            for (int kx = 0; kx < s.kernel_width; ++kx, row += kBlock, ++w) {
                Vec values[X];
#pragma GCC unroll 8
                for (int x = 0; x < X; ++x) values[x] = load(row + x * kBlock);
#pragma GCC unroll 8
                for (int c = 0; c < C; ++c) {
                    Vec factor = splat(w[c * filter]);
#pragma GCC unroll 8
                    for (int x = 0; x < X; ++x) sums[c][x] += factor * values[x];
                }
            }
        }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
        for (int x = 0; x < X; ++x) store(out + c * out_stride + x * kBlock, sums[c][x]);
}

// One output row for C channels from `first`; `in` points at the row's first input pixel, `out` at (channel 0, column 0).
using ForwardTile = void (*)(const ConvolutionShape&, const float*, const float*, const float*, float*, int64_t);

template <int... I>
constexpr std::array<ForwardTile, sizeof...(I)> forward_tiles(std::integer_sequence<int, I...>) {
    return {forward_tile<I / kColumnTile + 1, I % kColumnTile + 1>...};
}

inline void forward_row(const ConvolutionShape& s, const float* in, const float* weight, const float* bias, int first,
                        int count, float* out, int64_t out_stride) {
    static constexpr auto tiles = forward_tiles(std::make_integer_sequence<int, kOutputTile * kColumnTile>());
    const float* w = weight + (int64_t)first * s.channels * s.tap_count();
    split(s.columns, kColumnTile, [&](int column, int columns) {
        ForwardTile tile = tiles[(count - 1) * kColumnTile + columns - 1];
        for (int lane = 0; lane < kBlock; lane += kWidth)
            tile(s, in + column * kBlock + lane, w, bias ? bias + first : nullptr, out + column * kBlock + lane, out_stride);
    });
}

constexpr int kTapTile = 5;
constexpr int kGradientTile = kRegisters == 32 ? 5 : 2;

// Sums over rows, columns and images of output gradient × input, for C output channels and K taps of one kernel row.
// `kept` carries the sums between calls as vectors; without it they start at zero and are added to `gradient`.
template <int C, int K>
void weight_tile(const ConvolutionShape& s, const float* in, const float* out_gradient, int64_t out_stride, int rows,
                 float* kept, float* gradient, int64_t filter) {
    Vec sums[C][K];
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
        for (int k = 0; k < K; ++k) sums[c][k] = kept ? load(kept + (c * filter + k) * kBlock) : Vec{};
    for (int y = 0; y < rows; ++y) {
        const float* value = in + (int64_t)y * s.width * kBlock;
        const float* row_gradient = out_gradient + (int64_t)y * s.columns * kBlock;
        for (int x = 0; x < s.columns; ++x, value += kBlock, row_gradient += kBlock) {
            Vec gradients[C];
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) gradients[c] = load(row_gradient + c * out_stride);
#pragma GCC unroll 8
            for (int k = 0; k < K; ++k) {
                Vec v = load(value + k * kBlock);
#pragma GCC unroll 8
                for (int c = 0; c < C; ++c) sums[c][k] += gradients[c] * v;
            }
        }
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
#pragma GCC unroll 8
        for (int k = 0; k < K; ++k) {
            if (kept)
                store(kept + (c * filter + k) * kBlock, sums[c][k]);
            else
                gradient[c * filter + k] += sum_lanes(sums[c][k]);
        }
}

using WeightTile = void (*)(const ConvolutionShape&, const float*, const float*, int64_t, int, float*, float*, int64_t);

template <int... I>
constexpr std::array<WeightTile, sizeof...(I)> weight_tiles(std::integer_sequence<int, I...>) {
    return {weight_tile<I / kTapTile + 1, I % kTapTile + 1>...};
}

// Adds the weights' gradient of `rows` output rows from `top`, whose gradient is (output, row, column, image).
inline void weight_gradient(const ConvolutionShape& s, const float* in, const float* out_gradient, int top, int rows,
                            float* kept, float* gradient) {
    static constexpr auto tiles = weight_tiles(std::make_integer_sequence<int, kGradientTile * kTapTile>());
    const int64_t filter = (int64_t)s.channels * s.tap_count();
    const int64_t out_stride = (int64_t)rows * s.columns * kBlock;
    split(s.outputs, kGradientTile, [&](int first, int count) {
        for (int channel = 0; channel < s.channels; ++channel)
            for (int ky = 0; ky < s.kernel_height; ++ky)
                split(s.kernel_width, kTapTile, [&](int kx, int taps) {
                    WeightTile tile = tiles[(count - 1) * kTapTile + taps - 1];
                    int64_t at = first * filter + channel * s.tap_count() + ky * s.kernel_width + kx;
                    const float* value = in + (((int64_t)channel * s.height + top + ky) * s.width + kx) * kBlock;
                    for (int lane = 0; lane < kBlock; lane += kWidth)
                        tile(s, value + lane, out_gradient + first * out_stride + lane, out_stride, rows,
                             kept ? kept + at * kBlock + lane : nullptr, gradient + at, filter);
                });
    });
}

// What a tile of X output gradients passes back to X + K - 1 inputs of one row: scattered in registers, so that the border
// costs no multiplications by zero.
template <int X, int K>
void input_tile(const ConvolutionShape& s, const float* out_gradient, int64_t out_stride, const float* weight, int taps,
                float* in_gradient) {
    constexpr int N = X + K - 1;
    Vec sums[N];
#pragma GCC unroll 32
    for (int i = 0; i < N; ++i) sums[i] = load(in_gradient + i * kBlock);
    const int64_t filter = (int64_t)s.channels * s.tap_count();
    const int64_t row = (int64_t)s.columns * kBlock;
    for (int output = 0; output < s.outputs; ++output) {
        const float* row_gradient = out_gradient + output * out_stride;
        const float* w = weight + output * filter;
        for (int ky = 0; ky < taps; ++ky, row_gradient -= row, w += s.kernel_width) {
            Vec factors[K];
#pragma GCC unroll 8
            for (int k = 0; k < K; ++k) factors[k] = splat(w[k]);
#pragma GCC unroll 32
            for (int x = 0; x < X; ++x) {
                Vec v = load(row_gradient + x * kBlock);
#pragma GCC unroll 8
                for (int k = 0; k < K; ++k) sums[x + k] += factors[k] * v;
            }
        }
    }
#pragma GCC unroll 32
    for (int i = 0; i < N; ++i) store(in_gradient + i * kBlock, sums[i]);
}

constexpr int kBackTile = kRegisters == 32 ? 12 : 5;
using InputTile = void (*)(const ConvolutionShape&, const float*, int64_t, const float*, int, float*);

template <int... I>
constexpr std::array<InputTile, sizeof...(I)> input_tiles(std::integer_sequence<int, I...>) {
    return {input_tile<I / kTapTile + 1, I % kTapTile + 1>...};
}

// Adds what `rows` output rows from `top` pass back to the first `wanted` input channels.
inline void input_gradient(const ConvolutionShape& s, const float* out_gradient, int top, int rows, const float* weight,
                           int wanted, float* in_gradient) {
    static constexpr auto tiles = input_tiles(std::make_integer_sequence<int, kBackTile * kTapTile>());
    const int64_t out_stride = (int64_t)rows * s.columns * kBlock;
    for (int y = top; y < top + rows + s.kernel_height - 1; ++y) {
        const int first_tap = std::max(0, y - (top + rows - 1)), last_tap = std::min(s.kernel_height - 1, y - top);
        for (int channel = 0; channel < wanted; ++channel)
            split(s.columns, kBackTile, [&](int column, int columns) {
                split(s.kernel_width, kTapTile, [&](int kx, int taps) {
                    const float* row_gradient = out_gradient + ((int64_t)(y - first_tap - top) * s.columns + column) * kBlock;
                    const float* w = weight + channel * s.tap_count() + first_tap * s.kernel_width + kx;
                    float* back = in_gradient + (((int64_t)channel * s.height + y) * s.width + column + kx) * kBlock;
                    for (int lane = 0; lane < kBlock; lane += kWidth)
                        tiles[(columns - 1) * kTapTile + taps - 1](s, row_gradient + lane, out_stride, w, last_tap - first_tap + 1,
                                                                   back + lane);
                });
            });
    }
}

}  // namespace shiftassay
