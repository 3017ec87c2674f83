// References of the activations of the logistic function.
#pragma once

#include "exponential.hpp"

namespace accuracy::formulas {

/// logistic(z) and logistic(-z), of which neither is 1 less the other where it is small.
template <class Real>
struct Logistic {
    Real value, of_opposite;
    explicit Logistic(math::Argument<Real> z)
        : Logistic(z.high < 0, math::exp(math::minus_absolute(z))) {}

private:
    template <class Condition>
    Logistic(Condition below, Real e) : Logistic(below, e / (1 + e), 1 / (1 + e)) {}
    template <class Condition>
    Logistic(Condition below, Real small, Real large)
        : value(select(below, small, large)), of_opposite(select(below, large, small)) {}
};
template <class Real>
Real logistic(math::Argument<Real> z) {
    return Logistic<Real>(z).value;
}
/// log(1 + e^z)
template <class Real>
Real log_one_plus_exp(math::Argument<Real> z) {
    const Real e = math::exp(math::minus_absolute(z));
    return select(z.high > 0, z.high, Real(0)) + math::log1p(e);
}
/// The derivative of z logistic(z).
template <class Real>
Real silu_slope(math::Argument<Real> z) {
    const Logistic<Real> s(z);
    return slope_of_weighted(z.high, s.value * (1 + z.high * s.of_opposite));
}
inline constexpr double silu_zero = -1.2784645427610738;

struct sigmoid : Smooth {
    template <class Real>
    static Real value(Real x) {
        return logistic(math::Argument<Real>{x, 0});
    }
    template <class Real>
    static Real derivative(Real x) {
        const Logistic<Real> s(math::Argument<Real>{x, 0});
        return s.value * s.of_opposite;
    }
};
struct softplus : Smooth {
    template <class Real>
    static Real value(Real x, Real beta) {
        return log_one_plus_exp(math::product(x, beta)) / beta;
    }
    template <class Real>
    static Real derivative(Real x, Real beta) {
        return logistic(math::product(x, beta));
    }
};
struct logsigmoid : Smooth {
    template <class Real>
    static Real value(Real x) {
        return -log_one_plus_exp(math::Argument<Real>{-x, 0});
    }
    template <class Real>
    static Real derivative(Real x) {
        return sigmoid::value(-x);
    }
};
struct tanh : Smooth {
    template <class Real>
    static Real value(Real x) {
        return math::tanh(x);
    }
    template <class Real>
    static Real derivative(Real x) {
        return 4 * sigmoid::derivative(2 * x);
    }
};
struct tanhshrink : Smooth {
    /// x cosh x - sinh x: all terms of its series have one sign, and beyond 1 they are not needed.
    template <class Real>
    static Real numerator(Real x) {
        const Real square = x * x;
        Real sum = 0;
        for (int k = 14; k > 0; --k) {
            sum =
                (sum + 1) * square * (Real(k) / ((k > 1 ? k - 1 : 1) * Real(2 * k) * (2 * k + 1)));
        }
        return 2 * sum * x;
    }
    template <class Real>
    static Real value(Real x) {
        const Real inside = clip(x, Real(-1), Real(1));
        const Real near_zero = numerator(inside) / math::cosh(inside);
        return select(math::absolute(x) < 1, near_zero, x - math::tanh(x));
    }
    template <class Real>
    static Real derivative(Real x) {
        return math::tanh(x) * math::tanh(x);
    }
};
struct swish {
    template <class Real>
    static Real value(Real x, Real beta) {
        return weighted(x, logistic(math::product(x, beta)));
    }
    template <class Real>
    static Real derivative(Real x, Real beta) {
        return silu_slope(math::product(x, beta));
    }
    static double zero(double beta) { return silu_zero / beta; }
};
struct silu {
    template <class Real>
    static Real value(Real x) {
        return weighted(x, logistic(math::Argument<Real>{x, 0}));
    }
    template <class Real>
    static Real derivative(Real x) {
        return silu_slope(math::Argument<Real>{x, 0});
    }
    static double zero() { return silu_zero; }
};
struct quick_gelu {
    template <class Real>
    static math::Argument<Real> exponent(Real x) {
        using Wide = math::Wide<Real>;
        return math::argument<Real>(Wide(x) * (Wide(1702) / 1000));
    }
    template <class Real>
    static Real value(Real x) {
        return weighted(x, logistic(exponent(x)));
    }
    template <class Real>
    static Real derivative(Real x) {
        return silu_slope(exponent(x));
    }
    static double zero() { return silu_zero / 1.702; }
};
struct gelu_tanh {
    // 2 sqrt(2 / pi) and 0.044715
    template <class Real>
    static Real k() {
        return math::constant<Real>(1.595769121605730711706272L, 5.351177755720478292e-20L);
    }
    template <class Real>
    static Real c() {
        return Real(44715) / 1000000;
    }
    template <class Real>
    static math::Argument<Real> exponent(Real x) {
        using Wide = math::Wide<Real>;
        const Wide w = x;
        return math::argument<Real>(k<Wide>() * (w + c<Wide>() * w * w * w));
    }
    template <class Real>
    static Real value(Real x) {
        return weighted(x, logistic(exponent(x)));
    }
    template <class Real>
    static Real derivative(Real x) {
        const Logistic<Real> s(exponent(x));
        const Real slope = k<Real>() * (1 + 3 * c<Real>() * x * x);
        return slope_of_weighted(x, s.value * (1 + weighted(x * slope, s.of_opposite)));
    }
    static double zero() { return -0.7524614220710162; }
};
struct mish {
    template <class Real>
    static Real value(Real x) {
        return weighted(x, math::tanh(log_one_plus_exp(math::Argument<Real>{x, 0})));
    }
    template <class Real>
    static Real derivative(Real x) {
        const Real s = log_one_plus_exp(math::Argument<Real>{x, 0});
        const Real sech = 1 / math::cosh(s);
        return slope_of_weighted(x, math::tanh(s) + x * sech * sech * sigmoid::value(x));
    }
    static double zero() { return -1.192431214515495; }
};

}  // namespace accuracy::formulas
