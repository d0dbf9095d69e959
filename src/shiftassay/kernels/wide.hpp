// Networks of linear layers only, whose weights are too many to be copied for each block of images: the whole batch goes
// through a layer together, threads share its units, and the weights' gradient is used where it is computed, in cache.
#pragma once

#include "dense.hpp"
#include "loss.hpp"
#include "memory.hpp"
#include "noise.hpp"
#include "optimizer.hpp"
#include "plan.hpp"
#include "team.hpp"

namespace shiftassay {

constexpr int64_t kPanel = 64;  // images that pass through a layer together

// A multiple of a cache line that is no power of two: rows this far apart do not compete for the same places in the cache.
inline int64_t row_step(int64_t units) {
    const int64_t step = padded(units);
    return step / kBlock % 2 ? step : step + kBlock;
}

// Activations are kept twice: in panels of (unit, image), and as rows (image, unit) for the weights' gradient.
struct WideLayer {
    Memory panels, rows, gradients, masks;
};

class WideTraining {
   public:
    WideTraining(const Plan& plan, const Training& training)
        : plan_(plan), t_(training), team_((int)training.threads), images_(padded(training.batch)), layers_(plan.operations.size() + 1) {
        for (size_t l = 0; l < layers_.size(); ++l) {
            layers_[l].panels = Memory(units(l) * images_);
            layers_[l].rows = Memory(row_step(units(l)) * images_);
            if (l > 0) layers_[l].gradients = Memory(units(l) * images_);
            if (dropout(l) >= 0) layers_[l].masks = Memory(units(l) * images_);
        }
        scores_.resize(images_ / kBlock);
        if (t_.gradient || t_.optimizer.clip_norm > 0) gradient_ = Memory(plan.parameter_count);
        norms_.resize(pieces());
    }

    void run() {
        team_.run(t_.flush_denormals, [&](int member) {
            int phase = 0;
            for (int64_t step = 0; step < t_.steps; ++step) one_step(member, step, phase);
        });
    }

   private:
    static constexpr int64_t kPiece = 16384;
    int64_t pieces() const { return (plan_.parameter_count + kPiece - 1) / kPiece; }
    int64_t units(size_t layer) const { return plan_.elements[layer]; }
    int64_t dropout(size_t layer) const { return layer == 0 ? -1 : plan_.operations[layer - 1].dropout; }
    const Operation& operation(size_t layer) const { return plan_.operations[layer - 1]; }

    template <class Work>
    void each_panel(Work work) const {
        for (int64_t at = 0; at < live_; at += kPanel) work(at, std::min(kPanel, live_ - at));
    }

    void one_step(int member, int64_t step, int& phase) {
        const int64_t first = (t_.first_step + step) * t_.batch, count = std::min(t_.batch, t_.order_length - first);
        if (member == 0) live_ = padded(count);
        const int64_t live = padded(count), last = (int64_t)layers_.size() - 1;
        const Update update{t_.optimizer, t_.parameters, t_.learning_rates[step], t_.optimizer.steps_before + step + 1};
        auto take = [&](int list, int64_t pieces, auto work) {
            for (int64_t piece; (piece = team_.next(member, phase, pieces, list)) >= 0;) work(piece);
        };
        auto share = [&](int64_t pieces, auto work) {
            take(0, pieces, work);
            team_.barrier(phase);
        };
        share(live / kBlock, [&](int64_t block) { gather(block, first, count); });
        for (int64_t l = 1; l <= last; ++l)
            share(padded(units(l)) / kBlock, [&](int64_t piece) { forward(l, piece * kBlock); });
        share(live / kBlock, [&](int64_t block) { score(block, first, count); });
        for (int64_t l = last; l >= 1; --l) {
            // A layer's weights change one phase after they were last read.
            if (l > 1) take(0, padded(units(l - 1)) / kBlock, [&](int64_t piece) { backward(l, piece * kBlock); });
            if (l < last) take(1, padded(units(l + 1)) / kBlock, [&](int64_t piece) { learn(l + 1, piece * kBlock, update); });
            if (l == 1) take(2, padded(units(1)) / kBlock, [&](int64_t piece) { learn(1, piece * kBlock, update); });
            team_.barrier(phase);
        }
        if (member == 0) {
            Score total;
            for (int64_t block = 0; block < live / kBlock; ++block)
                total.loss += scores_[block].loss, total.right += scores_[block].right;
            t_.losses[step] = total.loss / (double)count, t_.right[step] = total.right;
            if (t_.gradient && step + 1 == t_.steps)
                std::memcpy(t_.gradient, gradient_.data(), sizeof(float) * plan_.parameter_count);
        }
        if (!t_.gradient && t_.optimizer.clip_norm > 0) clipped_update(update, share);
        team_.barrier(phase);
    }

