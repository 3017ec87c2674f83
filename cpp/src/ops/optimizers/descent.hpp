// Rules whose step is the gradient's or its sign's, and the average of parameters.
//
// p is the parameter, g its gradient, state[k] the arrays kept from step to step. A rule with
// several variants is compiled once for each: what an absent state is for costs nothing.
#pragma once

#include "../../isa/kernels.hpp"
#include "../../math/scalar.hpp"
#include "scalars.hpp"

namespace ranvier::RANVIER_ISA::optimizers {

/// x, or 0 where x is subnormal. A state whose gradients stay 0 decays to a subnormal number, stops
/// there, as 0.9 times 4 units rounds to 4 units, and makes every step about twenty times slower.
inline float normal_or_zero(float x) {
    return abs(x) < __FLT_MIN__ ? 0.0f : x;
}
inline double normal_or_zero(double x) {
    return abs(x) < __DBL_MIN__ ? 0.0 : x;
}

/// -1, 0 or 1; NaN stays.
template <class T>
inline T sign(T x) {
    return x > T(0) ? T(1) : x < T(0) ? T(-1) : x;
}

/// Stochastic gradient descent (Sutskever et al., On the importance of initialization and momentum
/// in deep learning, ICML 2013, in torch's form, where the rate is outside the buffer):
///     d = g + weight_decay p;  b = momentum b + inflow d
///     d = d + momentum b (Nesterov), or b;      p -= lr d
/// `inflow` is 1 - dampening, and 1 at the first step.
struct sgd {
    static constexpr int variants = 2;  // with a momentum: 1
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::sgd<T>& s) {
        T d = fma(s.weight_decay, p, s.scale * g);
        if constexpr (variant == 1) {
            T& b = state[0][i];
            b = normal_or_zero(fma(s.momentum, b, s.inflow * d));
            d = s.nesterov != T(0) ? fma(s.momentum, b, d) : b;
        }
        p = fma(-s.lr, d, p);
    }
};

/// Averaged SGD (Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992,
/// in torch's form). `decay` is 1 - lambd eta; eta and mu follow from the steps before:
///     d = g + weight_decay p;  p = decay p - eta d;  a += mu (p - a)
struct asgd {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::asgd<T>& s) {
        const T d = fma(s.weight_decay, p, s.scale * g);
        p = fma(-s.eta, d, s.decay * p);
        T& a = state[0][i];
        a = s.mu == T(1) ? p : fma(s.mu, p - a, a);
    }
};

/// Rprop (Riedmiller and Braun, A direct adaptive method for faster backpropagation learning, ICNN
/// 1993, in torch's form, Rprop- of Igel and Hüsken: after a change of sign the gradient counts as
/// 0, and no step is taken back). The states are the gradient before and the step of each element:
///     step *= etaplus, etaminus or 1 by the sign of g g_before, within bounds;  p -= step sign(g)
struct rprop {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::rprop<T>& s) {
        T &before = state[0][i], &size = state[1][i];
        T d = s.scale * g;
        const T turn = sign(d) * sign(before);
        const T factor = turn > T(0)    ? s.etaplus
                         : turn < T(0)  ? s.etaminus
                         : turn == T(0) ? T(1)
                                        : turn;
        size = at_most(at_least(size * factor, s.smallest), s.largest);
        d = turn < T(0) ? T(0) : d;
        p = fma(-size, sign(d), p);
        before = d;
    }
};

/// Lion (Chen et al., Symbolic discovery of optimization algorithms, arXiv 2302.06675, 2023,
/// algorithm 2). `decay` is 1 - lr weight_decay:
///     c = beta1 m + (1 - beta1) g;  p = decay p - lr sign(c);  m = beta2 m + (1 - beta2) g
struct lion {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::lion<T>& s) {
        const T d = s.scale * g;
        T& m = state[0][i];
        p = fma(-s.lr, sign(fma(s.beta1, m, s.one_minus_beta1 * d)), s.decay * p);
        m = normal_or_zero(fma(s.beta2, m, s.one_minus_beta2 * d));
    }
};

/// Exponential moving average: p is the average, g the parameter; p += (1 - decay)(g - p).
struct ema {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const*, std::size_t, const scalars::ema<T>& s) {
        p = fma(s.one_minus_decay, g - p, p);
    }
};

}  // namespace ranvier::RANVIER_ISA::optimizers
