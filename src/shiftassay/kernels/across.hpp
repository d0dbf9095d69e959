// x + MHA(Qx, Kx, Vx) from image to image of a batch, at each position for itself (PyTorch's batch_first=False). Sixteen
// positions lie in the lanes here, and images take the place that positions have in attention.hpp: each block turns its
// projections over into memory that the batch shares, (group of positions, channel, image, position).
#pragma once

#include "attention.hpp"
#include "gather.hpp"
#include "memory.hpp"

namespace shiftassay {

struct AcrossMemory {
    AttentionShape s;
    int64_t channel;  // floats from one channel to the next
    float *queries, *keys, *values, *heads, *most, *inverse;  // saved
    float *d_queries, *d_keys, *d_values, *d_heads;

    AcrossMemory(const Operation& op, int64_t channel, float* saved, float* working)
        : s(attention_shape(op)), channel(channel) {
        queries = saved, keys = queries + tensor(), values = keys + tensor(), heads = values + tensor();
        most = heads + tensor(), inverse = most + groups() * s.heads * channel;
        d_queries = working, d_keys = d_queries + tensor(), d_values = d_keys + tensor(), d_heads = d_values + tensor();
    }
    int64_t groups() const { return padded(s.positions) / kBlock; }
    int64_t tensor() const { return groups() * s.width * channel; }
    int64_t saved_floats() const { return 4 * tensor() + 2 * groups() * s.heads * channel; }
    int64_t working_floats() const { return 4 * tensor(); }
};

// What the blocks of a batch share.
class BatchMemory {
   public:
    BatchMemory(const Plan& plan, int64_t batch, int64_t threads)
        // An odd number of cache lines: a power of two would send all channels to the same few sets of the cache.
        : plan_(plan), channel_((padded(batch) + 1) * kBlock), saved_(plan.operations.size()) {
        int64_t working = 0;
        for (size_t i = 0; i < plan.operations.size(); ++i) {
            if (plan.operations[i].kind != kind_across) continue;
            const AcrossMemory m(plan.operations[i], channel_, nullptr, nullptr);
            saved_[i] = Memory(m.saved_floats()), working = std::max(working, m.working_floats());
        }
        working_ = Memory(working);
        for (int64_t i = 0; i < threads; ++i)
            scores_.emplace_back(channel_ + kQueries * std::max<int64_t>(channel_, 2 * kKeys * kBlock));
    }
    AcrossMemory at(size_t index) const { return {plan_.operations[index], channel_, saved_[index].data(), working_.data()}; }
    float* agreement(int member) const { return scores_[member].data(); }
    float* scores(int member) const { return scores_[member].data() + channel_; }

