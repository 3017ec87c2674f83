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

/// min(max(x, low), high) that lets NaN through.
template <class T>
inline T clamp(T x, T low, T high) {
    return at_most(at_least(x, low), high);
}

/// min(|x|, most) where NaN becomes `most`: as integers, which order numbers without a sign alike,
/// it is one instruction.
inline float size_at_most(float x, float most) {
    const std::int32_t size = bit_cast<std::int32_t>(x) & 0x7fffffff;
    const std::int32_t limit = bit_cast<std::int32_t>(most);
    return bit_cast<float>(size < limit ? size : limit);
}
inline double size_at_most(double x, double most) {
    return abs(x) < most ? abs(x) : most;
}

/// The largest finite number.
template <class R>
inline constexpr R largest = R(0x1.fffffep127);
template <>
inline constexpr double largest<double> = 0x1.fffffffffffffp1023;

inline constexpr double infinity = __builtin_huge_val();
inline constexpr double not_a_number = __builtin_nan("");

/// c[first] + c[first + 1] x + ..., `count` terms by halves (Estrin, 1960): a processor that waits
/// for the end of one long chain after another has little else to do. powers[k] is x^(2^k).
template <std::size_t first, std::size_t count, class T, std::size_t N>
inline T polynomial_part(const T (&c)[N], const T* powers) {
    if constexpr (count == 1) {
        return c[first];
    } else if constexpr (count == 2) {
        return fma(c[first + 1], powers[0], c[first]);
    } else {
        constexpr int level = count > 16 ? 4 : count > 8 ? 3 : count > 4 ? 2 : 1;
        constexpr std::size_t half = std::size_t{1} << level;
        return fma(polynomial_part<first + half, count - half>(c, powers), powers[level],
                   polynomial_part<first, half>(c, powers));
    }
}
template <class T, std::size_t N, std::size_t first = 0>
inline T polynomial(const T (&c)[N], T x) {
    static_assert(N - first <= 32);
    const T square = x * x, fourth = square * square, eighth = fourth * fourth;
    const T powers[] = {x, square, fourth, eighth, eighth * eighth};
    return polynomial_part<first, N - first>(c, powers);
}

/// The same from the highest power down: where each term is less than the one before, it rounds
/// less.
template <class T, std::size_t N, std::size_t first = 0>
inline T horner(const T (&c)[N], T x) {
    if constexpr (first + 1 == N) {
        return c[first];
    } else {
        return fma(horner<T, N, first + 1>(c, x), x, c[first]);
    }
}

}  // namespace ranvier::RANVIER_ISA
