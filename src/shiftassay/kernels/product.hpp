// The one matrix product that every linear layer is made of, forward, input gradient and weight gradient alike:
//   c[o][lanes] (+)= Σ_k a[o · a_out + k · a_depth] · b[k · b_depth + lanes]
// What lies on the lanes (images, or input units for the weight gradient) is for the caller to choose.
#pragma once

#include <array>
#include <utility>

#include "lanes.hpp"

namespace shiftassay {

struct Factor {
    const float* start;
    int64_t out, depth;  // steps
};

constexpr int kProductRows = kRegisters == 32 ? 6 : 5;
constexpr int kProductVectors = kRegisters == 32 ? 4 : 2;
constexpr int kProductLanes = kProductVectors * kWidth;

template <int O, int V>
void product_tile(Factor a, const float* b, int64_t b_depth, int64_t depth, float* c, int64_t c_out, bool add) {
    Vec sums[O][V];
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sums[o][v] = add ? load(c + o * c_out + v * kWidth) : Vec{};
    const float* factor = a.start;
    for (int64_t k = 0; k < depth; ++k, factor += a.depth, b += b_depth) {
        Vec values[V];
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) values[v] = load(b + v * kWidth);
#pragma GCC unroll 8
        for (int o = 0; o < O; ++o) {
            Vec f = splat(factor[o * a.out]);
#pragma GCC unroll 8
            for (int v = 0; v < V; ++v) sums[o][v] += f * values[v];
        }
    }
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) store(c + o * c_out + v * kWidth, sums[o][v]);
}

// One vector column leaves registers for more rows, which hides the latency of the additions.
constexpr int kSlimRows = kRegisters == 32 ? 12 : 10;
using ProductTile = void (*)(Factor, const float*, int64_t, int64_t, float*, int64_t, bool);

template <int... I>
constexpr std::array<ProductTile, sizeof...(I)> product_tiles(std::integer_sequence<int, I...>) {
    return {product_tile<I / kProductVectors + 1, I % kProductVectors + 1>...};
}

template <int... I>
constexpr std::array<ProductTile, sizeof...(I)> slim_tiles(std::integer_sequence<int, I...>) {
    return {product_tile<I + 1, 1>...};
}

// Rows of b that stay in the first-level cache while every row of c passes over them.
constexpr int64_t kProductDepth = 128;

// `lanes` is a multiple of kWidth.
inline void product(Factor a, int rows, const float* b, int64_t b_depth, int64_t depth, float* c, int64_t c_out, int lanes,
                    bool add) {
    static constexpr auto wide = product_tiles(std::make_integer_sequence<int, kProductRows * kProductVectors>());
    static constexpr auto slim = slim_tiles(std::make_integer_sequence<int, kSlimRows>());
    for (int64_t k = 0; k < depth; k += kProductDepth) {
        const int64_t deep = depth - k < kProductDepth ? depth - k : kProductDepth;
        for (int at = 0, vectors; at < lanes; at += vectors * kWidth) {
            vectors = lanes - at >= kProductLanes ? kProductVectors : (lanes - at) / kWidth;
            const int most = vectors == 1 ? kSlimRows : kProductRows, pieces = (rows + most - 1) / most;
            for (int i = 0, row = 0, count; i < pieces; ++i, row += count) {
                count = rows / pieces + (i < rows % pieces);
                ProductTile tile = vectors == 1 ? slim[count - 1] : wide[(count - 1) * kProductVectors + vectors - 1];
                tile({a.start + row * a.out + k * a.depth, a.out, a.depth}, b + k * b_depth + at, b_depth, deep,
                     c + row * c_out + at, c_out, add || k > 0);
            }
        }
    }
}

}  // namespace shiftassay
