// Activations of straight pieces: a select, and at most one rounding.
#pragma once

#include "../../math/sum.hpp"

namespace ranvier::RANVIER_ISA::activations {

/// inside where `condition`, else outside; NaN where x is.
template <class R>
inline R piece(R x, bool condition, R inside, R outside) {
    return condition ? inside : (x == x ? outside : x);
}

/// f = max(0, x). From the output: y > 0 exactly where x > 0.
struct relu {
    template <class R>
    static R value(R x) {
        return at_least(x, R(0));
    }
    template <class R>
    static R derivative(R x) {
        return piece(x, x > R(0), R(1), R(0));
    }
    template <class R>
    static R derivative_from_output(R y) {
        return derivative<R>(y);
    }
};

/// f = min(max(0, x), 6).
struct relu6 {
    template <class R>
    static R value(R x) {
        return clamp(x, R(0), R(6));
    }
    template <class R>
    static R derivative(R x) {
        return piece(x, x > R(0) && x < R(6), R(1), R(0));
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
        return piece(x, x > R(0), R(1), slope);
    }
    template <class R>
    static R derivative_from_output(R y, R slope) {
        return derivative<R>(y, slope);
    }
};

/// leaky_relu with a slope that is learned. It may become negative: no derivative from the output.
struct prelu {
    template <class R>
    static R value(R x, R weight) {
        return leaky_relu::value<R>(x, weight);
    }
    template <class R>
    static R derivative(R x, R weight) {
        return leaky_relu::derivative<R>(x, weight);
    }
};

/// f = x for x > threshold, value otherwise.
struct threshold {
    template <class R>
    static R value(R x, R edge, R below) {
        return x <= edge ? below : x;
    }
    template <class R>
    static R derivative(R x, R edge, R) {
        return piece(x, x > edge, R(1), R(0));
    }
};

/// f = min(max(x, low), high): where low > high, high.
struct hardtanh {
    template <class R>
    static R value(R x, R low, R high) {
        return clamp(x, low, high);
    }
    template <class R>
    static R derivative(R x, R low, R high) {
        return piece(x, x > low && x < high, R(1), R(0));
    }
    template <class R>
    static R derivative_from_output(R y, R low, R high) {
        return derivative<R>(y, low, high);
    }
};

/// x + a, exactly, for |x| <= 2 a.
template <class R>
inline Sum<R> ramp(R x, R a) {
    const R sum = x + a;
    return {sum, x - (sum - a)};
}

/// a / 3 or a / 6 by the rounded reciprocal, times which 3 or 6 is 1: a quotient that is a number
/// is found exactly, so that it is known where a float16 result lies between two.
template <int divisor, class R>
inline Sum<R> divided(Sum<R> a) {
    constexpr R d = divisor, inverse = R(1) / d;
    static_assert(d * inverse == R(1));
    const R quotient = a.high * inverse;
    const R lost = exact_fma(-quotient, d, a.high) + a.low;
    return {quotient, lost * inverse};
}

/// f = relu6(x + 3) / 6.
struct hardsigmoid {
    template <class R>
    static Sum<R> value(R x) {
        return divided<6>(ramp(clamp(x, R(-3), R(3)), R(3)));
    }
    struct in_float32 {  // nothing is infinite here
        static bool covers(float) { return true; }
        static Sum<float> value(float x) { return hardsigmoid::value<float>(x); }
    };
    template <class R>
    static R derivative(R x) {
        return piece(x, x > R(-3) && x < R(3), R(1) / R(6), R(0));
    }
    template <class R>
    static R derivative_from_output(R y) {
        return piece(y, y > R(0) && y < R(1), R(1) / R(6), R(0));
    }
};

/// f = x relu6(x + 3) / 6, f' = (x + 3/2) / 3 between -3 and 3.
struct hardswish {
    template <class R>
    static Sum<R> value(R x) {
        const R inside = clamp(x, R(-3), R(3));
        const Sum<R> curve = divided<6>(ramp(inside, R(3)) * inside);
        return select(x > R(3), Sum<R>{x, R(0)}, curve);
    }
    template <class R>
    static Sum<R> derivative(R x) {
        const Sum<R> line = divided<3>(ramp(clamp(x, R(-3), R(3)), R(1.5)));
        return select(abs(x) >= R(3), Sum<R>{x > R(0) ? R(1) : R(0), R(0)}, line);
    }
    struct in_float32 {
        static bool covers(float) { return true; }
        static float value(float x) {
            const float inside = clamp(x, -3.0f, 3.0f);
            const Sum<float> share = divided<6>(ramp(inside, 3.0f));  // from 3 on, it is 1 and 0
            return fma(share.high, at_least(x, -3.0f), share.low * inside);
        }
    };
};

/// f = x for |x| > lambda, 0 otherwise.
struct hardshrink {
    template <class R>
    static R value(R x, R lambda) {
        return abs(x) <= lambda ? R(0) : x;
    }
    template <class R>
    static R derivative(R x, R lambda) {
        return piece(x, abs(x) > lambda, R(1), R(0));
    }
};

/// f = x - lambda for x > lambda, x + lambda for x < -lambda, 0 between: x without its middle part.
struct softshrink {
    template <class R>
    static R value(R x, R lambda) {
        return x - clamp(x, -lambda, lambda);
    }
    template <class R>
    static R derivative(R x, R lambda) {
        return piece(x, abs(x) > lambda, R(1), R(0));
    }
};

/// f = (x + 1) / 2 between -1 and 1, 0 below and 1 above: the derivative of sparse_plus.
struct sparse_sigmoid {
    template <class R>
    static R value(R x) {
        return R(0.5) * (clamp(x, R(-1), R(1)) + R(1));
    }
    template <class R>
    static R derivative(R x) {
        return piece(x, x > R(-1) && x < R(1), R(0.5), R(0));
    }
    template <class R>
    static R derivative_from_output(R y) {
        return piece(y, y > R(0) && y < R(1), R(0.5), R(0));
    }
};

/// f = (x + 1)^2 / 4 between -1 and 1, 0 below and x above.
struct sparse_plus {
    template <class R>
    static auto value(R x) {
        const Sum<R> root = ordered_sum(R(1), clamp(x, R(-1), R(1)));
        return select(x > R(1), Sum<R>{x, R(0)}, scaled(root * root, R(0.25)));
    }
    template <class R>
    static R derivative(R x) {
        return sparse_sigmoid::value<R>(x);
    }
};

}  // namespace ranvier::RANVIER_ISA::activations
