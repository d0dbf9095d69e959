// Threads that go through the same phases together. Each begins with its own share of a list of pieces, the same one each time,
// so that what it wrote before still lies in its core's cache; a thread that is done goes on with what others have not begun,
// so that a core that is slowed down does less. Who did what never shows in the numbers: each piece is computed whole by one.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace shiftassay {

// Denormals as zeros for the calling thread while this lives.
class FlushDenormals {
   public:
    explicit FlushDenormals(bool wanted) : wanted_(wanted) {
        if (!wanted_) return;
#if defined(__SSE__)
        before_ = _mm_getcsr();
        _mm_setcsr(before_ | 0x8040);
#elif defined(__aarch64__)
        uint64_t state;
        asm volatile("mrs %0, fpcr" : "=r"(state));
        before_ = state;
        state |= 1ull << 24;
        asm volatile("msr fpcr, %0" ::"r"(state));
#endif
    }
    ~FlushDenormals() {
        if (!wanted_) return;
#if defined(__SSE__)
        _mm_setcsr((unsigned)before_);
#elif defined(__aarch64__)
        asm volatile("msr fpcr, %0" ::"r"(before_));
#endif
    }

   private:
    bool wanted_;
    uint64_t before_ = 0;
};

class Team {
   public:
    explicit Team(int size) : size_(size), counters_(2 * kLists * size) {}

    // Runs `work(member)` on every member, the caller being member 0, and returns when all have.
    template <class Work>
    void run(bool flush, Work work) {
        std::vector<std::thread> others;
        for (int member = 1; member < size_; ++member)
            others.emplace_back([&, member] {
                FlushDenormals guard(flush);
                work(member);
            });
        {
            FlushDenormals guard(flush);
            work(0);
        }
        for (std::thread& other : others) other.join();
    }

    // The next of the `pieces` of one of the phase's lists for a member, or -1. Phases use two sets of counters in turn.
    int64_t next(int member, int phase, int64_t pieces, int list = 0) {
        for (int i = 0; i < size_; ++i) {
            const int owner = (member + i) % size_;
            const int64_t first = pieces * owner / size_, count = pieces * (owner + 1) / size_ - first;
            std::atomic<int64_t>& taken = counters_[((phase & 1) * kLists + list) * size_ + owner].value;
            if (taken.load(std::memory_order_relaxed) >= count) continue;
            const int64_t piece = taken.fetch_add(1, std::memory_order_relaxed);
            if (piece < count) return first + piece;
        }
        return -1;
    }

    // All members wait for each other; the counters of the phase just ended start again for the one after the next.
    void barrier(int& phase) {
        const int64_t round = rounds_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
            for (int i = 0; i < kLists * size_; ++i)
                counters_[(phase & 1) * kLists * size_ + i].value.store(0, std::memory_order_relaxed);
            arrived_.store(0, std::memory_order_relaxed);
            rounds_.store(round + 1, std::memory_order_release);
        } else {
            // Giving the core away after some microseconds matters where other processes want it.
            for (int spin = 0; rounds_.load(std::memory_order_acquire) == round; ++spin) {
                if (spin < 4000) {
#if defined(__SSE__)
                    _mm_pause();
#endif
                } else {
                    std::this_thread::yield();
                }
            }
        }
        ++phase;
    }

   private:
    struct alignas(64) Counter {
        std::atomic<int64_t> value{0};
    };
    static constexpr int kLists = 3;
    int size_;
    std::vector<Counter> counters_;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int64_t> rounds_{0};
};

}  // namespace shiftassay
