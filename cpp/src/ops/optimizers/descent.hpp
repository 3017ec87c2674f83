// Rules whose step is the gradient's or its sign's, and the average of parameters.
//
// p is the parameter, g its gradient, state[name] the arrays kept from step to step. A rule with
// several variants is compiled once for each: what an absent state is for costs nothing.
#pragma once

#include "../../isa/kernels.hpp"
#include "../../math/scalar.hpp"
#include "scalars.hpp"
#include "states.hpp"

namespace ranvier::RANVIER_ISA::optimizers {

/// x, or 0 where a state has decayed from `before` to a subnormal number. It would stop there, as
/// 0.9 times 4 units rounds to 4 units, and make every step about twenty times slower.
inline float decayed(float x, float before) {
    return abs(x) < at_most(abs(before), __FLT_MIN__) ? 0.0f : x;
}
inline double decayed(double x, double before) {
    return abs(x) < at_most(abs(before), __DBL_MIN__) ? 0.0 : x;
}

/// scale g + weight_decay p; without a decay p, which may be infinite, plays no part.
template <class T, class Scalars>
inline T descent(T p, T g, const Scalars& s) {
    const T d = s.scale * g;
    return s.weight_decay == T(0) ? d : fma(s.weight_decay, p, d);
}

/// -1, 0 or 1.
template <class T>
inline T sign(T x) {
    return x > T(0) ? T(1) : x < T(0) ? T(-1) : T(0);
}

/// Stochastic gradient descent (Sutskever et al., On the importance of initialization and momentum
/// in deep learning, ICML 2013, in torch's form, where the rate is outside the buffer):
///     d = g + weight_decay p;  b = momentum b + inflow d
///     d = d + momentum b (Nesterov), or b;      p -= lr d
/// `inflow` is 1 - dampening, and 1 at the first step.
struct sgd : states::sgd {
    static constexpr int variants = 3;  // with a momentum: 1, Nesterov's: 2
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::sgd<T>& s) {
        T d = descent(p, g, s);
        if constexpr (variant >= 1) {
            T& b = state[momentum_buffer][i];
            b = decayed(fma(s.momentum, b, s.inflow * d), b);
            d = variant == 2 ? fma(s.momentum, b, d) : b;
        }
        p = fma(-s.lr, d, p);
    }
};

/// Averaged SGD (Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992,
/// in torch's form). `decay` is 1 - lambd eta; eta and mu follow from the steps before:
///     d = g + weight_decay p;  p = decay p - eta d;  a += mu (p - a)
struct asgd : states::asgd {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::asgd<T>& s) {
        const T d = descent(p, g, s);
        p = fma(-s.eta, d, s.decay * p);
        T& a = state[ax][i];
        a = s.mu == T(1) ? p : fma(s.mu, p - a, a);
    }
};

/// Rprop (Riedmiller and Braun, A direct adaptive method for faster backpropagation learning, ICNN
/// 1993, in torch's form, Rprop- of Igel and Hüsken: after a change of sign the gradient counts as
/// 0, and no step is taken back). The states are the gradient before and the step of each element:
///     step *= etaplus, etaminus or 1 by the sign of g g_before, within bounds;  p -= step sign(g)
struct rprop : states::rprop {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::rprop<T>& s) {
        T &before = state[prev][i], &size = state[step_size][i];
        T d = s.scale * g;
        const T turn = sign(d) * sign(before);
        const T factor = turn > T(0) ? s.etaplus : turn < T(0) ? s.etaminus : T(1);
        size = at_most(at_least(size * factor, s.smallest), s.largest);
        d = turn < T(0) ? T(0) : d;
        p = fma(-size, sign(d), p);
        before = d;
    }
};

/// Lion (Chen et al., Symbolic discovery of optimization algorithms, arXiv 2302.06675, 2023,
/// algorithm 2). `decay` is 1 - lr weight_decay:
///     c = beta1 m + (1 - beta1) g;  p = decay p - lr sign(c);  m = beta2 m + (1 - beta2) g
struct lion : states::lion {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::lion<T>& s) {
        const T d = s.scale * g;
        T& m = state[exp_avg][i];
        const T c = fma(s.beta1, m, s.one_minus_beta1 * d);
        p = fma(-s.lr, c != c ? c : sign(c), s.decay * p);
        m = decayed(fma(s.beta2, m, s.one_minus_beta2 * d), m);
    }
};

/// Exponential moving average: p is the average, g the parameter; p += (1 - decay)(g - p), from the
/// nearer end.
struct ema : states::ema {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const*, std::size_t, const scalars::ema<T>& s) {
        const T way = g - p;
        p = s.decay > T(0.5) ? fma(s.one_minus_decay, way, p) : fma(-s.decay, way, g);
    }
};

}  // namespace ranvier::RANVIER_ISA::optimizers
