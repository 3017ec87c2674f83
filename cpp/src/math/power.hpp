// log x and x^q of positive x, in double precision.
#pragma once

#include "log.hpp"

namespace ranvier::RANVIER_ISA {

/// log x = k ln 2 + log m, m in [sqrt(1/2), sqrt 2), as a sum of two numbers: f = m - 1 is exact,
/// and what it is far from log m by is small. For x > 0, normal or not.
inline Sum<double> log_in_two(double x) {
    const bool tiny = x < 0x1p-1022;
    const double normal = tiny ? x * 0x1p54 : x;
    const Binary parts = binary_parts(bit_cast<std::uint64_t>(normal));
    const double k = parts.exponent - (tiny ? 54.0 : 0.0);
    const double f = parts.significand - 1.0;
    const double s = f / (2.0 + f);
    const double half = 0.5 * f * f;
    const double z = s * s;
    const double series = s * (half + z * polynomial(log_series, z));
    const Sum<double> high = ordered_sum(k * ln2_high, f);
    // f^2 / 2 is as large as the rest of the sum: what rounding it loses counts.
    const double half_lost = 0.5 * exact_fma(f, f, -(f * f));
    const Sum<double> sum = exact_sum(high.high, -half);
    return ordered_sum(sum.high, sum.low + (high.low + (series + fma(k, ln2_low, -half_lost))));
}

/// log x; -inf at 0, NaN below it.
inline double log(double x) {
    const Sum<double> parts = log_in_two(x);
    const double inside = parts.high + parts.low;
    const double edge = x == 0.0 ? -infinity : x == infinity ? x : not_a_number;
    return ((x > 0.0) & (x < infinity)) ? inside : edge;
}

/// x^q for x >= 0 and a finite q; 0^q is 0 for q > 0.
template <class T>
inline double power_of(double x, double q) {
    const Sum<double> logarithm = log_in_two(x);
    const double high = q * logarithm.high;
    const double low = fma(q, logarithm.low, exact_fma(q, logarithm.high, -high));
    const double e = exponential<T>(at_most(high, 709.0)).value();
    const double inside = high > 709.5 ? infinity : high < -746.0 ? 0.0 : fma(e, low, e);
    const double edge = x == 0.0 ? (q > 0.0    ? 0.0
                                    : q == 0.0 ? 1.0
                                               : infinity)
                                 : (q > 0.0    ? x
                                    : q == 0.0 ? 1.0
                                               : 0.0);
    return ((x > 0.0) & (x < infinity)) ? inside : x == x ? edge : x;
}

}  // namespace ranvier::RANVIER_ISA
