// The numbers that the update rules read, from hyperparameters and the number of the step: for each
// rule a function, which computes in double and rounds once, to T.
#pragma once

#include <algorithm>
#include <cmath>

#include "../ops/optimizers/scalars.hpp"
#include "ranvier/optimizers.hpp"

namespace ranvier {

/// 1 - beta^t.
inline double bias(double beta, double t) {
    return 1.0 - std::pow(beta, t);
}

/// A weight decay is added to the gradient; a decoupled one multiplies the parameter.
struct Decay {
    double weight_decay, decay;
    Decay(double lr, double weight_decay_, bool decoupled)
        : weight_decay(decoupled ? 0.0 : weight_decay_),
          decay(decoupled ? 1.0 - lr * weight_decay_ : 1.0) {}
};

template <class T>
scalars::sgd<T> scalars_of(const SGD& o, double t, double scale) {
    return {.scale = T(scale),
            .weight_decay = T(o.weight_decay),
            .lr = T(o.lr),
            .momentum = T(o.momentum),
            .inflow = T(t == 1.0 ? 1.0 : 1.0 - o.dampening),
            .variant = o.momentum == 0.0 ? 0
                       : o.nesterov      ? 2
                                         : 1};
}

template <class T>
scalars::asgd<T> scalars_of(const ASGD& o, double, double scale) {
    return {.scale = T(scale),
            .weight_decay = T(o.weight_decay),
            .decay = T(1.0 - o.lambd * o.eta),
            .eta = T(o.eta),
            .mu = T(o.mu)};
}

template <class T>
scalars::rprop<T> scalars_of(const Rprop& o, double, double scale) {
    return {.scale = T(scale),
            .etaminus = T(o.etaminus),
            .etaplus = T(o.etaplus),
            .smallest = T(o.step_size_min),
            .largest = T(o.step_size_max)};
}

template <class T>
scalars::adagrad<T> scalars_of(const Adagrad& o, double t, double scale) {
    return {.scale = T(scale),
            .weight_decay = T(o.weight_decay),
            .step_size = T(o.lr / (1.0 + (t - 1.0) * o.lr_decay)),
            .eps = T(o.eps)};
}

template <class T>
scalars::adadelta<T> scalars_of(const Adadelta& o, double, double scale) {
    return {.scale = T(scale),
            .weight_decay = T(o.weight_decay),
            .lr = T(o.lr),
            .rho = T(o.rho),
            .one_minus_rho = T(1.0 - o.rho),
            .eps = T(o.eps)};
}

template <class T>
scalars::rmsprop<T> scalars_of(const RMSprop& o, double, double scale) {
    return {.scale = T(scale),
            .weight_decay = T(o.weight_decay),
            .lr = T(o.lr),
            .alpha = T(o.alpha),
            .one_minus_alpha = T(1.0 - o.alpha),
            .eps = T(o.eps),
            .momentum = T(o.momentum),
            .variant = (o.centered ? 1 : 0) + (o.momentum != 0.0 ? 2 : 0)};
}

template <class T>
scalars::adam<T> scalars_of(const Adam& o, double t, double scale) {
    const Decay decay(o.lr, o.weight_decay, o.decoupled_weight_decay);
    const double correction = 1.0 / std::sqrt(bias(o.beta2, t));
    return {.scale = T(scale),
            .weight_decay = T(decay.weight_decay),
            .decay = T(decay.decay),
            .step_size = T(o.lr / bias(o.beta1, t)),
            .correction = T(correction),
            .eps = T(o.eps_hat ? o.eps * correction : o.eps),
            .one_minus_beta1 = T(1.0 - o.beta1),
            .beta2 = T(o.beta2),
            .one_minus_beta2 = T(1.0 - o.beta2),
            .variant = o.amsgrad ? 1 : 0};
}

template <class T>
scalars::adamw<T> scalars_of(const AdamW& o, double t, double scale) {
    return {.scale = T(scale),
            .decay = T(1.0 - o.lr * o.weight_decay),
            .step_size = T(o.lr / bias(o.beta1, t)),
            .correction = T(1.0 / std::sqrt(bias(o.beta2, t))),
            .eps = T(o.eps),
            .one_minus_beta1 = T(1.0 - o.beta1),
            .beta2 = T(o.beta2),
            .one_minus_beta2 = T(1.0 - o.beta2),
            .variant = o.amsgrad ? 1 : 0};
}

template <class T>
scalars::adamax<T> scalars_of(const Adamax& o, double t, double scale) {
    return {.scale = T(scale),
            .weight_decay = T(o.weight_decay),
            .step_size = T(o.lr / bias(o.beta1, t)),
            .eps = T(o.eps),
            .one_minus_beta1 = T(1.0 - o.beta1),
            .beta2 = T(o.beta2)};
}

/// NAdam's momentum of the t-th step.
inline double momentum_at(const NAdam& o, double t) {
    return o.beta1 * (1.0 - 0.5 * std::pow(0.96, t * o.momentum_decay));
}

template <class T>
scalars::nadam<T> scalars_of(const NAdam& o, double t, double scale) {
    const Decay decay(o.lr, o.weight_decay, o.decoupled_weight_decay);
    const double now = momentum_at(o, t), next = momentum_at(o, t + 1.0);
    const double product = o.mu_product * now;
    return {.scale = T(scale),
            .weight_decay = T(decay.weight_decay),
            .decay = T(decay.decay),
            .gradient_step = T(o.lr * (1.0 - now) / (1.0 - product)),
            .momentum_step = T(o.lr * next / (1.0 - product * next)),
            .correction = T(1.0 / std::sqrt(bias(o.beta2, t))),
            .eps = T(o.eps),
            .one_minus_beta1 = T(1.0 - o.beta1),
            .beta2 = T(o.beta2),
            .one_minus_beta2 = T(1.0 - o.beta2)};
}

template <class T>
scalars::radam<T> scalars_of(const RAdam& o, double t, double scale) {
    const Decay decay(o.lr, o.weight_decay, o.decoupled_weight_decay);
    const double second = bias(o.beta2, t);
    const double rho_inf = 2.0 / (1.0 - o.beta2) - 1.0;
    const double rho = rho_inf - 2.0 * t * std::pow(o.beta2, t) / second;
    const bool rectified = rho > 5.0;
    const double r = rectified ? std::sqrt((rho - 4.0) * (rho - 2.0) * rho_inf * second /
                                           ((rho_inf - 4.0) * (rho_inf - 2.0) * rho))
                               : 1.0;
    return {.scale = T(scale),
            .weight_decay = T(decay.weight_decay),
            .decay = T(decay.decay),
            .step_size = T(o.lr * r / bias(o.beta1, t)),
            .eps = T(o.eps),
            .one_minus_beta1 = T(1.0 - o.beta1),
            .beta2 = T(o.beta2),
            .one_minus_beta2 = T(1.0 - o.beta2),
            .variant = rectified ? 1 : 0};
}

template <class T>
scalars::lion<T> scalars_of(const Lion& o, double, double scale) {
    return {.scale = T(scale),
            .decay = T(1.0 - o.lr * o.weight_decay),
            .lr = T(o.lr),
            .beta1 = T(o.beta1),
            .one_minus_beta1 = T(1.0 - o.beta1),
            .beta2 = T(o.beta2),
            .one_minus_beta2 = T(1.0 - o.beta2)};
}

/// `step_size` differs from tensor to tensor (LambPhases).
template <class T>
scalars::lamb<T> scalars_of(const LAMB& o, double t, double scale) {
    return {.scale = T(scale),
            .weight_decay = T(o.weight_decay),
            .step_size = T(o.lr),
            .first = T(1.0 / bias(o.beta1, t)),
            .correction = T(1.0 / std::sqrt(bias(o.beta2, t))),
            .eps = T(o.eps),
            .one_minus_beta1 = T(1.0 - o.beta1),
            .beta2 = T(o.beta2),
            .one_minus_beta2 = T(1.0 - o.beta2)};
}

template <class T>
scalars::ema<T> scalars_of(const EMA& o, double, double) {
    return {.decay = T(o.decay), .one_minus_decay = T(1.0 - o.decay)};
}

/// Brings up to date what a rule carries to the next step, behind the t-th.
template <class Rule>
void carry(Rule&, double) {}
inline void carry(ASGD& o, double t) {
    o.eta = o.lr / std::pow(1.0 + o.lambd * o.lr * t, o.alpha);
    o.mu = 1.0 / std::max(1.0, t - o.t0);
}
inline void carry(NAdam& o, double t) {
    o.mu_product *= momentum_at(o, t);
}

}  // namespace ranvier
