// The numbers that an update rule reads, the same for every element: computed once a step in double
// and rounded to the parameter's own precision (runtime/optimizer_scalars.hpp).
//
// `scale` multiplies the gradient: 1, -1 to maximise, and the factor of a clipped norm. `decay`
// multiplies the parameter. `variant` says which form of the rule is meant, where it has several.
#pragma once

namespace ranvier::scalars {

template <class T>
struct sgd {
    T scale, weight_decay, lr, momentum, inflow;
    int variant;
};
template <class T>
struct asgd {
    T scale, weight_decay, decay, eta, mu;
};
template <class T>
struct rprop {
    T scale, etaminus, etaplus, smallest, largest;
};
template <class T>
struct adagrad {
    T scale, weight_decay, step_size, eps;
};
template <class T>
struct adadelta {
    T scale, weight_decay, lr, rho, one_minus_rho, eps;
};
template <class T>
struct rmsprop {
    T scale, weight_decay, lr, alpha, one_minus_alpha, eps, momentum;
    int variant;
};
template <class T>
struct adam {
    T scale, weight_decay, decay, step_size, correction, eps, one_minus_beta1, beta2,
        one_minus_beta2;
    int variant;
};
template <class T>
struct adamw {
    T scale, decay, step_size, correction, eps, one_minus_beta1, beta2, one_minus_beta2;
    int variant;
};
template <class T>
struct adamax {
    T scale, weight_decay, step_size, eps, one_minus_beta1, beta2;
};
template <class T>
struct nadam {
    T scale, weight_decay, decay, gradient_step, momentum_step, correction, eps, one_minus_beta1,
        beta2, one_minus_beta2;
};
template <class T>
struct radam {
    T scale, weight_decay, decay, step_size, eps, one_minus_beta1, beta2, one_minus_beta2;
    int variant;
};
template <class T>
struct lion {
    T scale, decay, lr, beta1, one_minus_beta1, beta2, one_minus_beta2;
};
template <class T>
struct lamb {
    T scale, weight_decay, step_size, first, correction, eps, one_minus_beta1, beta2,
        one_minus_beta2;
};
template <class T>
struct ema {
    T decay, one_minus_decay;
};

}  // namespace ranvier::scalars
