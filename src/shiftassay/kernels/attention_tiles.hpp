// One head of attention with images in the lanes: the loops over pairs of positions.
#pragma once

#include <algorithm>

#include "attention_shape.hpp"
#include "convolution.hpp"
#include "lanes.hpp"

namespace shiftassay {

// Scores are in units of ln 2: the softmax is a power of two, and the gradients of scores lack that factor.
struct HeadShape {
    int width, positions;
    int64_t channel;  // floats from one channel to the next
};

constexpr int kHeadTile = kRegisters == 32 ? 5 : 2;

// scores[q][k] (+)= Σ_channel a[channel][q] · b[channel][k]; scores are (query, key, image) with `step` keys to a query.
template <int Q, int C>
void score_tile(int64_t channel, const float* a, const float* b, int keys, float* scores, int64_t step, bool add) {
    Vec queries[Q][C];
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) queries[q][c] = load(a + c * channel + q * kBlock);
    for (int k = 0; k < keys; ++k, b += kBlock, scores += kWidth) {
        Vec sums[Q];
#pragma GCC unroll 8
        for (int q = 0; q < Q; ++q) sums[q] = add ? load(scores + q * step * kWidth) : Vec{};
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
            const Vec key = load(b + c * channel);
#pragma GCC unroll 8
            for (int q = 0; q < Q; ++q) sums[q] += queries[q][c] * key;
        }
#pragma GCC unroll 8
        for (int q = 0; q < Q; ++q) store(scores + q * step * kWidth, sums[q]);
    }
}

// out[channel][q] += Σ_k weights[q][k] · b[channel][k]
template <int Q, int C>
void mix_tile(int64_t channel, const float* weights, int64_t step, const float* b, int keys, float* out) {
    Vec sums[Q][C];
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) sums[q][c] = load(out + c * channel + q * kBlock);
    for (int k = 0; k < keys; ++k, b += kBlock, weights += kWidth) {
        Vec values[C];
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) values[c] = load(b + c * channel);
#pragma GCC unroll 8
        for (int q = 0; q < Q; ++q) {
            const Vec weight = load(weights + q * step * kWidth);
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) sums[q][c] += weight * values[c];
        }
    }
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) store(out + c * channel + q * kBlock, sums[q][c]);
}

// out[channel][k] += Σ_q weights[q][k] · a[channel][q]
template <int Q, int C>
void spread_tile(int64_t channel, const float* weights, int64_t step, const float* a, int keys, float* out) {
    Vec values[Q][C];
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q)
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) values[q][c] = load(a + c * channel + q * kBlock);
    for (int k = 0; k < keys; ++k, out += kBlock, weights += kWidth) {
        Vec sums[C];
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) sums[c] = load(out + c * channel);
#pragma GCC unroll 8
        for (int q = 0; q < Q; ++q) {
            const Vec weight = load(weights + q * step * kWidth);
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) sums[c] += weight * values[q][c];
        }
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) store(out + c * channel, sums[c]);
    }
}

using ScoreTile = void (*)(int64_t, const float*, const float*, int, float*, int64_t, bool);
using ChannelTile = void (*)(int64_t, const float*, int64_t, const float*, int, float*);

template <int Q>
struct ChannelTiles {
    template <int... C>
    static constexpr std::array<ScoreTile, sizeof...(C)> scorers(std::integer_sequence<int, C...>) {
        return {score_tile<Q, C + 1>...};
    }
    template <int... C>
    static constexpr std::array<ChannelTile, sizeof...(C)> mixes(std::integer_sequence<int, C...>) {
        return {mix_tile<Q, C + 1>...};
    }
    template <int... C>
    static constexpr std::array<ChannelTile, sizeof...(C)> spreads(std::integer_sequence<int, C...>) {
        return {spread_tile<Q, C + 1>...};
    }
    static constexpr auto score = scorers(std::make_integer_sequence<int, kHeadTile>());
    static constexpr auto mix = mixes(std::make_integer_sequence<int, kHeadTile>());
    static constexpr auto spread = spreads(std::make_integer_sequence<int, kHeadTile>());
};

