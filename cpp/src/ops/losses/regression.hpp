// Losses of the difference of a prediction and its target.
#pragma once

#include "../../math/power.hpp"
#include "parameters.hpp"

namespace ranvier::RANVIER_ISA::losses {

inline double sign(double x) {
    return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x;
}

/// f = (x - y)^2.
struct mse_loss {
    template <class T>
    static double value(double x, double y) {
        return (x - y) * (x - y);
    }
    template <class T>
    static double derivative(double x, double y) {
        return 2.0 * (x - y);
    }
};

/// f = |x - y|; 0 is the slope at its kink.
struct l1_loss {
    template <class T>
    static double value(double x, double y) {
        return abs(x - y);
    }
    template <class T>
    static double derivative(double x, double y) {
        return sign(x - y);
    }
};

/// f = d^2 / (2 beta) for d = |x - y| < beta, d - beta / 2 otherwise (Girshick, 2015).
struct smooth_l1_loss {
    template <class T>
    static double value(double x, double y, parameters::smooth_l1_loss p) {
        const double d = abs(x - y);
        return d < p.beta ? 0.5 * d * d / p.beta : d - 0.5 * p.beta;
    }
    template <class T>
    static double derivative(double x, double y, parameters::smooth_l1_loss p) {
        const double d = x - y;
        return abs(d) < p.beta ? d / p.beta : sign(d);
    }
};

/// f = d^2 / 2 for d = |x - y| <= delta, delta (d - delta / 2) otherwise (Huber, 1964).
struct huber_loss {
    template <class T>
    static double value(double x, double y, parameters::huber_loss p) {
        const double d = abs(x - y);
        return d <= p.delta ? 0.5 * d * d : p.delta * (d - 0.5 * p.delta);
    }
    template <class T>
    static double derivative(double x, double y, parameters::huber_loss p) {
        const double d = x - y;
        return abs(d) <= p.delta ? d : p.delta * sign(d);
    }
};

/// f = |x - y|^q, q > 0; 0 is the slope at 0.
struct lq_loss {
    template <class T>
    static double value(double x, double y, parameters::lq_loss p) {
        return power_of<T>(abs(x - y), p.q);
    }
    template <class T>
    static double derivative(double x, double y, parameters::lq_loss p) {
        const double d = x - y;
        return d == 0.0 ? 0.0 : p.q * power_of<T>(abs(d), p.q - 1.0) * sign(d);
    }
};

/// f = log cosh d, d = x - y. With e = e^-a, a = |d|: up to a = 1, cosh a = 1 + (1 - e)^2 / (2 e),
/// so that f keeps its digits at 0; above, cosh a = e^a (1 + e^2) / 2. f' = tanh d.
struct log_cosh_loss {
    template <class T>
    static double value(double x, double y) {
        const double a = abs(x - y);
        const auto power = exponential<T>(-at_most(a, 700.0));
        const double e = power.value();
        const double below = power.minus_one();
        const bool near = a < 1.0;
        const double logarithm = log1p(near ? below * below / (e + e) : e * e);
        return near ? logarithm : (a - 0x1.62e42fefa39efp-1) + logarithm;
    }
    template <class T>
    static double derivative(double x, double y) {
        const double d = x - y;
        const double below = exponential<T>(-2.0 * at_most(abs(d), 350.0)).minus_one();
        return copysign(-below / (2.0 + below), d);
    }
};

/// f = q d for d = y - x > 0, (q - 1) d otherwise (Koenker and Bassett, 1978); 0 is the slope at 0.
struct quantile_loss {
    template <class T>
    static double value(double x, double y, parameters::quantile_loss p) {
        const double d = y - x;
        return d > 0.0 ? p.quantile * d : (p.quantile - 1.0) * d;
    }
    template <class T>
    static double derivative(double x, double y, parameters::quantile_loss p) {
        const double d = y - x;
        return d > 0.0 ? -p.quantile : d < 0.0 ? 1.0 - p.quantile : d;
    }
};

}  // namespace ranvier::RANVIER_ISA::losses
