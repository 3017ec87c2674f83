// Rules that divide by the root of a sum or mean of squared gradients.
#pragma once

#include "descent.hpp"

namespace ranvier::RANVIER_ISA::optimizers {

/// Adagrad (Duchi, Hazan and Singer, Adaptive subgradient methods, JMLR 2011, with torch's decay:
/// step_size = lr / (1 + (t - 1) lr_decay)):
///     d = g + weight_decay p;  v += d^2;  p -= step_size d / (sqrt(v) + eps)
struct adagrad : states::adagrad {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::adagrad<T>& s) {
        const T d = descent(p, g, s);
        T& v = state[sum][i];
        v = fma(d, d, v);
        p = fma(-s.step_size, d / (sqrt(v) + s.eps), p);
    }
};

/// Adadelta (Zeiler, arXiv 1212.5701, 2012, algorithm 1; torch multiplies by a rate, 1 in the
/// paper):
///     d = g + weight_decay p;  v = rho v + (1 - rho) d^2
///     delta = d sqrt((a + eps) / (v + eps));  a = rho a + (1 - rho) delta^2;  p -= lr delta
struct adadelta : states::adadelta {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::adadelta<T>& s) {
        const T d = descent(p, g, s);
        T &v = state[square_avg][i], &a = state[acc_delta][i];
        v = decayed(fma(s.rho, v, s.one_minus_rho * d * d), v);
        const T delta = d * sqrt((a + s.eps) / (v + s.eps));
        a = decayed(fma(s.rho, a, s.one_minus_rho * delta * delta), a);
        p = fma(-s.lr, delta, p);
    }
};

/// RMSprop (Hinton, Srivastava and Swersky, Neural networks for machine learning, lecture 6e, 2012;
/// centred: Graves, arXiv 1308.0850, 2013, equations 38 to 43). eps stands outside the root, as in
/// torch and not in TensorFlow or Graves:
///     d = g + weight_decay p;  v = alpha v + (1 - alpha) d^2
///     centred: a = alpha a + (1 - alpha) d, and v - a^2 in the place of v
///     d / (sqrt(v) + eps), with a momentum collected as in SGD;  p -= lr times it
struct rmsprop : states::rmsprop {
    static constexpr int variants = 4;  // 1 if centred, plus 2 with a momentum
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::rmsprop<T>& s) {
        constexpr bool centred = variant % 2 == 1, momentum = variant >= 2;
        const T d = descent(p, g, s);
        T& v = state[square_avg][i];
        v = decayed(fma(s.alpha, v, s.one_minus_alpha * d * d), v);
        T square = v;
        if constexpr (centred) {
            T& a = state[grad_avg][i];
            a = decayed(fma(s.one_minus_alpha, d - a, a), a);
            square = at_least(fma(-a, a, v), T(0));  // not below 0 by rounding: torch gives NaN
        }
        T step = d / (sqrt(square) + s.eps);
        if constexpr (momentum) {
            T& b = state[momentum_buffer][i];
            b = decayed(fma(s.momentum, b, step), b);
            step = b;
        }
        p = fma(-s.lr, step, p);
    }
};

}  // namespace ranvier::RANVIER_ISA::optimizers
