// References of the activations of straight pieces.
#pragma once

#include "../arithmetic.hpp"

namespace accuracy::formulas {

/// Of whose derivative no zero needs more digits than the rest.
struct Smooth {
    static double zero(auto...) { return NAN; }
};

template <class Real, class Condition>
Real piece(Real x, Condition condition, Real inside, Real outside) {
    return select(condition, inside, select(x == x, outside, x));
}
template <class Real>
Real clip(Real x, Real low, Real high) {
    const Real raised = select(x < low, low, x);
    return select(raised > high, high, raised);
}

struct relu : Smooth {
    template <class Real>
    static Real value(Real x) {
        return select(x < 0, Real(0), x);
    }
    template <class Real>
    static Real derivative(Real x) {
        return piece(x, x > 0, Real(1), Real(0));
    }
};
struct relu6 : Smooth {
    template <class Real>
    static Real value(Real x) {
        return clip(x, Real(0), Real(6));
    }
    template <class Real>
    static Real derivative(Real x) {
        return piece(x, (x > 0) & (x < 6), Real(1), Real(0));
    }
};
struct leaky_relu : Smooth {
    template <class Real>
    static Real value(Real x, Real slope) {
        return select(x > 0, x, x * slope);
    }
    template <class Real>
    static Real derivative(Real x, Real slope) {
        return piece(x, x > 0, Real(1), slope);
    }
};
struct prelu : leaky_relu {};
struct threshold : Smooth {
    template <class Real>
    static Real value(Real x, Real edge, Real below) {
        return select(x <= edge, below, x);
    }
    template <class Real>
    static Real derivative(Real x, Real edge, Real) {
        return piece(x, x > edge, Real(1), Real(0));
    }
};
struct hardtanh : Smooth {
    template <class Real>
    static Real value(Real x, Real low, Real high) {
        return clip(x, low, high);
    }
    template <class Real>
    static Real derivative(Real x, Real low, Real high) {
        return piece(x, (x > low) & (x < high), Real(1), Real(0));
    }
};
struct hardsigmoid : Smooth {
    template <class Real>
    static Real value(Real x) {
        return (clip(x, Real(-3), Real(3)) + 3) / 6;
    }
    template <class Real>
    static Real derivative(Real x) {
        return piece(x, (x > -3) & (x < 3), Real(1) / 6, Real(0));
    }
};
struct hardswish : Smooth {
    template <class Real>
    static Real value(Real x) {
        const Real inside = clip(x, Real(-3), Real(3));
        return select(x > 3, x, inside * (inside + 3) / 6);
    }
    template <class Real>
    static Real derivative(Real x) {
        const Real outside = select(x > 0, Real(1), Real(0));
        return piece(x, (x > -3) & (x < 3), (2 * x + 3) / 6, outside);
    }
};
struct hardshrink : Smooth {
    template <class Real>
    static Real value(Real x, Real lambda) {
        return select(math::absolute(x) <= lambda, Real(0), x);
    }
    template <class Real>
    static Real derivative(Real x, Real lambda) {
        return piece(x, math::absolute(x) > lambda, Real(1), Real(0));
    }
};
struct softshrink : Smooth {
    template <class Real>
    static Real value(Real x, Real lambda) {
        const Real inside = select(x == x, Real(0), x);
        return select(x > lambda, x - lambda, select(x < -lambda, x + lambda, inside));
    }
    template <class Real>
    static Real derivative(Real x, Real lambda) {
        return hardshrink::derivative(x, lambda);
    }
};
struct sparse_sigmoid : Smooth {
    template <class Real>
    static Real value(Real x) {
        return (clip(x, Real(-1), Real(1)) + 1) / 2;
    }
    template <class Real>
    static Real derivative(Real x) {
        return piece(x, (x > -1) & (x < 1), Real(0.5), Real(0));
    }
};
struct sparse_plus : Smooth {
    template <class Real>
    static Real value(Real x) {
        const Real root = sparse_sigmoid::value(x);
        return select(x > 1, x, root * root);
    }
    template <class Real>
    static Real derivative(Real x) {
        return sparse_sigmoid::value(x);
    }
};

}  // namespace accuracy::formulas
