// Fills the table of kernels of one instruction set: the only place that lists them, from the rows.
#pragma once

#include "../ops/cross_entropy.hpp"
#include "../ops/elementwise.hpp"
#include "../ops/gates.hpp"
#include "../ops/losses.hpp"
#include "../ops/optimizers.hpp"
#include "../ops/row_losses.hpp"
#include "../ops/rows_in_lanes.hpp"
#include "kernels.hpp"

#define RANVIER_STRING_OF(x) #x
#define RANVIER_STRING(x) RANVIER_STRING_OF(x)

namespace ranvier::RANVIER_ISA {

template <class Op>
inline constexpr bool has_derivative_from_output =
    requires { Op::template derivative_from_output<float>(1.0f); } || requires {
        Op::template derivative_from_output<float>(1.0f, 1.0f);
    } || requires { Op::template derivative_from_output<float>(1.0f, 1.0f, 1.0f); };

#define RV_DTYPES(Op, Form) \
    {elementwise<Op, Form, half>, elementwise<Op, Form, float>, elementwise<Op, Form, double>}

template <class Op, bool = has_derivative_from_output<Op>>
struct FromOutput {
    static constexpr ElementwiseKernel kernels[3] = RV_DTYPES(Op, VjpFromOutputOf);
};
template <class Op>
struct FromOutput<Op, false> {
    static constexpr ElementwiseKernel kernels[3] = {nullptr, nullptr, nullptr};
};

template <class T>
inline constexpr RowKernels<T> row_kernels = {
    softmax_row<T>,         log_softmax_row<T>, logsumexp_row<T>, softmax_vjp_row<T>,
    log_softmax_vjp_row<T>, cross_entropy<T>,   dot<T>,
};

template <class Op>
inline constexpr GateKernels gate_kernels = {
    {gated<Op, half>, gated<Op, float>, gated<Op, double>},
    {gated_vjp<Op, half>, gated_vjp<Op, float>, gated_vjp<Op, double>},
};

constexpr KernelTable table = {
    RANVIER_STRING(RANVIER_ISA),
    {
#define RV_ACTIVATION(name, ...)                                                            \
    {RV_DTYPES(activations::name, ValueOf),                                                 \
     RV_DTYPES(activations::name, DerivativeOf),                                            \
     RV_DTYPES(activations::name, VjpOf),                                                   \
     {FromOutput<activations::name>::kernels[0], FromOutput<activations::name>::kernels[1], \
      FromOutput<activations::name>::kernels[2]}},
#include "../ops/activations.def"
#undef RV_ACTIVATION
    },
    {
#define RV_ACTIVATION(name, ...) \
    {biased<activations::name, float>, biased<activations::name, double>},
#include "../ops/activations.def"
#undef RV_ACTIVATION
    },
    {add_bias<float>, add_bias<double>},
    row_kernels<float>,
    row_kernels<double>,
    {
#define RV_OPTIMIZER(name, states) \
    {optimizer_step<optimizers::name, float>, optimizer_step<optimizers::name, double>},
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
    },
    {
#define RV_GATE(name, activation, ...) gate_kernels<activations::activation>,
#include "../ops/gates.def"
#undef RV_GATE
    },
    {{larger<half>, larger<float>, larger<double>},
     {larger_vjp<half>, larger_vjp<float>, larger_vjp<double>}},
    rows_in_lanes<RowOperation::softmax>,
    rows_in_lanes<RowOperation::log_softmax>,
    rows_in_lanes<RowOperation::logsumexp>,
    {
        {
#define RV_LOSS(name, operands, gradients)                  \
    {loss_points<losses::name, operands, gradients, float>, \
     loss_points<losses::name, operands, gradients, double>},
#include "../ops/losses.def"
#undef RV_LOSS
        },
        weighted_sum,
        {scaled_slopes<float>, scaled_slopes<double>},
    },
#define RV_ROW_LOSS(name, ...) name<float>,
    {
#include "../ops/row_losses.def"
    },
#undef RV_ROW_LOSS
#define RV_ROW_LOSS(name, ...) name<double>,
    {
#include "../ops/row_losses.def"
    },
#undef RV_ROW_LOSS
};

}  // namespace ranvier::RANVIER_ISA
