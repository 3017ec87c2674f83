// Activations of quotients and square roots.
#pragma once

#include "../../math/sum.hpp"

namespace ranvier::RANVIER_ISA::activations {

/// f = x / (1 + |x|), f' = 1 / (1 + |x|)^2 = (1 - |y|)^2.
struct softsign {
    template <class R>
    static auto value(R x) {
        const R finite = clamp(x, -largest<R>, largest<R>);
        return working<R>(finite) / (working<R>(1.0) + abs(finite));
    }
    template <class R>
    static auto derivative(R x) {
        // Scaled, so that what a product of small numbers loses is not below the smallest.
        const auto inverse = 0x1p60 / (working<R>(1.0) + at_most(abs(x), largest<R>));
        return scaled(inverse * inverse, 0x1p-120);
    }
    template <class R>
    static auto derivative_from_output(R y) {
        const auto rest = working<R>(1.0) - abs(y);
        return rest * rest;
    }
};

/// f = (x + sqrt(x^2 + b)) / 2, below 0 as b / (2 (sqrt(x^2 + b) - x)), where nothing cancels;
/// f' = f / sqrt(x^2 + b), at x = b = 0 the mean of both sides.
struct squareplus {
    /// Everything times a power of 2 `scale`, so that no square overflows or is subnormal.
    template <class R>
    struct Parts {
        Working<R> root, numerator, denominator;
        double scale;
    };
    template <class R>
    static Parts<R> parts(R x, R b) {
        const R size = at_most(abs(x), largest<R>);
        const R width = sqrt(abs(b));
        const R larger = width > size ? width : size;
        const double scale = sizeof(R) == sizeof(float) ? 1.0
                             : larger > R(0x1p100)      ? 0x1p-550
                             : larger < R(0x1p-100)     ? 0x1p550
                                                        : 1.0;
        const R a = size * static_cast<R>(scale);
        const R c = b * static_cast<R>(scale);
        const auto root = sqrt(product(a, a) + product(c, static_cast<R>(scale)));
        const auto sum = root + a;
        return {root, select(x < R(0), working<R>(c), sum), select(x < R(0), sum, working<R>(1.0)),
                scale};
    }
    template <class R>
    static auto value(R x, R b) {
        const Parts<R> p = parts(x, b);
        const auto half = scaled(p.numerator / p.denominator, 0.5);
        const double unscale = x < R(0) ? 1.0 : 1.0 / p.scale;
        const auto at_infinity = working<R>(at_least(x, R(0)));
        return select(abs(x) > largest<R>, at_infinity, scaled(half, unscale));
    }
    template <class R>
    static auto derivative(R x, R b) {
        const Parts<R> p = parts(x, b);
        // The scale of the numerator comes last: before, it may underflow.
        const auto slope = scaled(p.numerator / p.denominator / p.root, 0.5);
        const auto unscaled = scaled(slope, x < R(0) ? p.scale : 1.0);
        return select(leading(p.root) == 0.0, working<R>(0.5), unscaled);
    }
};

}  // namespace ranvier::RANVIER_ISA::activations
