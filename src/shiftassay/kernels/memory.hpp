// A block of zeroed floats on a cache line's border.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace shiftassay {

class Memory {
   public:
    Memory() = default;
    explicit Memory(int64_t floats) {
        const size_t bytes = ((size_t)floats * sizeof(float) + 64) / 64 * 64;
        if (posix_memalign((void**)&data_, 64, bytes)) throw std::bad_alloc();
        std::memset(data_, 0, bytes);
    }
    Memory(Memory&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
    Memory& operator=(Memory&& other) noexcept {
        std::swap(data_, other.data_);
        return *this;
    }
    Memory(const Memory&) = delete;
    ~Memory() { std::free(data_); }
    float* data() const { return data_; }

   private:
    float* data_ = nullptr;
};

}  // namespace shiftassay
