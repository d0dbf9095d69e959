// Where everything lies in a thread's memory, and which gradients are needed: worked out once for each program.
#pragma once

#include <algorithm>
#include <vector>

#include "attention_shape.hpp"
#include "convolution.hpp"
#include "program.hpp"

namespace shiftassay {

inline int64_t padded(int64_t count) { return (count + kBlock - 1) / kBlock * kBlock; }

inline ConvolutionShape convolution_shape(const Operation& op) {
    ConvolutionShape s;
    s.channels = (int)op.channels, s.height = (int)op.height, s.width = (int)op.width, s.outputs = (int)op.outputs;
    s.kernel_height = (int)op.kernel_height, s.kernel_width = (int)op.kernel_width;
    const int window = std::max(1, (int)op.pool);
    s.rows = (s.height - s.kernel_height + 1) / window * window;
    s.columns = (s.width - s.kernel_width + 1) / window * window;
    return s;
}

// Output rows whose gradient is spread out at once: as many as leave room in the second-level cache.
inline int rows_at_once(const ConvolutionShape& s, int window) {
    const int64_t row = (int64_t)s.outputs * s.columns * kBlock * sizeof(float);
    const int rows = (int)(96 * 1024 / row) / window * window;
    return std::min(s.rows, std::max(window, rows));
}

struct Plan {
    std::vector<Operation> operations;
    std::vector<int64_t> elements;
    std::vector<Dropout> dropouts;
    std::vector<float> constants;
    int64_t parameter_count, output, log_probabilities, channels;

    std::vector<char> needed;                  // values that parameters come before
    std::vector<char> input_adds, other_adds;  // operations whose input's gradient already has a first summand
    std::vector<int64_t> value_at, gradient_at, saved_at, mask_at;
    int64_t scratch_at = 0, floats = 0;
    int64_t classes;
    bool wide = true;  // nothing but linear layers: see wide.hpp
    std::vector<size_t> segments{0};  // first operations of each, then the end: all but the first begin across the batch

    explicit Plan(const Program& p)
        : operations(p.operations, p.operations + p.operation_count),
          elements(p.elements, p.elements + p.value_count),
          dropouts(p.dropouts, p.dropouts + p.dropout_count),
          constants(p.constants, p.constants + p.constant_count),
          parameter_count(p.parameter_count),
          output(p.output),
          log_probabilities(p.log_probabilities),
          channels(p.channels),
          classes(p.elements[p.output]) {
        needed.assign(elements.size(), 0);
        for (const Operation& op : operations) {
            bool learns = op.kind == kind_convolution || op.kind == kind_linear || op.kind == kind_attention || op.kind == kind_across ||
                          op.kind == kind_encode;
            needed[op.output] = learns || needed[op.input] || (op.other >= 0 && needed[op.other]);
            wide = wide && op.kind == kind_linear && op.output == op.input + 1 && op.input == &op - operations.data();
            if (op.kind == kind_across) segments.push_back(&op - operations.data());
        }
        segments.push_back(operations.size());
        order_gradients();
        place();
    }

    bool mixes_images() const { return segments.size() > 2; }

   private:
    void order_gradients() {
        std::vector<char> written(elements.size(), 0);
        input_adds.assign(operations.size(), 0), other_adds.assign(operations.size(), 0);
        for (size_t i = operations.size(); i-- > 0;) {
            const Operation& op = operations[i];
            input_adds[i] = written[op.input], written[op.input] = 1;
            if (op.other >= 0) other_adds[i] = written[op.other], written[op.other] = 1;
        }
    }

    int64_t take(int64_t count) {
        int64_t at = floats;
        floats += padded(count);
        return at;
    }

    void place() {
        for (size_t v = 0; v < elements.size(); ++v) value_at.push_back(take(elements[v] * kBlock));
        for (size_t v = 0; v < elements.size(); ++v) gradient_at.push_back(needed[v] ? take(elements[v] * kBlock) : -1);
        for (const Dropout& dropout : dropouts) mask_at.push_back(take(dropout.units * kBlock));
        int64_t scratch = kBlock * padded(elements[0]);
        for (const Operation& op : operations) {
            int64_t saved = 0, working = 0;
            if (op.kind == kind_convolution || op.kind == kind_pool) saved = elements[op.output] * kBlock / (int64_t)sizeof(float);
            if (op.kind == kind_sample) saved = 2 * elements[op.output] * kBlock;
            if (op.kind == kind_transform) saved = op.channels * kBlock;
            if (op.kind == kind_convolution) {
                const ConvolutionShape s = convolution_shape(op);
                const int window = std::max(1, (int)op.pool);
                const int64_t forward = (int64_t)kOutputTile * window * s.columns * kBlock;
                const int64_t spread = (int64_t)s.outputs * rows_at_once(s, window) * s.columns * kBlock;
                working = std::max(forward, spread + (int64_t)s.outputs * (s.channels * s.tap_count() + 1) * kBlock);
            }
            if (op.kind == kind_linear) working = kBlock * padded(op.channels);
            if (op.kind == kind_attention) {
                const AttentionShape s = attention_shape(op);
                saved = s.saved_floats(), working = s.working_floats();
            }
            if (op.kind == kind_across) working = attention_shape(op).block_floats();
            saved_at.push_back(take(saved));
            scratch = std::max(scratch, working);
        }
        scratch_at = take(scratch);
    }
};

class BatchMemory;

// One thread's work on one block of sixteen images.
struct Frame {
    const Plan& plan;
    float* memory;
    const float* parameters;
    float* gradient;  // of the parameters: added to
    bool training;
    int64_t block = 0;  // of the batch
    // Where the images of a batch see each other, blocks keep their memory; what outlives no operation is still the thread's.
    const BatchMemory* batch = nullptr;
    float* working = nullptr;

    float* value(int64_t v) const { return memory + plan.value_at[v]; }
    float* gradient_of(int64_t v) const { return plan.needed[v] ? memory + plan.gradient_at[v] : nullptr; }
    float* saved(size_t i) const { return memory + plan.saved_at[i]; }
    float* scratch() const { return batch ? working : memory + plan.scratch_at; }
    const float* parameter(int64_t at) const { return at < 0 ? nullptr : parameters + at; }
    const float* mask(int64_t dropout) const {
        return training && dropout >= 0 ? memory + plan.mask_at[dropout] : nullptr;
    }
};

}  // namespace shiftassay
