// The error of a result in units in the last place.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "isa/kernels.hpp"

namespace accuracy {

/// Digits of the significand and the exponents of the smallest and the largest normal number.
template <class T>
struct Format;
template <>
struct Format<ranvier::half> {
    static constexpr int digits = 11, least = -14, largest = 15;
};
template <>
struct Format<float> {
    static constexpr int digits = 24, least = -126, largest = 127;
};
template <>
struct Format<double> {
    static constexpr int digits = 53, least = -1022, largest = 1023;
};

/// One over the spacing of T at x; below the normal numbers, the spacing of subnormals.
template <class T>
double per_ulp(double x) {
    using F = Format<T>;
    static_assert(F::digits < 53);
    constexpr std::int64_t bias = 1023;
    const auto exponent = static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(x) << 1 >> 53);
    const std::int64_t above = exponent < bias + F::least ? bias + F::least : exponent;
    const std::int64_t within = above > bias + F::largest ? bias + F::largest : above;
    return std::bit_cast<double>((2 * bias + F::digits - 1 - within) << 52);
}
template <class T>
long double per_ulp(long double x) {
    using F = Format<T>;
    const int exponent = x == 0 ? F::least : std::ilogb(x);
    return std::ldexp(1.0L, F::digits - 1 - std::clamp(exponent, F::least, F::largest));
}
#ifdef RANVIER_QUADMATH
template <class T>
long double per_ulp(__float128 x) {
    return per_ulp<T>(static_cast<long double>(x));
}
#endif

/// |got - exact| in ulp of T at `exact`; NaN if either is. Past the largest number, the next step
/// of the grid stands for infinity.
template <class T, class Exact>
auto error(Exact got, Exact exact) {
    constexpr Exact half_of_end =
        std::bit_cast<double>(std::uint64_t{1023 + Format<T>::largest} << 52);
    constexpr Exact end = 2 * half_of_end;
    const auto cut = [](Exact x) { return x > end ? end : x < -end ? -end : x; };
    const Exact e = cut(exact), difference = cut(got) - e;
    return static_cast<double>((difference < 0 ? -difference : difference) * per_ulp<T>(e));
}

/// x rounded to nearest, ties to even, to a number of T.
template <class T>
double nearest(long double x) {
    using F = Format<T>;
    if (x == 0 || !std::isfinite(x)) return static_cast<double>(x);
    const int spacing = std::max(std::ilogb(x), F::least) - (F::digits - 1);
    const long double result = std::ldexp(std::nearbyint(std::ldexp(x, -spacing)), spacing);
    const bool overflow = std::fabs(result) >= std::ldexp(1.0L, F::largest + 1);
    return overflow ? std::copysign(HUGE_VAL, static_cast<double>(x)) : static_cast<double>(result);
}

inline double widened(float x) {
    return x;
}
inline double widened(double x) {
    return x;
}
inline double widened(ranvier::half x) {
    const int size = x.bits & 0x7fff, exponent = size >> 10;
    const int significand = exponent == 0 ? size : (size & 0x3ff) | 0x400;
    const double finite = std::ldexp(significand, std::max(exponent, 1) - 25);
    const double infinite = (size & 0x3ff) == 0 ? HUGE_VAL : std::nan("");
    return std::copysign(exponent == 31 ? infinite : finite, x.bits & 0x8000 ? -1.0 : 1.0);
}

/// The number of T closest to x.
template <class T>
T narrowed(double x) {
    if constexpr (std::is_same_v<T, ranvier::half>) {
        const double size = std::fabs(nearest<T>(x));
        std::uint16_t bits = 0;  // the numbers are in the order of their bits
        for (int bit = 0x4000; bit > 0; bit >>= 1) {
            const auto next = static_cast<std::uint16_t>(bits | bit);
            if (widened(ranvier::half{next}) <= size) bits = next;
        }
        return {static_cast<std::uint16_t>(bits | (std::signbit(x) ? 0x8000 : 0))};
    } else {
        return static_cast<T>(x);
    }
}

}  // namespace accuracy
