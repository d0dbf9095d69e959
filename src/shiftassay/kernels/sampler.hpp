// Bilinear sampling on an affine grid (zeros outside, align_corners=False), one transform for each image.
// At the identity, coordinates fall on pixels and the gradient has a kink there: coordinates and floors must be the float32
// numbers that PyTorch computes, so what its affine_grid leaves unfused is kept unfused here, and what its grid_sample fuses is fused.
#pragma once

#include "plan.hpp"

namespace shiftassay {

// A product that the compiler may not merge with a following addition.
SHIFTASSAY_INLINE Vec rounded(Vec v) {
#if defined(__AVX512F__)
    asm("" : "+v"(v));
#elif defined(__SSE__)
    asm("" : "+x"(v));
#elif defined(__aarch64__)
    asm("" : "+w"(v));
#endif
    return v;
}

// a · b + c, rounded once where the processor can: not left to the compiler's taste.
SHIFTASSAY_INLINE Vec fused(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
    return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
    return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    for (int i = 0; i < kWidth; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#else
    return rounded(a * b) + c;
#endif
}

SHIFTASSAY_INLINE Vec gather_lanes(const float* from, Ints at) {
#if defined(__AVX512F__)
    return (Vec)_mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, (__m512i)at, from, 4);
#elif defined(__AVX2__)
    return (Vec)_mm256_i32gather_ps(from, (__m256i)at, 4);
#else
    Vec v;
    for (int i = 0; i < kWidth; ++i) v[i] = from[at[i]];
    return v;
#endif
}

struct Whole {
    Vec number;
    Ints index;
};

// Floor, right within `low` … `high` and on the same side of them otherwise.
SHIFTASSAY_INLINE Whole floor_within(Vec x, float low, float high) {
    Vec inside = choose(x > splat(low), x, splat(low));
    inside = choose(inside < splat(high), inside, splat(high));
    const Ints cut = __builtin_convertvector(inside, Ints);
    const Vec number = __builtin_convertvector(cut, Vec);
    const Ints above = (Ints)(number > inside);
    return {number + __builtin_convertvector(above, Vec), cut + above};
}

// Constants of the operation: the grid's x for each column, then its y for each row, before the transform.
inline void sample_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const int64_t rows = op.output_height, columns = op.output_width, plane = op.height * op.width * kBlock;
    const float *across = frame.plan.constants.data() + op.constants, *down = across + columns;
    const float *in = frame.value(op.input), *theta = frame.value(op.other);
    float *out = frame.value(op.output), *derivatives = frame.saved(index);
    const int64_t out_plane = rows * columns * kBlock;
    const float half_width = (float)op.width / 2, half_height = (float)op.height / 2;
    for (int lane = 0; lane < kBlock; lane += kWidth) {
        Vec t[6];
        for (int i = 0; i < 6; ++i) t[i] = load(theta + i * kBlock + lane);
        Ints lanes;
        for (int i = 0; i < kWidth; ++i) lanes[i] = lane + i;
        for (int64_t y = 0; y < rows; ++y)
            for (int64_t x = 0; x < columns; ++x) {
                const Vec gx = splat(across[x]), gy = splat(down[y]);
                const Vec to_x = rounded(rounded(t[0] * gx) + rounded(t[1] * gy)) + t[2];
                const Vec to_y = rounded(rounded(t[3] * gx) + rounded(t[4] * gy)) + t[5];
                const Vec px = fused(rounded(to_x) + splat(1.0f), splat(half_width), splat(-0.5f));
                const Vec py = fused(rounded(to_y) + splat(1.0f), splat(half_height), splat(-0.5f));
                const Whole left = floor_within(px, -2.0f, (float)op.width), top = floor_within(py, -2.0f, (float)op.height);
                const Vec right_share = px - left.number, lower_share = py - top.number;
                const Vec left_share = splat(1.0f) - right_share, upper_share = splat(1.0f) - lower_share;
                const int width = (int)op.width, height = (int)op.height;
                const Ints in_left = (Ints)(left.index >= 0) & (Ints)(left.index < width);
                const Ints in_right = (Ints)(left.index >= -1) & (Ints)(left.index < width - 1);
                const Ints in_top = (Ints)(top.index >= 0) & (Ints)(top.index < height);
                const Ints in_low = (Ints)(top.index >= -1) & (Ints)(top.index < height - 1);
                const Ints corner = (top.index * width + left.index) * kBlock + lanes;
                const int64_t to = (y * columns + x) * kBlock + lane;
                for (int64_t c = 0; c < op.channels; ++c) {
                    auto pixel = [&](Ints inside, int offset) {
                        const Ints at = inside & (corner + offset * kBlock);
                        return choose(inside, gather_lanes(in + c * plane, at), Vec{});
                    };
                    const Vec a = pixel(in_top & in_left, 0), b = pixel(in_top & in_right, 1);
                    const Vec d = pixel(in_low & in_left, width), e = pixel(in_low & in_right, width + 1);
                    store(out + c * out_plane + to, a * (left_share * upper_share) + b * (right_share * upper_share) +
                                                        d * (left_share * lower_share) + e * (right_share * lower_share));
                    store(derivatives + 2 * c * out_plane + to, (b - a) * upper_share + (e - d) * lower_share);
                    store(derivatives + (2 * c + 1) * out_plane + to, (d - a) * left_share + (e - b) * right_share);
                }
            }
    }
}

// The gradient of the transforms. The image that is sampled is the network's input and needs none.
inline void sample_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    float* theta_gradient = frame.gradient_of(op.other);
    if (!theta_gradient) return;
    const int64_t rows = op.output_height, columns = op.output_width, out_plane = rows * columns * kBlock;
    const float *across = frame.plan.constants.data() + op.constants, *down = across + columns;
    const float *out_gradient = frame.gradient_of(op.output), *derivatives = frame.saved(index);
    const float half_width = (float)op.width / 2, half_height = (float)op.height / 2;
    for (int lane = 0; lane < kBlock; lane += kWidth) {
        Vec sums[6] = {};
        for (int64_t y = 0; y < rows; ++y) {
            Vec row_x = {}, row_y = {};
            for (int64_t x = 0; x < columns; ++x) {
                const int64_t at = (y * columns + x) * kBlock + lane;
                Vec by_x = {}, by_y = {};
                for (int64_t c = 0; c < op.channels; ++c) {
                    const Vec gradient = load(out_gradient + c * out_plane + at);
                    by_x += gradient * load(derivatives + 2 * c * out_plane + at);
                    by_y += gradient * load(derivatives + (2 * c + 1) * out_plane + at);
                }
                sums[0] += by_x * splat(across[x]), sums[3] += by_y * splat(across[x]);
                row_x += by_x, row_y += by_y;
            }
            sums[1] += row_x * splat(down[y]), sums[4] += row_y * splat(down[y]);
            sums[2] += row_x, sums[5] += row_y;
        }
        for (int i = 0; i < 6; ++i) {
            float* at = theta_gradient + i * kBlock + lane;
            const Vec sum = sums[i] * splat(i < 3 ? half_width : half_height);
            store(at, frame.plan.other_adds[index] ? load(at) + sum : sum);
        }
    }
}

}  // namespace shiftassay
