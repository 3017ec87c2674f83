#include "elementwise_layer.hpp"

#include "../runtime/elementwise.hpp"

namespace ranvier {
namespace {

template <class T>
ElementwiseKernel kernel_of(Activation activation, Form form) {
    return elementwise_call(activation, form, dtype_of<T>).kernel;
}

}  // namespace

template <class T>
ElementwiseLayer<T>::ElementwiseLayer(std::size_t width, Activation activation,
                                      const T (&parameters)[2], bool from_output)
    : Layer<T>(width, width),
      value_(kernel_of<T>(activation, Form::value)),
      vjp_(kernel_of<T>(activation, from_output ? Form::vjp_from_output : Form::vjp)),
      parameters_{parameters[0], parameters[1]},
      from_output_(from_output) {}

template <class T>
void ElementwiseLayer<T>::forward(const Slot<T>& at, const Part& rows) const {
    const std::size_t begin = rows.begin * this->inputs, end = rows.end * this->inputs;
    const void* const in[] = {at.x + begin, &parameters_[0], &parameters_[1]};
    value_(in, at.y + begin, end - begin, true);
}

template <class T>
void ElementwiseLayer<T>::backward(const Slot<T>& at, const Part& rows) const {
    if (at.grad_x == nullptr) return;
    const std::size_t begin = rows.begin * this->inputs, end = rows.end * this->inputs;
    const T* const saved = from_output_ ? at.y : at.x;
    const void* const in[] = {at.grad_y + begin, saved + begin, &parameters_[0], &parameters_[1]};
    vjp_(in, at.grad_x + begin, end - begin, true);
}

template class ElementwiseLayer<float>;
template class ElementwiseLayer<double>;

}  // namespace ranvier
