// Arrays as a loss takes them: what would read or write outside of one is refused by name.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "arrays.hpp"
#include "runtime/loss_handle.hpp"

namespace ranvier::bindings {

using Shape = std::vector<npy_intp>;

inline std::string text_of(const Shape& shape) {
    std::string text = "(";
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        text += (axis > 0 ? ", " : "") + std::to_string(shape[axis]);
    }
    return text + (shape.size() == 1 ? ",)" : ")");
}

/// The memory of `size` contiguous float64, one for each `of`; null for None.
const double* doubles(pybind11::handle array, std::size_t size, const char* name);

/// Integers of the shape as contiguous int64: the array given, or a copy of it. `other` is what an
/// error offers beside integers.
pybind11::object contiguous_labels(pybind11::handle target, const Shape& shape, bool copy,
                                   const std::string& other);

/// The arrays of one call of a loss, checked, and what has to live as long as it runs.
class LossArguments {
public:
    LossArguments(const LossHandle& loss, const pybind11::tuple& operands, pybind11::handle target,
                  pybind11::handle weight, pybind11::handle sample_weight, pybind11::handle out);

    const LossArrays& arrays() const { return arrays_; }
    /// An array for the losses where the reduction is none.
    pybind11::object losses() const { return losses_; }

private:
    void take_operands(const pybind11::tuple& operands);
    void take_target(pybind11::handle target);
    void take_weights(pybind11::handle weight, pybind11::handle sample_weight);
    void take_gradients(pybind11::handle out);
    void make_losses();

    /// The arrays that a gradient may not overlap, if there is one.
    void take(pybind11::handle array, const char* name) {
        if (graded_) taken_.add(array, name);
    }
    FloatArray input() const { return {input_, record_.operands[0].name}; }
    /// The shape of the losses, one for each unit.
    Shape losses_shape() const;

    const LossRecord& record_;
    bool graded_;
    LossArrays arrays_{};
    TakenArrays taken_;
    pybind11::handle input_;
    pybind11::object labels_, losses_;
};

}  // namespace ranvier::bindings