    template <class Share>
    void clipped_update(Update update, Share share) {
        const float* gradient = gradient_.data();
        auto length = [&](int64_t piece) { return std::min(kPiece, plan_.parameter_count - piece * kPiece); };
        share(pieces(), [&](int64_t piece) {
            double norm = 0;
            for (int64_t i = 0; i < length(piece); ++i) norm += (double)gradient[piece * kPiece + i] * gradient[piece * kPiece + i];
            norms_[piece] = norm;
        });
        double norm = 0;
        for (double part : norms_) norm += part;
        update.scale = clip_scale(std::sqrt(norm), t_.optimizer.clip_norm);
        share(pieces(), [&](int64_t piece) { update.apply(piece * kPiece, length(piece), gradient + piece * kPiece); });
    }

    int64_t panel_of(int64_t image) const { return image / kPanel * kPanel; }
    int64_t panel_width(int64_t panel, int64_t live) const { return std::min(kPanel, live - panel); }

    void gather(int64_t block, int64_t first, int64_t count) {
        const int64_t start = block * kBlock, step = row_step(units(0)), live = padded(count);
        const int64_t panel = panel_of(start), width = panel_width(panel, live);
        float* rows = layers_[0].rows.data() + start * step;
        auto image = [&](int64_t i) { return first + (start + i < count ? start + i : 0); };
        for (int i = 0; i < kBlock; ++i)
            normalised_row(t_.images, t_.order[image(i)], units(0), plan_.channels, rows + i * step);
        transpose(rows, step, units(0), layers_[0].panels.data() + panel * units(0) + start - panel, width);
        for (size_t l = 1; l < layers_.size(); ++l)
            if (dropout(l) >= 0)
                for (int i = 0; i < kBlock; ++i)
                    write_mask(plan_.dropouts[dropout(l)], t_.keys[dropout(l)], image(i),
                               layers_[l].masks.data() + panel * units(l) + start - panel + i, width);
    }

    void forward(int64_t l, int64_t unit) {
        const Operation& op = operation(l);
        const int64_t count = std::min<int64_t>(kBlock, op.outputs - unit), step = row_step(op.outputs);
        const float* bias = op.parameters[1] < 0 ? nullptr : t_.parameters + op.parameters[1] + unit;
        each_panel([&](int64_t panel, int64_t width) {
            float* out = layers_[l].panels.data() + panel * op.outputs + unit * width;
            product({t_.parameters + op.parameters[0] + unit * op.channels, op.channels, 1}, (int)count,
                    layers_[l - 1].panels.data() + panel * op.channels, width, op.channels, out, width, (int)width, false);
            const float* masks = op.dropout < 0 ? nullptr : layers_[l].masks.data() + panel * op.outputs + unit * width;
            finish_units(out, count, width, bias, op.relu, masks);
            for (int64_t i = 0; i < width; i += kBlock)
                transpose_back(out + i, width, count, layers_[l].rows.data() + (panel + i) * step + unit, step);
        });
    }

    void score(int64_t block, int64_t first, int64_t count) {
        const int64_t start = block * kBlock, panel = panel_of(start), width = panel_width(panel, padded(count));
        const int64_t last = layers_.size() - 1, at = panel * plan_.classes + start - panel;
        const int used = (int)std::min<int64_t>(kBlock, count - start);
        int64_t labels[kBlock] = {};
        for (int i = 0; i < used; ++i) labels[i] = t_.labels[t_.order[first + start + i]];
        float* gradients = layers_[last].gradients.data() + at;
        scores_[block] = cross_entropy(layers_[last].panels.data() + at, width, plan_.classes, labels, used, count,
                                       t_.label_smoothing, gradients, width);
    }

    // The gradient of the sums of sixteen units of layer l − 1.
    void backward(int64_t l, int64_t unit) {
        const Operation &op = operation(l), &below = operation(l - 1);
        const int64_t count = std::min<int64_t>(kBlock, op.channels - unit);
        const float* weight = t_.parameters + op.parameters[0] + unit;
        alignas(64) float packed[kProductDepth * kBlock];
        for (int64_t k = 0; k < op.outputs; k += kProductDepth) {
            const int64_t deep = std::min(kProductDepth, op.outputs - k);
            for (int64_t i = 0; i < deep; ++i) {
                const float* row = weight + (k + i) * op.channels;
                for (int64_t j = 0; j < kBlock; j += kWidth)
                    store(packed + i * kBlock + j, load_part(row + j, (int)std::min<int64_t>(kWidth, std::max<int64_t>(0, count - j))));
            }
            each_panel([&](int64_t panel, int64_t width) {
                product({packed, 1, kBlock}, (int)count, layers_[l].gradients.data() + panel * op.outputs + k * width, width, deep,
                        layers_[l - 1].gradients.data() + panel * op.channels + unit * width, width, (int)width, k > 0);
            });
        }
        each_panel([&](int64_t panel, int64_t width) {
            const int64_t at = panel * op.channels + unit * width;
            const float* masks = below.dropout < 0 ? nullptr : layers_[l - 1].masks.data() + at;
            finish_units_backward(layers_[l - 1].gradients.data() + at, layers_[l - 1].panels.data() + at, count * width, masks, below.relu);
        });
    }

