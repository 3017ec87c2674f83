// An activation as a layer.
#pragma once

#include "layer.hpp"

namespace ranvier {

/// y = f(x), with numbers for the parameters of f.
template <class T>
class ElementwiseLayer : public Layer<T> {
public:
    /// `from_output`: the derivative is computed from y, and f has such a form.
    ElementwiseLayer(std::size_t width, Activation activation, const T (&parameters)[2],
                     bool from_output);

    bool forward_in_place() const override { return from_output_; }
    bool needs_output() const override { return from_output_; }
    bool backward_in_place() const override { return true; }
    std::size_t work() const override { return 8 * this->outputs; }
    void forward(const Slot<T>& at, const Part& rows) const override;
    void backward(const Slot<T>& at, const Part& rows) const override;

private:
    const ElementwiseKernel value_, vjp_;
    const T parameters_[2];
    const bool from_output_;
};

}  // namespace ranvier
