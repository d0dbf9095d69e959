// How much memory attention takes, in floats: over the positions of one image, or across a batch (there: for each block).
#pragma once

#include "lanes.hpp"
#include "program.hpp"

namespace shiftassay {

constexpr int kQueries = 4;  // rows of the score matrix that are worked on together
constexpr int kKeys = 24;    // columns: so that a stretch of keys, values and their gradients stays in the first-level cache

struct AttentionShape {
    int64_t width, positions, heads;  // width: channels of a position
    int64_t head_width() const { return width / heads; }
    int64_t lanes() const { return positions * kBlock; }
    int64_t tensor() const { return width * lanes(); }
    // Queries, keys, values and what the heads put out; the greatest score and one over the sum of the softmax.
    int64_t saved_floats() const { return 4 * tensor() + 2 * heads * lanes(); }
    // Their gradients; the products of gradients and outputs; scores; the joined projections and their gradient.
    int64_t working_floats() const {
        const int64_t keys = positions > 2 * kKeys ? positions : 2 * kKeys;
        return 4 * tensor() + lanes() + kQueries * keys * kBlock + joined_floats();
    }
    // What a block has of its own across a batch: the heads and their gradient, or one projection after the other.
    int64_t block_floats() const { return 2 * tensor() + joined_floats(); }
    int64_t joined_floats() const { return 7 * width * width + kBlock; }
};

inline AttentionShape attention_shape(const Operation& op) { return {op.channels, op.height * op.width, op.heads}; }

}  // namespace shiftassay
