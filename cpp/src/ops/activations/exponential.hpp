// Activations of one exponential: ELU and its kin, the bell, and GELU.
#pragma once

#include "../../math/exp_float32.hpp"
#include "../../math/normal.hpp"

namespace ranvier::RANVIER_ISA::activations {

/// f = x for x > 0, alpha (e^x - 1) otherwise; f' = 1 and alpha e^x = y + alpha.
struct elu {
    template <class R>
    static auto value(R x, R alpha) {
        const auto below = exponential<R>(working<R>(at_most(x, R(0)))).minus_one();
        return select(x > R(0), working<R>(x), below * alpha);
    }
    template <class R>
    static auto derivative(R x, R alpha) {
        const auto e = exponential<R>(working<R>(at_most(x, R(0))));
        return select(x > R(0), working<R>(1.0), scaled(e.normal() * alpha, e.rest));
    }
    template <class R>
    static R derivative_from_output(R y, R alpha) {
        return y > R(0) ? R(1) : y + alpha;
    }
    struct in_float32 {
        static bool covers(float x, float alpha) {
            return at_least(-x, at_least(abs(alpha), 1.0f / abs(alpha))) < 80.0f;
        }
        static float value(float x, float alpha) {
            const auto e = exponential_float32(clamp(x, -80.0f, 0.0f));
            return x > 0.0f ? x : rounded_product(alpha, e.minus_one());
        }
        static Sum<float> derivative(float x, float alpha) {
            const auto e = exponential_float32(clamp(x, -80.0f, 0.0f), 0.0f);
            return select(x > 0.0f, Sum<float>{1.0f, 0.0f}, e.times({alpha, 0.0f}));
        }
    };
};

/// f = x for x > 0, alpha (e^(x / alpha) - 1) otherwise; f' = 1 and e^(x / alpha) = 1 + y / alpha.
/// Where x / alpha is so small that it underflows, f = x. With a negative alpha, e^(x / alpha)
/// grows and overflows below 0.
struct celu {
    template <class R>
    static auto value(R x, R alpha) {
        const auto z = quotient(at_most(x, R(0)), alpha);
        const auto below = exponential<R>(at_most(z, 700.0)).minus_one() * alpha;
        const auto bounded = select(leading(z) > 700.0, working<R>(alpha * R(infinity)), below);
        const auto curve = select(abs(leading(z)) < 0x1p-60, working<R>(x), bounded);
        return select(x >= R(0), working<R>(x), curve);
    }
    template <class R>
    static auto derivative(R x, R alpha) {
        const auto z = quotient(at_most(x, R(0)), alpha);
        const auto below = exponential<R>(at_most(z, 700.0)).value();
        const auto bounded = select(leading(z) > 700.0, working<R>(infinity), below);
        return select(x > R(0), working<R>(1.0), bounded);
    }
    template <class R>
    static auto derivative_from_output(R y, R alpha) {
        const R high = y / alpha;
        const R low = exact_fma(-high, alpha, y) / alpha;
        const Sum<R> below = ordered_sum(R(1), Sum<R>{high, low});
        return select(y > R(0), Sum<R>{R(1), R(0)}, below);
    }
    struct in_float32 {
        static bool covers(float x, float alpha) {
            const float size = at_least(abs(alpha), 1.0f / abs(alpha));
            const float most = alpha < 0.0f ? 16.0f : 80.0f;  // e^16 - 1 keeps its 1
            return at_least(abs(at_most(x, 0.0f)), 1.0f) * size < most;
        }
        /// x / alpha, which may underflow.
        static Sum<float> exponent(float x, float alpha) {
            const float below = at_most(x, 0.0f);
            const float inverse = 1.0f / alpha;  // once where all elements have one alpha
            const float z = below * inverse;
            return {z, exact_fma(-z, alpha, below) * inverse};
        }
        static float value(float x, float alpha) {
            const auto z = exponent(x, alpha);
            const auto curve = exponential_float32(z.high, z.low).minus_one();
            return abs(z.high) < 0x1p-30f ? x : rounded_product(alpha, curve);
        }
        static Sum<float> derivative(float x, float alpha) {
            const auto z = exponent(x, alpha);
            const auto curve = exponential_float32(z.high, z.low).value();
            return select(x > 0.0f, Sum<float>{1.0f, 0.0f}, curve);
        }
    };
};

/// f = lambda elu(x, alpha) with the constants that make mean 0 and variance 1 a fixed point.
struct selu {
    template <class R>
    static Sum<R> lambda() {
        return in_two<R>(0x1.0cfabd6a91132p+0, 0x1.6fc7d272f2696p-55);
    }
    template <class R>
    static Sum<R> lambda_alpha() {
        return in_two<R>(0x1.c212cc640f031p+0, 0x1.05161b045a1f1p-56);
    }
    template <class R>
    static auto value(R x) {
        const auto below = exponential<R>(working<R>(at_most(x, R(0)))).minus_one();
        return select(x > R(0), whole(lambda<R>()) * x, whole(lambda_alpha<R>()) * below);
    }
    template <class R>
    static auto derivative(R x) {
        const auto e = exponential<R>(working<R>(at_most(x, R(0))));
        const auto below = scaled(whole(lambda_alpha<R>()) * e.normal(), e.rest);
        return select(x > R(0), whole(lambda<R>()), below);
    }
    template <class R>
    static Sum<R> derivative_from_output(R y) {
        return select(y > R(0), lambda<R>(), lambda_alpha<R>() + y);
    }
    struct in_float32 {
        static bool covers(float x) { return abs(x) < 80.0f; }
        static float value(float x) {
            const auto e = exponential_float32(clamp(x, -80.0f, 0.0f));
            const Sum<float> below = lambda_alpha<float>() * e.minus_one();
            return x > 0.0f ? rounded_product(x, lambda<float>()) : total(below);
        }
        static Sum<float> derivative(float x) {
            const auto e = exponential_float32(clamp(x, -80.0f, 0.0f), 0.0f);
            return select(x > 0.0f, lambda<float>(), e.times(lambda_alpha<float>()));
        }
    };
};

/// f = e^(-x^2), f' = -2 x f. |x| is cut where f is 0, so that f'(inf) is 0 and not inf * 0.
struct gaussian {
    template <class R>
    static auto value(R x) {
        const R t = at_most(abs(x), R(28));
        return exponential<R>(-product(t, t)).value();
    }
    template <class R>
    static auto derivative(R x) {
        const R t = clamp(x, R(-28), R(28));
        const auto e = exponential<R>(-product(t, t));
        return scaled(e.normal() * (R(-2) * t), e.rest);
    }
};

/// f = x Phi(x), Phi the standard normal distribution function. 1 + erf(x / sqrt 2) cancels below 0
/// and is 0 from -6 on; with t = |x|, Phi(-t) = e^(-t^2/2) R(t) keeps its relative accuracy, and
/// f = max(x, 0) - t Phi(-t). f' = Phi(x) + x phi(x); its lower half is e^(-t^2/2) (t0 - t) Q(t),
/// where the zero is a factor, and f'(x) + f'(-x) = 1.
struct gelu {
    template <class R>
    static auto value(R x) {
        const R t = size_at_most(x, normal_edge<R>);
        const auto e = bell(t);
        const auto below = scaled(e.normal() * mills_ratio(working<R>(t), working<R>(t)), e.rest);
        return working<R>(at_least(x, R(0))) - below;
    }
    template <class R>
    static auto derivative(R x) {
        const R t = at_most(abs(x), normal_edge<R>);
        const auto e = bell(t);
        const auto before_zero =
            constant_minus(0x1.80ead197f00b4p-1, -0x1.13e74c58cada8p-56, working<R>(t));
        const auto ratio = gelu_slope_ratio(before_zero, working<R>(t));
        const auto below = scaled(e.normal() * ratio, e.rest);
        return select(x < R(0), below, 1.0 - below);
    }
};

}  // namespace ranvier::RANVIER_ISA::activations
