// Fills the table of the optimizers.
#include "../ops/optimizers.hpp"

#include "kernels.hpp"

namespace ranvier::RANVIER_ISA {

const OptimizerKernels optimizer_table = {
    {
#define RV_OPTIMIZER(name, ...)                                \
    {optimizer_update<optimizers::name, scalars::name, float>, \
     optimizer_update<optimizers::name, scalars::name, double>},
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
    },
    {
#define RV_OPTIMIZER(name, ...)                         \
    {sums_of<optimizers::name, scalars::name, float>(), \
     sums_of<optimizers::name, scalars::name, double>()},
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
    },
};

}  // namespace ranvier::RANVIER_ISA
