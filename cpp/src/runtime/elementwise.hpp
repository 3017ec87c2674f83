// Runs an elementwise kernel over any strides, on as many threads as pay off.
#pragma once

#include <initializer_list>

#include "../isa/kernels.hpp"

namespace ranvier {

/// Two arrays, two parameters and the output.
inline constexpr int most_operands = 5;

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

/// The same of contiguous arrays and single parameters, as many as the activation has.
template <class T>
void run_elementwise(Activation activation, Form form, std::initializer_list<const T*> arrays,
                     const T* parameters, T* out, std::size_t n) {
    const ElementwiseCall call = elementwise_call(activation, form, dtype_of<T>);
    char* data[most_operands];
    std::ptrdiff_t stride[most_operands];
    int k = 0;
    const auto add = [&](const T* operand, std::ptrdiff_t step) {
        data[k] = reinterpret_cast<char*>(const_cast<T*>(operand));
        stride[k++] = step;
    };
    for (const T* array : arrays) add(array, sizeof(T));
    for (int p = 0; p < call.parameters; ++p) add(parameters + p, 0);
    add(out, sizeof(T));
    run_elementwise(call, data, stride, n);
}

}  // namespace ranvier
