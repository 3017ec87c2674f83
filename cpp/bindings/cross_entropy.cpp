// Cross-entropy over arrays. Python has settled defaults and brought weights to contiguous arrays;
// what concerns the large arrays is checked here, before anything is written.
#include "arrays.hpp"

#include <pybind11/pybind11.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "runtime/cross_entropy.hpp"
#include "runtime/dispatch.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

enum class Reduction : int { none, sum, mean };

PyArrayObject* as_array(py::handle object) {
    return reinterpret_cast<PyArrayObject*>(object.ptr());
}

ClassArray class_array(const FloatArray& array) {
    const bool batched = array.ndim() > 1;
    const npy_intp* strides = PyArray_STRIDES(array.array());
    return {array.data(), batched ? strides[0] : 0, strides[batched ? 1 : 0], strides + 2};
}

/// Class indices, one for each sample, as contiguous int64: the array given, or a copy of it.
py::object contiguous_labels(py::handle target, const FloatArray& logits) {
    PyArrayObject* array = as_array(target);
    if (!PyTypeNum_ISINTEGER(PyArray_TYPE(array))) {
        throw py::type_error("target has dtype " +
                             py::str(target.attr("dtype")).cast<std::string>() +
                             "; expected integers (class indices) or, in the shape of input, " +
                             logits.dtype_name() + " (class probabilities)");
    }
    const int ndim = logits.ndim() > 1 ? logits.ndim() - 1 : 0;
    bool fits = PyArray_NDIM(array) == ndim;
    for (int axis = 0; fits && axis < ndim; ++axis) {
        fits = PyArray_DIM(array, axis) == PyArray_DIM(logits.array(), axis == 0 ? 0 : axis + 1);
    }
    if (!fits) {
        throw py::value_error("target has shape " +
                              py::str(target.attr("shape")).cast<std::string>() +
                              "; expected that of input without the axis of the classes, where "
                              "input has shape " +
                              logits.shape_text());
    }
    if (PyTypeNum_ISUNSIGNED(PyArray_TYPE(array)) && PyArray_ITEMSIZE(array) == 8 &&
        PyArray_SIZE(array) > 0 &&
        py::reinterpret_borrow<py::object>(target).attr("max")().cast<std::uint64_t>() >
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        throw py::index_error("target has a label over 2**63; expected 0 <= label < " +
                              std::to_string(logits.shape(logits.ndim() > 1 ? 1 : 0)));
    }
    PyObject* labels =
        PyArray_FROMANY(target.ptr(), NPY_INT64, 0, 0, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST);
    if (labels == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(labels);
}

/// The sum of the labelled samples' weights. Throws if a label is out of range.
double weight_of_labels(const CrossEntropyBatch& batch, const std::optional<FloatArray>& weight) {
    const auto classes = static_cast<std::int64_t>(batch.classes);
    double total = 0.0;
    for (std::size_t i = 0, s = 0; i < batch.outer; ++i) {
        const double sample_weight = batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[i];
        for (std::size_t j = 0; j < batch.inner; ++j, ++s) {
            const std::int64_t label = batch.labels[s];
            if (label == batch.ignore_index) continue;
            if (label < 0 || label >= classes) {
                throw py::index_error("target has the label " + std::to_string(label) +
                                      " at position " + std::to_string(s) +
                                      "; expected 0 <= label < " + std::to_string(classes) +
                                      " or ignore_index=" + std::to_string(batch.ignore_index));
            }
            total += weight ? weight->at(static_cast<std::size_t>(label)) * sample_weight
                            : sample_weight;
        }
    }
    return total;
}

/// input is (classes,), (samples, classes) or (samples, classes, ...). Returns the loss; its
/// gradient is written to `gradient`, if that is an array, when everything has been checked.
py::object cross_entropy(py::handle input, py::handle target, py::handle weight_,
                         py::handle sample_weight, std::int64_t ignore_index, double smoothing,
                         int reduction_, py::handle gradient_) {
    const auto reduction = static_cast<Reduction>(reduction_);
    const FloatArray logits(input, "input");
    if (logits.ndim() < 1) {
        throw py::value_error(
            "input has shape (); expected (classes,), (samples, classes) or "
            "(samples, classes, ...)");
    }
    CrossEntropyBatch batch{};
    const bool batched = logits.ndim() > 1;
    batch.outer = batched ? logits.shape(0) : 1;
    batch.classes = logits.shape(batched ? 1 : 0);
    batch.inner_axes = batched ? static_cast<std::size_t>(logits.ndim()) - 2 : 0;
    batch.inner_shape = PyArray_DIMS(logits.array()) + 2;
    batch.inner = 1;
    for (std::size_t axis = 0; axis < batch.inner_axes; ++axis) {
        batch.inner *= static_cast<std::size_t>(batch.inner_shape[axis]);
    }
    batch.logits = class_array(logits);
    batch.ignore_index = ignore_index;
    batch.smoothing = smoothing;

    std::optional<FloatArray> weight;
    if (!weight_.is_none()) {
        weight.emplace(weight_, "weight");
        batch.weight = weight->data();
    }
    if (!sample_weight.is_none()) {
        batch.sample_weight =
            reinterpret_cast<const double*>(FloatArray(sample_weight, "sample_weight").data());
    }
    if (!PyArray_Check(target.ptr())) {
        throw py::type_error("target is a " + std::string(Py_TYPE(target.ptr())->tp_name) +
                             "; expected a numpy.ndarray");
    }

    py::object labels;
    double total_weight = 0.0;
    const bool soft = PyTypeNum_ISFLOAT(PyArray_TYPE(as_array(target))) &&
                      PyArray_SAMESHAPE(as_array(target), logits.array());
    if (soft) {
        if (ignore_index >= 0) {
            throw py::value_error("ignore_index is " + std::to_string(ignore_index) +
                                  "; it has no meaning where target holds class probabilities");
        }
        const FloatArray probabilities(target, "target");
        probabilities.require_like(logits, "target", "input");
        batch.probabilities = class_array(probabilities);
        for (std::size_t i = 0; i < batch.outer; ++i) {
            total_weight += batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[i];
        }
        total_weight *= static_cast<double>(batch.inner);
    } else {
        labels = contiguous_labels(target, logits);
        batch.labels = static_cast<const std::int64_t*>(PyArray_DATA(as_array(labels)));
        total_weight = weight_of_labels(batch, weight);
    }
    batch.scale = reduction == Reduction::mean ? 1.0 / total_weight : 1.0;

    if (!gradient_.is_none()) {
        const FloatArray gradient(gradient_, "out");
        TakenArrays taken;
        taken.add(input, "input");
        taken.add(soft ? target : labels, "target");
        taken.add(weight_, "weight");
        taken.add(sample_weight, "sample_weight");
        taken.add_output(gradient, "out", logits, "input");
        batch.gradient = class_array(gradient);
    }

    py::object losses;
    if (reduction == Reduction::none) {
        // One for each sample: the shape of input without the axis of the classes.
        std::vector<npy_intp> shape;
        for (int axis = 0; batched && axis < logits.ndim(); ++axis) {
            if (axis != 1) shape.push_back(PyArray_DIM(logits.array(), axis));
        }
        losses = py::reinterpret_steal<py::object>(PyArray_SimpleNew(
            static_cast<int>(shape.size()), shape.data(), PyArray_TYPE(logits.array())));
        if (!losses) throw py::error_already_set();
        batch.losses = PyArray_DATA(as_array(losses));
    }

    double total = 0.0;
    {
        const py::gil_scoped_release release;
        total = logits.is_float32()
                    ? run_cross_entropy<float>(batch, kernels().rows_float32.cross_entropy)
                    : run_cross_entropy<double>(batch, kernels().rows_float64.cross_entropy);
    }
    if (reduction == Reduction::none) return losses;
    // NaN, as in torch, where no sample has a weight.
    return py::float_(reduction == Reduction::mean ? total / total_weight : total);
}

}  // namespace

void register_cross_entropy(py::module_& m) {
    m.def("cross_entropy", &cross_entropy, py::arg("input"), py::arg("target"), py::arg("weight"),
          py::arg("sample_weight"), py::arg("ignore_index"), py::arg("label_smoothing"),
          py::arg("reduction"), py::arg("gradient"));
    py::dict reductions;
    reductions["none"] = static_cast<int>(Reduction::none);
    reductions["sum"] = static_cast<int>(Reduction::sum);
    reductions["mean"] = static_cast<int>(Reduction::mean);
    m.attr("reductions") = reductions;
}

}  // namespace ranvier::bindings