template <int Q>
void score_rows(const HeadShape& s, const float* a, const float* b, int keys, float* scores, int64_t step) {
    split(s.width, kHeadTile, [&](int channel, int count) {
        const int64_t at = channel * s.channel;
        ChannelTiles<Q>::score[count - 1](s.channel, a + at, b + at, keys, scores, step, channel > 0);
    });
}

template <int Q>
void attend_rows(const HeadShape& s, const float* queries, const float* keys, const float* values, float* scores, float* out,
                 float* most, float* inverse) {
    score_rows<Q>(s, queries, keys, s.positions, scores, s.positions);
    for (int q = 0; q < Q; ++q) {
        float* row = scores + (int64_t)q * s.positions * kWidth;
        Vec greatest = load(row);
        for (int k = 1; k < s.positions; ++k)
            greatest = greater(load(row + k * kWidth), greatest);
        Vec sum = {};
        for (int k = 0; k < s.positions; ++k) {
            const Vec p = power_below(load(row + k * kWidth) - greatest);
            sum += p;
            store(row + k * kWidth, p);
        }
        store(most + q * kBlock, greatest);
        store(inverse + q * kBlock, splat(1.0f) / sum);
    }
    split(s.width, kHeadTile, [&](int channel, int count) {
        float* to = out + channel * s.channel;
        for (int c = 0; c < count; ++c)
            for (int q = 0; q < Q; ++q) store(to + c * s.channel + q * kBlock, Vec{});
        ChannelTiles<Q>::mix[count - 1](s.channel, scores, s.positions, values + channel * s.channel, s.positions, to);
        for (int c = 0; c < count; ++c)
            for (int q = 0; q < Q; ++q) {
                float* at = to + c * s.channel + q * kBlock;
                store(at, load(at) * load(inverse + q * kBlock));
            }
    });
}

inline void attend(const HeadShape& s, const float* queries, const float* keys, const float* values, float* scores, float* out,
                   float* most, float* inverse) {
    int q = 0;
    for (; q + kQueries <= s.positions; q += kQueries)
        attend_rows<kQueries>(s, queries + q * kBlock, keys, values, scores, out + q * kBlock, most + q * kBlock, inverse + q * kBlock);
    for (; q < s.positions; ++q)
        attend_rows<1>(s, queries + q * kBlock, keys, values, scores, out + q * kBlock, most + q * kBlock, inverse + q * kBlock);
}

struct HeadSaved {
    const float *queries, *keys, *values, *out, *out_gradient, *most, *inverse;
    HeadSaved at(int query) const {
        const int64_t i = (int64_t)query * kBlock;
        return {queries + i, keys, values, out + i, out_gradient + i, most + i, inverse + i};
    }
};

template <int Q>
void attend_rows_backward(const HeadShape& s, const HeadSaved& h, const float* agreement, int first, int count, float* scores,
                   float* d_queries, float* d_keys, float* d_values) {
    float *score_gradients = scores + Q * kKeys * kWidth;
    const int64_t from = (int64_t)first * kBlock;
    score_rows<Q>(s, h.queries, h.keys + from, count, scores, kKeys);
    score_rows<Q>(s, h.out_gradient, h.values + from, count, score_gradients, kKeys);
    for (int q = 0; q < Q; ++q) {
        const Vec greatest = load(h.most + q * kBlock), inverse = load(h.inverse + q * kBlock), mean = load(agreement + q * kBlock);
        float *p = scores + q * kKeys * kWidth, *d = score_gradients + q * kKeys * kWidth;
        for (int k = 0; k < count; ++k, p += kWidth, d += kWidth) {
            const Vec probability = power_below(load(p) - greatest) * inverse;
            store(p, probability);
            store(d, probability * (load(d) - mean));
        }
    }
    split(s.width, kHeadTile, [&](int channel, int channels) {
        const int64_t at = channel * s.channel;
        ChannelTiles<Q>::mix[channels - 1](s.channel, score_gradients, kKeys, h.keys + at + from, count, d_queries + at);
        ChannelTiles<Q>::spread[channels - 1](s.channel, score_gradients, kKeys, h.queries + at, count, d_keys + at + from);
        ChannelTiles<Q>::spread[channels - 1](s.channel, scores, kKeys, h.out_gradient + at, count, d_values + at + from);
    });
}

