// Fully connected layers one behind the other, each perhaps with an activation behind it.
#pragma once

#include <optional>
#include <vector>

#include "../isa/kernels.hpp"

namespace ranvier {

/// z = x weight^T + bias and y = f(z), C-ordered, for rows of x.
template <class T>
struct DenseLayer {
    std::size_t inputs, outputs;
    const T* weight;  // of as many rows as there are outputs
    const T* bias;    // or null
    std::optional<Activation> activation;
    T parameters[2];
    bool from_output;  // the derivative of the activation is one of y, not of z
    T* z;
    T* y;  // where there is no activation, z; else it may be z
};

/// The first layer's input may have any strides. y of a layer is the input of the next.
template <class T>
void run_dense(const std::vector<DenseLayer<T>>& layers, Strided<const T> x, std::size_t rows);

/// Where a layer's gradients go.
template <class T>
struct DenseGradients {
    T* of_z;  // null without an activation
    T* of_weight;
    T* of_bias;  // or null
    T* of_x;     // null for a first layer whose input needs none
};

/// g is the gradient of the last y; x and the layers are as the forward pass has left them. The
/// gradients of weights and biases are written, or added to.
template <class T>
void run_dense_backward(const std::vector<DenseLayer<T>>& layers,
                        const std::vector<DenseGradients<T>>& gradients, Strided<const T> x,
                        const T* g, std::size_t rows, bool accumulate);

}  // namespace ranvier
