// Fills the tables of what is done with rows of scores.
#include "../ops/cross_entropy.hpp"
#include "../ops/rows_in_lanes.hpp"
#include "kernels.hpp"

namespace ranvier::RANVIER_ISA {

template <class T>
inline constexpr RowKernels<T> row_kernels = {
    softmax_row<T>,
    log_softmax_row<T>,
    logsumexp_row<T>,
    softmax_vjp_row<T>,
    log_softmax_vjp_row<T>,
    {
#define RV_CLASS_LOSS(name, ...) name<T>,
#include "../ops/class_losses.def"
#undef RV_CLASS_LOSS
    },
    dot<T>,
};
const RowKernels<float> row_table_float32 = row_kernels<float>;
const RowKernels<double> row_table_float64 = row_kernels<double>;

const RowsInLanesKernels rows_in_lanes_table = {
    rows_in_lanes<RowOperation::softmax>,
    rows_in_lanes<RowOperation::log_softmax>,
    rows_in_lanes<RowOperation::logsumexp>,
    cross_entropy_in_lanes,
};

}  // namespace ranvier::RANVIER_ISA
