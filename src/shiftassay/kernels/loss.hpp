// Cross-entropy with label smoothing on a block of sixteen images, logits as (class, image).
#pragma once

#include "lanes.hpp"

namespace shiftassay {

struct Score {
    double loss = 0;  // summed over images
    int64_t right = 0;
};

// Log-softmax of (class, image), sixteen images.
inline void log_softmax(const float* logits, int64_t step, int64_t classes, float* out, int64_t out_step) {
    for (int lane = 0; lane < kBlock; lane += kWidth) {
        Vec most = load(logits + lane);
        for (int64_t c = 1; c < classes; ++c) {
            const Vec v = load(logits + c * step + lane);
            most = choose((Ints)(v > most) | (Ints)(v != v), v, most);
        }
        Vec sum = {};
        for (int64_t c = 0; c < classes; ++c) sum += exponential(load(logits + c * step + lane) - most);
        float sums[kWidth];
        store(sums, sum);
        for (int i = 0; i < kWidth; ++i) sums[i] = std::log(sums[i]);
        for (int64_t c = 0; c < classes; ++c)
            store(out + c * out_step + lane, load(logits + c * step + lane) - most - load(sums));
    }
}

// `labels[i]` for the first `count` images; the gradient of the mean over `batch` images goes to `logit_gradient`, zero for the rest of the lanes.
inline Score cross_entropy(const float* logits, int64_t step, int64_t classes, const int64_t* labels, int count, int64_t batch,
                           double smoothing, float* logit_gradient, int64_t gradient_step) {
    Score score;
    log_softmax(logits, step, classes, logit_gradient, gradient_step);
    const float rest = (float)(smoothing / (double)classes), scale = 1.0f / (float)batch;
    for (int i = 0; i < kBlock; ++i) {
        if (i >= count) {
            for (int64_t c = 0; c < classes; ++c) logit_gradient[c * gradient_step + i] = 0;
            continue;
        }
        int64_t predicted = 0;
        double all = 0;
        for (int64_t c = 0; c < classes; ++c) {
            const float v = logits[c * step + i], best = logits[predicted * step + i];
            if (v > best || (v != v && best == best)) predicted = c;
            all += logit_gradient[c * gradient_step + i];
        }
        const double own = logit_gradient[labels[i] * gradient_step + i];
        score.loss -= smoothing > 0 ? (1 - smoothing) * own + smoothing / (double)classes * all : own;
        score.right += predicted == labels[i];
    }
    for (int64_t c = 0; c < classes; ++c)
        for (int lane = 0; lane < kBlock; lane += kWidth) {
            float* at = logit_gradient + c * gradient_step + lane;
            float target[kWidth], live[kWidth];
            for (int i = 0; i < kWidth; ++i) {
                const bool used = lane + i < count;
                live[i] = used ? scale : 0.0f;
                target[i] = used && labels[lane + i] == c ? 1.0f - (float)smoothing + rest : rest;
            }
            const Vec gradient = (exponential(load(at)) - load(target)) * load(live);
            store(at, choose(load(live) > splat(0.0f), gradient, Vec{}));
        }
    return score;
}

}  // namespace shiftassay
