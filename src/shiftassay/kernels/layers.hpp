// Layers that stand alone: where a network's order of layers leaves nothing to fuse them with.
#pragma once

#include "dense.hpp"
#include "stage.hpp"

namespace shiftassay {

inline void store_or_add(float* to, bool adds, int64_t count, const float* part) {
    for (int64_t i = 0; i < count; i += kWidth) store(to + i, adds ? load(to + i) + load(part + i) : load(part + i));
}

inline void relu_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const int64_t count = frame.plan.elements[op.output] * kBlock;
    activate_row(frame.value(op.input), (int)(count / kBlock), nullptr, true, frame.value(op.output));
}

inline void relu_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    float* in_gradient = frame.gradient_of(op.input);
    if (!in_gradient) return;
    const int64_t count = frame.plan.elements[op.output] * kBlock;
    finish_units_backward(frame.gradient_of(op.output), frame.value(op.output), count, nullptr, true);
    store_or_add(in_gradient, frame.plan.input_adds[index], count, frame.gradient_of(op.output));
}

inline void pool_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const int window = (int)op.pool;
    const int64_t rows = op.height / window, columns = op.width / window, row = op.width * kBlock;
    int8_t* winners = (int8_t*)frame.saved(index);
    for (int64_t c = 0; c < op.channels; ++c)
        for (int64_t y = 0; y < rows; ++y) {
            const int64_t to = (c * rows + y) * columns * kBlock;
            pool_row(frame.value(op.input) + (c * op.height + y * window) * row, row, window, (int)columns, nullptr, op.relu,
                     frame.value(op.output) + to, winners + to);
        }
}

inline void pool_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    float* in_gradient = frame.gradient_of(op.input);
    if (!in_gradient) return;
    const int64_t window = op.pool, rows = op.height / window, columns = op.width / window;
    const float* out_gradient = frame.gradient_of(op.output);
    const int8_t* winners = (const int8_t*)frame.saved(index);
    if (!frame.plan.input_adds[index]) std::memset(in_gradient, 0, sizeof(float) * kBlock * op.channels * op.height * op.width);
    for (int64_t c = 0; c < op.channels; ++c)
        for (int64_t y = 0; y < rows; ++y)
            for (int64_t x = 0; x < columns; ++x)
                for (int lane = 0; lane < kBlock; ++lane) {
                    const int64_t from = ((c * rows + y) * columns + x) * kBlock + lane;
                    if (winners[from] == kClosed) continue;
                    const int64_t row = y * window + winners[from] / window, column = x * window + winners[from] % window;
                    in_gradient[((c * op.height + row) * op.width + column) * kBlock + lane] += out_gradient[from];
                }
}

inline void masked(const float* from, const float* masks, int64_t units, int64_t positions, bool adds, float* to) {
    for (int64_t unit = 0; unit < units; ++unit)
        for (int64_t i = 0; i < positions * kBlock; i += kWidth) {
            Vec v = load(from + unit * positions * kBlock + i);
            if (masks) v *= load(masks + unit * kBlock + i % kBlock);
            float* at = to + unit * positions * kBlock + i;
            store(at, adds ? load(at) + v : v);
        }
}

inline void dropout_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const Dropout& dropout = frame.plan.dropouts[op.dropout];
    masked(frame.value(op.input), frame.mask(op.dropout), dropout.units, dropout.positions, false, frame.value(op.output));
}

inline void dropout_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const Dropout& dropout = frame.plan.dropouts[op.dropout];
    if (float* in_gradient = frame.gradient_of(op.input))
        masked(frame.gradient_of(op.output), frame.mask(op.dropout), dropout.units, dropout.positions, frame.plan.input_adds[index],
               in_gradient);
}

// Zeros around each channel: pad_top rows above and below, pad_left columns left and right.
inline void pad_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const int64_t width = op.width + 2 * op.pad_left, height = op.height + 2 * op.pad_top;
    float* out = frame.value(op.output);
    std::memset(out, 0, sizeof(float) * kBlock * op.channels * height * width);
    for (int64_t c = 0; c < op.channels; ++c)
        for (int64_t y = 0; y < op.height; ++y)
            std::memcpy(out + ((c * height + y + op.pad_top) * width + op.pad_left) * kBlock,
                        frame.value(op.input) + (c * op.height + y) * op.width * kBlock, sizeof(float) * kBlock * op.width);
}

inline void pad_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    float* in_gradient = frame.gradient_of(op.input);
    if (!in_gradient) return;
    const int64_t width = op.width + 2 * op.pad_left, height = op.height + 2 * op.pad_top;
    for (int64_t c = 0; c < op.channels; ++c)
        for (int64_t y = 0; y < op.height; ++y)
            store_or_add(in_gradient + (c * op.height + y) * op.width * kBlock, frame.plan.input_adds[index], op.width * kBlock,
                      frame.gradient_of(op.output) + ((c * height + y + op.pad_top) * width + op.pad_left) * kBlock);
}

// Constants of the operation: the planes of coordinates, appended as channels.
inline void coordinates_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const int64_t plane = op.height * op.width * kBlock;
    float* out = frame.value(op.output);
    std::memcpy(out, frame.value(op.input), sizeof(float) * op.channels * plane);
    out += op.channels * plane;
    const float* coordinate = frame.plan.constants.data() + op.constants;
    for (int64_t i = 0; i < op.appended * plane; i += kWidth) store(out + i, splat(coordinate[i / kBlock]));
}

inline void coordinates_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    if (float* in_gradient = frame.gradient_of(op.input))
        store_or_add(in_gradient, frame.plan.input_adds[index], op.channels * op.height * op.width * kBlock, frame.gradient_of(op.output));
}

// The parameter is (position, channel), the value (channel, position, image).
inline void encode_forward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const float *in = frame.value(op.input), *vectors = frame.parameter(op.parameters[0]);
    float* out = frame.value(op.output);
    for (int64_t c = 0; c < op.channels; ++c)
        for (int64_t i = 0; i < op.height * kBlock; i += kWidth) {
            const int64_t at = c * op.height * kBlock + i;
            store(out + at, load(in + at) + splat(vectors[i / kBlock * op.channels + c]));
        }
}

inline void encode_backward(const Frame& frame, size_t index) {
    const Operation& op = frame.plan.operations[index];
    const float* out_gradient = frame.gradient_of(op.output);
    float *in_gradient = frame.gradient_of(op.input), *gradient = frame.gradient + op.parameters[0];
    if (in_gradient) store_or_add(in_gradient, frame.plan.input_adds[index], op.channels * op.height * kBlock, out_gradient);
    for (int64_t c = 0; c < op.channels; ++c)
        for (int64_t position = 0; position < op.height; ++position) {
            Vec sum = {};
            for (int lane = 0; lane < kBlock; lane += kWidth) sum += load(out_gradient + (c * op.height + position) * kBlock + lane);
            gradient[position * op.channels + c] += sum_lanes(sum);
        }
}

}  // namespace shiftassay
