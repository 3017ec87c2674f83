// The update rule of every optimizer: one element of the parameter, its gradient and its state.
//
// Scalars are computed in double, once a step, by the caller; a rule reads them in the parameter's
// own precision. `_scalars` in Python lists them in the order in which they stand here. `scale`
// multiplies the gradient: 1, -1 to maximise, and the factor of a clipped norm. The last state may
// be an optional one: what it is for is compiled apart, for a masked load from no array at all is
// many times slower than the rule.
#pragma once

#include "../isa/kernels.hpp"
#include "../math/scalar.hpp"

namespace ranvier::RANVIER_ISA::optimizers {

/// x, or 0 where x is subnormal. A state whose gradients stay 0 decays to a subnormal number, stops
/// there, as 0.9 times 4 units rounds to 4 units, and makes every step about twenty times slower.
inline float normal_or_zero(float x) {
    return abs(x) < __FLT_MIN__ ? 0.0f : x;
}
inline double normal_or_zero(double x) {
    return abs(x) < __DBL_MIN__ ? 0.0 : x;
}

/// Stochastic gradient descent (Sutskever et al., On the importance of initialization and momentum
/// in deep learning, ICML 2013, in torch's form, where the rate is outside the buffer):
///     d = scale g + weight_decay p;  b = momentum b + inflow d
///     d = d + momentum b, or b;      p -= lr d
/// `inflow` is 1 - dampening, and 1 at the first step.
struct sgd {
    template <class T>
    struct Scalars {
        T lr, scale, weight_decay, momentum, inflow, nesterov;
        bool optional_state() const { return momentum != T(0); }
    };
    template <bool optional_state, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const Scalars<T>& s) {
        T d = fma(s.weight_decay, p, s.scale * g);
        if constexpr (optional_state) {
            T& b = state[0][i];
            b = normal_or_zero(fma(s.momentum, b, s.inflow * d));
            d = s.nesterov != T(0) ? fma(s.momentum, b, d) : b;
        }
        p = fma(-s.lr, d, p);
    }
};

/// Adam (Kingma and Ba, arXiv 1412.6980, 2015, algorithm 1), with eps outside the corrected root as
/// in torch; `step_size` is lr / (1 - beta1^t), `correction` is 1 / sqrt(1 - beta2^t):
///     m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g^2
///     p -= step_size m / (correction sqrt(v) + eps)
/// AMSGrad (Reddi, Kale and Kumar, ICLR 2018) takes the largest v so far.
struct adam {
    template <class T>
    struct Scalars {
        T step_size, correction, eps, scale, weight_decay, one_minus_beta1, beta2, one_minus_beta2,
            amsgrad;
        bool optional_state() const { return amsgrad != T(0); }
    };
    template <bool optional_state, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const Scalars<T>& s) {
        const T d = fma(s.weight_decay, p, s.scale * g);
        T& m = state[0][i];
        T& v = state[1][i];
        m = normal_or_zero(fma(s.one_minus_beta1, d - m, m));
        v = normal_or_zero(fma(s.beta2, v, s.one_minus_beta2 * d * d));
        T second = v;
        if constexpr (optional_state) {
            T& largest = state[2][i];
            largest = v < largest ? largest : v;
            second = largest;
        }
        p = fma(-s.step_size, m / fma(s.correction, sqrt(second), s.eps), p);
    }
};

}  // namespace ranvier::RANVIER_ISA::optimizers

namespace ranvier::RANVIER_ISA {

template <class Rule, bool optional_state, class T, class Scalars>
inline void optimizer_loop(T* p, const T* g, T* const* state, const Scalars& s, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        Rule::template step<optional_state>(p[i], g[i], state, i, s);
    }
}

template <class Rule, class T>
void optimizer_step(void* parameter, const void* gradient, void* const* state_,
                    const double* scalars, std::size_t n) {
    using Scalars = typename Rule::template Scalars<T>;
    constexpr std::size_t count = sizeof(Scalars) / sizeof(T);
    union {
        T list[count];
        Scalars named;
    } s;
    for (std::size_t k = 0; k < count; ++k) s.list[k] = static_cast<T>(scalars[k]);
    T* p = static_cast<T*>(parameter);
    const T* g = static_cast<const T*>(gradient);
    T* state[3];
    for (int k = 0; k < 3; ++k) state[k] = static_cast<T*>(state_[k]);
    if (s.named.optional_state()) {
        optimizer_loop<Rule, true>(p, g, state, s.named, n);
    } else {
        optimizer_loop<Rule, false>(p, g, state, s.named, n);
    }
}

}  // namespace ranvier::RANVIER_ISA
