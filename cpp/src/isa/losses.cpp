// Fills the tables of the losses.
#include "../ops/losses.hpp"

#include "../ops/row_losses.hpp"
#include "kernels.hpp"

namespace ranvier::RANVIER_ISA {

const LossKernels loss_table = {
    {
#define RV_LOSS(name, ...)                                                                  \
    {loss_points<losses::name, parameters::name, operand_count::name, gradient_count::name, \
                 float>,                                                                    \
     loss_points<losses::name, parameters::name, operand_count::name, gradient_count::name, \
                 double>},
#include "../ops/losses.def"
#undef RV_LOSS
    },
    weighted_sum,
    {scaled_slopes<float>, scaled_slopes<double>},
};

const RowLossKernels<float> row_loss_table_float32 = {{
#define RV_ROW_LOSS(name, ...) name<float>,
#include "../ops/row_losses.def"
#undef RV_ROW_LOSS
}};
const RowLossKernels<double> row_loss_table_float64 = {{
#define RV_ROW_LOSS(name, ...) name<double>,
#include "../ops/row_losses.def"
#undef RV_ROW_LOSS
}};

}  // namespace ranvier::RANVIER_ISA
