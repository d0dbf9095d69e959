// The SIMD vocabulary of the kernels: one vector type as wide as the build's registers.
// Values lie in blocks of sixteen images, so a block is one AVX-512 vector, two of AVX2, four of SSE or NEON.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace shiftassay {

constexpr int kBlock = 16;

#if defined(__AVX512F__)
constexpr int kWidth = 16;
constexpr int kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kWidth = 8;
constexpr int kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kWidth = 4;
constexpr int kRegisters = 32;
#else
constexpr int kWidth = 4;
constexpr int kRegisters = 16;
#endif

typedef float Vec __attribute__((vector_size(kWidth * 4)));
typedef int32_t Ints __attribute__((vector_size(kWidth * 4)));
typedef float LooseVec __attribute__((vector_size(kWidth * 4), aligned(4), may_alias));

#define SHIFTASSAY_INLINE inline __attribute__((always_inline))

SHIFTASSAY_INLINE Vec load(const float* p) { return *reinterpret_cast<const LooseVec*>(p); }
SHIFTASSAY_INLINE void store(float* p, Vec v) { *reinterpret_cast<LooseVec*>(p) = v; }
SHIFTASSAY_INLINE Vec splat(float v) { return v - Vec{}; }

SHIFTASSAY_INLINE Vec load_part(const float* p, int count) {
    if (count >= kWidth) return load(p);
    float buffer[kWidth] = {};
    std::memcpy(buffer, p, sizeof(float) * count);
    return load(buffer);
}

SHIFTASSAY_INLINE void store_part(float* p, Vec v, int count) {
    if (count >= kWidth) return store(p, v);
    float buffer[kWidth];
    store(buffer, v);
    std::memcpy(p, buffer, sizeof(float) * count);
}

SHIFTASSAY_INLINE Vec choose(Ints condition, Vec yes, Vec no) {
    return condition ? yes : no;
}

typedef float Vec4 __attribute__((vector_size(16)));
typedef float Vec8 __attribute__((vector_size(32)));
typedef float Vec16 __attribute__((vector_size(64)));

SHIFTASSAY_INLINE float sum_lanes(Vec4 v) {
    Vec4 pairs = v + __builtin_shufflevector(v, v, 2, 3, 2, 3);
    return pairs[0] + pairs[1];
}

SHIFTASSAY_INLINE float sum_lanes(Vec8 v) {
    return sum_lanes(__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7));
}

SHIFTASSAY_INLINE float sum_lanes(Vec16 v) {
    return sum_lanes(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                     __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15));
}

// exp to about one unit in the last place: 2^n · p(r) with r = x − n ln 2 in two pieces (Cody & Waite),
// p the degree-6 minimax polynomial of Cephes' expf. NaN passes.
struct Exponential {
    Vec mantissa;
    Ints power;  // in the low bits; above them, something
};

SHIFTASSAY_INLINE Exponential exponential_parts(Vec x) {
    const Vec magic = splat(12582912.0f);  // 1.5 · 2^23: adding it rounds to an integer in the low bits
    const Vec shifted = x * splat(1.44269504088896341f) + magic, n = shifted - magic;
    Vec r = x - n * splat(0.693359375f);
    r = r - n * splat(-2.12194440e-4f);
    // In pairs rather than one after the other: half the latency.
    const Vec square = r * r, fourth = square * square;
    const Vec high = splat(1.9875691500e-4f) * r + splat(1.3981999507e-3f);
    const Vec middle = splat(8.3334519073e-3f) * r + splat(4.1665795894e-2f);
    const Vec low = splat(1.6666665459e-1f) * r + splat(5.0000001201e-1f);
    const Vec p = high * fourth + (middle * square + low);
    return {p * square + (r + splat(1.0f)), (Ints)shifted};
}

// 2^power, from the low bits.
SHIFTASSAY_INLINE Vec power_of_two(Ints power) { return (Vec)((power << 23) + (127 << 23)); }

// The greater of the two, or `otherwise` where one is NaN.
SHIFTASSAY_INLINE Vec greater(Vec v, Vec otherwise) {
#if defined(__AVX512F__)
    return (Vec)_mm512_max_ps((__m512)v, (__m512)otherwise);
#elif defined(__AVX2__)
    return (Vec)_mm256_max_ps((__m256)v, (__m256)otherwise);
#else
    return v > otherwise ? v : otherwise;
#endif
}

// 2^x for x ≤ 0, to about one unit in the last place; NaN passes. Without AVX-512 it stops at 2^-126 instead of vanishing.
SHIFTASSAY_INLINE Vec power_below(Vec x) {
#if defined(__AVX512F__)
    const Vec n = (Vec)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Vec r = (Vec)_mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    x = greater(splat(-126.0f), x);
    const Vec shifted = x + splat(12582912.0f);
    const Vec r = x - (shifted - splat(12582912.0f));
#endif
    // The polynomial of least relative error on [−½, ½], 2 · 10⁻⁹ before rounding.
    const Vec square = r * r;
    const Vec high = splat(0.000153458197f) * square + (splat(0.001339993672f) * r + splat(0.009618489072f));
    const Vec low = splat(0.05550328642f) * r + splat(0.2402264625f);
    const Vec p = (high * square + low) * square + (splat(0.6931471825f) * r + splat(1.0f));
#if defined(__AVX512F__)
    return (Vec)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    return p * power_of_two((Ints)shifted);
#endif
}

// For any x: overflows to infinity, and what would be denormal is zero.
SHIFTASSAY_INLINE Vec exponential(Vec x) {
    Vec inside = x > splat(88.8f) ? splat(88.8f) : x;
    inside = inside < splat(-87.4f) ? splat(-87.4f) : inside;
    const Exponential e = exponential_parts(inside);
    // Two factors, since 2^128 is no float though exp(88.7) is one.
    const Ints power = e.power - 0x4b400000, half = power >> 1;
    const Vec result = e.mantissa * power_of_two(half) * power_of_two(power - half);
    return x > splat(88.73f) ? splat(INFINITY) : (x < splat(-87.33f) ? splat(0.0f) : result);
}

}  // namespace shiftassay
