// The arithmetics a reference can be evaluated in, and the functions that they have in common:
// Vector for float32, long double for float64, and Quad next to the zero of a derivative.
#pragma once

#include <cfloat>
#include <cmath>
#include <type_traits>

#ifdef RANVIER_QUADMATH
#include <quadmath.h>
#endif

#include "vector.hpp"

namespace accuracy {

#ifdef RANVIER_QUADMATH
using Quad = __float128;
inline constexpr bool has_quad = true;
#else
using Quad = long double;
inline constexpr bool has_quad = LDBL_MANT_DIG >= 106;
#endif

template <class Real>
Real select(bool condition, Real yes, Real no) {
    return condition ? yes : no;
}

namespace math {

using std::cosh;
using std::erfc;
using std::exp;
using std::expm1;
using std::log1p;
using std::sqrt;
using std::tanh;
inline double absolute(double x) {
    return std::fabs(x);
}
inline long double absolute(long double x) {
    return std::fabs(x);
}

#ifdef RANVIER_QUADMATH
inline Quad absolute(Quad x) {
    return fabsq(x);
}
inline Quad cosh(Quad x) {
    return coshq(x);
}
inline Quad erfc(Quad x) {
    return erfcq(x);
}
inline Quad exp(Quad x) {
    return expq(x);
}
inline Quad expm1(Quad x) {
    return expm1q(x);
}
inline Quad log1p(Quad x) {
    return log1pq(x);
}
inline Quad sqrt(Quad x) {
    return sqrtq(x);
}
inline Quad tanh(Quad x) {
    return tanhq(x);
}
#endif

/// Arithmetic in which a product of two arguments is exact enough for an exponent: an error of half
/// an ulp of long double in 745 is a third of an ulp of double in e^745.
template <class Real>
struct Wider {
    using type = Real;
};
#if LDBL_MANT_DIG == 64 && defined(__SIZEOF_FLOAT128__)
template <>
struct Wider<long double> {
    using type = __float128;
};
#endif
template <class Real>
using Wide = typename Wider<Real>::type;

/// A constant of more digits than a literal holds.
template <class Real>
Real constant(long double high, long double low) {
    return Real(high) + Real(low);
}

/// An argument high + low, where low is below the last place of high.
template <class Real>
struct Argument {
    Real high, low;
    Argument operator-() const { return {-high, -low}; }
};

template <class Real>
Argument<Real> argument(Wide<Real> x) {
    if constexpr (std::is_same_v<Real, Wide<Real>>) {
        return {x, Real(0)};
    } else {
        const Real high = static_cast<Real>(x);
        const bool finite = high - high == 0;
        return {high, finite ? static_cast<Real>(x - high) : Real(0)};
    }
}
template <class Real>
Argument<Real> product(Real a, Real b) {
    return argument<Real>(Wide<Real>(a) * Wide<Real>(b));
}
template <class Real>
Argument<Real> quotient(Real a, Real b) {
    return argument<Real>(Wide<Real>(a) / Wide<Real>(b));
}
/// -|x|
template <class Real>
Argument<Real> minus_absolute(Argument<Real> x) {
    return {select(x.high > 0, -x.high, x.high), select(x.high > 0, -x.low, x.low)};
}

template <class Real>
Real exp(Argument<Real> x) {
    return exp(x.high) * (1 + x.low);
}
/// The derivative of erfc, in its tail 2 x^2 / x times as large as erfc, carries the low part.
template <class Real>
Real erfc(Argument<Real> x) {
    if constexpr (std::is_same_v<Real, Wide<Real>>) {
        return erfc(x.high);
    } else {
        const Real two_over_root_pi = 1.128379167095512573896158903121545L;
        return erfc(x.high) - two_over_root_pi * exp(-x.high * x.high) * x.low;
    }
}

}  // namespace math
}  // namespace accuracy
