// Tensors that are updated with the same hyperparameters: the struct of a rule's options, the steps
// so far, and the scalars that follow from both.
#pragma once

#include <cstdint>
#include <memory>

#include "../isa/kernels.hpp"
#include "ranvier/optimizers.hpp"

namespace ranvier {

#define RV_OPTIMIZER(name, Options, ...)               \
    constexpr Optimizer optimizer_of(const Options&) { \
        return Optimizer::name;                        \
    }
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER

class OptimizerGroup {
public:
    OptimizerGroup() = default;
    virtual ~OptimizerGroup() = default;
    OptimizerGroup(const OptimizerGroup&) = delete;
    OptimizerGroup& operator=(const OptimizerGroup&) = delete;

    /// The struct that the rule's row names.
    virtual void* options() = 0;
    const void* options() const { return const_cast<OptimizerGroup*>(this)->options(); }

    /// Counts a step and works out its scalars; gradients are multiplied by `scale`.
    void begin_step(double scale) {
        ++steps;
        advance(static_cast<double>(steps), maximize ? -scale : scale);
    }

    /// The rule's struct of ops/optimizers/scalars.hpp, in a precision that tensors have.
    virtual const void* scalars(DType dtype) const = 0;

    std::int64_t steps = 0;
    bool maximize = false;
    bool has_float32 = false, has_float64 = false;  // tensors of it

private:
    virtual void advance(double t, double scale) = 0;
};

std::unique_ptr<OptimizerGroup> make_optimizer_group(Optimizer rule);

}  // namespace ranvier
