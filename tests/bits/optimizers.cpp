#include "ranvier/optimizers.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "inputs.hpp"
#include "report.hpp"
#include "runtime/optimizer.hpp"
#include "subjects.hpp"

namespace bits {
namespace {

/// The same five steps by a handle, as a training loop makes them: ranges of an elementwise rule,
/// the blocks of each phase of another, last ones first.
template <class T, class Rule>
void check_in_parts(const std::string& name, const Rule& rule, const std::vector<T>& expected,
                    T state_start) {
    const std::size_t size = expected.size();
    std::vector<T> p = numbers<T>(size);
    std::vector<T> states[] = {std::vector<T>(size, state_start), std::vector<T>(size, state_start),
                               std::vector<T>(size, state_start)};
    ranvier::OptimizerHandle handle(ranvier::optimizer_of(rule), 1,
                                    {{0,
                                      ranvier::dtype_of<T>,
                                      p.data(),
                                      {size},
                                      {states[0].data(), states[1].data(), states[2].data()}}});
    *static_cast<Rule*>(handle.group(0).options()) = rule;
    for (int t = 1; t <= 5; ++t) {
        const std::vector<T> g = numbers<T>(size, 1.0, static_cast<std::uint64_t>(t));
        const void* gradients[] = {g.data()};
        handle.begin_step(0.9);
        if (handle.elementwise()) {
            const std::size_t cut[] = {0, 1, 1700, 1701, size};
            for (int k = 3; k >= 0; --k) {
                handle.update(0, cut[k], cut[k + 1] - cut[k], g.data() + cut[k]);
            }
            continue;
        }
        ranvier::OptimizerPhases& phases = *handle.phases();
        for (std::size_t phase = 0; phase < phases.count(); ++phase) {
            for (std::size_t block = phases.blocks(phase); block-- > 0;) {
                phases.run(phase, block, gradients);
            }
            phases.end(phase);
        }
    }
    if (std::memcmp(p.data(), expected.data(), size * sizeof(T)) != 0) {
        std::fprintf(stderr, "%s in parts has other bits than in one step\n", name.c_str());
        std::exit(1);
    }
}

template <class T, class Rule>
void five_steps(const std::string& name, Rule rule, T state_start = T(0)) {
    const std::size_t size = 5003;
    const Rule start = rule;
    std::vector<T> p = numbers<T>(size);
    std::vector<T> states[] = {std::vector<T>(size, state_start), std::vector<T>(size, state_start),
                               std::vector<T>(size, state_start)};
    for (int t = 1; t <= 5; ++t) {
        const std::vector<T> g = numbers<T>(size, 1.0, static_cast<std::uint64_t>(t));
        const ranvier::Tensor<T> tensors[] = {
            {p.data(), g.data(), {states[0].data(), states[1].data(), states[2].data()}, size}};
        ranvier::step<T>(rule, tensors, t, 0.9);
    }
    check_in_parts(name, start, p, state_start);
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