    // The gradient of the weights of sixteen units of layer l, and what follows from it.
    void learn(int64_t l, int64_t unit, const Update& update) {
        const Operation& op = operation(l);
        const int64_t count = std::min<int64_t>(kBlock, op.outputs - unit), step = row_step(op.channels);
        alignas(64) float tile[kBlock * kPanel];
        for (int64_t from = 0; from < op.channels; from += kPanel) {
            const int64_t used = std::min(kPanel, op.channels - from);
            // The weights are on their way while their gradient is summed.
            for (int64_t o = 0; o < count; ++o)
                for (int64_t i = 0; i < used; i += kBlock)
                    __builtin_prefetch(t_.parameters + op.parameters[0] + (unit + o) * op.channels + from + i, 1);
            each_panel([&](int64_t panel, int64_t width) {
                product({layers_[l].gradients.data() + panel * op.outputs + unit * width, width, 1}, (int)count,
                        layers_[l - 1].rows.data() + panel * step + from, step, width, tile, kPanel, (int)padded(used), panel > 0);
            });
            for (int64_t o = 0; o < count; ++o)
                deliver(update, op.parameters[0] + (unit + o) * op.channels + from, used, tile + o * kPanel);
        }
        if (op.parameters[1] < 0) return;
        float sums[kBlock];
        for (int64_t o = 0; o < count; ++o) {
            Vec sum = {};
            each_panel([&](int64_t panel, int64_t width) {
                const float* gradient = layers_[l].gradients.data() + panel * op.outputs + (unit + o) * width;
                for (int64_t i = 0; i < width; i += kWidth) sum += load(gradient + i);
            });
            sums[o] = sum_lanes(sum);
        }
        deliver(update, op.parameters[1] + unit, count, sums);
    }

    void deliver(const Update& update, int64_t from, int64_t count, const float* gradient) {
        if (gradient_.data())
            std::memcpy(gradient_.data() + from, gradient, sizeof(float) * count);
        else
            update.apply(from, count, gradient);
    }

    const Plan& plan_;
    const Training& t_;
    Team team_;
    int64_t images_, live_ = 0;
    std::vector<WideLayer> layers_;
    std::vector<Score> scores_;
    Memory gradient_;
    std::vector<double> norms_;
};

inline void wide_evaluation(const Plan& plan, const Evaluation& e) {
    Team team((int)e.threads);
    const int64_t panels = (e.count + kPanel - 1) / kPanel, classes = plan.classes;
    int64_t most = 0;
    for (int64_t units : plan.elements) most = std::max(most, units);
    std::vector<WideLayer> layers(e.threads);
    for (WideLayer& layer : layers)
        layer.panels = Memory(most * kPanel), layer.gradients = Memory(most * kPanel), layer.rows = Memory(kBlock * padded(plan.elements[0]));
    team.run(e.flush_denormals, [&](int member) {
        const Memory &one = layers[member].panels, &two = layers[member].gradients, &rows = layers[member].rows;
        for (int64_t panel; (panel = team.next(member, 0, panels)) >= 0;) {
            const int64_t start = panel * kPanel, count = std::min(kPanel, e.count - start), width = padded(count);
            const int64_t step = padded(plan.elements[0]);
            float *in = one.data(), *out = two.data();
            for (int64_t block = 0; block < width; block += kBlock) {
                for (int64_t i = 0; i < kBlock; ++i)
                    normalised_row(e.images, start + std::min(block + i, count - 1), plan.elements[0], plan.channels,
                                   rows.data() + i * step);
                transpose(rows.data(), step, plan.elements[0], in + block, width);
            }
            for (const Operation& op : plan.operations) {
                for (int64_t unit = 0; unit < op.outputs; unit += kBlock)
                    product({e.parameters + op.parameters[0] + unit * op.channels, op.channels, 1},
                            (int)std::min<int64_t>(kBlock, op.outputs - unit), in, width, op.channels, out + unit * width, width,
                            (int)width, false);
                finish_units(out, op.outputs, width, op.parameters[1] < 0 ? nullptr : e.parameters + op.parameters[1], op.relu,
                             nullptr);
                std::swap(in, out);
            }
            if (plan.log_probabilities)
                for (int64_t i = 0; i < width; i += kBlock) log_softmax(in + i, width, classes, in + i, width);
            for (int64_t i = 0; i < count; ++i)
                for (int64_t c = 0; c < classes; ++c) e.logits[(start + i) * classes + c] = in[c * width + i];
        }
    });
}

}  // namespace shiftassay