   private:
    const Plan& plan_;
    int64_t channel_;
    std::vector<Memory> saved_, scores_;
    Memory working_;
};

// Calls visit(a block's own (position, image), the batch's (image, position), how many positions) for each group and channel.
template <class Visit>
void each_tile(const AcrossMemory& m, int64_t block, float* own, float* shared, Visit visit) {
    for (int64_t group = 0; group < m.groups(); ++group)
        for (int64_t c = 0; c < m.s.width; ++c)
            visit(own + (c * m.s.positions + group * kBlock) * kBlock,
                  shared + (group * m.s.width + c) * m.channel + block * kBlock * kBlock,
                  std::min<int64_t>(kBlock, m.s.positions - group * kBlock));
}

inline void hand_in(const AcrossMemory& m, int64_t block, float* own, float* shared) {
    each_tile(m, block, own, shared,
              [](const float* from, float* to, int64_t count) { transpose_back(from, kBlock, count, to, kBlock); });
}

inline void hand_out(const AcrossMemory& m, int64_t block, float* shared, float* own) {
    each_tile(m, block, own, shared, [](float* to, const float* from, int64_t count) { transpose(from, kBlock, count, to, kBlock); });
}

inline JoinedProjections block_projections(const Frame& frame, const AttentionShape& s) {
    JoinedProjections joined{s};
    joined.place_at(frame.scratch() + 2 * s.tensor());
    return joined;
}

// The operation's first part, block by block: what ends the segment before it.
inline void across_project(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const AcrossMemory m = frame.batch->at(index);
    const JoinedProjections joined = block_projections(frame, m.s);
    join_projections(frame, op, joined);
    float* projected[] = {m.queries, m.keys, m.values};
    for (int part = 0; part < 3; ++part) {
        project(frame, op, joined, part, frame.scratch());
        hand_in(m, frame.block, frame.scratch(), projected[part]);
    }
}

// The second part, for one group of positions and one head: the only one that sees all images.
inline int64_t across_pieces(const BatchMemory& batch, size_t index) {
    const AcrossMemory m = batch.at(index);
    return m.groups() * m.s.heads;
}

inline void across_attend(const BatchMemory& batch, size_t index, int64_t piece, int64_t images, int member) {
    const AcrossMemory m = batch.at(index);
    const HeadShape shape{(int)m.s.head_width(), (int)images, m.channel};
    const int64_t start = piece * m.s.head_width() * m.channel;
    // Lanes without an image go on with zeros rather than with what an earlier batch left there.
    for (int64_t c = 0; c < m.s.head_width(); ++c)
        std::memset(m.heads + start + c * m.channel + images * kBlock, 0, sizeof(float) * (m.channel - images * kBlock));
    for (int lane = 0; lane < kBlock; lane += kWidth) {
        const int64_t at = start + lane, row = piece * m.channel + lane;
        attend(shape, m.queries + at, m.keys + at, m.values + at, batch.scores(member), m.heads + at, m.most + row, m.inverse + row);
    }
}

inline void across_attend_backward(const BatchMemory& batch, size_t index, int64_t piece, int64_t images, int member) {
    const AcrossMemory m = batch.at(index);
    const HeadShape shape{(int)m.s.head_width(), (int)images, m.channel};
    const int64_t floats = m.s.head_width() * m.channel, start = piece * floats;
    for (float* gradients : {m.d_queries, m.d_keys, m.d_values}) std::memset(gradients + start, 0, sizeof(float) * floats);
    for (int lane = 0; lane < kBlock; lane += kWidth) {
        const int64_t at = start + lane, row = piece * m.channel + lane;
        attend_backward(shape, {m.queries + at, m.keys + at, m.values + at, m.heads + at, m.d_heads + at, m.most + row, m.inverse + row},
                 batch.agreement(member) + lane, batch.scores(member), m.d_queries + at, m.d_keys + at, m.d_values + at);
    }
}

// The third part, block by block again: what begins the segment.
inline void across_forward(const Frame& frame, size_t index) {
    const AcrossMemory m = frame.batch->at(index);
    hand_out(m, frame.block, m.heads, frame.scratch());
    project_out(frame, frame.plan.operations[index], m.s, frame.scratch());
}

inline void across_backward(const Frame& frame, size_t index) {
    const AcrossMemory m = frame.batch->at(index);
    float *heads = frame.scratch(), *d_heads = heads + m.s.tensor();
    hand_out(m, frame.block, m.heads, heads);
    project_out_backward(frame, frame.plan.operations[index], m.s, heads, d_heads);
    hand_in(m, frame.block, d_heads, m.d_heads);
}

inline void across_project_backward(const Frame& frame, size_t index) {
    const AcrossMemory m = frame.batch->at(index);
    float *rows = frame.scratch(), *projected[] = {m.d_queries, m.d_keys, m.d_values};
    project_backward(frame, index, block_projections(frame, m.s), [&](int part) {
        hand_out(m, frame.block, projected[part], rows);
        if (part < 2)
            for (int64_t i = 0; i < m.s.tensor(); i += kWidth) store(rows + i, load(rows + i) * splat(kLn2));
        return rows;
    });
}

}  // namespace shiftassay
