// The numbers that the update rules read, from hyperparameters and the number of the step.
#pragma once

#include <cstdint>

#include "../isa/kernels.hpp"
#include "ranvier/optimizers.hpp"

namespace ranvier {

/// Room for the scalars of any rule, and for the members of its options.
inline constexpr std::size_t max_scalars = 12;

#define RV_OPTIMIZER(name, Options, ...)               \
    constexpr Optimizer optimizer_of(const Options&) { \
        return Optimizer::name;                        \
    }
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER

/// Writes those of the t-th step to `scalars`, in the order of ops/optimizers/scalars.hpp, and
/// changes what the rule carries to the next.
#define RV_OPTIMIZER(name, Options, ...) \
    void optimizer_scalars(Options& options, double t, double scale, double* scalars);
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER

/// The same with the members of the rule's options as a list, in their order: those that are
/// carried come last, and are written back.
void optimizer_scalars(Optimizer rule, double* options, double t, double scale, double* scalars);

}  // namespace ranvier
