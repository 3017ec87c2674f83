// The exponential, in double precision whatever the result type R.
//
// A float32 result is computed in double on half the lanes: nothing cancels, nothing overflows on
// the way, and the only rounding that matters is the last one. R says how long a polynomial the
// result needs; tools/fit.py derives both.
#pragma once

#include "sum.hpp"

namespace ranvier::RANVIER_ISA {

/// e^x as scale (1 + excess) rest: scale and rest are powers of 2 and excess = e^r - 1 with
/// |r| <= ln(2)/2, so that both e^x and e^x - 1 keep their relative accuracy. Where e^x times
/// something is wanted and e^x alone may underflow, multiply by `normal()` first and by `rest`
/// last.
template <class W>
struct Exponential {
    double scale;
    W excess;
    double rest;
    W normal() const { return scaled(1.0 + excess, scale); }
    W value() const { return scaled(normal(), rest); }
    W minus_one() const {
        const double whole = scale * rest;
        return scaled(excess, whole) + exact_sum(whole, -1.0);
    }
};
template <>
inline double Exponential<double>::normal() const {
    return fma(scale, excess, scale);
}
template <>
inline double Exponential<double>::minus_one() const {
    const double whole = scale * rest;
    return fma(whole, excess, whole - 1.0);
}

// (e^r - 1 - r) / r^2 for |r| <= ln(2)/2. Relative error of e^r: 2^-32 for float; 2^-60 for
// double, where the first coefficient, 1/2, is exact and left out.
inline constexpr double exp_rest_float32[] = {0x1.0000000de0397p-1,  0x1.555554f386413p-3,
                                              0x1.5554e555a7548p-5,  0x1.11118576b9978p-7,
                                              0x1.6d45d23d0a4e4p-10, 0x1.a0360a0ac51b8p-13};
inline constexpr double exp_rest_float64[] = {
    0x1.5555555555556p-3,  0x1.5555555555555p-5,  0x1.11111111109b3p-7,  0x1.6c16c16c167e1p-10,
    0x1.a01a01a7c41d5p-13, 0x1.a01a01a47b054p-16, 0x1.71de0dae63bb3p-19, 0x1.27e4e1f48534fp-22,
    0x1.af38a9b0ec855p-26, 0x1.1f66df7fca49fp-29};

/// e^r - 1 for |r| <= ln(2)/2.
template <class R>
inline double expm1_reduced(double r);
template <>
inline double expm1_reduced<float>(double r) {
    return fma(r * r, polynomial(exp_rest_float32, r), r);
}
template <>
inline double expm1_reduced<double>(double r) {
    return fma(r * r, fma(polynomial(exp_rest_float64, r), r, 0.5), r);
}
/// The same with r in two parts and hardly any rounding: only the cubic term and those above it,
/// which are less than 2^-7, are formed in double.
inline Sum<double> expm1_reduced(Sum<double> r) {
    const Sum<double> square = exact_product(r.high, r.high);
    const double above =
        fma(square.high * r.high, polynomial(exp_rest_float64, r.high), r.high * r.low);
    const Sum<double> s = ordered_sum(r.high, 0.5 * square.high);
    return ordered_sum(s.high, s.low + (r.low + fma(0.5, square.low, above)));
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

// ln 2 in two parts; the first has 33 bits, so that n times it is exact.
inline constexpr double per_ln2 = 0x1.71547652b82fep+0;
inline constexpr double ln2_high = 0x1.62e42feep-1;
inline constexpr double ln2_low = 0x1.a39ef35793c76p-33;

/// 2^n in two factors: the whole may be subnormal or less.
template <class W>
inline Exponential<W> times_power_of_2(W excess, double n) {
    const Integer first = round_to_integer(0.5 * n);
    const Integer second = round_to_integer(n - first.value);
    return {power_of_2(first), excess, power_of_2(second)};
}

/// e^x in parts for x <= 709, whatever the size of a negative x; R is the type of the result.
template <class R>
inline Exponential<double> exponential(double x);

/// For a float result and x >= -700.
inline Exponential<double> exponential_near(double x) {
    // One product with ln 2 is enough, and the shift that rounds to an integer adds the exponent's
    // bias on the way. e^-700 is 0 in float32 and far from underflow here.
    constexpr double shift = 0x1.8p52 + 1023.0;
    constexpr double ln2 = 0x1.62e42fefa39efp-1;
    const double shifted = fma(x, per_ln2, shift);
    const double r = fma(-(shifted - shift), ln2, x);
    return {bit_cast<double>(bit_cast<std::uint64_t>(shifted) << 52), expm1_reduced<float>(r), 1.0};
}
template <>
inline Exponential<double> exponential<float>(double x) {
    return exponential_near(at_least(x, -700.0));
}

template <>
inline Exponential<double> exponential<double>(double x) {
    const double clipped = at_least(x, -1400.0);
    const double n = round_to_integer(clipped * per_ln2).value;
    const double r = fma(-n, ln2_low, fma(-n, ln2_high, clipped));
    return times_power_of_2(expm1_reduced<double>(r), n);
}

/// The same in sums of two doubles, for a float64 result that is rounded once.
template <class R>
inline Exponential<Sum<double>> exponential(Sum<double> x) {
    const double clipped = at_least(x.high, -1400.0);
    const double n = round_to_integer(clipped * per_ln2).value;
    const double low = x.high < -1400.0 ? 0.0 : x.low;
    const Sum<double> r = ordered_sum(fma(-n, ln2_high, clipped), fma(-n, ln2_low, low));
    return times_power_of_2(expm1_reduced(r), n);
}

template <class R>
inline double exp(double x) {
    return exponential<R>(x).value();
}

}  // namespace ranvier::RANVIER_ISA
