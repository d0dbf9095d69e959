// Networks with convolutions: each block of sixteen images goes through the whole network, forward and back, on one thread,
// while all it needs stays in that core's second-level cache.
#pragma once

#include <optional>

#include "loss.hpp"
#include "memory.hpp"
#include "noise.hpp"
#include "operations.hpp"
#include "optimizer.hpp"
#include "team.hpp"
#include "together.hpp"

namespace shiftassay {

// Images `which[0 … count)` into value 0. Lanes without an image repeat the first one: whatever is finite stays finite,
// and their gradient is zero.
inline void load_block(const Frame& frame, const Images& images, const int64_t* which, int64_t first, int count) {
    const int64_t elements = frame.plan.elements[0], step = padded(elements);
    float* rows = frame.scratch();
    for (int i = 0; i < kBlock; ++i) {
        const int64_t image = i < count ? i : 0;
        normalised_row(images, which ? which[image] : first + image, elements, frame.plan.channels, rows + i * step);
    }
    transpose(rows, step, elements, frame.value(0), kBlock);
}

class BlockwiseTraining {
   public:
    BlockwiseTraining(const Plan& plan, const Training& training)
        : plan_(plan), t_(training), team_((int)training.threads), step_(padded(plan.parameter_count)) {
        blocks_ = (t_.batch + kBlock - 1) / kBlock;
        slots_ = std::min<int64_t>(blocks_, kSlots);
        gradients_ = Memory(slots_ * step_);
        scores_.resize(blocks_);
        norms_.resize(pieces());
        if (plan.mixes_images())
            together_.emplace(plan, std::min(t_.batch, t_.order_length), t_.threads, kSlots);
        else
            for (int64_t i = 0; i < t_.threads; ++i) memories_.emplace_back(plan.floats);
    }

    void run() {
        team_.run(t_.flush_denormals, [&](int member) {
            int phase = 0;
            for (int64_t step = 0; step < t_.steps; ++step) one_step(member, step, phase);
        });
    }

   private:
    // More blocks than this share gradients, in a fixed order: large batches shall not fill the memory.
    static constexpr int64_t kSlots = 16;
    static constexpr int64_t kPiece = 2048;
    int64_t pieces() const { return (plan_.parameter_count + kPiece - 1) / kPiece; }

    void one_step(int member, int64_t step, int& phase) {
        const int64_t first = (t_.first_step + step) * t_.batch;
        const int64_t images = std::min(t_.batch, t_.order_length - first);
        const int64_t blocks = (images + kBlock - 1) / kBlock, slots = std::min(blocks, slots_);
        auto begin = [&](const Frame& frame) { load(frame, first, images); };
        auto end = [&](const Frame& frame) { score(frame, first, images); };
        if (together_)
            together_->pass(team_, member, phase, images, t_.parameters, gradients_.data(), step_, begin, end);
        else
            for (int64_t slot; (slot = team_.next(member, phase, slots)) >= 0;) {
                float* gradient = gradients_.data() + slot * step_;
                std::memset(gradient, 0, sizeof(float) * plan_.parameter_count);
                for (int64_t block = slot; block < blocks; block += slots) {
                    const Frame frame{plan_, memories_[member].data(), t_.parameters, gradient, true, block};
                    begin(frame);
                    run_forward(frame, 0, plan_.operations.size());
                    end(frame);
                    run_backward(frame, 0, plan_.operations.size());
                }
            }
        team_.barrier(phase);
        const bool last = step + 1 == t_.steps, clips = t_.optimizer.clip_norm > 0 && !t_.gradient;
        const Update update{t_.optimizer, t_.parameters, t_.learning_rates[step], t_.optimizer.steps_before + step + 1};
        for (int64_t piece; (piece = team_.next(member, phase, pieces())) >= 0;) {
            const int64_t from = piece * kPiece, count = std::min(kPiece, plan_.parameter_count - from);
            float* sum = gradients_.data() + from;
            for (int64_t slot = 1; slot < slots; ++slot) {
                const float* part = sum + slot * step_;
                for (int64_t i = 0; i < count; ++i) sum[i] += part[i];
            }
            if (t_.gradient) {
                if (last) std::memcpy(t_.gradient + from, sum, sizeof(float) * count);
            } else if (clips) {
                double norm = 0;
                for (int64_t i = 0; i < count; ++i) norm += (double)sum[i] * sum[i];
                norms_[piece] = norm;
            } else {
                update.apply(from, count, sum);
            }
        }
        team_.barrier(phase);
        if (member == 0) {
            Score total;
            for (int64_t block = 0; block < blocks; ++block)
                total.loss += scores_[block].loss, total.right += scores_[block].right;
            t_.losses[step] = total.loss / (double)images, t_.right[step] = total.right;
        }
        if (!clips) {
            // Scores are read before anyone can write the next step's.
            team_.barrier(phase);
            return;
        }
        double norm = 0;
        for (double part : norms_) norm += part;
        Update clipped = update;
        clipped.scale = clip_scale(std::sqrt(norm), t_.optimizer.clip_norm);
        for (int64_t piece; (piece = team_.next(member, phase, pieces())) >= 0;)
            clipped.apply(piece * kPiece, std::min(kPiece, plan_.parameter_count - piece * kPiece),
                          gradients_.data() + piece * kPiece);
        team_.barrier(phase);
    }

