// Losses of a score or a probability x of one class, where y says how far it is that class.
#pragma once

#include "../../math/power.hpp"
#include "parameters.hpp"

namespace ranvier::RANVIER_ISA::losses {

/// a b, 0 where a is 0: a class that has no share adds nothing, however unlikely it is.
inline double share(double a, double b) {
    return a == 0.0 ? 0.0 : a * b;
}

/// e^-x is 0 beyond it; for a float32 result, exponential() ends in some tiny number instead.
inline constexpr double nothing_left = 746.0;

/// log(1 + e^-|x|).
template <class T>
inline double bend(double x) {
    const auto e = exponential<T>(working<T>(-abs(x)));
    const double inside = rounded<double>(scaled(log_one_plus(e), e.rest));
    return abs(x) > nothing_left ? 0.0 : inside;
}
/// log(1 + e^x) = -log s(-x), s the logistic function.
template <class T>
inline double softplus_of(double x) {
    return at_least(x, 0.0) + bend<T>(x);
}
/// s(x) = 1 / (1 + e^-x), with relative accuracy in both tails.
template <class T>
inline double logistic_of(double x) {
    const double e = abs(x) > nothing_left ? 0.0 : exponential<T>(-abs(x)).value();
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/// f = -y log x - (1 - y) log(1 - x) of a probability x; the logarithms are cut at -100 and the
/// denominator of the slope at 1e-12, as torch does.
struct binary_cross_entropy {
    template <class T>
    static double value(double x, double y) {
        const double yes = x <= 0.0 ? -100.0 : at_least(log(x), -100.0);
        const double no = x >= 1.0 ? -100.0 : at_least(log1p(-x), -100.0);
        return -(y * yes + (1.0 - y) * no);
    }
    template <class T>
    static double derivative(double x, double y) {
        return (x - y) / at_least((1.0 - x) * x, static_cast<double>(1e-12f));
    }
};

/// f = w y log(1 + e^-x) + (1 - y) log(1 + e^x), f' = (1 - y) s(x) - w y s(-x), where the positive
/// class weighs w.
struct weighted_binary_cross_entropy_with_logits {
    template <class T>
    static double value(double x, double y, double w) {
        const double b = bend<T>(x);
        return share(w * y, at_least(-x, 0.0) + b) + share(1.0 - y, at_least(x, 0.0) + b);
    }
    template <class T>
    static double derivative(double x, double y, double w) {
        return (1.0 - y) * logistic_of<T>(x) - w * y * logistic_of<T>(-x);
    }
};

/// The same where it weighs 1.
struct binary_cross_entropy_with_logits {
    template <class T>
    static double value(double x, double y) {
        return weighted_binary_cross_entropy_with_logits::value<T>(x, y, 1.0);
    }
    template <class T>
    static double derivative(double x, double y) {
        return weighted_binary_cross_entropy_with_logits::derivative<T>(x, y, 1.0);
    }
};

/// f = a r^gamma c with c the binary cross-entropy of the logit x, r = y s(-x) + (1 - y) s(x) the
/// probability of the other class, and a = alpha y + (1 - alpha) (1 - y) (Lin et al., 2017). An
/// alpha of NaN stands for none, a = 1. r' = (1 - 2 y) s(x) s(-x).
struct focal_loss {
    static double balance(double y, double alpha) {
        return alpha != alpha ? 1.0 : alpha * y + (1.0 - alpha) * (1.0 - y);
    }
    template <class T>
    static double other(double x, double y) {
        return y * logistic_of<T>(-x) + (1.0 - y) * logistic_of<T>(x);
    }
    template <class T>
    static double value(double x, double y, parameters::focal_loss p) {
        const double factor = power_of<T>(other<T>(x, y), p.gamma);
        const double entropy = binary_cross_entropy_with_logits::value<T>(x, y);
        return balance(y, p.alpha) * share(factor, entropy);
    }
    template <class T>
    static double derivative(double x, double y, parameters::focal_loss p) {
        const double r = other<T>(x, y);
        const double factor = power_of<T>(r, p.gamma);
        const double entropy = binary_cross_entropy_with_logits::value<T>(x, y);
        const double slope = binary_cross_entropy_with_logits::derivative<T>(x, y);
        const double r_slope = (1.0 - 2.0 * y) * logistic_of<T>(x) * logistic_of<T>(-x);
        const double bending = r == 0.0 ? 0.0 : p.gamma * factor * (r_slope / r) * entropy;
        return balance(y, p.alpha) * (bending + factor * slope);
    }
};

/// f = y log y - y x, x a logarithm of a probability and y a probability.
struct kl_div {
    template <class T>
    static double value(double x, double y) {
        return share(y, log(y) - x);
    }
    template <class T>
    static double derivative(double, double y) {
        return -y;
    }
};
/// The same of log y: f = e^y (y - x).
struct kl_div_log_target {
    template <class T>
    static double value(double x, double y) {
        return share(exponential<T>(at_most(y, 709.0)).value(), y - x);
    }
    template <class T>
    static double derivative(double, double y) {
        return -exponential<T>(at_most(y, 709.0)).value();
    }
};

/// log y! by Stirling's formula, y log y - y + log(2 pi y) / 2, for y > 1; 0 otherwise.
inline double stirling(double y) {
    const double factorial = y * log(y) - y + 0.5 * log(0x1.921fb54442d18p+2 * y);
    return y > 1.0 ? factorial : 0.0;
}

/// f = x - y log(x + eps): -log of the probability of a count y whose mean is x, but for log y!,
/// which does not depend on x.
struct poisson_nll_loss {
    template <class T>
    static double value(double x, double y, auto p) {
        return x - share(y, log(x + p.eps));
    }
    template <class T>
    static double derivative(double x, double y, auto p) {
        return 1.0 - y / (x + p.eps);
    }
};
/// The same where x is the logarithm of the mean: f = e^x - y x.
struct poisson_nll_loss_log_input {
    template <class T>
    static double rate(double x) {
        return x > 709.0 ? infinity : exponential<T>(at_most(x, 709.0)).value();
    }
    template <class T>
    static double value(double x, double y) {
        return rate<T>(x) - share(y, x);
    }
    template <class T>
    static double derivative(double x, double y) {
        return rate<T>(x) - y;
    }
};
/// Both with log y!.
template <class Loss>
struct with_factorial : Loss {
    template <class T>
    static double value(double x, double y, auto... p) {
        return Loss::template value<T>(x, y, p...) + stirling(y);
    }
};
struct poisson_nll_loss_full : with_factorial<poisson_nll_loss> {};
struct poisson_nll_loss_log_input_full : with_factorial<poisson_nll_loss_log_input> {};

/// f = (log v + (x - y)^2 / v) / 2, plus log(2 pi) / 2 where asked for: -log of a normal density of
/// mean x and variance v, which is at least eps (Nix and Weigend, 1994).
struct gaussian_nll_loss {
    template <class T>
    static double value(double x, double y, double v, parameters::gaussian_nll_loss p) {
        const double variance = at_least(v, p.eps);
        const double constant = p.full != 0.0 ? 0x1.d67f1c864beb5p-1 : 0.0;
        return 0.5 * (log(variance) + (x - y) * (x - y) / variance) + constant;
    }
    template <class T>
    static double derivative(double x, double y, double v, parameters::gaussian_nll_loss p) {
        return (x - y) / at_least(v, p.eps);
    }
    template <class T>
    static double second_derivative(double x, double y, double v, parameters::gaussian_nll_loss p) {
        const double variance = at_least(v, p.eps);
        return 0.5 * (1.0 - (x - y) * (x - y) / variance) / variance;
    }
};

}  // namespace ranvier::RANVIER_ISA::losses
