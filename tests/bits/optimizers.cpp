#include "ranvier/optimizers.hpp"

#include <algorithm>

#include "inputs.hpp"
#include "report.hpp"
#include "subjects.hpp"

namespace bits {
namespace {

template <class T, class Rule>
void five_steps(const std::string& name, Rule rule, T state_start = T(0)) {
    const std::size_t size = 5003;
    std::vector<T> p = numbers<T>(size);
    std::vector<T> states[] = {std::vector<T>(size, state_start), std::vector<T>(size, state_start),
                               std::vector<T>(size, state_start)};
    for (int t = 1; t <= 5; ++t) {
        const std::vector<T> g = numbers<T>(size, 1.0, static_cast<std::uint64_t>(t));
        const ranvier::Tensor<T> tensors[] = {
            {p.data(), g.data(), {states[0].data(), states[1].data(), states[2].data()}, size}};
        ranvier::step<T>(rule, tensors, t, 0.9);
    }
    report(name, p);
    for (const std::vector<T>& state : states) report(name + ", state", state);
}

template <class T>
void all() {
    // Every rule as it is by default, then what it does beside.
#define RV_OPTIMIZER(name, Options, ...) \
    five_steps<T>(#name, ranvier::Options{}, #Options == std::string("Rprop") ? T(0.1) : T(0));
#include "ops/optimizers.def"
#undef RV_OPTIMIZER
    five_steps<T>("sgd with Nesterov's momentum",
                  ranvier::SGD{.momentum = 0.9, .weight_decay = 1e-2, .nesterov = true});
    five_steps<T>("asgd from the first step", ranvier::ASGD{.t0 = 1.0, .weight_decay = 1e-2});
    five_steps<T>("adagrad with decays", ranvier::Adagrad{.lr_decay = 1e-2, .weight_decay = 1e-2});
    five_steps<T>("centered rmsprop with momentum",
                  ranvier::RMSprop{.weight_decay = 1e-2, .momentum = 0.9, .centered = true});
    five_steps<T>("adam with amsgrad", ranvier::Adam{.weight_decay = 1e-2, .amsgrad = true});
    five_steps<T>("adamw with amsgrad", ranvier::AdamW{.amsgrad = true});
    five_steps<T>("rectified radam", ranvier::RAdam{.beta2 = 0.5, .weight_decay = 1e-2});
    five_steps<T>("lion with decay", ranvier::Lion{.weight_decay = 1e-2});
    five_steps<T>("lamb with decay", ranvier::LAMB{.weight_decay = 1e-2});
}

}  // namespace

void optimizers() {
    all<float>();
    all<double>();
}

}  // namespace bits
