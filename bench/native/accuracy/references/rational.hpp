// References of the activations of quotients and square roots.
#pragma once

#include "piecewise.hpp"

namespace accuracy::formulas {

struct softsign : Smooth {
    template <class Real>
    static Real value(Real x) {
        const Real size = math::absolute(x);
        const Real limit = select(x > 0, Real(1), Real(-1));
        return select(size > DBL_MAX, limit, x / (1 + size));
    }
    template <class Real>
    static Real derivative(Real x) {
        const Real inverse = 1 / (1 + math::absolute(x));
        return inverse * inverse;
    }
};
struct squareplus : Smooth {
    template <class Real>
    static Real root(Real x, Real b) {
        // A negative b cancels: the square must be exact.
        return math::sqrt(static_cast<Real>(math::Wide<Real>(x) * x + b));
    }
    template <class Real>
    static Real value(Real x, Real b) {
        const Real r = root(x, b);
        return select(x < 0, b / (2 * (r - x)), (x + r) / 2);
    }
    template <class Real>
    static Real derivative(Real x, Real b) {
        const Real r = root(x, b);
        const Real limit = select(x > 0, Real(1), Real(0));
        const Real slope = select(r == 0, Real(0.5), value(x, b) / r);
        return select(math::absolute(x) > DBL_MAX, limit, slope);
    }
};

}  // namespace accuracy::formulas
