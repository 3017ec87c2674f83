// Fills the table of the activations in one precision, from their rows.
#pragma once

#include "../ops/elementwise.hpp"
#include "kernels.hpp"

namespace ranvier::RANVIER_ISA {

template <class Op>
inline constexpr bool has_derivative_from_output =
    requires { Op::template derivative_from_output<float>(1.0f); } || requires {
        Op::template derivative_from_output<float>(1.0f, 1.0f);
    } || requires { Op::template derivative_from_output<float>(1.0f, 1.0f, 1.0f); };

template <class Op, class T>
constexpr ElementwiseKernel vjp_from_output() {
    if constexpr (has_derivative_from_output<Op>) {
        return elementwise<Op, VjpFromOutputOf, T>;
    } else {
        return nullptr;
    }
}

template <class T>
constexpr AddBiasKernel add_bias_kernel() {
    if constexpr (dtype_of<T> == DType::float16) {
        return nullptr;
    } else {
        return add_bias<T>;
    }
}

template <class T>
constexpr ElementwiseKernels elementwise_kernels = {
    {
#define RV_ACTIVATION(name, ...)                                                                  \
    {elementwise<activations::name, ValueOf, T>, elementwise<activations::name, DerivativeOf, T>, \
     elementwise<activations::name, VjpOf, T>, vjp_from_output<activations::name, T>()},
#include "../ops/activations.def"
#undef RV_ACTIVATION
    },
    add_bias_kernel<T>(),
};

}  // namespace ranvier::RANVIER_ISA
