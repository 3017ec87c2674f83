// The formula of every activation and, under it, its derivative.
//
// R is the type of the result, float or double. A function that takes double computes a float
// result in double and is rounded once, by its caller; one that takes R is exact or rounds once by
// itself. Each is branch-free: a select, never a jump, so that the loop around it vectorises.
// The derivative at a kink is torch's, and NaN gives NaN in both.
#pragma once

#include "../math/exp.hpp"
#include "../math/normal.hpp"

namespace ranvier::RANVIER_ISA::activations {

/// f = max(0, x). From the output: y > 0 exactly where x > 0.
struct relu {
    template <class R>
    static R value(R x) {
        return x < R(0) ? R(0) : x;
    }
    template <class R>
    static R derivative(R x) {
        return x > R(0) ? R(1) : (x <= R(0) ? R(0) : x);
    }
    template <class R>
    static R derivative_from_output(R y) {
        return derivative<R>(y);
    }
};

/// f = x for x > 0, slope x otherwise. y tells the sign of x as long as the slope is not negative.
struct leaky_relu {
    template <class R>
    static R value(R x, R slope) {
        return x > R(0) ? x : slope * x;
    }
    template <class R>
    static R derivative(R x, R slope) {
        return x > R(0) ? R(1) : (x <= R(0) ? slope : x);
    }
    template <class R>
    static R derivative_from_output(R y, R slope) {
        return derivative<R>(y, slope);
    }
};

/// f = 1 / (1 + e^-x). With e = e^-|x| <= 1 nothing overflows, and the lower tail e / (1 + e) keeps
/// its relative accuracy where 1 - 1 / (1 + e) would lose it. f' = e / (1 + e)^2 = y (1 - y).
struct sigmoid {
    template <class R>
    static double value(double x) {
        const double e = exp<R>(-abs(x));
        return (x < 0.0 ? e : 1.0) / (1.0 + e);
    }
    template <class R>
    static double derivative(double x) {
        const double e = exp<R>(-abs(x));
        return e / ((1.0 + e) * (1.0 + e));
    }
    template <class R>
    static double derivative_from_output(double y) {
        return fma(-y, y, y);
    }
};

/// f = (1 - e) / (1 + e) for x > 0 with e = e^-2|x|, and odd. 1 - e cancels near 0, so it is
/// -expm1(-2|x|). f' = 4 e / (1 + e)^2 = 1 - y^2.
struct tanh {
    template <class R>
    static double value(double x) {
        const double m = decay<R>(x).minus_one();
        return copysign(m / (2.0 + m), x);
    }
    template <class R>
    static double derivative(double x) {
        const double e = decay<R>(x).value();
        return 4.0 * e / ((1.0 + e) * (1.0 + e));
    }
    template <class R>
    static double derivative_from_output(double y) {
        return fma(-y, y, 1.0);
    }

private:
    template <class R>
    static Exponential decay(double x) {
        return exponential<R>(-2.0 * abs(x));
    }
};

/// f = x sigmoid(x). x is cut where f underflows, so that f(-inf) = 0 and not inf * 0.
/// f'(x) + f'(-x) = 1, so the side below 0 gives the other. There, with t = -x and e = e^-t,
/// f' = e (1 + e - t) / (1 + e)^2, which has a zero at t0 = 1.278...: as 1 + e0 - t0 = 0,
/// 1 + e - t = e0 expm1(t0 - t) + (t0 - t), two terms of one sign.
struct silu {
    template <class R>
    static double value(double x) {
        return at_least(x, -800.0) * sigmoid::value<R>(x);
    }
    template <class R>
    static double derivative(double x) {
        constexpr double zero_high = 0x1.474973c84120bp+0;
        constexpr double zero_low = 0x1.f8d74bc9ac154p-54;
        constexpr double e0 = 0x1.1d25cf210482ep-2;
        const double t = at_most(abs(x), 800.0);
        const double d = (zero_high - t) + zero_low;
        const Exponential growth = exponential<R>(d);
        const double e = e0 * growth.value();
        const double below = e * fma(e0, growth.minus_one(), d) / ((1.0 + e) * (1.0 + e));
        return x < 0.0 ? below : 1.0 - below;
    }
};

/// f = x Phi(x), Phi the standard normal distribution function. 1 + erf(x / sqrt 2) cancels below 0
/// and is 0 from -6 on; with t = |x|, Phi(-t) = e^(-t^2/2) R(t) keeps its relative accuracy, and
/// Phi(t) = 1 - Phi(-t). f' = Phi(x) + x phi(x); its lower half is e^(-t^2/2) (t0 - t) Q(t), where
/// the zero is a factor, and f'(x) + f'(-x) = 1.
struct gelu {
    template <class R>
    static double value(double x) {
        const double t = at_most(abs(x), normal_edge<R>);
        const double below = bell<R>(t) * mills_ratio<R>(t);
        return at_least(x, -normal_edge<R>) * (x < 0.0 ? below : 1.0 - below);
    }
    template <class R>
    static double derivative(double x) {
        const double t = at_most(abs(x), normal_edge<R>);
        const double below = bell<R>(t) * gelu_zero_minus(t) * gelu_slope_ratio<R>(t);
        return x < 0.0 ? below : 1.0 - below;
    }
};

}  // namespace ranvier::RANVIER_ISA::activations
