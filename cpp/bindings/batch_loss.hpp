// The loss of a batch as Python holds it: made from a handle, used by the training step.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>
#include <variant>

#include "runtime/batch_loss.hpp"
#include "runtime/loss_handle.hpp"

namespace ranvier::bindings {

class PreparedBatchLoss {
public:
    template <class T>
    PreparedBatchLoss(std::shared_ptr<const LossHandle> handle, std::unique_ptr<BatchLoss<T>> loss)
        : handle_(std::move(handle)), loss_(std::move(loss)) {}

    /// The loss itself, for scores of type T. Throws if it was made for others.
    template <class T>
    BatchLoss<T>& of() const {
        if (const auto* own = std::get_if<std::unique_ptr<BatchLoss<T>>>(&loss_)) return **own;
        throw pybind11::type_error("the loss is not one of this dtype");
    }

    /// Whether the target has one label for each row; else it is of the shape of the scores.
    bool takes_a_label(bool target_is_labels) const;

    /// Whether `target` holds labels. Throws unless it is a C-ordered array of int64 or of the
    /// scores' dtype that has what the loss reads for `rows` rows of `columns` scores.
    bool has_labels(pybind11::handle target, std::size_t rows, std::size_t columns) const;

    /// As those of BatchLoss, with every array checked.
    double begin(pybind11::object target, pybind11::object sample_weight, std::size_t rows,
                 std::size_t columns);
    void run(std::size_t first, std::size_t end, pybind11::handle scores,
             pybind11::handle gradient);
    double value();

private:
    bool is_float32() const { return loss_.index() == 0; }

    std::shared_ptr<const LossHandle> handle_;
    std::variant<std::unique_ptr<BatchLoss<float>>, std::unique_ptr<BatchLoss<double>>> loss_;
    std::size_t rows_ = 0, columns_ = 0;
    pybind11::object target_, sample_weight_;  // which have to stay until the value is known
};

}  // namespace ranvier::bindings
