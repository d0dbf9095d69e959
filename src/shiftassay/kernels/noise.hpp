// The counter-based noise of shiftassay/noise.py: masks must be the same numbers on every path.
#pragma once

#include <cstdint>

#include "lanes.hpp"
#include "program.hpp"

namespace shiftassay {

inline uint64_t word(uint64_t key, uint64_t i) {
    uint64_t z = key + (i + 1) * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// The mask of the image at `position` of its epoch, as factors 0 or 1/(1 − p), written `step` floats apart.
inline void write_mask(const Dropout& dropout, uint64_t key, int64_t position, float* mask, int64_t step) {
    const uint64_t first = (uint64_t)position * dropout.units;
    const float scale = (float)dropout.scale;
    for (int64_t unit = 0; unit < dropout.units;) {
        const uint64_t element = first + unit;
        uint64_t fields = word(key, element >> 2) >> (16 * (element & 3));
        int64_t end = unit + 4 - (int64_t)(element & 3);
        if (end > dropout.units) end = dropout.units;
        for (; unit < end; ++unit, fields >>= 16)
            mask[unit * step] = (int64_t)(fields & 0xffff) >= dropout.threshold ? scale : 0.0f;
    }
}

}  // namespace shiftassay
