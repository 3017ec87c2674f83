// log(1 + x): for x >= 0 in double precision, the last step of a log-sum-exp; for e^x <= 1 in the
// working precision of an activation. tools/fit.py derives the coefficients.
#pragma once

#include "exp.hpp"

namespace ranvier::RANVIER_ISA {

/// 2 atanh(s) = 2 s + s^3 (these terms in s^2), for |s| <= 0.172.
inline constexpr double log_series[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                                        2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};

/// 2^exponent significand, a positive normal number, with the significand in [sqrt(1/2), sqrt 2).
struct Binary {
    double exponent, significand;
};
inline Binary binary_parts(std::uint64_t bits) {
    constexpr std::uint64_t root_of_half = 0x3fe6a09e667f3bcdu, one = std::uint64_t{1} << 52;
    const std::uint64_t biased = bits - root_of_half + 1024 * one;
    // An integer below 2^52 is a double by its bits: no instruction set lacks that on vectors.
    const double exponent = bit_cast<double>((biased >> 52) + 0x4330000000000000u);
    const std::uint64_t power = (biased & ~(one - 1)) - 1024 * one;
    return {exponent - (0x1p52 + 1024.0), bit_cast<double>(bits - power)};
}

/// log(1 + x) for -1 < x <= inf; NaN gives NaN. At most 1 ulp for x >= 0.
///
/// 1 + x = 2^k m with m in [sqrt(1/2), sqrt 2). With s = (m - 1) / (m + 1),
/// log m = 2 atanh s = 2 s + 2/3 s^3 + 2/5 s^5 + ...; what rounding 1 + x lost is added back to
/// first order. The series is cut where its next term falls under 2^-60 (s <= 0.172).
inline double log1p(double x) {
    const double u = 1.0 + x;
    const double lost = x < 1.0 ? x - (u - 1.0) : 1.0 - (u - x);
    const std::uint64_t bits = bit_cast<std::uint64_t>(u);
    const Binary parts = binary_parts(bits);
    const double k = parts.exponent, m = parts.significand;
    const double f = m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    // log m = f - (f^2/2 - s (f^2/2 + z c(z))): f itself is exact, the rest is small against it.
    const double half = 0.5 * f * f;
    const double series = s * (half + z * polynomial(log_series, z));
    const double tail = fma(k, ln2_low, lost / u);
    const double result = fma(k, ln2_high, f - (half - (series + tail)));
    return u < infinity ? result : u;
}

// atanh(s) / s as a polynomial in s^2 <= 1/9. Relative error 2^-33 for float, 2^-59 for double.
inline constexpr double atanh_ratio_float32[] = {0x1.ffffffff2e000p-1, 0x1.5555597b077dap-2,
                                                 0x1.999638bb7f313p-3, 0x1.25122810f580ap-3,
                                                 0x1.b63e15bc9ce88p-4, 0x1.f396553366952p-4};
inline constexpr double atanh_ratio_float64[] = {
    0x1.0000000000000p+0, 0x1.5555555555557p-2, 0x1.9999999999495p-3, 0x1.24924924c6d06p-3,
    0x1.c71c71a3ae0a8p-4, 0x1.745d1e4e8048ep-4, 0x1.3b12cf4f56673p-4, 0x1.1123a50c5a1ecp-4,
    0x1.dfdb8efa1c534p-5, 0x1.c19a2aecea0b3p-5, 0x1.1deab3109560fp-5, 0x1.51ae1ac364a94p-4};

/// log(1 + e^x) for e^x <= 1, without e.rest, by which it is to be multiplied last: where that is
/// not 1, e^x is so small that log(1 + e^x) = e^x.
///
/// log(1 + e) = 2 atanh(s) with s = e / (2 + e): no cancellation however small e is.
inline double log_one_plus(Exponential<double> e) {
    const double twice_s = e.normal() / (1.0 + 0.5 * e.value());
    const double s = 0.5 * e.rest * twice_s;
    return twice_s * polynomial(atanh_ratio_float32, s * s);
}
inline Sum<double> log_one_plus(Exponential<Sum<double>> e) {
    const Sum<double> twice_s = e.normal() / (1.0 + scaled(e.value(), 0.5));
    const double s = 0.5 * e.rest * twice_s.high;
    const double z = s * s;
    // The ratio is 1 + z r(z), and z r(z) less than 0.04.
    const double above = z * polynomial<double, 12, 1>(atanh_ratio_float64, z);
    return twice_s + twice_s.high * above;
}

}  // namespace ranvier::RANVIER_ISA
