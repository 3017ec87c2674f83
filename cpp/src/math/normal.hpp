// The lower tail of the standard normal distribution, to a small relative error down to where it
// underflows: what GELU and its derivative need. tools/fit_gelu.py derives the coefficients.
#pragma once

#include "exp.hpp"

namespace ranvier::RANVIER_ISA {

/// Where |x| is cut: beyond it exp(-x^2/2) is 0 in the result type, and so are both tails.
template <class R>
inline constexpr R normal_edge = R(15);
template <>
inline constexpr double normal_edge<double> = 38.7;

/// exp(-t^2/2), 0 <= t <= normal_edge, as value * rest: `rest` is a power of 2, to be applied last.
struct Bell {
    double value, rest;
};

template <class R>
inline Bell bell(double t);

template <>
inline Bell bell<float>(double t) {
    return {exp<float>(-0.5 * t * t), 1.0};  // t has 24 bits, so t^2 is exact
}

template <>
inline Bell bell<double>(double t) {
    const double square = t * t;
    const double lost = exact_fma(t, t, -square);
    const Exponential e = exponential<double>(-0.5 * square);
    return {fma(e.normal(), -0.5 * lost, e.normal()), e.rest};
}

/// exp(t^2/2) Phi(-t). Relative error 2^-27.2 for float, 2^-60 for double.
template <class R>
inline double mills_ratio(double t);

template <>
inline double mills_ratio<float>(double t) {
    constexpr double numerator[] = {0x1.0000001a81523p-1, 0x1.c19e64732e383p-2,
                                    0x1.7875c8c874d72p-3, 0x1.4e7b065ada912p-5,
                                    0x1.0fafe00bdff17p-8};
    constexpr double denominator[] = {0x1p+0,
                                      0x1.ad11633760337p+0,
                                      0x1.3475ddb296581p+0,
                                      0x1.e2509cac01764p-2,
                                      0x1.a33c0b4b8a115p-4,
                                      0x1.548165eef6324p-7};
    return polynomial(numerator, t) / polynomial(denominator, t);
}

template <>
inline double mills_ratio<double>(double t) {
    constexpr double numerator[] = {0x1p-1,
                                    0x1.a7b945481414fp-1,
                                    0x1.5bb08729ce01fp-1,
                                    0x1.6d815f807c3cbp-2,
                                    0x1.0e0627b985714p-3,
                                    0x1.23a39eb9c5008p-5,
                                    0x1.d1bb6ed1a2474p-8,
                                    0x1.0fcea390ad745p-10,
                                    0x1.bd8cd71470fa6p-14,
                                    0x1.d25e7859c4fap-18,
                                    0x1.df473108a13d4p-23};
    constexpr double denominator[] = {0x1p+0,
                                      0x1.39fdb7735ae3cp+1,
                                      0x1.685f983a52771p+1,
                                      0x1.ffeba7411c17p+0,
                                      0x1.f535d81fec078p-1,
                                      0x1.64205171cad0ep-2,
                                      0x1.7804b44501827p-4,
                                      0x1.2832d96cf06fcp-6,
                                      0x1.56f1697743e88p-9,
                                      0x1.17cb3407a751ep-12,
                                      0x1.2440e1ccc9a68p-16,
                                      0x1.2c57cf1f0cea7p-21};
    return polynomial(numerator, t) / polynomial(denominator, t);
}

/// exp(t^2/2) (Phi(-t) - t phi(t)) / (t0 - t), smooth and positive: t0 is the one zero of GELU's
/// derivative, at -t0. Relative error 2^-33 for float, 2^-60 for double.
template <class R>
inline double gelu_slope_ratio(double t);

template <>
inline double gelu_slope_ratio<float>(double t) {
    constexpr double numerator[] = {0x1.54851a5d5b0e5p-1, 0x1.b9e5594c186d6p-1,
                                    0x1.0626de8b0c85dp-1, 0x1.584b40a346602p-3,
                                    0x1.f46221e172028p-6, 0x1.469bff4cde983p-9};
    constexpr double denominator[] = {0x1p+0,
                                      0x1.9035e6b772396p+0,
                                      0x1.09d4cc0dedcbcp+0,
                                      0x1.7af9b34ead3dbp-2,
                                      0x1.265587f664c0ap-4,
                                      0x1.995826c274e8cp-8};
    return polynomial(numerator, t) / polynomial(denominator, t);
}

template <>
inline double gelu_slope_ratio<double>(double t) {
    constexpr double numerator[] = {
        0x1.54851a5cc1ec8p-1,  0x1.546d3ed80152dp+0,  0x1.47932a7ada00cp+0, 0x1.8a7df086a0591p-1,
        0x1.4778657f348a4p-2,  0x1.86ed5d9224e72p-4,  0x1.5413017cc5afp-6,  0x1.aad1e6a139059p-9,
        0x1.7374e5f4c0749p-12, 0x1.978c104cee503p-16, 0x1.b072ff98ef6e3p-21};
    constexpr double denominator[] = {0x1p+0,
                                      0x1.21edacdb986cep+1,
                                      0x1.308005afe1cf8p+1,
                                      0x1.876849aadc773p+0,
                                      0x1.55d60ce1da512p-1,
                                      0x1.a93278f10d308p-3,
                                      0x1.7ed9466e57b17p-5,
                                      0x1.ef14aab605e26p-8,
                                      0x1.ba9c3704e0745p-11,
                                      0x1.f20d1d37b9f8ep-15,
                                      0x1.0eff52b79fc1bp-19};
    return polynomial(numerator, t) / polynomial(denominator, t);
}

/// t0 - t without cancellation: t0 in two parts.
inline double gelu_zero_minus(double t) {
    constexpr double high = 0x1.80ead197f00b4p-1;
    constexpr double low = -0x1.13e74c58cada8p-56;
    return (high - t) + low;
}

}  // namespace ranvier::RANVIER_ISA
