// Fills the table of the optimizers.
#include "../ops/optimizers.hpp"

#include "kernels.hpp"

namespace ranvier::RANVIER_ISA {

const OptimizerKernels optimizer_table = {
    {
#define RV_OPTIMIZER(name, ...)                              \
    {optimizer_step<optimizers::name, scalars::name, float>, \
     optimizer_step<optimizers::name, scalars::name, double>},
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
    },
    {lamb_moments<float>, lamb_moments<double>},
};

}  // namespace ranvier::RANVIER_ISA
