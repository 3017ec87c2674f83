// The hyperbolic tangent, and what is left of x without it.
#pragma once

#include "exp.hpp"

namespace ranvier::RANVIER_ISA {

/// tanh x = -h / (1 + h) with h = expm1(-2|x|) / 2 for x > 0, and odd.
template <class R>
inline Working<R> hyperbolic_tangent(R x) {
    const auto half = scaled(exponential<R>(working<R>(R(-2) * abs(x))).minus_one(), 0.5);
    return scaled(half / (1.0 + half), x < R(0) ? 1.0 : -1.0);
}

// (x - tanh x) / x^3 as a polynomial in x^2 <= 1, of which the first coefficient is the greatest
// part. Relative error 2^-31 for float, 2^-59 for double. tools/fit.py derives both.
inline constexpr double tanhshrink_float32[] = {
    0x1.55555552c2397p-2,  -0x1.11110dcccb7a9p-3,  0x1.ba1a40daac299p-5,
    -0x1.663249914dd83p-6, 0x1.2137f4495df3ap-7,   -0x1.c7eb486e672fdp-9,
    0x1.459fc74aa9ea7p-10, -0x1.6217eb100c968p-12, 0x1.96925494e5eadp-15};
inline constexpr double tanhshrink_float64[] = {
    0x1.5555555555555p-2,  -0x1.1111111111109p-3,  0x1.ba1ba1ba1ad79p-5,  -0x1.664f488284a62p-6,
    0x1.226e3554e44b7p-7,  -0x1.d6d3cf0c9f4f0p-9,  0x1.7da3468275600p-10, -0x1.3556d1497c973p-11,
    0x1.f567a08729e42p-13, -0x1.95f8917d9e05ap-14, 0x1.4716206d34c37p-15, -0x1.02a4681561bf1p-16,
    0x1.83b86bf37b691p-18, -0x1.01ed0537aafe1p-19, 0x1.1306c68e489eap-21, -0x1.922fdbe58a872p-24,
    0x1.255e7760dc76dp-27};
inline constexpr double tanhshrink_float64_low = 0x1.5555555555555p-56;

/// x - tanh x for |x| <= 1.
template <class R>
inline Working<R> tanhshrink_near_zero(R x);
template <>
inline double tanhshrink_near_zero<float>(float x) {
    const double square = product(x, x);
    return square * x * polynomial(tanhshrink_float32, square);
}
template <>
inline Sum<double> tanhshrink_near_zero<double>(double x) {
    const Sum<double> square = exact_product(x, x);
    const Sum<double> above =
        exact_sum(tanhshrink_float64[1],
                  square.high * polynomial<double, 17, 2>(tanhshrink_float64, square.high));
    const Sum<double> ratio =
        Sum<double>{tanhshrink_float64[0], tanhshrink_float64_low} + above * square;
    return square * x * ratio;
}

}  // namespace ranvier::RANVIER_ISA
