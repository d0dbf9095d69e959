// From the numbers that a localisation network puts out to the sampler's theta: see networks/transformer.py.
#pragma once

#include "plan.hpp"

namespace shiftassay {

// Where an entry of theta comes from: a number and its sign, or (number −1) the entry itself.
struct Entry {
    int number;
    float factor;
};

// By Operation::transform: affine, similarity, translation.
constexpr Entry kTheta[3][6] = {{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}},
                                {{0, 1}, {1, -1}, {2, 1}, {1, 1}, {0, 1}, {3, 1}},
                                {{-1, 1}, {-1, 0}, {0, 1}, {-1, 0}, {-1, 1}, {1, 1}}};

// Constants of the operation: the bound (0 for none), then the numbers that leave an image as it is. Kept: the tanh.
inline void transform_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const float *constants = frame.plan.constants.data() + op.constants, *in = frame.value(op.input);
    const float bound = constants[0], *identity = constants + 1;
    float *out = frame.value(op.output), *squashed = frame.saved(index);
    auto number = [&](int64_t k, int lane) {
        return bound > 0 ? identity[k] + bound * squashed[k * kBlock + lane] : in[k * kBlock + lane];
    };
    for (int64_t k = 0; bound > 0 && k < op.channels; ++k)
        for (int lane = 0; lane < kBlock; ++lane)
            squashed[k * kBlock + lane] = std::tanh((in[k * kBlock + lane] - identity[k]) / bound);
    for (int i = 0; i < 6; ++i)
        for (int lane = 0; lane < kBlock; ++lane) {
            const Entry entry = kTheta[op.transform][i];
            out[i * kBlock + lane] = entry.number < 0 ? entry.factor : entry.factor * number(entry.number, lane);
        }
}

inline void transform_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    float* in_gradient = frame.gradient_of(op.input);
    if (!in_gradient) return;
    const bool bounded = frame.plan.constants[op.constants] > 0;
    const float *out_gradient = frame.gradient_of(op.output), *squashed = frame.saved(index);
    if (!frame.plan.input_adds[index]) std::memset(in_gradient, 0, sizeof(float) * kBlock * op.channels);
    for (int i = 0; i < 6; ++i) {
        const Entry entry = kTheta[op.transform][i];
        if (entry.number < 0) continue;
        for (int lane = 0; lane < kBlock; ++lane) {
            const int64_t at = entry.number * kBlock + lane;
            const float steepness = bounded ? 1.0f - squashed[at] * squashed[at] : 1.0f;
            in_gradient[at] += entry.factor * steepness * out_gradient[i * kBlock + lane];
        }
    }
}

}  // namespace shiftassay
