// References of the activations of one exponential, and of the normal distribution.
#pragma once

#include "piecewise.hpp"

namespace accuracy::formulas {

/// x s, where s falls to 0 faster than x grows.
template <class Real>
Real weighted(Real x, Real s) {
    return select(s == 0, Real(0), x * s);
}
/// The derivative of x s, from 0 to 1.
template <class Real>
Real slope_of_weighted(Real x, Real slope) {
    const Real limit = select(x > 0, Real(1), Real(0));
    return select(math::absolute(x) > DBL_MAX, limit, slope);
}

struct elu : Smooth {
    template <class Real>
    static Real value(Real x, Real alpha) {
        return select(x > 0, x, alpha * math::expm1(x));
    }
    template <class Real>
    static Real derivative(Real x, Real alpha) {
        return select(x > 0, Real(1), alpha * math::exp(x));
    }
};
struct celu : Smooth {
    template <class Real>
    static Real value(Real x, Real alpha) {
        return select(x >= 0, x, alpha * math::expm1(math::quotient(x, alpha).high));
    }
    template <class Real>
    static Real derivative(Real x, Real alpha) {
        return select(x > 0, Real(1), math::exp(math::quotient(x, alpha)));
    }
};
struct selu : Smooth {
    static constexpr long double lambda = 1.0507009873554804934193349852946L;
    static constexpr long double alpha = 1.6732632423543772848170429916717L;
    template <class Real>
    static Real value(Real x) {
        return select(x > 0, lambda * x, lambda * alpha * math::expm1(x));
    }
    template <class Real>
    static Real derivative(Real x) {
        return select(x > 0, Real(lambda), lambda * alpha * math::exp(x));
    }
};
struct gaussian : Smooth {
    template <class Real>
    static Real value(Real x) {
        return math::exp(-math::product(x, x));
    }
    template <class Real>
    static Real derivative(Real x) {
        return weighted(-2 * x, value(x));
    }
};
struct gelu {
    template <class Real>
    static Real density(Real x) {
        const Real scale =
            math::constant<Real>(0.3989422804014326779265681L, 1.3377944389301195730e-20L);
        return math::exp(-math::product(x, x / 2)) * scale;
    }
    template <class Real>
    static Real distribution(Real x) {
        using Wide = math::Wide<Real>;
        const Wide root_half =
            math::constant<Wide>(0.707106781186547524381894L, 1.8950325588932570796e-20L);
        return math::erfc(math::argument<Real>(-Wide(x) * root_half)) / 2;
    }
    template <class Real>
    static Real value(Real x) {
        return weighted(x, distribution(x));
    }
    template <class Real>
    static Real derivative(Real x) {
        return slope_of_weighted(x, distribution(x) + x * density(x));
    }
    static double zero(auto...) { return -0.7517915246935645; }
};

}  // namespace accuracy::formulas
