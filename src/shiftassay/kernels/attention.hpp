// x + MHA(Qx, Kx, Vx) over the positions of one image, as x is (channel, position, image). Each projection and the one that
// follows it inside the attention are joined into one matrix; probabilities are not kept but computed again (as in
// Dao et al. 2022, "FlashAttention"): they would not fit the caches.
#pragma once

#include "attention_tiles.hpp"
#include "layers.hpp"
#include "plan.hpp"
#include "product.hpp"

namespace shiftassay {

struct JoinedProjections {
    AttentionShape s;
    float *joined, *d_joined, *turned;
    void place_at(float* start) {
        joined = start;
        d_joined = joined + 3 * s.width * s.width, turned = d_joined + 3 * s.width * s.width;
    }
};

struct AttentionMemory : JoinedProjections {
    float *queries, *keys, *values, *heads, *most, *inverse;  // saved
    float *d_queries, *d_keys, *d_values, *d_heads, *agreement, *scores;

    AttentionMemory(const Frame& frame, size_t index) : JoinedProjections{attention_shape(frame.plan.operations[index])} {
        const int64_t tensor = s.tensor();
        float *saved = frame.saved(index), *working = frame.scratch();
        queries = saved, keys = queries + tensor, values = keys + tensor, heads = values + tensor;
        most = heads + tensor, inverse = most + s.heads * s.lanes();
        d_queries = working, d_keys = d_queries + tensor, d_values = d_keys + tensor, d_heads = d_values + tensor;
        agreement = d_heads + tensor, scores = agreement + s.lanes();
        place_at(scores + kQueries * std::max<int64_t>(s.positions, 2 * kKeys) * kBlock);
    }
};

// parameters: the three projections, in_proj_weight, in_proj_bias, out_proj.weight, out_proj.bias
enum { kQuery = 0, kInWeight = 3, kInBias = 4, kOutWeight = 5, kOutBias = 6 };

inline float score_scale(const AttentionShape& s) { return 1.0f / std::sqrt((float)s.head_width()); }

constexpr float kLog2E = 1.44269504088896341f, kLn2 = 0.693147180559945309f;

// The scale of the scores, and the step from e to 2, go into the queries' projection.
inline void join_projections(const Frame& frame, const Operation& op, const JoinedProjections& m) {
    const int64_t d = m.s.width;
    for (int part = 0; part < 3; ++part) {
        const float* inner = frame.parameter(op.parameters[kInWeight]) + part * d * d;
        const float* outer = frame.parameter(op.parameters[kQuery + part]);
        float* joined = m.joined + part * d * d;
        const float scale = part == 0 ? kLog2E * score_scale(m.s) : 1.0f;
        for (int64_t row = 0; row < d; ++row)
            for (int64_t column = 0; column < d; ++column) joined[row * d + column] = 0;
        for (int64_t row = 0; row < d; ++row)
            for (int64_t k = 0; k < d; ++k) {
                const float factor = scale * inner[row * d + k];
                for (int64_t column = 0; column < d; ++column) joined[row * d + column] += factor * outer[k * d + column];
            }
    }
}

inline void add_to_rows(float* rows, int64_t count, int64_t lanes, const float* bias, float scale) {
    for (int64_t row = 0; row < count; ++row)
        for (int64_t i = 0; i < lanes; i += kWidth)
            store(rows + row * lanes + i, load(rows + row * lanes + i) + splat(scale * bias[row]));
}

// Queries, keys or values (part 0, 1, 2) of one block.
inline void project(const Frame& frame, const Operation& op, const JoinedProjections& m, int part, float* projected) {
    const int64_t d = m.s.width, lanes = m.s.lanes();
    product({m.joined + part * d * d, d, 1}, (int)d, frame.value(op.input), lanes, d, projected, lanes, (int)lanes, false);
    add_to_rows(projected, d, lanes, frame.parameter(op.parameters[kInBias]) + part * d,
                part == 0 ? kLog2E * score_scale(m.s) : 1.0f);
}

// x + what the heads found, projected.
inline void project_out(const Frame& frame, const Operation& op, const AttentionShape& s, const float* heads) {
    const int64_t d = s.width, lanes = s.lanes();
    float* out = frame.value(op.output);
    std::memcpy(out, frame.value(op.input), sizeof(float) * s.tensor());
    product({frame.parameter(op.parameters[kOutWeight]), d, 1}, (int)d, heads, lanes, d, out, lanes, (int)lanes, true);
    add_to_rows(out, d, lanes, frame.parameter(op.parameters[kOutBias]), 1.0f);
}

inline void attention_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const AttentionMemory m(frame, index);
    const int64_t lanes = m.s.lanes(), head_floats = m.s.head_width() * lanes;
    join_projections(frame, op, m);
    float* projected[] = {m.queries, m.keys, m.values};
    for (int part = 0; part < 3; ++part) project(frame, op, m, part, projected[part]);
    for (int64_t head = 0; head < m.s.heads; ++head)
        for (int lane = 0; lane < kBlock; lane += kWidth) {
            const int64_t at = head * head_floats + lane;
            attend({(int)m.s.head_width(), (int)m.s.positions, lanes}, m.queries + at, m.keys + at, m.values + at, m.scores,
                   m.heads + at, m.most + head * lanes + lane, m.inverse + head * lanes + lane);
        }
    project_out(frame, op, m.s, m.heads);
}

