// The fully connected layer.
#pragma once

#include "layer.hpp"

namespace ranvier {

/// A matrix or a vector that is learned, and its gradient.
template <class T>
struct Learned {
    const T* value;  // or null
    T* gradient;
};

/// y = x weight^T + bias; the weight has `outputs` rows, the bias may be null.
template <class T>
class Linear : public Layer<T> {
public:
    Linear(std::size_t inputs, std::size_t outputs, Learned<T> weight, Learned<T> bias);

    bool has_parameters() const override { return true; }
    std::size_t shared_bytes(std::size_t rows, bool backward) const override;
    std::size_t scratch_bytes(std::size_t rows, std::size_t threads) const override;
    std::size_t work() const override { return this->inputs * this->outputs; }
    void prepare_forward(const Slot<T>& at, const Worker& worker) const override;
    void prepare_backward(const Slot<T>& at, const Worker& worker) const override;
    void forward(const Slot<T>& at, const Part& rows) const override;
    void backward(const Slot<T>& at, const Part& rows) const override;
    void gradients(const Slot<T>& at, bool accumulate, Update* update,
                   const Worker& worker) const override;

private:
    /// The factor of a product that is packed: panels of so many columns, one behind the other.
    struct Packed {
        std::size_t width, columns, depth;
        std::size_t panels() const { return (columns + width - 1) / width; }
        std::size_t size() const { return panels() * width * depth; }
        std::size_t columns_of(std::size_t panel) const;
    };
    Packed packed(std::size_t columns, std::size_t depth) const;
    Part columns(const Worker& worker) const;
    T* forward_panels(const Slot<T>& at) const { return reinterpret_cast<T*>(at.shared); }
    T* backward_panels(const Slot<T>& at) const;
    void multiply(const Packed& packed, const T* panels, Strided<const T> factor, Strided<T> result,
                  const Part& rows) const;
    void bias_gradient(const Slot<T>& at, bool accumulate, Update* update, const Part& part) const;

    const ProductKernels<T>& kernels_;
    const AddBiasKernel add_;
    const Learned<T> weight_, bias_;
    const Packed weight_transposed_, weight_panels_;  // what x, and grad_y, is multiplied by
};

}  // namespace ranvier
