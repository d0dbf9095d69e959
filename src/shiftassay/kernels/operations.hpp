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
#define SHIFTASSAY_STEP(name, function) function##_forward,
        SHIFTASSAY_OPERATIONS(SHIFTASSAY_STEP)
#undef SHIFTASSAY_STEP
    };
    for (size_t i = first; i < end; ++i) steps[frame.plan.operations[i].kind](frame, i);
}

inline void run_backward(const Frame& frame, size_t first, size_t end) {
    static constexpr void (*steps[])(const Frame&, size_t) = {
#define SHIFTASSAY_STEP(name, function) function##_backward,
        SHIFTASSAY_OPERATIONS(SHIFTASSAY_STEP)
#undef SHIFTASSAY_STEP
    };
    for (size_t i = end; i-- > first;) steps[frame.plan.operations[i].kind](frame, i);
}

}  // namespace shiftassay
