// The table of operations, and runs of them on one block.
#pragma once

#include "across.hpp"
#include "attention.hpp"
#include "dense.hpp"
#include "layers.hpp"
#include "sampler.hpp"
#include "stage.hpp"
#include "transform.hpp"

namespace shiftassay {

// Operations `first` to `end` − 1.
inline void run_forward(const Frame& frame, size_t first, size_t end) {
    static constexpr void (*steps[])(const Frame&, size_t) = {
        stage_forward, dense_forward,       relu_forward,   pool_forward,      dropout_forward,
        pad_forward,   coordinates_forward, sample_forward, attention_forward, across_forward,
        transform_forward, encode_forward};
    for (size_t i = first; i < end; ++i) steps[frame.plan.operations[i].kind](frame, i);
}

inline void run_backward(const Frame& frame, size_t first, size_t end) {
    static constexpr void (*steps[])(const Frame&, size_t) = {
        stage_backward, dense_backward,       relu_backward,   pool_backward,      dropout_backward,
        pad_backward,   coordinates_backward, sample_backward, attention_backward, across_backward,
        transform_backward, encode_backward};
    for (size_t i = end; i-- > first;) steps[frame.plan.operations[i].kind](frame, i);
}

}  // namespace shiftassay
