#include "dense.hpp"

#include "dispatch.hpp"
#include "elementwise.hpp"
#include "layers.hpp"
#include "product.hpp"

namespace ranvier {
namespace {

template <class T>
Strided<T> c_ordered(T* data, std::size_t columns) {
    return {data, static_cast<std::ptrdiff_t>(columns), 1};
}

template <class T>
Matrix matrix(T* data, std::size_t rows, std::size_t columns) {
    return {reinterpret_cast<char*>(data), rows, columns, sizeof(T)};
}

template <class T>
const ElementwiseKernels& elementwise_kernels() {
    return *kernels().elementwise[static_cast<int>(dtype_of<T>)];
}

}  // namespace

template <class T>
void run_dense(const std::vector<DenseLayer<T>>& layers, Strided<const T> x, std::size_t rows) {
    const ElementwiseKernels& elementwise = elementwise_kernels<T>();
    for (const DenseLayer<T>& layer : layers) {
        const auto weight = c_ordered(layer.weight, layer.inputs);
        run_product<T>(x, weight.transposed(), c_ordered(layer.z, layer.outputs), rows,
                       layer.outputs, layer.inputs);
        const Matrix z = matrix(layer.z, rows, layer.outputs);
        if (layer.activation && layer.bias != nullptr) {
            const void* parameters[] = {&layer.parameters[0], &layer.parameters[1]};
            run_biased(elementwise.biased[static_cast<int>(*layer.activation)], z, layer.bias,
                       parameters, reinterpret_cast<char*>(layer.y));
        } else if (layer.activation) {
            run_elementwise<T>(*layer.activation, Form::value, {layer.z}, layer.parameters, layer.y,
                               rows * layer.outputs);
        } else if (layer.bias != nullptr) {
            run_add_bias(elementwise.add_bias, z, layer.bias);
        }
        x = c_ordered<const T>(layer.y, layer.outputs);
    }
}

template <class T>
void run_dense_backward(const std::vector<DenseLayer<T>>& layers,
                        const std::vector<DenseGradients<T>>& gradients, Strided<const T> x,
                        const T* g, std::size_t rows, bool accumulate) {
    const AddBiasKernel add = elementwise_kernels<T>().add_bias;
    for (std::size_t k = layers.size(); k-- > 0;) {
        const DenseLayer<T>& layer = layers[k];
        const DenseGradients<T>& to = gradients[k];
        if (layer.activation) {
            const Form form = layer.from_output ? Form::vjp_from_output : Form::vjp;
            const T* saved = layer.from_output ? layer.y : layer.z;
            run_elementwise<T>(*layer.activation, form, {g, saved}, layer.parameters, to.of_z,
                               rows * layer.outputs);
            g = to.of_z;
        }
        const auto input = k > 0 ? c_ordered<const T>(layers[k - 1].y, layer.inputs) : x;
        const auto of_z = c_ordered(g, layer.outputs);
        run_product<T>(of_z.transposed(), input, c_ordered(to.of_weight, layer.inputs),
                       layer.outputs, layer.inputs, rows, accumulate);
        if (to.of_bias != nullptr) {
            run_column_sums(add, matrix(const_cast<T*>(g), rows, layer.outputs),
                            reinterpret_cast<char*>(to.of_bias), accumulate);
        }
        if (to.of_x != nullptr) {
            run_product<T>(of_z, c_ordered(layer.weight, layer.inputs),
                           c_ordered(to.of_x, layer.inputs), rows, layer.inputs, layer.outputs);
            g = to.of_x;
        }
    }
}

template void run_dense(const std::vector<DenseLayer<float>>&, Strided<const float>, std::size_t);
template void run_dense(const std::vector<DenseLayer<double>>&, Strided<const double>, std::size_t);
template void run_dense_backward(const std::vector<DenseLayer<float>>&,
                                 const std::vector<DenseGradients<float>>&, Strided<const float>,
                                 const float*, std::size_t, bool);
template void run_dense_backward(const std::vector<DenseLayer<double>>&,
                                 const std::vector<DenseGradients<double>>&, Strided<const double>,
                                 const double*, std::size_t, bool);

}  // namespace ranvier
