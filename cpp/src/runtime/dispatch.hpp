// Which instruction set runs: chosen once, when the library is loaded.
#pragma once

#include <string>
#include <vector>

#include "../isa/kernels.hpp"
#include "ranvier/runtime.hpp"

namespace ranvier {

/// The kernels in use. Throws std::runtime_error if RANVIER_ISA names an instruction set that is
/// unknown or that this machine does not have.
const KernelTable& kernels();

/// The member of a pair that is for T, float or double.
template <class T, class Float, class Double>
const auto& of_precision(const Float& of_float, const Double& of_double) {
    static_assert(dtype_of<T> == DType::float32 || dtype_of<T> == DType::float64);
    if constexpr (dtype_of<T> == DType::float32) {
        return of_float;
    } else {
        return of_double;
    }
}

template <class T>
const RowKernels<T>& row_kernels() {
    return of_precision<T>(kernels().rows_float32, kernels().rows_float64);
}
template <class T>
const RowLossKernels<T>& row_loss_kernels() {
    return of_precision<T>(kernels().row_losses_float32, kernels().row_losses_float64);
}
template <class T>
const NormKernels<T>& norm_kernels() {
    return of_precision<T>(kernels().norms_float32, kernels().norms_float64);
}
template <class T>
const ProductKernels<T>& product_kernels() {
    return of_precision<T>(kernels().products_float32, kernels().products_float64);
}

/// The kernels of the instruction sets that were compiled in and that this machine has, best first.
std::vector<const KernelTable*> available_kernels();

/// The one for several rows at a time, which only float32 has.
template <class T>
RowsInLanesKernel rows_in_lanes_kernel(RowsInLanesKernel RowsInLanesKernels::* kernel) {
    return dtype_of<T> == DType::float32 ? kernels().rows_in_lanes.*kernel : nullptr;
}

}  // namespace ranvier
