// Optimizers for C++: one step over arrays of any sizes, in place.
//
//     ranvier::Adam adam{.lr = 1e-2};
//     const ranvier::Tensor<float> tensors[] = {{weight, gradient, {mean, square}, size}};
//     for (int t = 1; t <= steps; ++t) ranvier::step<float>(adam, tensors, t);
//
// The members of a rule are its hyperparameters, with torch.optim's names and defaults; beside each
// stand the arrays of its state, each in a place of its own, which start at 0 if nothing else is
// said. A number that is carried from step to step belongs to the rule, behind its hyperparameters.
// The compiler checks all of it against the rows of src/ops/optimizers.def.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ranvier {

/// A parameter, its gradient and what an optimizer keeps for it: arrays of `size`, none of which
/// overlaps another. A state that the rule does not use, with these options, may be null.
template <class T>
struct Tensor {
    T* parameter;
    const T* gradient;
    T* state[3];
    std::size_t size;
};

/// momentum_buffer, with a momentum.
struct SGD {
    double lr = 1e-3, momentum = 0.0, dampening = 0.0, weight_decay = 0.0;
    bool nesterov = false;
};
/// ax.
struct ASGD {
    double lr = 1e-2, lambd = 1e-4, alpha = 0.75, t0 = 1e6, weight_decay = 0.0;
    double eta = lr, mu = 1.0;  // carried
};
/// prev; step_size, which starts at the rate, 1e-2 in torch.
struct Rprop {
    double etaminus = 0.5, etaplus = 1.2, step_size_min = 1e-6, step_size_max = 50.0;
};
/// sum, which starts at torch's initial_accumulator_value.
struct Adagrad {
    double lr = 1e-2, lr_decay = 0.0, weight_decay = 0.0, eps = 1e-10;
};
/// square_avg, acc_delta.
struct Adadelta {
    double lr = 1.0, rho = 0.9, eps = 1e-6, weight_decay = 0.0;
};
/// square_avg; grad_avg, if centered; momentum_buffer, with a momentum.
struct RMSprop {
    double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0.0, momentum = 0.0;
    bool centered = false;
};
/// exp_avg, exp_avg_sq; max_exp_avg_sq, with amsgrad.
struct Adam {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
    bool amsgrad = false, decoupled_weight_decay = false;
    bool eps_hat = false;  // eps is added before the bias of the second mean is corrected
};
/// exp_avg, exp_avg_sq; max_exp_avg_sq, with amsgrad.
struct AdamW {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-2;
    bool amsgrad = false;
};
/// exp_avg, exp_inf.
struct Adamax {
    double lr = 2e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
};
/// exp_avg, exp_avg_sq.
struct NAdam {
    double lr = 2e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
    double momentum_decay = 4e-3;
    bool decoupled_weight_decay = false;
    double mu_product = 1.0;  // carried
};
/// exp_avg, exp_avg_sq.
struct RAdam {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
    bool decoupled_weight_decay = false;
};
/// exp_avg.
struct Lion {
    double lr = 1e-4, beta1 = 0.9, beta2 = 0.99, weight_decay = 0.0;
};
/// exp_avg, exp_avg_sq.
struct LAMB {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-6, weight_decay = 0.0;
};
/// No optimizer: the parameter is an average of the gradient, decay of it and 1 - decay of that.
struct EMA {
    double decay = 0.999;
};

/// One step, the t-th of these arrays, counted from 1. `scale` multiplies the gradients: -1 goes
/// up, and the factor of a clipped norm clips. T is float or double, Rule one of the above. Throws
/// std::invalid_argument, and changes nothing, if t is below 1 or a state that is used is null.
template <class T, class Rule>
void step(Rule& rule, std::span<const Tensor<T>> tensors, std::int64_t t, double scale = 1.0);

}  // namespace ranvier
