// Adam and its kin: running means of the gradient (m) and of its square (v).
//
// Bias corrections are in the scalars: `step_size` has 1 / (1 - beta1^t), `correction` is
// 1 / sqrt(1 - beta2^t). eps stands outside the corrected root, as in torch and in the papers;
// TensorFlow's stands inside the correction.
#pragma once

#include "descent.hpp"

namespace ranvier::RANVIER_ISA::optimizers {

/// m += (1 - beta1)(d - m);  v = beta2 v + (1 - beta2) d^2.
template <class T, class Scalars>
inline void follow(T& m, T& v, T d, const Scalars& s) {
    m = decayed(fma(s.one_minus_beta1, d - m, m), m);
    v = decayed(fma(s.beta2, v, s.one_minus_beta2 * d * d), v);
}

/// Adam (Kingma and Ba, arXiv 1412.6980, 2015, algorithm 1):
///     d = g + weight_decay p;  m += (1 - beta1)(d - m);  v = beta2 v + (1 - beta2) d^2
///     p -= step_size m / (correction sqrt(v) + eps)
/// AMSGrad (Reddi, Kale and Kumar, ICLR 2018) takes the largest v so far. With a decoupled decay, p
/// is multiplied by `decay` = 1 - lr weight_decay instead.
struct adam {
    static constexpr int variants = 2;  // AMSGrad: 1
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::adam<T>& s) {
        const T d = descent(p, g, s);
        T &m = state[0][i], &v = state[1][i];
        follow(m, v, d, s);
        T second = v;
        if constexpr (variant == 1) {
            T& largest = state[2][i];
            largest = v < largest ? largest : v;
            second = largest;
        }
        p = fma(-s.step_size, m / fma(s.correction, sqrt(second), s.eps), s.decay * p);
    }
};

/// AdamW (Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2,
/// with the rate in the decay as in torch): Adam, and p is first multiplied by `decay` = 1 - lr
/// weight_decay.
///     m += (1 - beta1)(g - m);  v = beta2 v + (1 - beta2) g^2
///     p = decay p - step_size m / (correction sqrt(v) + eps)
struct adamw {
    static constexpr int variants = 2;  // AMSGrad: 1
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::adamw<T>& s) {
        const T d = s.scale * g;
        T &m = state[0][i], &v = state[1][i];
        follow(m, v, d, s);
        T second = v;
        if constexpr (variant == 1) {
            T& largest = state[2][i];
            largest = v < largest ? largest : v;
            second = largest;
        }
        p = fma(-s.step_size, m / fma(s.correction, sqrt(second), s.eps), s.decay * p);
    }
};

/// Adamax (Kingma and Ba, algorithm 2): the largest gradient, decaying, in the place of the root.
/// eps is added to the gradient, as in torch; the paper has none.
///     d = g + weight_decay p;  m += (1 - beta1)(d - m);  u = max(beta2 u, |d| + eps)
///     p -= step_size m / u
struct adamax {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::adamax<T>& s) {
        const T d = descent(p, g, s);
        T &m = state[0][i], &u = state[1][i];
        m = decayed(fma(s.one_minus_beta1, d - m, m), m);
        const T before = s.beta2 * u, now = abs(d) + s.eps;
        u = before > now || before != before ? before : now;
        p = fma(-s.step_size, m / u, p);
    }
};

/// NAdam (Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016, algorithm 2 with
/// the schedule of its appendix), mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2):
///     m and v as in Adam;  p -= lr (1 - mu_t) / (1 - mu_1 ... mu_t) d / root
///                             + lr mu_(t+1) / (1 - mu_1 ... mu_(t+1)) m / root
///     with root = correction sqrt(v) + eps
struct nadam {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::nadam<T>& s) {
        const T d = descent(p, g, s);
        T &m = state[0][i], &v = state[1][i];
        follow(m, v, d, s);
        const T root = fma(s.correction, sqrt(v), s.eps);
        p = s.decay * p - fma(s.gradient_step, d, s.momentum_step * m) / root;
    }
};

/// RAdam (Liu et al., On the variance of the adaptive learning rate, ICLR 2020, algorithm 2). While
/// the variance of the second mean has no estimate (rho_t <= 5), the first mean alone; `step_size`
/// has the rectification r_t and both bias corrections:
///     m and v as in Adam;  p -= step_size m / (sqrt(v) + eps), or step_size m
struct radam {
    static constexpr int variants = 2;  // rectified: 1
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::radam<T>& s) {
        const T d = descent(p, g, s);
        T &m = state[0][i], &v = state[1][i];
        follow(m, v, d, s);
        p = fma(-s.step_size, variant == 1 ? m / (sqrt(v) + s.eps) : m, s.decay * p);
    }
};

/// LAMB (You et al., Large batch optimization for deep learning, ICLR 2020, algorithm 2, with bias
/// correction and phi the identity):
///     m and v as in Adam;  u = first m / (correction sqrt(v) + eps) + weight_decay p
///     p -= lr |p| / |u| u, with the norms of the whole array (1 if one of them is 0)
/// Two passes: the first, lamb_moments, updates m and v, `step` goes along u with step_size = lr
/// |p| / |u|.
struct lamb {
    static constexpr int variants = 1;
    template <class T>
    static T direction(T p, T m, T v, const scalars::lamb<T>& s) {
        return fma(s.weight_decay, p, s.first * m / fma(s.correction, sqrt(v), s.eps));
    }
    template <int, class T>
    static void step(T& p, T, T* const* state, std::size_t i, const scalars::lamb<T>& s) {
        p = fma(-s.step_size, direction(p, state[0][i], state[1][i], s), p);
    }
};

}  // namespace ranvier::RANVIER_ISA::optimizers
