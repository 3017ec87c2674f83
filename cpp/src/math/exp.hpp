// The exponential, in double precision whatever the result type R.
//
// A float32 result is computed in double on half the lanes: nothing cancels, nothing overflows on
// the way, and the only rounding that matters is the last one. R says how long a polynomial the
// result needs; tools/fit_exp.py derives both.
#pragma once

#include "scalar.hpp"

namespace ranvier::RANVIER_ISA {

/// e^x as scale (1 + excess) rest: scale and rest are powers of 2 and excess = e^r - 1 with
/// |r| <= ln(2)/2, so that both e^x and e^x - 1 keep their relative accuracy. Where e^x times
/// something is wanted and e^x alone may underflow, multiply by `normal()` first and by `rest`
/// last.
struct Exponential {
    double scale, excess, rest;
    double normal() const { return fma(scale, excess, scale); }
    double value() const { return normal() * rest; }
    double minus_one() const {
        const double whole = scale * rest;
        return fma(whole, excess, whole - 1.0);
    }
};

/// e^r - 1 for |r| <= ln(2)/2. Relative error of e^r: 2^-26.5 for float, 2^-55.8 for double.
template <class R>
inline double expm1_reduced(double r);

template <>
inline double expm1_reduced<float>(double r) {
    constexpr double q[] = {0.5, 0x1.5554dcf88fd17p-3, 0x1.5555192d5f5dep-5, 0x1.120b6e42d2112p-7,
                            0x1.6d11093a17fd8p-10};
    return fma(r * r, polynomial(q, r), r);
}

template <>
inline double expm1_reduced<double>(double r) {
    constexpr double q[] = {0x1.0000000000001p-1,  0x1.5555555555556p-3,  0x1.5555555553d63p-5,
                            0x1.11111111109b3p-7,  0x1.6c16c1788bd90p-10, 0x1.a01a01a7c41d5p-13,
                            0x1.a019b90d2ae7ap-16, 0x1.71de0dae63bb3p-19, 0x1.289185613a3d6p-22,
                            0x1.af38a9b0ec855p-26};
    return fma(r * r, polynomial(q, r), r);
}

/// An integer as a double and, modulo 2^12 at least, in the low bits of a word.
struct Integer {
    double value;
    std::uint64_t bits;
};

/// Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits of the sum.
inline Integer round_to_integer(double x) {
    constexpr double shift = 0x1.8p52;
    const double shifted = x + shift;
    return {shifted - shift, bit_cast<std::uint64_t>(shifted)};
}

/// 2^n, -1022 <= n <= 1023.
inline double power_of_2(Integer n) {
    return bit_cast<double>((n.bits << 52) + 0x3ff0000000000000u);
}

/// x = n ln 2 + r with |r| <= ln(2)/2.
struct Reduced {
    Integer n;
    double r;
};
inline Reduced reduce_by_ln2(double x) {
    constexpr double per_ln2 = 0x1.71547652b82fep+0;
    // ln 2 in two parts; the first has 33 bits, so that n times it is exact.
    constexpr double ln2_high = 0x1.62e42feep-1;
    constexpr double ln2_low = 0x1.a39ef35793c76p-33;
    const Integer n = round_to_integer(x * per_ln2);
    return {n, fma(-n.value, ln2_low, fma(-n.value, ln2_high, x))};
}

/// e^x in parts for x <= 709, whatever the size of a negative x.
template <class R>
inline Exponential exponential(double x);

template <>
inline Exponential exponential<float>(double x) {
    // e^-700 is 0 in float32 and far from underflow here. One product with ln 2 is enough, and the
    // shift that rounds to an integer adds the exponent's bias on the way.
    constexpr double shift = 0x1.8p52 + 1023.0;
    constexpr double per_ln2 = 0x1.71547652b82fep+0;
    constexpr double ln2 = 0x1.62e42fefa39efp-1;
    const double clipped = at_least(x, -700.0);
    const double shifted = fma(clipped, per_ln2, shift);
    const double r = fma(-(shifted - shift), ln2, clipped);
    return {bit_cast<double>(bit_cast<std::uint64_t>(shifted) << 52), expm1_reduced<float>(r), 1.0};
}

template <>
inline Exponential exponential<double>(double x) {
    // Two halves of the scale: the whole may be subnormal or less.
    const Reduced reduced = reduce_by_ln2(at_least(x, -800.0));
    const Integer first = round_to_integer(0.5 * reduced.n.value);
    const Integer second = round_to_integer(reduced.n.value - first.value);
    return {power_of_2(first), expm1_reduced<double>(reduced.r), power_of_2(second)};
}

/// An unevaluated sum: `low` is what `high` has lost to rounding.
template <class T>
struct Sum {
    T high, low;
};

/// 1 + x for |x| <= 1.
template <class T>
inline Sum<T> one_plus(T x) {
    const T high = T(1) + x;
    return {high, x - (high - T(1))};
}

/// (a + a_low) / d with one rounding that counts: what the quotient has lost is worked out and
/// added.
template <class T>
inline T divide(T a, T a_low, Sum<T> d) {
    const T inverse = T(1) / d.high;
    const T quotient = a * inverse;
    const T lost = fma(-quotient, d.low, exact_fma(-quotient, d.high, a)) + a_low;
    return fma(lost, inverse, quotient);
}

/// 1 + e^x in float32 arithmetic, on all lanes, for |x| < 16.
///
/// e^x = s (1 + p + p_low). 1 + s is exact here, and what rounding loses after it is kept in `low`.
/// With `small`, x may be down to -87, where s disappears beside 1: that is kept as well.
template <bool small = false>
inline Sum<float> one_plus_exp(float x) {
    // The shift rounds to an integer and adds the exponent's bias on the way.
    constexpr float shift = 0x1.8p23f + 127.0f;
    constexpr float per_ln2 = 0x1.715476p+0f;
    constexpr float ln2_high = 0x1.62e4p-1f;  // 16 bits: n times it is exact
    constexpr float ln2_low = 0x1.7f7d1cp-20f;
    constexpr float q[] = {0x1p-1f,       0x1.555556p-3f,  0x1.5554eap-5f,
                           0x1.1110ep-7f, 0x1.6d4324p-10f, 0x1.a124f2p-13f};
    const float shifted = fma(x, per_ln2, shift);
    const float n = shifted - shift;
    const float s = bit_cast<float>(bit_cast<std::uint32_t>(shifted) << 23);
    const float r = fma(-n, ln2_low, fma(-n, ln2_high, x));
    const float series = r * r * polynomial(q, r);
    const float p = r + series;
    const float p_low = series - (p - r);
    const float one_plus_s = 1.0f + s;
    const float high = fma(s, p, one_plus_s);
    const float low = fma(s, p_low, fma(s, p, one_plus_s - high));
    return {high, small ? low + (s - (one_plus_s - 1.0f)) : low};
}

template <class R>
inline double exp(double x) {
    return exponential<R>(x).value();
}

}  // namespace ranvier::RANVIER_ISA
