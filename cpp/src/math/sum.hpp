// Numbers as unevaluated sums of two, about twice as precise as one, and the precision in which the
// formula for a result type is evaluated.
#pragma once

#include "scalar.hpp"

namespace ranvier::RANVIER_ISA {

/// high + low, where `low` is what `high` has lost to rounding. Nothing is normalised on the way:
/// `low` stays small beside `high` except where an addition cancels. Where `high` overflows, `low`
/// means nothing.
template <class T>
struct Sum {
    T high, low;
};

/// a + b, exactly (Knuth, 1969).
template <class T>
inline Sum<T> exact_sum(T a, T b) {
    const T high = a + b;
    const T part = high - a;
    return {high, (a - (high - part)) + (b - part)};
}

/// a + b, exactly, for |a| >= |b| or a = 0 (Dekker, 1971).
template <class T>
inline Sum<T> ordered_sum(T a, T b) {
    const T high = a + b;
    return {high, b - (high - a)};
}

/// a + b for |a| >= |b|, up to what b.low loses.
template <class T>
inline Sum<T> ordered_sum(T a, Sum<T> b) {
    const Sum<T> s = ordered_sum(a, b.high);
    return {s.high, s.low + b.low};
}

/// a * b, exactly.
template <class T>
inline Sum<T> exact_product(T a, T b) {
    const T high = a * b;
    return {high, exact_fma(a, b, -high)};
}

template <class T>
inline Sum<T> operator-(Sum<T> a) {
    return {-a.high, -a.low};
}
template <class T>
inline Sum<T> operator+(Sum<T> a, T b) {
    const Sum<T> s = exact_sum(a.high, b);
    return {s.high, s.low + a.low};
}
template <class T>
inline Sum<T> operator+(T a, Sum<T> b) {
    return b + a;
}
template <class T>
inline Sum<T> operator+(Sum<T> a, Sum<T> b) {
    const Sum<T> s = exact_sum(a.high, b.high);
    return {s.high, s.low + (a.low + b.low)};
}
template <class T>
inline Sum<T> operator-(Sum<T> a, Sum<T> b) {
    return a + -b;
}
template <class T>
inline Sum<T> operator-(Sum<T> a, T b) {
    return a + -b;
}
template <class T>
inline Sum<T> operator-(T a, Sum<T> b) {
    return -b + a;
}
template <class T>
inline Sum<T> operator*(Sum<T> a, T b) {
    const Sum<T> p = exact_product(a.high, b);
    return {p.high, fma(a.low, b, p.low)};
}
template <class T>
inline Sum<T> operator*(T a, Sum<T> b) {
    return b * a;
}
template <class T>
inline Sum<T> operator*(Sum<T> a, Sum<T> b) {
    const Sum<T> p = exact_product(a.high, b.high);
    return {p.high, fma(a.high, b.low, fma(a.low, b.high, p.low))};
}
/// One division; what its quotient has lost is worked out.
template <class T>
inline Sum<T> operator/(Sum<T> a, Sum<T> b) {
    const T inverse = T(1) / b.high;
    const T quotient = a.high * inverse;
    const T lost = fma(-quotient, b.low, exact_fma(-quotient, b.high, a.high)) + a.low;
    return {quotient, lost * inverse};
}
template <class T>
inline Sum<T> operator/(T a, Sum<T> b) {
    return Sum<T>{a, T(0)} / b;
}
template <class T>
inline Sum<T> operator/(Sum<T> a, T b) {
    return a / Sum<T>{b, T(0)};
}

template <class T>
inline Sum<T> sqrt(Sum<T> a) {
    const T root = sqrt(a.high);
    const T lost = exact_fma(-root, root, a.high) + a.low;
    return {root, root > T(0) ? lost * (T(0.5) / root) : T(0)};
}

/// Times a power of 2.
template <class T>
inline Sum<T> scaled(Sum<T> a, T power) {
    return {a.high * power, a.low * power};
}
inline double scaled(double a, double power) {
    return a * power;
}

template <class T>
inline T select(bool condition, T yes, T no) {
    return condition ? yes : no;
}
template <class T>
inline Sum<T> select(bool condition, Sum<T> yes, Sum<T> no) {
    return {condition ? yes.high : no.high, condition ? yes.low : no.low};
}

template <class T>
inline Sum<T> abs(Sum<T> a) {
    return select(a.high < T(0), -a, a);
}
template <class T>
inline Sum<T> at_most(Sum<T> a, T most) {
    return select(a.high > most, Sum<T>{most, T(0)}, a);
}

/// (a + a_low) / d with one rounding that counts.
template <class T>
inline T divide(T a, T a_low, Sum<T> d) {
    const T inverse = T(1) / d.high;
    const T quotient = a * inverse;
    const T lost = fma(-quotient, d.low, exact_fma(-quotient, d.high, a)) + a_low;
    return fma(lost, inverse, quotient);
}

// The formula for a float32 result is evaluated in double, that for a float64 result in sums of two
// doubles: each is rounded once, at the end.
template <class R>
struct WorkingPrecision {
    using type = double;
};
template <>
struct WorkingPrecision<double> {
    using type = Sum<double>;
};
template <class R>
using Working = typename WorkingPrecision<R>::type;

/// A number or a constant given in two parts, in the precision of a formula for R.
template <class R>
inline Working<R> working(double high, double low = 0.0);
template <>
inline double working<float>(double high, double) {
    return high;
}
template <>
inline Sum<double> working<double>(double high, double low) {
    return {high, low};
}

/// A constant given in two parts as a sum of two R.
template <class R>
constexpr Sum<R> in_two(double high, double low) {
    const R leading = static_cast<R>(high);
    return {leading, static_cast<R>((high - static_cast<double>(leading)) + low)};
}
/// A sum of two R in the precision of a formula for R.
inline double whole(Sum<float> a) {
    return static_cast<double>(a.high) + static_cast<double>(a.low);
}
inline Sum<double> whole(Sum<double> a) {
    return a;
}

/// high + low - x for a constant in two parts, in the precision of x.
inline double constant_minus(double high, double low, double x) {
    return (high - x) + low;
}
inline Sum<double> constant_minus(double high, double low, Sum<double> x) {
    return Sum<double>{high, low} - x;
}

inline double leading(double a) {
    return a;
}
inline double leading(Sum<double> a) {
    return a.high;
}

/// a * b of two arguments of a formula, or of a gradient and a derivative.
inline double product(float a, float b) {
    return static_cast<double>(a) * static_cast<double>(b);
}
inline double product(float a, Sum<float> b) {
    return static_cast<double>(a) * whole(b);
}
inline double product(float a, double b) {
    return static_cast<double>(a) * b;
}
inline Sum<double> product(double a, double b) {
    return exact_product(a, b);
}

/// a / b, where b may be subnormal.
inline double quotient(float a, float b) {
    return static_cast<double>(a) / static_cast<double>(b);
}
inline double quotient(double a, float b) {
    return a / static_cast<double>(b);
}
inline Sum<double> quotient(Sum<double> a, double b) {
    const double high = a.high / b;
    return {high, (exact_fma(-high, b, a.high) + a.low) / b};
}
inline Sum<double> quotient(double a, double b) {
    return quotient(Sum<double>{a, 0.0}, b);
}

/// A formula's result, rounded.
template <class T>
inline T rounded(T a) {
    return a;
}
template <class T>
inline T rounded(Sum<T> a) {
    const T sum = a.high + a.low;
    return sum == sum ? sum : a.high;
}
template <class T>
inline T rounded(double a)
    requires(sizeof(T) < sizeof(double))
{
    return static_cast<T>(a);
}

/// As `rounded`, of numbers that are known to be finite.
inline float total(float a) {
    return a;
}
template <class T>
inline T total(Sum<T> a) {
    return a.high + a.low;
}

/// Rounded to the float on either side whose last bit is 1, unless it is a float already: a second
/// rounding, to two bits less or fewer, then gives what one rounding would give (Boldo and
/// Melquiond, 2008).
inline float rounded_to_odd(float a) {
    return a;
}
inline float rounded_to_odd(double a);
inline float rounded_to_odd(Sum<float> a) {
    return rounded_to_odd(whole(a));
}
inline float rounded_to_odd(double a) {
    constexpr std::uint64_t below = (std::uint64_t{1} << 29) - 1;
    const std::uint64_t bits = bit_cast<std::uint64_t>(a);
    // The sum carries where a bit is lost; a comparison of 64 bits is no vector instruction of
    // SSE2.
    const std::uint64_t lost = ((bits & below) + below) & (below + 1);
    return static_cast<float>(bit_cast<double>((bits & ~below) | lost));
}

/// g times a formula's result, rounded once.
template <class T>
inline T rounded_product(T g, T a) {
    return g * a;
}
inline double rounded_product(double g, Sum<double> a) {
    const double whole = g * a.high;
    const double precise = fma(g, a.high, g * a.low);
    return precise == precise ? precise : whole;
}
inline float rounded_product(float g, Sum<float> a) {
    const float whole = g * a.high;
    const float precise = fma(g, a.high, g * a.low);
    return precise == precise ? precise : whole;
}
inline float rounded_product(float g, double a) {
    return static_cast<float>(static_cast<double>(g) * a);
}

}  // namespace ranvier::RANVIER_ISA
