// Activations of the logistic function s(z) = 1 / (1 + e^-z).
#pragma once

#include "../../math/exp_float32.hpp"
#include "../../math/log.hpp"
#include "../../math/tanh.hpp"

namespace ranvier::RANVIER_ISA::activations {

/// s(z). With e = e^-|z| <= 1 nothing overflows, and the lower tail e / (1 + e) keeps its relative
/// accuracy where 1 - 1 / (1 + e) would lose it.
template <class R, class W>
inline W logistic(W z) {
    const auto e = exponential<R>(-abs(z));
    const bool below = leading(z) < 0.0;
    const W numerator = select(below, e.normal(), working<R>(1.0));
    return scaled(numerator / (1.0 + e.value()), below ? e.rest : 1.0);
}

/// x s(z) for z of the sign of x or of the other: x or 0, less x s(-|z|). x is cut to be finite, as
/// inf * 0 is not 0.
template <class R, class W>
inline W weighted_by_logistic(R x, W z) {
    const auto e = exponential<R>(-abs(z));
    // e^-1400 times the largest number is not 0 as it should be.
    const R finite = leading(abs(z)) > 1400.0 ? R(0) : at_most(abs(x), largest<R>);
    const bool below = leading(z) <= 0.0;
    const W small = scaled(e.normal() / (1.0 + e.value()) * copysign(finite, x), e.rest);
    return select(below, small, working<R>(x) - small);
}

/// 1 + e^-z in float32 arithmetic for z >= -87.
inline Sum<float> one_plus_exp_float32(float z) {
    return exponential_float32(at_least(-z, -87.0f)).plus_one();
}

inline Sum<float> one_plus_exp_float32(Sum<float> z) {
    return exponential_float32(at_least(-z.high, -87.0f), -z.low).plus_one();
}

/// s(z) in float32 arithmetic for z >= -87.
inline Sum<float> logistic_float32(Sum<float> z) {
    return 1.0f / one_plus_exp_float32(z);
}

/// tanh x in float32 arithmetic.
inline float hyperbolic_tangent_float32(float x) {
    const Sum<float> h = exponential_float32(-2.0f * at_most(abs(x), 12.0f)).minus_one();
    return copysign(divide(-h.high, -h.low, ordered_sum(2.0f, h)), x);
}

/// The derivative of z s(z). The sides below and above 0 add up to 1. Below, with t = -z, it is
/// e (1 + e - t) / (1 + e)^2, which has a zero at t0 = 1.278...: as 1 + e0 - t0 = 0, 1 + e - t =
/// e0 expm1(t0 - t) + (t0 - t), two terms of one sign.
template <class R, class W>
inline W silu_slope(W z) {
    const W t = at_most(abs(z), 800.0);
    const W d = constant_minus(0x1.474973c84120bp+0, 0x1.f8d74bc9ac154p-54, t);
    const W e0 = working<R>(0x1.1d25cf210482ep-2, -0x1.ca2d0d94faaecp-60);
    const auto growth = exponential<R>(d);  // e = e0 growth
    const W one_plus_e = 1.0 + scaled(e0 * growth.normal(), growth.rest);
    const W factor = (e0 * growth.minus_one() + d) / (one_plus_e * one_plus_e);
    const W below = scaled(e0 * growth.normal() * factor, growth.rest);
    return select(leading(z) < 0.0, below, 1.0 - below);
}

/// f = s(x), f' = e / (1 + e)^2 = y (1 - y).
struct sigmoid {
    template <class R>
    static auto value(R x) {
        return logistic<R>(working<R>(x));
    }
    template <class R>
    static auto derivative(R x) {
        const auto e = exponential<R>(working<R>(-abs(x)));
        const auto one_plus_e = 1.0 + e.value();
        return scaled(e.normal() / (one_plus_e * one_plus_e), e.rest);
    }
    template <class R>
    static R derivative_from_output(R y) {
        return exact_fma(-y, y, y);
    }
    struct in_float32 {
        static bool covers(float x) { return x > -87.0f; }
        static float value(float x) { return divide(1.0f, 0.0f, one_plus_exp_float32(x)); }
    };
};

/// f = log s(x) = min(x, 0) - log(1 + e^-|x|), two terms of one sign; f' = s(-x) = 1 - e^y.
struct logsigmoid {
    template <class R>
    static auto value(R x) {
        const auto e = exponential<R>(working<R>(-abs(x)));
        return working<R>(at_most(x, R(0))) - scaled(log_one_plus(e), e.rest);
    }
    template <class R>
    static auto derivative(R x) {
        return logistic<R>(working<R>(-x));
    }
    template <class R>
    static auto derivative_from_output(R y) {
        return -exponential<R>(working<R>(at_most(y, R(0)))).minus_one();
    }
    struct in_float32 {
        static bool covers(float x) { return x < 87.0f; }
        static Sum<float> derivative(float x) { return logistic_float32({-x, 0.0f}); }
    };
};

/// f = log(1 + e^(beta x)) / beta = log(1 + e^-|beta x|) / beta, plus x where beta x > 0;
/// f' = s(beta x) = 1 - e^(-beta y).
struct softplus {
    template <class R>
    static auto value(R x, R beta) {
        const auto z = product(beta, x);
        const auto e = exponential<R>(-abs(z));
        const auto bend = scaled(quotient(log_one_plus(e), beta), e.rest);
        return working<R>(leading(z) > 0.0 ? x : R(0)) + bend;
    }
    template <class R>
    static auto derivative(R x, R beta) {
        return logistic<R>(product(beta, x));
    }
    template <class R>
    static auto derivative_from_output(R y, R beta) {
        return -exponential<R>(at_most(-product(beta, y), 0.0)).minus_one();
    }
    struct in_float32 {
        static bool covers(float x, float beta) { return abs(beta * x) < 87.0f; }
        static Sum<float> derivative(float x, float beta) {
            return logistic_float32(exact_product(beta, x));
        }
    };
};

/// f = (1 - e) / (1 + e) for x > 0 with e = e^-2|x|, and odd. 1 - e cancels near 0, so it is
/// -expm1(-2|x|); halved, it is h in f = -h / (1 + h). f' = 4 e / (1 + e)^2 = 1 - y^2.
struct tanh {
    template <class R>
    static auto value(R x) {
        return hyperbolic_tangent<R>(x);
    }
    template <class R>
    static auto derivative(R x) {
        const auto e = exponential<R>(working<R>(R(-2) * abs(x)));
        const auto one_plus_e = 1.0 + e.value();
        return scaled(scaled(e.normal(), 4.0) / (one_plus_e * one_plus_e), e.rest);
    }
    template <class R>
    static R derivative_from_output(R y) {
        return exact_fma(-y, y, R(1));
    }
    struct in_float32 {
        static bool covers(float x) { return x == x; }
        static float value(float x) { return hyperbolic_tangent_float32(x); }
    };
};

/// f = x - tanh x, up to |x| = 1 as x^3 times a polynomial in x^2; f' = tanh(x)^2.
struct tanhshrink {
    template <class R>
    static auto value(R x) {
        const auto above = working<R>(x) - hyperbolic_tangent<R>(x);
        return select(abs(x) < R(1), tanhshrink_near_zero<R>(x), above);
    }
    template <class R>
    static auto derivative(R x) {
        const auto y = hyperbolic_tangent<R>(x);
        return y * y;
    }
};

/// f = x s(x), f' = s(x) (1 + x s(-x)).
struct silu {
    template <class R>
    static auto value(R x) {
        return weighted_by_logistic<R>(x, working<R>(x));
    }
    template <class R>
    static auto derivative(R x) {
        return silu_slope<R>(working<R>(x));
    }
    struct in_float32 {
        static bool covers(float x) { return abs(x) < 80.0f; }
        static float value(float x) { return divide(x, 0.0f, one_plus_exp_float32(x)); }
    };
};

/// f = x s(beta x); f'(x) is the derivative of silu at beta x.
struct swish {
    template <class R>
    static auto value(R x, R beta) {
        return weighted_by_logistic<R>(x, product(beta, x));
    }
    template <class R>
    static auto derivative(R x, R beta) {
        return silu_slope<R>(product(beta, x));
    }
    struct in_float32 {
        static bool covers(float x, float beta) {
            return at_least(abs(beta * x), abs(x) * 0x1p-60f) < 80.0f;
        }
        static float value(float x, float beta) {
            return divide(x, 0.0f, one_plus_exp_float32(exact_product(beta, x)));
        }
    };
};

/// f = x s(1.702 x).
struct quick_gelu {
    static constexpr double factor = 0x1.b3b645a1cac08p+0, factor_low = 0x1.89374bc6a7efap-55;
    template <class R>
    static Working<R> exponent(R x) {
        return working<R>(factor, factor_low) * x;
    }
    template <class R>
    static auto value(R x) {
        return weighted_by_logistic<R>(x, exponent<R>(x));
    }
    template <class R>
    static auto derivative(R x) {
        return silu_slope<R>(exponent<R>(x));
    }
    struct in_float32 {
        static bool covers(float x) { return abs(x) < 45.0f; }
        static float value(float x) {
            const Sum<float> z = in_two<float>(factor, factor_low) * x;
            return divide(x, 0.0f, one_plus_exp_float32(z));
        }
    };
};

/// f = x (1 + tanh(sqrt(2/pi) (x + c x^3))) / 2 = x s(k (x + c x^3)), c = 0.044715 and
/// k = 2 sqrt(2/pi). The derivative as that of silu: below 0 with t = -x it is
/// e (1 + e - k (t + 3 c t^3)) / (1 + e)^2, and the difference from its zero t0 is
/// e0 expm1(k d (1 + c q)) + k d (1 + 3 c q) with d = t0 - t and q = t^2 + t t0 + t0^2.
struct gelu_tanh {
    template <class R>
    static Working<R> k() {
        return working<R>(0x1.9884533d43651p+0, -0x1.cbc0d30ebfd15p-54);
    }
    template <class R>
    static Working<R> c() {
        return working<R>(0x1.6e4e26d4801f7p-5, 0x1.441355475a31ap-59);
    }
    template <class R>
    static auto value(R x) {
        const R t = clamp(x, R(-60), R(60));
        const auto z = k<R>() * t * (1.0 + c<R>() * product(t, t));
        return weighted_by_logistic<R>(x, z);
    }
    template <class R>
    static auto derivative(R x) {
        const R t = at_most(abs(x), R(60));
        const auto t0 = working<R>(0x1.81429f9e97e4dp-1, -0x1.4f523ed77dbdcp-55);
        const auto e0 = working<R>(0x1.2af64e9c485eep-2, -0x1.3ca470b477afcp-57);
        const auto d = t0 - t;
        const auto kd = k<R>() * d;
        const auto cq = c<R>() * (product(t, t) + t0 * (t0 + t));
        const auto growth = exponential<R>(kd * (1.0 + cq));
        const auto one_plus_e = 1.0 + scaled(e0 * growth.normal(), growth.rest);
        const auto line = kd * (1.0 + cq * 3.0);
        const auto factor = (e0 * growth.minus_one() + line) / (one_plus_e * one_plus_e);
        const auto below = scaled(e0 * growth.normal() * factor, growth.rest);
        return select(x < R(0), below, 1.0 - below);
    }
};

/// f = x tanh(log(1 + e^x)) = max(x, 0) - |x| n / d with e = e^-|x|: below 0, n = e (2 + e) and
/// d = 2 + 2 e + e^2; above, n = 2 e^2 and d = 1 + 2 e + 2 e^2. Below 0,
/// f' = e w / d^2 with w = 4 (x + 1) + e (4 x + 6) + 4 e^2 + e^3, as the difference from its zero
/// at -t0; above, f' = (1 + 4 e + e^2 (4 x + 6) + 4 e^3 (x + 1)) / d^2.
struct mish {
    template <class R>
    static auto value(R x) {
        const R t = at_most(abs(x), R(800));
        const auto e = exponential<R>(working<R>(-t));
        const auto v = e.value();
        const bool below = x < R(0);
        const auto n = select(below, 2.0 + v, scaled(v, 2.0));
        const auto d = select(below, 2.0 + v * (2.0 + v), 1.0 + scaled(v + v * v, 2.0));
        return working<R>(at_least(x, R(0))) - scaled(e.normal() * (n / d) * t, e.rest);
    }
    template <class R>
    static auto derivative(R x) {
        const R t = at_most(abs(x), R(800));
        const auto t0 = working<R>(0x1.31432c0d12d84p+0, 0x1.bf319154da210p-55);
        const auto e0 = working<R>(0x1.36c4202fc3eccp-2, 0x1.6d73a02f8d922p-56);
        const auto d = t0 - t;
        const auto growth = exponential<R>(d);  // e = e0 growth
        const auto normal = e0 * growth.normal();
        const auto e = scaled(normal, growth.rest);
        const auto difference = e0 * growth.minus_one();
        const auto factor =
            (6.0 - working<R>(R(4) * t)) + scaled(e + e0, 4.0) + (e * e + e0 * (e + e0));
        const auto w = scaled(d, 4.0) * (1.0 + e0) + difference * factor;
        const auto slope_below = normal * w;
        const auto four_t = working<R>(R(4) * t);
        const auto slope_above = 1.0 + e * (4.0 + e * ((6.0 + four_t) + e * (4.0 + four_t)));
        const bool below = x < R(0);
        const auto bottom = select(below, 2.0 + e * (2.0 + e), 1.0 + scaled(e + e * e, 2.0));
        const auto slope = select(below, slope_below, slope_above) / (bottom * bottom);
        return scaled(slope, below ? growth.rest : 1.0);
    }
};

}  // namespace ranvier::RANVIER_ISA::activations
