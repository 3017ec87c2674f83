// Floating-point exceptions. A kernel may overflow, divide by zero or underflow on the way to a
// right result, and NumPy turns what it finds raised after a loop into warnings: put the flags
// back.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace ranvier {

class KeepFloatStatus {
public:
#if defined(__x86_64__)
    KeepFloatStatus() : saved_(_mm_getcsr()) {}
    ~KeepFloatStatus() { _mm_setcsr(saved_); }

private:
    unsigned saved_;
#else
    KeepFloatStatus() { std::fegetexceptflag(&saved_, FE_ALL_EXCEPT); }
    ~KeepFloatStatus() { std::fesetexceptflag(&saved_, FE_ALL_EXCEPT); }

private:
    std::fexcept_t saved_;
#endif
public:
    KeepFloatStatus(const KeepFloatStatus&) = delete;
    KeepFloatStatus& operator=(const KeepFloatStatus&) = delete;
};

}  // namespace ranvier