    static int in_block(int64_t block, int64_t images) { return (int)std::min<int64_t>(kBlock, images - block * kBlock); }

    void load(const Frame& frame, int64_t first, int64_t images) {
        const int64_t start = first + frame.block * kBlock;
        const int count = in_block(frame.block, images);
        load_block(frame, t_.images, t_.order + start, 0, count);
        for (size_t d = 0; d < plan_.dropouts.size(); ++d)
            for (int i = 0; i < kBlock; ++i)
                write_mask(plan_.dropouts[d], t_.keys[d], start + (i < count ? i : 0), frame.memory + plan_.mask_at[d] + i, kBlock);
    }

    void score(const Frame& frame, int64_t first, int64_t images) {
        const int count = in_block(frame.block, images);
        int64_t labels[kBlock] = {};
        for (int i = 0; i < count; ++i) labels[i] = t_.labels[t_.order[first + frame.block * kBlock + i]];
        scores_[frame.block] = cross_entropy(frame.value(plan_.output), kBlock, plan_.classes, labels, count, images,
                                             t_.label_smoothing, frame.gradient_of(plan_.output), kBlock);
    }

    const Plan& plan_;
    const Training& t_;
    Team team_;
    int64_t step_, blocks_, slots_;
    Memory gradients_;
    std::vector<Memory> memories_;
    std::optional<Together> together_;
    std::vector<Score> scores_;
    std::vector<double> norms_;
};

inline void blockwise_evaluation(const Plan& plan, const Evaluation& e) {
    Team team((int)e.threads);
    const int64_t blocks = (e.count + kBlock - 1) / kBlock, classes = plan.classes, batch = std::min(e.batch, e.count);
    std::vector<Memory> memories;
    std::optional<Together> together;
    if (plan.mixes_images())
        together.emplace(plan, batch, e.threads, e.threads);
    else
        for (int64_t i = 0; i < e.threads; ++i) memories.emplace_back(plan.floats);
    auto load = [&](const Frame& frame, int64_t first, int count) { load_block(frame, e.images, nullptr, first, count); };
    auto read = [&](const Frame& frame, int64_t first, int count) {
        float* logits = frame.value(plan.output);
        if (plan.log_probabilities) log_softmax(logits, kBlock, classes, logits, kBlock);
        for (int i = 0; i < count; ++i)
            for (int64_t c = 0; c < classes; ++c) e.logits[(first + i) * classes + c] = logits[c * kBlock + i];
    };
    team.run(e.flush_denormals, [&](int member) {
        int phase = 0;
        for (int64_t start = 0; together && start < e.count; start += batch) {
            const int64_t images = std::min(batch, e.count - start);
            auto count = [&](const Frame& frame) { return (int)std::min<int64_t>(kBlock, images - frame.block * kBlock); };
            together->pass(
                team, member, phase, images, e.parameters, nullptr, 0,
                [&](const Frame& frame) { load(frame, start + frame.block * kBlock, count(frame)); },
                [&](const Frame& frame) { read(frame, start + frame.block * kBlock, count(frame)); });
            team.barrier(phase);
        }
        if (together) return;
        for (int64_t block; (block = team.next(member, phase, blocks)) >= 0;) {
            const Frame frame{plan, memories[member].data(), e.parameters, nullptr, false};
            const int count = (int)std::min<int64_t>(kBlock, e.count - block * kBlock);
            load(frame, block * kBlock, count);
            run_forward(frame, 0, plan.operations.size());
            read(frame, block * kBlock, count);
        }
    });
}

}  // namespace shiftassay
