// The lower tail of the standard normal distribution, to a small relative error down to where it
// underflows: what GELU and its derivative need. tools/fit.py derives the coefficients.
#pragma once

#include "exp.hpp"

namespace ranvier::RANVIER_ISA {

/// Where |x| is cut: beyond it both tails are 0 in the result type. For float32 they are so even
/// when multiplied by two of the largest numbers, as in the gradient of a gate.
template <class R>
inline constexpr R normal_edge = R(24);
template <>
inline constexpr double normal_edge<double> = 38.7;

/// exp(-t^2/2), 0 <= t <= normal_edge.
inline Exponential<double> bell(float t) {
    return exponential_near(-0.5 * product(t, t));
}
inline Exponential<Sum<double>> bell(double t) {
    return exponential<double>(scaled(exact_product(t, t), -0.5));
}

/// t >= 0 folded into -1 <= u < 1, in which what decays like 1 / t bends little.
template <class W>
struct Folded {
    W u, inverse;  // (t - 4) / (t + 4) and 1 / (t + 4)
};
template <class W>
inline Folded<W> folded(W t) {
    const W inverse = 1.0 / (4.0 + t);
    return {(t - 4.0) * inverse, inverse};
}

/// c[0] + c_low + c[1] u + c[2] u^2 + ..., of which c[0] is the greatest part.
template <std::size_t N>
inline Sum<double> folded_polynomial(const double (&c)[N], double c_low, Sum<double> u) {
    const Sum<double> above = exact_sum(c[1], u.high * horner<double, N, 2>(c, u.high));
    return Sum<double>{c[0], c_low} + above * u;
}

// exp(t^2/2) Phi(-t): for float a quotient of polynomials in t, relative error 2^-32; for double
// (t + 4) times it as a polynomial in u, 2^-60.
inline constexpr double mills_numerator[] = {0x1.fffffffe17acap-2, 0x1.0b1304c4703d3p-1,
                                             0x1.0da06560bbef2p-2, 0x1.3a75f8919c983p-4,
                                             0x1.a685e69078d0ep-7, 0x1.0c1fde529b6b6p-10};
inline constexpr double mills_denominator[] = {
    0x1.0000000000000p+0, 0x1.d7552e0cb70fep+0, 0x1.7ee1e8dca6837p+0, 0x1.627228a53429dp-1,
    0x1.8f5fd9986495ep-3, 0x1.08c6c623171d1p-5, 0x1.500b5877b5184p-9};
inline constexpr double mills_float64[] = {
    0x1.82b4bb8c94dcep-1,  -0x1.373e3a893c28ap-1,  0x1.8c6dbf2cfc2afp-2,   -0x1.7dff2bff68366p-3,
    0x1.eec4cc3e4db51p-5,  -0x1.ee2761048bed2p-8,  -0x1.c81719d60d309p-9,  0x1.ab825fc3c8d35p-10,
    0x1.17a4aebdf1ea9p-13, -0x1.e4a42614fa559p-13, -0x1.001f415e6d852p-19, 0x1.26d0a451a7488p-15,
    0x1.80c1d8ceb8727p-21, -0x1.8d4be342cc9a8p-18, -0x1.521108d79c728p-21, 0x1.123954cdf0348p-20,
    0x1.23dab4476637bp-22, -0x1.4ccf0fe1291f1p-23, -0x1.6edf04f108b95p-24, 0x1.c88927b912886p-27,
    0x1.51374a852cd4dp-26, 0x1.07a30c0264841p-29,  -0x1.5b0ed3b87c326p-29, -0x1.8fca40475d7d5p-31};
inline constexpr double mills_float64_low = -0x1.9b4efe9e6ab42p-56;

/// factor exp(t^2/2) Phi(-t).
inline double mills_ratio(double factor, double t) {
    return factor * polynomial(mills_numerator, t) / polynomial(mills_denominator, t);
}
inline Sum<double> mills_ratio(Sum<double> factor, Sum<double> t_) {
    const Folded<Sum<double>> t = folded(t_);
    return folded_polynomial(mills_float64, mills_float64_low, t.u) * t.inverse * factor;
}

// exp(t^2/2) (Phi(-t) - t phi(t)) / (t0 - t): smooth and positive, as t0 is the one zero of GELU's
// derivative, at -t0. For float a quotient of polynomials in t, relative error 2^-32; for double
// a polynomial in u, 2^-60.
inline constexpr double gelu_slope_numerator[] = {0x1.54851a5e1b843p-1, 0x1.c1c2994808249p-1,
                                                  0x1.0f42c8cc5ab21p-1, 0x1.6af7c0dd88af4p-3,
                                                  0x1.0da101dc207cfp-5, 0x1.69ea5ad6a9051p-9};
inline constexpr double gelu_slope_denominator[] = {0x1.0000000000000p+0, 0x1.961f7236d2143p+0,
                                                    0x1.123feb99a75b3p+0, 0x1.8e7d66b9de6ebp-2,
                                                    0x1.3c9dcca7aeb59p-4, 0x1.c598049a8b0f8p-8};
inline constexpr double gelu_slope_float64[] = {
    0x1.d94de78425463p-2,   -0x1.a763001ac67ddp-4,  0x1.ef4ff801379a1p-5,   -0x1.cc1e2623d9214p-6,
    0x1.37754d816b773p-7,   -0x1.d4c8222aa6ee0p-10, -0x1.443f63e04c78bp-13, 0x1.85999c2fe79fcp-13,
    -0x1.253812b2b92f7p-16, -0x1.2e93810665702p-16, 0x1.dafc09b9d25f9p-19,  0x1.2987889abce59p-19,
    -0x1.083e9ab5905fbp-21, -0x1.7734baf5437a2p-22, 0x1.c2613c1a45577p-25,  0x1.10237e9b8c982p-24,
    -0x1.a49d03daf5bb2p-31, -0x1.88cab977cdb16p-27, -0x1.e5c0e8fb2a747p-30, 0x1.d65469f480687p-30,
    0x1.33d7ce394f425p-31,  -0x1.473b2a7e5264bp-33, -0x1.3e96fd3b82e28p-34};
inline constexpr double gelu_slope_float64_low = -0x1.bca21ebd8b5ddp-58;

/// factor exp(t^2/2) (Phi(-t) - t phi(t)) / (t0 - t).
inline double gelu_slope_ratio(double factor, double t) {
    return factor * polynomial(gelu_slope_numerator, t) / polynomial(gelu_slope_denominator, t);
}
inline Sum<double> gelu_slope_ratio(Sum<double> factor, Sum<double> t) {
    return folded_polynomial(gelu_slope_float64, gelu_slope_float64_low, folded(t).u) * factor;
}

}  // namespace ranvier::RANVIER_ISA