// The gradient of joined = scale · inner × outer, for both.
inline void part_projections(const Frame& frame, const Operation& op, const JoinedProjections& m, int part) {
    const int64_t d = m.s.width;
    const float* inner = frame.parameter(op.parameters[kInWeight]) + part * d * d;
    const float* outer = frame.parameter(op.parameters[kQuery + part]);
    const float *joined_gradient = m.d_joined + part * d * d, scale = part == 0 ? kLog2E * score_scale(m.s) : 1.0f;
    float* inner_gradient = frame.gradient + op.parameters[kInWeight] + part * d * d;
    float* outer_gradient = frame.gradient + op.parameters[kQuery + part];
    float* turned = m.turned;  // outer, transposed: so that the sums below run along rows
    for (int64_t k = 0; k < d; ++k)
        for (int64_t column = 0; column < d; ++column) turned[column * d + k] = outer[k * d + column];
    for (int64_t row = 0; row < d; ++row)
        for (int64_t i = 0; i < d; ++i) {
            const float back = scale * joined_gradient[row * d + i], on = scale * inner[row * d + i];
#pragma GCC ivdep
            for (int64_t k = 0; k < d; ++k) inner_gradient[row * d + k] += back * turned[i * d + k];
#pragma GCC ivdep
            for (int64_t k = 0; k < d; ++k) outer_gradient[i * d + k] += on * joined_gradient[row * d + k];
        }
}

inline void project_out_backward(const Frame& frame, const Operation& op, const AttentionShape& s, const float* heads, float* d_heads) {
    const int64_t d = s.width, lanes = s.lanes();
    const float* out_gradient = frame.gradient_of(op.output);
    add_outer(out_gradient, d, heads, d, lanes, frame.gradient + op.parameters[kOutWeight]);
    add_sums(out_gradient, d, lanes, 1.0f, frame.gradient + op.parameters[kOutBias]);
    product({frame.parameter(op.parameters[kOutWeight]), 1, d}, (int)d, out_gradient, lanes, d, d_heads, lanes, (int)lanes, false);
}

// `gradient_of(part)`: the gradient of queries, keys or values.
template <class Gradient>
void project_backward(const Frame& frame, size_t index, const JoinedProjections& m, Gradient gradient_of) {
    const Operation& op = frame.plan.operations[index];
    const int64_t d = m.s.width, lanes = m.s.lanes();
    const float *in = frame.value(op.input), *out_gradient = frame.gradient_of(op.output);
    join_projections(frame, op, m);
    std::memset(m.d_joined, 0, sizeof(float) * 3 * d * d);
    float* in_gradient = frame.gradient_of(op.input);
    if (in_gradient) store_or_add(in_gradient, frame.plan.input_adds[index], m.s.tensor(), out_gradient);
    for (int part = 0; part < 3; ++part) {
        const float* projected = gradient_of(part);
        add_outer(projected, d, in, d, lanes, m.d_joined + part * d * d);
        add_sums(projected, d, lanes, part == 0 ? kLog2E * score_scale(m.s) : 1.0f, frame.gradient + op.parameters[kInBias] + part * d);
        part_projections(frame, op, m, part);
        if (in_gradient)
            product({m.joined + part * d * d, 1, d}, (int)d, projected, lanes, d, in_gradient, lanes, (int)lanes, true);
    }
}

inline void attention_backward(const Frame& frame, size_t index) {
    const AttentionMemory m(frame, index);
    const int64_t lanes = m.s.lanes(), head_floats = m.s.head_width() * lanes;
    project_out_backward(frame, frame.plan.operations[index], m.s, m.heads, m.d_heads);
    std::memset(m.d_queries, 0, sizeof(float) * 3 * m.s.tensor());
    for (int64_t head = 0; head < m.s.heads; ++head)
        for (int lane = 0; lane < kBlock; lane += kWidth) {
            const int64_t at = head * head_floats + lane, row = head * lanes + lane;
            const HeadShape shape{(int)m.s.head_width(), (int)m.s.positions, lanes};
            attend_backward(shape, {m.queries + at, m.keys + at, m.values + at, m.heads + at, m.d_heads + at, m.most + row, m.inverse + row},
                     m.agreement + lane, m.scores, m.d_queries + at, m.d_keys + at, m.d_values + at);
        }
    for (int64_t i = 0; i < 2 * m.s.tensor(); i += kWidth) store(m.d_queries + i, load(m.d_queries + i) * splat(kLn2));
    const float* projected[] = {m.d_queries, m.d_keys, m.d_values};
    project_backward(frame, index, m, [&](int part) { return projected[part]; });
}

}  // namespace shiftassay
