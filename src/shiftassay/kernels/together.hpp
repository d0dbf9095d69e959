// Networks whose images see each other: the blocks of a batch, each in memory of its own, all come as far as an operation
// across the batch before any goes on. Such an operation belongs to two segments of the network: see across.hpp.
#pragma once

#include "operations.hpp"
#include "team.hpp"

namespace shiftassay {

class Together {
   public:
    // Blocks that are `slots` apart add to the same gradient.
    Together(const Plan& plan, int64_t batch, int64_t threads, int64_t slots)
        : plan_(plan), slots_(slots), batch_(plan, batch, threads) {
        for (int64_t image = 0; image < batch; image += kBlock) blocks_.emplace_back(plan.scratch_at);
        for (int64_t i = 0; i < threads; ++i) working_.emplace_back(plan.floats - plan.scratch_at);
    }

    // One member's part in one batch: `begin(frame)` loads a block, `end(frame)` takes what came out. With gradients, which lie
    // `step` apart, it goes back as well. Afterwards the members have yet to pass a barrier.
    template <class Begin, class End>
    void pass(Team& team, int member, int& phase, int64_t images, const float* parameters, float* gradients, int64_t step,
              Begin begin, End end) const {
        const std::vector<size_t>& at = plan_.segments;
        const size_t last = at.size() - 2;
        const int64_t blocks = (images + kBlock - 1) / kBlock, slots = std::min(blocks, slots_);
        auto each_block = [&](auto work) {
            for (int64_t slot; (slot = team.next(member, phase, slots)) >= 0;)
                for (int64_t block = slot; block < blocks; block += slots)
                    work(Frame{plan_, blocks_[block].data(), parameters, gradients ? gradients + slot * step : nullptr,
                               gradients != nullptr, block, &batch_, working_[member].data()});
        };
        auto each_piece = [&](size_t index, auto work) {
            team.barrier(phase);
            const int64_t pieces = across_pieces(batch_, index);
            for (int64_t piece; (piece = team.next(member, phase, pieces)) >= 0;) work(batch_, index, piece, images, member);
            team.barrier(phase);
        };
        for (size_t s = 0; s < last; ++s) {
            each_block([&](const Frame& frame) {
                if (s == 0) begin(frame);
                run_forward(frame, at[s], at[s + 1]);
                across_project(frame, at[s + 1]);
            });
            each_piece(at[s + 1], across_attend);
        }
        each_block([&](const Frame& frame) {
            run_forward(frame, at[last], at[last + 1]);
            end(frame);
            if (!gradients) return;
            if (frame.block < slots) std::memset(frame.gradient, 0, sizeof(float) * plan_.parameter_count);
            run_backward(frame, at[last], at[last + 1]);
        });
        for (size_t s = last; gradients && s-- > 0;) {
            each_piece(at[s + 1], across_attend_backward);
            each_block([&](const Frame& frame) {
                across_project_backward(frame, at[s + 1]);
                run_backward(frame, at[s], at[s + 1]);
            });
        }
    }

   private:
    const Plan& plan_;
    int64_t slots_;
    BatchMemory batch_;
    std::vector<Memory> blocks_, working_;
};

}  // namespace shiftassay
