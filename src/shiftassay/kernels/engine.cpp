// The C interface: see native.py. The same source is built for several instruction sets.
#include "blockwise.hpp"
#include "wide.hpp"

#define SHIFTASSAY_EXPORT extern "C" __attribute__((visibility("default")))

using namespace shiftassay;

SHIFTASSAY_EXPORT int64_t shiftassay_vector_width() { return kWidth; }

SHIFTASSAY_EXPORT void* shiftassay_program(const Program* program) {
    try {
        return new Plan(*program);
    } catch (...) {
        return nullptr;
    }
}

SHIFTASSAY_EXPORT void shiftassay_free(void* plan) { delete (Plan*)plan; }

// 0, or 1 where memory or threads ran out.
SHIFTASSAY_EXPORT int64_t shiftassay_train(const void* plan, const Training* training) {
    try {
        const Plan& p = *(const Plan*)plan;
        if (p.wide)
            WideTraining(p, *training).run();
        else
            BlockwiseTraining(p, *training).run();
        return 0;
    } catch (...) {
        return 1;
    }
}

SHIFTASSAY_EXPORT int64_t shiftassay_forward(const void* plan, const Evaluation* evaluation) {
    try {
        const Plan& p = *(const Plan*)plan;
        if (p.wide)
            wide_evaluation(p, *evaluation);
        else
            blockwise_evaluation(p, *evaluation);
        return 0;
    } catch (...) {
        return 1;
    }
}

// Whether this processor (and operating system) runs the build of this vector width: asked of the portable build.
SHIFTASSAY_EXPORT int64_t shiftassay_supports(int64_t width) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (width == 16)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    if (width == 8) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return width == 4;
}
