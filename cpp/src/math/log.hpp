// log(1 + x) for x >= 0 in double precision: the last step of a log-sum-exp.
#pragma once

#include "scalar.hpp"

namespace ranvier::RANVIER_ISA {

/// log(1 + x) for 0 <= x <= inf; NaN gives NaN. At most 1 ulp.
///
/// 1 + x = 2^k m with m in [sqrt(1/2), sqrt 2). With s = (m - 1) / (m + 1),
/// log m = 2 atanh s = 2 s + 2/3 s^3 + 2/5 s^5 + ...; what rounding 1 + x lost is added back to
/// first order. The series is cut where its next term falls under 2^-60 (s <= 0.172).
inline double log1p(double x) {
    const double u = 1.0 + x;
    const double lost = x < 1.0 ? x - (u - 1.0) : 1.0 - (u - x);
    const std::uint64_t bits = bit_cast<std::uint64_t>(u);
    const std::uint64_t biased = bits - 0x3fe6a09e667f3bcdu;  // sqrt(1/2)
    const std::int64_t exponent = static_cast<std::int64_t>(biased) >> 52;
    const double k = static_cast<double>(exponent);
    const double m = bit_cast<double>(bits - (static_cast<std::uint64_t>(exponent) << 52));
    const double f = m - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    constexpr double c[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                            2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
    // log m = f - (f^2/2 - s (f^2/2 + z c(z))): f itself is exact, the rest is small against it.
    const double half = 0.5 * f * f;
    const double series = s * (half + z * polynomial(c, z));
    constexpr double ln2_high = 0x1.62e42feep-1;
    constexpr double ln2_low = 0x1.a39ef35793c76p-33;
    const double tail = fma(k, ln2_low, lost / u);
    const double result = fma(k, ln2_high, f - (half - (series + tail)));
    return u < infinity ? result : u;
}

}  // namespace ranvier::RANVIER_ISA
