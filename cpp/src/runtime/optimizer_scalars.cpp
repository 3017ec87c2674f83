#include "optimizer_scalars.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "../ops/optimizers/scalars.hpp"

namespace ranvier {
namespace {

template <class Scalars>
void write(const Scalars& scalars, double* to) {
    static_assert(sizeof scalars <= max_scalars * sizeof(double));
    std::memcpy(to, &scalars, sizeof scalars);
}

/// 1 - beta^t.
double bias(double beta, double t) {
    return 1.0 - std::pow(beta, t);
}

/// What a decay adds to the gradient, and what a decoupled one multiplies the parameter by.
struct Decay {
    double weight_decay, decay;
    Decay(double lr, double weight_decay_, bool decoupled)
        : weight_decay(decoupled ? 0.0 : weight_decay_),
          decay(decoupled ? 1.0 - lr * weight_decay_ : 1.0) {}
};

}  // namespace

void optimizer_scalars(SGD& o, double t, double scale, double* to) {
    write(scalars::sgd<double>{.scale = scale,
                               .weight_decay = o.weight_decay,
                               .lr = o.lr,
                               .momentum = o.momentum,
                               .inflow = t == 1.0 ? 1.0 : 1.0 - o.dampening,
                               .nesterov = o.nesterov ? 1.0 : 0.0,
                               .variant = o.momentum != 0.0 ? 1.0 : 0.0},
          to);
}

void optimizer_scalars(ASGD& o, double t, double scale, double* to) {
    write(scalars::asgd<double>{.scale = scale,
                                .weight_decay = o.weight_decay,
                                .decay = 1.0 - o.lambd * o.eta,
                                .eta = o.eta,
                                .mu = o.mu},
          to);
    o.eta = o.lr / std::pow(1.0 + o.lambd * o.lr * t, o.alpha);
    o.mu = 1.0 / std::max(1.0, t - o.t0);
}

void optimizer_scalars(Rprop& o, double, double scale, double* to) {
    write(scalars::rprop<double>{.scale = scale,
                                 .etaminus = o.etaminus,
                                 .etaplus = o.etaplus,
                                 .smallest = o.step_size_min,
                                 .largest = o.step_size_max},
          to);
}

void optimizer_scalars(Adagrad& o, double t, double scale, double* to) {
    write(scalars::adagrad<double>{.scale = scale,
                                   .weight_decay = o.weight_decay,
                                   .step_size = o.lr / (1.0 + (t - 1.0) * o.lr_decay),
                                   .eps = o.eps},
          to);
}

void optimizer_scalars(Adadelta& o, double, double scale, double* to) {
    write(scalars::adadelta<double>{.scale = scale,
                                    .weight_decay = o.weight_decay,
                                    .lr = o.lr,
                                    .rho = o.rho,
                                    .one_minus_rho = 1.0 - o.rho,
                                    .eps = o.eps},
          to);
}

void optimizer_scalars(RMSprop& o, double, double scale, double* to) {
    write(scalars::rmsprop<double>{.scale = scale,
                                   .weight_decay = o.weight_decay,
                                   .lr = o.lr,
                                   .alpha = o.alpha,
                                   .one_minus_alpha = 1.0 - o.alpha,
                                   .eps = o.eps,
                                   .momentum = o.momentum,
                                   .variant =
                                       (o.centered ? 1.0 : 0.0) + (o.momentum != 0.0 ? 2.0 : 0.0)},
          to);
}

void optimizer_scalars(Adam& o, double t, double scale, double* to) {
    const Decay decay(o.lr, o.weight_decay, o.decoupled_weight_decay);
    write(scalars::adam<double>{.scale = scale,
                                .weight_decay = decay.weight_decay,
                                .decay = decay.decay,
                                .step_size = o.lr / bias(o.beta1, t),
                                .correction = 1.0 / std::sqrt(bias(o.beta2, t)),
                                .eps = o.eps,
                                .one_minus_beta1 = 1.0 - o.beta1,
                                .beta2 = o.beta2,
                                .one_minus_beta2 = 1.0 - o.beta2,
                                .variant = o.amsgrad ? 1.0 : 0.0},
          to);
}

void optimizer_scalars(AdamW& o, double t, double scale, double* to) {
    write(scalars::adamw<double>{.scale = scale,
                                 .decay = 1.0 - o.lr * o.weight_decay,
                                 .step_size = o.lr / bias(o.beta1, t),
                                 .correction = 1.0 / std::sqrt(bias(o.beta2, t)),
                                 .eps = o.eps,
                                 .one_minus_beta1 = 1.0 - o.beta1,
                                 .beta2 = o.beta2,
                                 .one_minus_beta2 = 1.0 - o.beta2,
                                 .variant = o.amsgrad ? 1.0 : 0.0},
          to);
}

void optimizer_scalars(Adamax& o, double t, double scale, double* to) {
    write(scalars::adamax<double>{.scale = scale,
                                  .weight_decay = o.weight_decay,
                                  .step_size = o.lr / bias(o.beta1, t),
                                  .eps = o.eps,
                                  .one_minus_beta1 = 1.0 - o.beta1,
                                  .beta2 = o.beta2},
          to);
}

void optimizer_scalars(NAdam& o, double t, double scale, double* to) {
    const Decay decay(o.lr, o.weight_decay, o.decoupled_weight_decay);
    const auto mu = [&](double at) {
        return o.beta1 * (1.0 - 0.5 * std::pow(0.96, at * o.momentum_decay));
    };
    const double now = mu(t), next = mu(t + 1.0);
    o.mu_product *= now;
    write(scalars::nadam<double>{.scale = scale,
                                 .weight_decay = decay.weight_decay,
                                 .decay = decay.decay,
                                 .gradient_step = o.lr * (1.0 - now) / (1.0 - o.mu_product),
                                 .momentum_step = o.lr * next / (1.0 - o.mu_product * next),
                                 .correction = 1.0 / std::sqrt(bias(o.beta2, t)),
                                 .eps = o.eps,
                                 .one_minus_beta1 = 1.0 - o.beta1,
                                 .beta2 = o.beta2,
                                 .one_minus_beta2 = 1.0 - o.beta2},
          to);
}

void optimizer_scalars(RAdam& o, double t, double scale, double* to) {
    const Decay decay(o.lr, o.weight_decay, o.decoupled_weight_decay);
    const double second = bias(o.beta2, t);
    const double rho_inf = 2.0 / (1.0 - o.beta2) - 1.0;
    const double rho = rho_inf - 2.0 * t * std::pow(o.beta2, t) / second;
    const bool rectified = rho > 5.0;
    const double r = rectified ? std::sqrt((rho - 4.0) * (rho - 2.0) * rho_inf * second /
                                           ((rho_inf - 4.0) * (rho_inf - 2.0) * rho))
                               : 1.0;
    write(scalars::radam<double>{.scale = scale,
                                 .weight_decay = decay.weight_decay,
                                 .decay = decay.decay,
                                 .step_size = o.lr * r / bias(o.beta1, t),
                                 .eps = o.eps,
                                 .one_minus_beta1 = 1.0 - o.beta1,
                                 .beta2 = o.beta2,
                                 .one_minus_beta2 = 1.0 - o.beta2,
                                 .variant = rectified ? 1.0 : 0.0},
          to);
}

void optimizer_scalars(Lion& o, double, double scale, double* to) {
    write(scalars::lion<double>{.scale = scale,
                                .decay = 1.0 - o.lr * o.weight_decay,
                                .lr = o.lr,
                                .beta1 = o.beta1,
                                .one_minus_beta1 = 1.0 - o.beta1,
                                .beta2 = o.beta2,
                                .one_minus_beta2 = 1.0 - o.beta2},
          to);
}

void optimizer_scalars(LAMB& o, double t, double scale, double* to) {
    write(scalars::lamb<double>{.scale = scale,
                                .weight_decay = o.weight_decay,
                                .step_size = o.lr,
                                .first = 1.0 / bias(o.beta1, t),
                                .correction = 1.0 / std::sqrt(bias(o.beta2, t)),
                                .eps = o.eps,
                                .one_minus_beta1 = 1.0 - o.beta1,
                                .beta2 = o.beta2,
                                .one_minus_beta2 = 1.0 - o.beta2},
          to);
}

void optimizer_scalars(EMA& o, double, double, double* to) {
    write(scalars::ema<double>{.decay = o.decay, .one_minus_decay = 1.0 - o.decay}, to);
}

namespace {

/// A number as a member of whatever type it has.
struct Member {
    double value;
    operator double() const { return value; }
    operator bool() const { return value != 0.0; }
};

template <class Options, std::size_t... k>
Options from_list(const double* options, std::index_sequence<k...>) {
    return {Member{options[k]}...};
}

/// What is carried goes back to where it came from, the end of the list.
template <class Options>
void write_carried(const Options&, double*) {}
void write_carried(const ASGD& o, double* end) {
    end[-2] = o.eta;
    end[-1] = o.mu;
}
void write_carried(const NAdam& o, double* end) {
    end[-1] = o.mu_product;
}

template <class Options, std::size_t count>
void from_options(double* list, double t, double scale, double* to) {
    static_assert(count <= max_scalars);
    auto options = from_list<Options>(list, std::make_index_sequence<count>());
    optimizer_scalars(options, t, scale, to);
    write_carried(options, list + count);
}

}  // namespace

void optimizer_scalars(Optimizer rule, double* options, double t, double scale, double* to) {
    static constexpr void (*of_rule[])(double*, double, double, double*) = {
#define RV_OPTIMIZER(name, Options, states, options) from_options<Options, options>,
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
    };
    of_rule[static_cast<int>(rule)](options, t, scale, to);
}

}  // namespace ranvier
