// A convolution with what usually follows it: channel dropout, max-pooling, ReLU. What lies between them is never stored:
// forward a few rows wait in the first-level cache to be pooled, backward the pooled gradient is spread out again a few rows at a time.
#pragma once

#include <type_traits>

#include "plan.hpp"

namespace shiftassay {

typedef int8_t Bytes __attribute__((vector_size(kWidth), aligned(1), may_alias));
constexpr int kClosed = 127;  // a window that ReLU closed: no gradient

// Windows of two are worth loops that the compiler can unroll.
template <class Work>
SHIFTASSAY_INLINE auto with_window(int window, Work work) {
    return window == 2 ? work(std::integral_constant<int, 2>{}) : work(window);
}

// The first of equal values wins and NaN overrides, as in PyTorch.
template <class Window>
void pool_row(const float* rows, int64_t row_step, Window window, int columns, const float* mask, bool relu, float* out,
              int8_t* winner) {
    for (int x = 0; x < columns; ++x)
        for (int lane = 0; lane < kBlock; lane += kWidth) {
            const Vec factor = mask ? load(mask + lane) : splat(1.0f);
            Vec best = splat(-INFINITY);
            Ints which = {};
            int at = 0;
            for (int y = 0; y < window; ++y)
                for (int i = 0; i < window; ++i, ++at) {
                    Vec v = load(rows + y * row_step + ((int64_t)x * window + i) * kBlock + lane);
                    if (mask) v *= factor;
                    const Ints better = (Ints)(v > best) | (Ints)(v != v);
                    best = choose(better, v, best);
                    which = (better & at) | (~better & which);
                }
            if (relu) {
                const Ints closed = best <= splat(0.0f);
                best = choose(closed, splat(0.0f), best);
                which = (closed & kClosed) | (~closed & which);
            }
            store(out + x * kBlock + lane, best);
            *(Bytes*)(winner + x * kBlock + lane) = __builtin_convertvector(which, Bytes);
        }
}

inline void activate_row(const float* row, int columns, const float* mask, bool relu, float* out) {
    for (int x = 0; x < columns; ++x)
        for (int lane = 0; lane < kBlock; lane += kWidth) {
            Vec v = load(row + x * kBlock + lane);
            if (mask) v *= load(mask + lane);
            if (relu) v = choose(v <= splat(0.0f), splat(0.0f), v);
            store(out + x * kBlock + lane, v);
        }
}

inline void stage_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const ConvolutionShape s = convolution_shape(op);
    const int window = std::max(1, (int)op.pool), columns = s.columns / window;
    const float* in = frame.value(op.input);
    const float *weight = frame.parameter(op.parameters[0]), *bias = frame.parameter(op.parameters[1]);
    const float* masks = frame.mask(op.dropout);
    float *out = frame.value(op.output), *rows = frame.scratch();
    int8_t* winners = (int8_t*)frame.saved(index);
    const int64_t row = (int64_t)s.columns * kBlock;
    split(s.outputs, kOutputTile, [&](int first, int count) {
        for (int y = 0; y < s.rows; y += window) {
            for (int i = 0; i < window; ++i)
                forward_row(s, in + (int64_t)(y + i) * s.width * kBlock, weight, bias, first, count, rows + i * row, window * row);
            for (int c = 0; c < count; ++c) {
                const float* mask = masks ? masks + (first + c) * kBlock : nullptr;
                const int64_t to = ((int64_t)(first + c) * s.rows / window + y / window) * columns * kBlock;
                if (op.pool)
                    with_window(window, [&](auto side) {
                        pool_row(rows + c * window * row, row, side, columns, mask, op.relu, out + to, winners + to);
                    });
                else
                    activate_row(rows + c * row, columns, mask, op.relu, out + to);
            }
        }
    });
}

