// The public C++ interface of the optimizers.
#include <stdexcept>
#include <string>

#include "optimizer.hpp"
#include "ranvier/optimizers.hpp"

namespace ranvier {

template <class T, class Rule>
void step(Rule& rule, std::span<const Tensor<T>> tensors, std::int64_t t, double scale) {
    if (t < 1) {
        throw std::invalid_argument("t is " + std::to_string(t) +
                                    "; expected the number of the step, counted from 1");
    }
    std::vector<OptimizerTensor> list;
    std::vector<const void*> gradients;
    for (const Tensor<T>& tensor : tensors) {
        list.push_back({0,
                        dtype_of<T>,
                        tensor.parameter,
                        {tensor.size},
                        {tensor.state[0], tensor.state[1], tensor.state[2]}});
        gradients.push_back(tensor.gradient);
    }
    OptimizerHandle handle(optimizer_of(rule), 1, std::move(list));
    for (std::size_t k = 0; k < handle.record().states.size(); ++k) {
        const StateRecord& state = handle.record().states[k];
        for (std::size_t i = 0; state.needed(&rule) && i < tensors.size(); ++i) {
            if (tensors[i].state[k] != nullptr || tensors[i].size == 0) continue;
            throw std::invalid_argument("state[" + std::to_string(k) + "] of tensor " +
                                        std::to_string(i) + " is null; expected " + state.name);
        }
    }
    OptimizerGroup& group = handle.group(0);
    Rule& own = *static_cast<Rule*>(group.options());
    own = rule;
    group.steps = t - 1;
    handle.step(gradients, scale);
    rule = own;
}

#define RV_OPTIMIZER(name, Options, ...)                                                \
    template void step(Options&, std::span<const Tensor<float>>, std::int64_t, double); \
    template void step(Options&, std::span<const Tensor<double>>, std::int64_t, double);
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER

}  // namespace ranvier
