// Which instruction set runs: chosen once, when the library is loaded.
#pragma once

#include <string>
#include <vector>

#include "../isa/kernels.hpp"

namespace ranvier {

/// The kernels in use. Throws std::runtime_error if RANVIER_ISA names an instruction set that is
/// unknown or that this machine does not have.
const KernelTable& kernels();

/// Those on rows of T, float or double.
template <class T>
const RowKernels<T>& row_kernels() {
    if constexpr (dtype_of<T> == DType::float32) {
        return kernels().rows_float32;
    } else {
        return kernels().rows_float64;
    }
}

template <class T>
const NormKernels<T>& norm_kernels() {
    if constexpr (dtype_of<T> == DType::float32) {
        return kernels().norms_float32;
    } else {
        return kernels().norms_float64;
    }
}

template <class T>
const ProductKernels<T>& product_kernels() {
    if constexpr (dtype_of<T> == DType::float32) {
        return kernels().products_float32;
    } else {
        return kernels().products_float64;
    }
}

/// The instruction sets that were compiled in and that this machine has, best first.
std::vector<std::string> available_instruction_sets();

/// The one for several rows at a time, which only float32 has.
template <class T>
RowsInLanesKernel rows_in_lanes_kernel(RowsInLanesKernel RowsInLanesKernels::* kernel) {
    return dtype_of<T> == DType::float32 ? kernels().rows_in_lanes.*kernel : nullptr;
}

}  // namespace ranvier
