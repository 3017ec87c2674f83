// Losses over arrays. Python has settled shapes, dtypes and defaults; labels are checked here,
// before anything is written.
#include "arrays.hpp"

#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "bindings.hpp"
#include "runtime/cross_entropy.hpp"
#include "runtime/dispatch.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

void set_strides(const FloatArray& array, std::ptrdiff_t (&stride)[3]) {
    for (int axis = 0; axis < 3; ++axis) stride[axis] = array.stride(axis);
}

double at(const FloatArray& array, std::size_t i) {
    return array.is_float32() ? static_cast<double>(reinterpret_cast<const float*>(array.data())[i])
                              : reinterpret_cast<const double*>(array.data())[i];
}

/// Everything has been brought to three axes (outer, classes, inner): logits, gradient and class
/// probabilities in one dtype, int64 labels (outer * inner) and float64 sample weights (outer) and
/// losses (outer * inner) contiguous. Returns (sum of losses, sum of weights); the gradient is
/// divided by the latter if `mean`.
py::tuple cross_entropy(py::handle logits_, py::handle labels, py::handle probabilities_,
                        py::handle weight_, py::handle sample_weight, std::int64_t ignore_index,
                        double smoothing, bool mean, py::handle losses, py::handle gradient_) {
    const FloatArray logits(logits_, "input");
    CrossEntropyBatch batch{};
    batch.outer = logits.shape(0);
    batch.classes = logits.shape(1);
    batch.inner = logits.shape(2);
    batch.logits = logits.data();
    set_strides(logits, batch.logits_stride);
    batch.ignore_index = ignore_index;
    batch.smoothing = smoothing;
    batch.losses = reinterpret_cast<double*>(FloatArray(losses, "losses").data());

    std::optional<FloatArray> weight;
    if (!weight_.is_none()) {
        weight.emplace(weight_, "weight");
        batch.weight = weight->data();
    }
    if (!sample_weight.is_none()) {
        batch.sample_weight =
            reinterpret_cast<const double*>(FloatArray(sample_weight, "sample_weight").data());
    }
    if (!gradient_.is_none()) {
        const FloatArray gradient(gradient_, "out");
        batch.gradient = gradient.data();
        set_strides(gradient, batch.gradient_stride);
    }

    const auto sample_weight_of = [&](std::size_t i) {
        return batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[i];
    };
    double total_weight = 0.0;
    if (!probabilities_.is_none()) {
        const FloatArray probabilities(probabilities_, "target");
        batch.probabilities = probabilities.data();
        set_strides(probabilities, batch.probabilities_stride);
        for (std::size_t i = 0; i < batch.outer; ++i) {
            total_weight += sample_weight_of(i) * static_cast<double>(batch.inner);
        }
    } else {
        batch.labels = static_cast<const std::int64_t*>(
            PyArray_DATA(reinterpret_cast<PyArrayObject*>(labels.ptr())));
        const auto classes = static_cast<std::int64_t>(batch.classes);
        for (std::size_t s = 0; s < batch.outer * batch.inner; ++s) {
            const std::int64_t label = batch.labels[s];
            if (label == ignore_index) continue;
            if (label < 0 || label >= classes) {
                throw py::index_error("target has the label " + std::to_string(label) +
                                      " at position " + std::to_string(s) +
                                      "; expected 0 <= label < " + std::to_string(classes) +
                                      " or ignore_index=" + std::to_string(ignore_index));
            }
            const double own = weight ? at(*weight, static_cast<std::size_t>(label)) : 1.0;
            total_weight += own * sample_weight_of(s / batch.inner);
        }
    }
    batch.scale = mean ? 1.0 / total_weight : 1.0;
    double total = 0.0;
    {
        const py::gil_scoped_release release;
        if (logits.is_float32()) {
            run_cross_entropy<float>(batch, kernels().rows_float32.cross_entropy);
        } else {
            run_cross_entropy<double>(batch, kernels().rows_float64.cross_entropy);
        }
        for (std::size_t s = 0; s < batch.outer * batch.inner; ++s) total += batch.losses[s];
    }
    return py::make_tuple(total, total_weight);
}

}  // namespace

void register_losses(py::module_& m) {
    m.def("cross_entropy", &cross_entropy, py::arg("input"), py::arg("labels"),
          py::arg("probabilities"), py::arg("weight"), py::arg("sample_weight"),
          py::arg("ignore_index"), py::arg("label_smoothing"), py::arg("mean"), py::arg("losses"),
          py::arg("gradient"));
}

}  // namespace ranvier::bindings
