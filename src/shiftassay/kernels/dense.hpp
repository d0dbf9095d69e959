// A linear layer on one block of sixteen images, with ReLU and dropout.
#pragma once

#include "gather.hpp"
#include "plan.hpp"
#include "product.hpp"

namespace shiftassay {

inline void finish_units(float* units, int64_t count, int64_t step, const float* bias, bool relu, const float* masks) {
    for (int64_t o = 0; o < count; ++o) {
        const Vec start = splat(bias ? bias[o] : 0.0f);
        for (int64_t i = 0; i < step; i += kWidth) {
            Vec v = load(units + o * step + i) + start;
            if (relu) v = choose(v <= splat(0.0f), Vec{}, v);
            if (masks) v *= load(masks + o * step + i);
            store(units + o * step + i, v);
        }
    }
}

// In place: the gradient of what the layer put out becomes that of the sums before ReLU and dropout.
inline void finish_units_backward(float* gradients, const float* units, int64_t count, const float* masks, bool relu) {
    for (int64_t i = 0; i < count; i += kWidth) {
        Vec v = load(gradients + i);
        if (masks) v *= load(masks + i);
        if (relu) v = choose(load(units + i) <= splat(0.0f), Vec{}, v);
        store(gradients + i, v);
    }
}

inline void dense_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    float* out = frame.value(op.output);
    product({frame.parameter(op.parameters[0]), op.channels, 1}, (int)op.outputs, frame.value(op.input), kBlock, op.channels, out,
            kBlock, kBlock, false);
    finish_units(out, op.outputs, kBlock, frame.parameter(op.parameters[1]), op.relu, frame.mask(op.dropout));
}

inline void dense_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    float* out_gradient = frame.gradient_of(op.output);
    finish_units_backward(out_gradient, frame.value(op.output), op.outputs * kBlock, frame.mask(op.dropout), op.relu);
    if (float* in_gradient = frame.gradient_of(op.input))
        product({frame.parameter(op.parameters[0]), 1, op.channels}, (int)op.channels, out_gradient, kBlock, op.outputs, in_gradient, kBlock,
                kBlock, frame.plan.input_adds[index]);

    // With input units on the lanes the sum over images needs no horizontal additions.
    const int64_t units = padded(op.channels), whole = op.channels / kBlock * kBlock;
    float *rows = frame.scratch(), *gradient = frame.gradient + op.parameters[0];
    transpose_back(frame.value(op.input), kBlock, op.channels, rows, units);
    if (whole) product({out_gradient, kBlock, 1}, (int)op.outputs, rows, units, kBlock, gradient, op.channels, (int)whole, true);
    for (int64_t o = 0; o < op.outputs; ++o) {
        for (int64_t i = whole; i < op.channels; ++i) {
            float sum = 0;
            for (int image = 0; image < kBlock; ++image) sum += out_gradient[o * kBlock + image] * rows[image * units + i];
            gradient[o * op.channels + i] += sum;
        }
        if (op.parameters[1] < 0) continue;
        Vec sum = load(out_gradient + o * kBlock);
        for (int lane = kWidth; lane < kBlock; lane += kWidth) sum += load(out_gradient + o * kBlock + lane);
        frame.gradient[op.parameters[1] + o] += sum_lanes(sum);
    }
}

}  // namespace shiftassay