inline void attend_backward(const HeadShape& s, const HeadSaved& h, float* agreement, float* scores, float* d_queries, float* d_keys,
                     float* d_values) {
    for (int q = 0; q < s.positions; ++q) {
        Vec sum = {};
        for (int c = 0; c < s.width; ++c) sum += load(h.out_gradient + c * s.channel + q * kBlock) * load(h.out + c * s.channel + q * kBlock);
        store(agreement + q * kBlock, sum);
    }
    for (int first = 0; first < s.positions; first += kKeys) {
        const int count = std::min(kKeys, s.positions - first);
        int q = 0;
        for (; q + kQueries <= s.positions; q += kQueries)
            attend_rows_backward<kQueries>(s, h.at(q), agreement + q * kBlock, first, count, scores, d_queries + q * kBlock, d_keys, d_values);
        for (; q < s.positions; ++q)
            attend_rows_backward<1>(s, h.at(q), agreement + q * kBlock, first, count, scores, d_queries + q * kBlock, d_keys, d_values);
    }
}

// gradient[o][i] += Σ over lanes of a[o] · b[i], for `outs` and `ins` rows of `lanes` floats.
template <int O, int I>
void outer_tile(const float* a, const float* b, int64_t lanes, float* gradient, int64_t step) {
    Vec sums[O][I] = {};
    for (int64_t at = 0; at < lanes; at += kWidth) {
        Vec values[I];
#pragma GCC unroll 8
        for (int i = 0; i < I; ++i) values[i] = load(b + i * lanes + at);
#pragma GCC unroll 8
        for (int o = 0; o < O; ++o) {
            const Vec factor = load(a + o * lanes + at);
#pragma GCC unroll 8
            for (int i = 0; i < I; ++i) sums[o][i] += factor * values[i];
        }
    }
    for (int o = 0; o < O; ++o)
        for (int i = 0; i < I; ++i) gradient[o * step + i] += sum_lanes(sums[o][i]);
}

inline void add_outer(const float* a, int64_t outs, const float* b, int64_t ins, int64_t lanes, float* gradient) {
    constexpr int O = kRegisters == 32 ? 5 : 3, I = kRegisters == 32 ? 5 : 3;
    for (int64_t o = 0; o < outs;) {
        const bool many = o + O <= outs;
        for (int64_t i = 0; i < ins;) {
            const bool wide = i + I <= ins;
            const float *left = a + o * lanes, *right = b + i * lanes;
            float* to = gradient + o * ins + i;
            if (many && wide)
                outer_tile<O, I>(left, right, lanes, to, ins);
            else if (many)
                outer_tile<O, 1>(left, right, lanes, to, ins);
            else if (wide)
                outer_tile<1, I>(left, right, lanes, to, ins);
            else
                outer_tile<1, 1>(left, right, lanes, to, ins);
            i += wide ? I : 1;
        }
        o += many ? O : 1;
    }
}

inline void add_sums(const float* rows, int64_t count, int64_t lanes, float scale, float* sums) {
    for (int64_t row = 0; row < count; ++row) {
        Vec sum = {};
        for (int64_t at = 0; at < lanes; at += kWidth) sum += load(rows + row * lanes + at);
        sums[row] += scale * sum_lanes(sum);
    }
}

}  // namespace shiftassay