// One pooled row's gradient back to the rows of its windows; returns the row's sum for the bias.
template <class Window>
Vec pool_row_backward(const float* out_gradient, const int8_t* winner, Window window, int columns, const float* mask, float* rows,
               int64_t row_step, int lane) {
    Vec sum = {};
    for (int x = 0; x < columns; ++x) {
        Vec v = load(out_gradient + x * kBlock + lane);
        if (mask) v *= load(mask + lane);
        const Ints which = __builtin_convertvector(*(const Bytes*)(winner + x * kBlock + lane), Ints);
        sum += choose(which != kClosed, v, Vec{});
        int at = 0;
        for (int y = 0; y < window; ++y)
            for (int i = 0; i < window; ++i, ++at)
                store(rows + y * row_step + ((int64_t)x * window + i) * kBlock + lane, choose(which == at, v, Vec{}));
    }
    return sum;
}

inline Vec activate_row_backward(const float* out_gradient, const float* out, int columns, const float* mask, bool relu, float* row, int lane) {
    Vec sum = {};
    for (int x = 0; x < columns; ++x) {
        Vec v = load(out_gradient + x * kBlock + lane);
        if (relu) v = choose(load(out + x * kBlock + lane) <= splat(0.0f), Vec{}, v);
        if (mask) v *= load(mask + lane);
        sum += v;
        store(row + x * kBlock + lane, v);
    }
    return sum;
}

inline void stage_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const ConvolutionShape s = convolution_shape(op);
    const int window = std::max(1, (int)op.pool), columns = s.columns / window, pooled_rows = s.rows / window;
    const int at_once = rows_at_once(s, window);
    const int64_t filter = (int64_t)s.channels * s.tap_count();
    const float *in = frame.value(op.input), *weight = frame.parameter(op.parameters[0]);
    const float *out = frame.value(op.output), *out_gradient = frame.gradient_of(op.output), *masks = frame.mask(op.dropout);
    const int8_t* winners = (const int8_t*)frame.saved(index);
    float* gradient = frame.gradient + op.parameters[0];
    float* in_gradient = frame.gradient_of(op.input);
    const int wanted = (int)(op.channels - op.constant_channels);
    if (in_gradient && !frame.plan.input_adds[index])
        std::memset(in_gradient, 0, sizeof(float) * kBlock * op.channels * op.height * op.width);
    float* spread = frame.scratch();
    float* bias_sums = spread + (int64_t)s.outputs * at_once * s.columns * kBlock;
    float* kept = bias_sums + s.outputs * kBlock;
    std::memset(bias_sums, 0, sizeof(float) * kBlock * s.outputs);
    const bool whole = at_once == s.rows;
    if (!whole) std::memset(kept, 0, sizeof(float) * kBlock * s.outputs * filter);

    for (int top = 0; top < s.rows; top += at_once) {
        const int rows = std::min(at_once, s.rows - top);
        const int64_t row = (int64_t)s.columns * kBlock;
        for (int c = 0; c < s.outputs; ++c)
            for (int y = 0; y < rows; y += window) {
                const int64_t from = ((int64_t)c * pooled_rows + (top + y) / window) * columns * kBlock;
                const float* mask = masks ? masks + c * kBlock : nullptr;
                float* to = spread + ((int64_t)c * rows + y) * row;
                for (int lane = 0; lane < kBlock; lane += kWidth) {
                    auto spread_out = [&](auto side) {
                        return pool_row_backward(out_gradient + from, winners + from, side, columns, mask, to, row, lane);
                    };
                    Vec sum = op.pool ? with_window(window, spread_out)
                                      : activate_row_backward(out_gradient + from, out + from, columns, mask, op.relu, to, lane);
                    float* bias_sum = bias_sums + c * kBlock + lane;
                    store(bias_sum, load(bias_sum) + sum);
                }
            }
        weight_gradient(s, in, spread, top, rows, whole ? nullptr : kept, gradient);
        if (in_gradient) input_gradient(s, spread, top, rows, weight, wanted, in_gradient);
    }
    auto lanes = [](const float* from) {
        Vec sum = load(from);
        for (int lane = kWidth; lane < kBlock; lane += kWidth) sum += load(from + lane);
        return sum_lanes(sum);
    };
    if (!whole)
        for (int64_t i = 0; i < s.outputs * filter; ++i) gradient[i] += lanes(kept + i * kBlock);
    if (op.parameters[1] >= 0)
        for (int c = 0; c < s.outputs; ++c) frame.gradient[op.parameters[1] + c] += lanes(bias_sums + c * kBlock);
}

}  // namespace shiftassay
