// One update of a stretch of parameters, as torch.optim.SGD and torch.optim.AdamW compute it.
#pragma once

#include <algorithm>
#include <cmath>

#include "lanes.hpp"
#include "program.hpp"

namespace shiftassay {

struct Update {
    const Optimizer& optimizer;
    float* parameters;
    float learning_rate;
    int64_t step;  // from 1
    float scale = 1.0f;  // of the gradient: what clipping leaves

    // Moves parameters `from` to `from + count` by `gradient`, which starts at `from`.
    void apply(int64_t from, int64_t count, const float* gradient) const {
        if (optimizer.kind == 0)
            sgd(from, count, gradient);
        else
            adamw(from, count, gradient);
    }

   private:
    void sgd(int64_t from, int64_t count, const float* gradient) const {
        float* p = parameters + from;
        const float decay = (float)optimizer.weight_decay, momentum = (float)optimizer.momentum;
        if (momentum == 0) {
#pragma GCC ivdep
            for (int64_t i = 0; i < count; ++i) p[i] -= learning_rate * (gradient[i] * scale + decay * p[i]);
            return;
        }
        float* velocity = optimizer.first + from;
#pragma GCC ivdep
        for (int64_t i = 0; i < count; ++i) {
            velocity[i] = momentum * velocity[i] + (gradient[i] * scale + decay * p[i]);
            p[i] -= learning_rate * velocity[i];
        }
    }

    void adamw(int64_t from, int64_t count, const float* gradient) const {
        float *p = parameters + from, *mean = optimizer.first + from, *square = optimizer.second + from;
        const float keep1 = (float)optimizer.beta1, new1 = (float)(1 - optimizer.beta1);
        const float keep2 = (float)optimizer.beta2, new2 = (float)(1 - optimizer.beta2);
        const float shrink = (float)(1 - (double)learning_rate * optimizer.weight_decay);
        const float size = (float)((double)learning_rate / (1 - std::pow(optimizer.beta1, (double)step)));
        const float root = (float)std::sqrt(1 - std::pow(optimizer.beta2, (double)step));
        const float epsilon = (float)optimizer.epsilon;
#pragma GCC ivdep
        for (int64_t i = 0; i < count; ++i) {
            const float g = gradient[i] * scale;
            mean[i] = keep1 * mean[i] + new1 * g;
            square[i] = keep2 * square[i] + new2 * g * g;
            p[i] = p[i] * shrink - size * mean[i] / (std::sqrt(square[i]) / root + epsilon);
        }
    }
};

// torch.nn.utils.clip_grad_norm_: what a gradient of this norm is multiplied by.
inline float clip_scale(double norm, double most) {
    return most > 0 ? (float)std::min(1.0, most / (norm + 1e-6)) : 1.0f;
}

}  // namespace shiftassay
