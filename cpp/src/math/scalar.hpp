// The few scalar operations that C++ has no branch-free, libm-free spelling for.
//
// Everything under math/ and ops/ is compiled once per instruction set, inside the namespace that
// RANVIER_ISA names, and includes no standard header that defines functions: a function template
// compiled here for AVX-512 must never become the copy the linker keeps for everybody.
#pragma once

#include <cstddef>
#include <cstdint>

#ifndef RANVIER_ISA
#error "define RANVIER_ISA (the instruction set's namespace) before including a kernel header"
#endif

namespace ranvier::RANVIER_ISA {

template <class To, class From>
inline To bit_cast(From from) {
    return __builtin_bit_cast(To, from);
}

/// a * b + c, rounded once where the instruction set can. Baseline x86-64 cannot and rounds twice.
inline double fma(double a, double b, double c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}
inline float fma(float a, float b, float c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/// a * b + c where the digits that the product loses are what is wanted, as in the remainder of a
/// quotient: worked out where the instruction set cannot (Dekker, 1971).
inline float exact_fma(float a, float b, float c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_fmaf(a, b, c);
#else
    return static_cast<float>(static_cast<double>(a) * static_cast<double>(b) +
                              static_cast<double>(c));
#endif
}
inline double exact_fma(double a, double b, double c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_fma(a, b, c);
#else
    constexpr double split = 0x1p27 + 1.0;
    const double a_high = a * split - (a * split - a);
    const double b_high = b * split - (b * split - b);
    const double a_low = a - a_high;
    const double b_low = b - b_high;
    const double product = a * b;
    const double product_low =
        ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    const double sum = product + c;
    const double c_part = sum - product;
    const double sum_low = (product - (sum - c_part)) + (c - c_part);
    const double low = product_low + sum_low;
    return low == low ? sum + low : sum;  // splitting a huge factor overflows
#endif
}

inline double abs(double x) {
    return __builtin_fabs(x);
}
inline float abs(float x) {
    return __builtin_fabsf(x);
}
inline double sqrt(double x) {
    return __builtin_sqrt(x);
}
inline float sqrt(float x) {
    return __builtin_sqrtf(x);
}
inline float copysign(float size, float sign) {
    return __builtin_copysignf(size, sign);
}
inline double copysign(double size, double sign) {
    return __builtin_copysign(size, sign);
}

/// max(x, low) and min(x, high) that let NaN through.
template <class T>
inline T at_least(T x, T low) {
    return x < low ? low : x;
}
template <class T>
inline T at_most(T x, T high) {
    return x > high ? high : x;
}

/// The largest finite number.
template <class R>
inline constexpr R largest = R(0x1.fffffep127);
template <>
inline constexpr double largest<double> = 0x1.fffffffffffffp1023;

inline constexpr double infinity = __builtin_huge_val();
inline constexpr double not_a_number = __builtin_nan("");

/// c[first] + c[first + 1] x + ... by Horner's rule.
template <class T, std::size_t N, std::size_t first = 0>
inline T polynomial(const T (&c)[N], T x) {
    if constexpr (first + 1 == N) {
        return c[first];
    } else {
        return fma(polynomial<T, N, first + 1>(c, x), x, c[first]);
    }
}

}  // namespace ranvier::RANVIER_ISA
