// Runs an elementwise kernel over any strides, on as many threads as pay off.
#pragma once

#include "../isa/kernels.hpp"

namespace ranvier {

struct ElementwiseCall {
    ElementwiseKernel kernel;
    int arrays;      // inputs that are data: 1, or 2 for a vector-Jacobian product
    int parameters;  // inputs after them that may be a single value
    std::size_t item_size;
    bool heavy;
};

/// The call of a form of an activation; its kernel is null where there is no such form.
ElementwiseCall elementwise_call(Activation activation, Form form, DType dtype);

/// data[k] and stride[k] (bytes) are those of input k, and of the output at k = arrays +
/// parameters. The output may be one of the inputs, element for element.
void run_elementwise(const ElementwiseCall& call, char* const* data, const std::ptrdiff_t* stride,
                     std::size_t n);

}  // namespace ranvier
