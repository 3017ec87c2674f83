// The formula of every activation and, under it, its derivative.
//
// R is the type of argument and result, float or double. A function that returns double computes a
// float result in double and is rounded once, by its caller; one that returns R is exact or rounds
// once by itself. Each is branch-free: a select, never a jump, so that the loop around it
// vectorises. The derivative at a kink is torch's, and NaN gives NaN in both.
//
// `in_float32`, where there is one, is the same value in float32 arithmetic on twice the lanes,
// compensated to stay within the bound, for the arguments it covers.
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
    static double value(R x) {
        const double e = exp<R>(-abs(x));
        return divide(x < R(0) ? e : 1.0, 0.0, one_plus(e));
    }
    template <class R>
    static double derivative(R x) {
        const double e = exp<R>(-abs(x));
        return e / ((1.0 + e) * (1.0 + e));
    }
    template <class R>
    static R derivative_from_output(R y) {
        return exact_fma(-y, y, y);
    }
    struct in_float32 {
        static bool covers(float x) { return abs(x) < 16.0f; }
        static float value(float x) { return divide(1.0f, 0.0f, one_plus_exp(-x)); }
    };
};

/// f = (1 - e) / (1 + e) for x > 0 with e = e^-2|x|, and odd. 1 - e cancels near 0, so it is
/// -expm1(-2|x|); halved, it is h in f = -h / (1 + h). f' = 4 e / (1 + e)^2 = 1 - y^2.
struct tanh {
    template <class R>
    static double value(R x) {
        const double half = 0.5 * exponential<R>(R(-2) * abs(x)).minus_one();
        return copysign(divide(half, 0.0, one_plus(half)), static_cast<double>(x));
    }
    template <class R>
    static double derivative(R x) {
        const Exponential decay = exponential<R>(R(-2) * abs(x));
        const double one_plus_e = 1.0 + decay.value();
        return 4.0 * decay.normal() / (one_plus_e * one_plus_e) * decay.rest;
    }
    template <class R>
    static R derivative_from_output(R y) {
        return exact_fma(-y, y, R(1));
    }
    /// 1 - e = 2 - (1 + e) is exact in the two parts of 1 + e. They say nothing of an x so small
    /// that x - x^3/3 is x.
    struct in_float32 {
        static bool covers(float) { return true; }
        static float value(float x) {
            const float size = at_most(abs(x), 12.0f);
            const Sum<float> d = one_plus_exp<true>(-2.0f * size);
            const float y = divide(2.0f - d.high, -d.low, d);
            return copysign(size < 0x1p-12f ? size : y, x);
        }
    };
};

/// f = x sigmoid(x) = max(x, 0) - |x| e / (1 + e) with e = e^-|x|. |x| is cut where e is 0, so that
/// f(-inf) is 0 and not inf * 0. f'(x) + f'(-x) = 1, so the side below 0 gives the other. There,
/// with t = -x, f' = e (1 + e - t) / (1 + e)^2, which has a zero at t0 = 1.278...: as
/// 1 + e0 - t0 = 0, 1 + e - t = e0 expm1(t0 - t) + (t0 - t), two terms of one sign.
struct silu {
    template <class R>
    static double value(R x) {
        const R t = at_most(abs(x), R(800));
        const Exponential decay = exponential<R>(-t);
        const double below = t * decay.normal() / (1.0 + decay.value());
        return fma(-below, decay.rest, static_cast<double>(at_least(x, R(0))));
    }
    template <class R>
    static double derivative(R x) {
        constexpr double zero_high = 0x1.474973c84120bp+0;
        constexpr double zero_low = 0x1.f8d74bc9ac154p-54;
        constexpr double e0 = 0x1.1d25cf210482ep-2;
        const R t = at_most(abs(x), R(800));
        const double d = (zero_high - t) + zero_low;
        // e^-t from -t itself: its error is that of d magnified by t where it comes from e0 e^d,
        // which only a float32 result forgives.
        const bool single = sizeof(R) == sizeof(float);
        const Exponential growth = exponential<R>(single ? d : at_least(d, -1.0));
        const Exponential decay =
            single ? Exponential{e0 * growth.scale, growth.excess, 1.0} : exponential<R>(-t);
        const double e = decay.value();
        const double near = fma(e0, growth.minus_one(), d);
        const double factor = single || abs(d) < 1.0 ? near : (1.0 - t) + e;
        const double one_plus_e = 1.0 + e;
        const double below = decay.normal() * (factor / (one_plus_e * one_plus_e)) * decay.rest;
        return x < R(0) ? below : 1.0 - below;
    }
    struct in_float32 {
        static bool covers(float x) { return abs(x) < 16.0f; }
        static float value(float x) { return divide(x, 0.0f, one_plus_exp(-x)); }
    };
};

/// f = x Phi(x), Phi the standard normal distribution function. 1 + erf(x / sqrt 2) cancels below 0
/// and is 0 from -6 on; with t = |x|, Phi(-t) = e^(-t^2/2) R(t) keeps its relative accuracy, and
/// f = max(x, 0) - t Phi(-t). f' = Phi(x) + x phi(x); its lower half is e^(-t^2/2) (t0 - t) Q(t),
/// where the zero is a factor, and f'(x) + f'(-x) = 1.
struct gelu {
    template <class R>
    static double value(R x) {
        const double t = at_most(abs(x), normal_edge<R>);
        const Bell e = bell<R>(t);
        return fma(-t * e.value * mills_ratio<R>(t), e.rest,
                   static_cast<double>(at_least(x, R(0))));
    }
    template <class R>
    static double derivative(R x) {
        const double t = at_most(abs(x), normal_edge<R>);
        const Bell e = bell<R>(t);
        const double below = e.value * gelu_zero_minus(t) * gelu_slope_ratio<R>(t) * e.rest;
        return x < R(0) ? below : 1.0 - below;
    }
};

}  // namespace ranvier::RANVIER_ISA::activations
