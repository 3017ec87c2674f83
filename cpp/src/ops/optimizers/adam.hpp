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
struct adam : states::adam {
    static constexpr int variants = 2;  // AMSGrad: 1
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::adam<T>& s) {
        const T d = descent(p, g, s);
        T &m = state[exp_avg][i], &v = state[exp_avg_sq][i];
        follow(m, v, d, s);
        T second = v;
        if constexpr (variant == 1) {
            T& largest = state[max_exp_avg_sq][i];
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
struct adamw : states::adamw {
    static constexpr int variants = 2;  // AMSGrad: 1
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::adamw<T>& s) {
        const T d = s.scale * g;
        T &m = state[exp_avg][i], &v = state[exp_avg_sq][i];
        follow(m, v, d, s);
        T second = v;
        if constexpr (variant == 1) {
            T& largest = state[max_exp_avg_sq][i];
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
struct adamax : states::adamax {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::adamax<T>& s) {
        const T d = descent(p, g, s);
        T &m = state[exp_avg][i], &u = state[exp_inf][i];
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
struct nadam : states::nadam {
    static constexpr int variants = 1;
    template <int, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::nadam<T>& s) {
        const T d = descent(p, g, s);
        T &m = state[exp_avg][i], &v = state[exp_avg_sq][i];
        follow(m, v, d, s);
        const T root = fma(s.correction, sqrt(v), s.eps);
        p = s.decay * p - fma(s.gradient_step, d, s.momentum_step * m) / root;
    }
};

/// RAdam (Liu et al., On the variance of the adaptive learning rate, ICLR 2020, algorithm 2). While
/// the variance of the second mean has no estimate (rho_t <= 5), the first mean alone; `step_size`
/// has the rectification r_t and both bias corrections:
///     m and v as in Adam;  p -= step_size m / (sqrt(v) + eps), or step_size m
struct radam : states::radam {
    static constexpr int variants = 2;  // rectified: 1
    template <int variant, class T>
    static void step(T& p, T g, T* const* state, std::size_t i, const scalars::radam<T>& s) {
        const T d = descent(p, g, s);
        T &m = state[exp_avg][i], &v = state[exp_avg_sq][i];
        follow(m, v, d, s);
        p = fma(-s.step_size, variant == 1 ? m / (sqrt(v) + s.eps) : m, s.decay * p);
    }
};

/// LAMB (You et al., Large batch optimization for deep learning, ICLR 2020, algorithm 2, with bias
/// correction and phi the identity):
///     m and v as in Adam;  u = first m / (correction sqrt(v) + eps) + weight_decay p
///     p -= lr |p| / |u| u, with the norms of the whole array (1 if one of them is 0)
/// Two passes: `add` updates m and v and adds up the squares of p and of u; `step` goes along u
/// with step_size = lr |p| / |u|, which follows from the sums.
struct lamb : states::lamb {
    static constexpr int variants = 1;
    static constexpr bool over_the_tensor = true;
    template <class T>
    static T direction(T p, T m, T v, const scalars::lamb<T>& s) {
        return fma(s.weight_decay, p, s.first * m / fma(s.correction, sqrt(v), s.eps));
    }
    template <class T>
    static void add(T p, T g, T* const* state, std::size_t i, const scalars::lamb<T>& s,
                    double& of_p, double& of_u) {
        T &m = state[exp_avg][i], &v = state[exp_avg_sq][i];
        follow(m, v, s.scale * g, s);
        const double weight = static_cast<double>(p);
        const double u = static_cast<double>(direction(p, m, v, s));
        of_p += weight * weight;
        of_u += u * u;
    }
    template <int, class T>
    static void step(T& p, T, T* const* state, std::size_t i, const scalars::lamb<T>& s) {
        p = fma(-s.step_size, direction(p, state[exp_avg][i], state[exp_avg_sq][i], s), p);
    }
};

}  // namespace ranvier::RANVIER_ISA::optimizers
