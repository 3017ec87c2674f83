// Losses of rows over arrays. Python has brought labels and weights to contiguous arrays; labels
// are checked here, before anything is written.
#include "runtime/row_losses.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

constexpr struct {
    const char* name;
    int rows, gradients;
} row_losses[] = {
#define RV_ROW_LOSS(name, rows, gradients) {#name, rows, gradients},
#include "ops/row_losses.def"
#undef RV_ROW_LOSS
};

Rows row_array(const FloatArray& array) {
    return {array.data(), array.stride(0), array.stride(1)};
}

const double* doubles(const py::object& array, std::size_t size, const char* name) {
    if (array.is_none()) return nullptr;
    const FloatArray checked(array, name);
    if (checked.is_float32() || !checked.contiguous() || checked.size() != size) {
        throw py::value_error(std::string(name) + " is not " + std::to_string(size) + " float64");
    }
    return reinterpret_cast<const double*>(checked.data());
}

/// Throws unless every label is a class. Of a list, those from the first -1 on do not count.
void check_labels(const RowLossBatch& batch, bool list) {
    for (std::size_t i = 0; i < batch.samples; ++i) {
        for (std::size_t k = 0; k < batch.labels_per_sample; ++k) {
            const std::size_t at = i * batch.labels_per_sample + k;
            const std::int64_t label = batch.labels[at];
            if (list && label == -1) break;
            if (label < 0 || label >= static_cast<std::int64_t>(batch.n)) {
                throw py::index_error("target has the label " + std::to_string(label) +
                                      " at position " + std::to_string(at) +
                                      "; expected 0 <= label < " + std::to_string(batch.n) +
                                      (list ? ", or -1 behind the last one" : ""));
            }
        }
    }
}

/// Each sample's loss divided by `divisor`, as an array if `each`; else the sum of them. The arrays
/// have two axes.
py::object row_loss(int loss, const std::vector<py::object>& arrays,
                    const std::vector<std::string>& names, const py::object& labels,
                    bool labels_are_classes, const std::vector<double>& parameters,
                    const py::object& weight, const py::object& sample_weight, double divisor,
                    bool each, const std::vector<py::object>& gradients) {
    const auto& record = row_losses[loss];
    const FloatArray first(arrays[0], names[0].c_str());
    if (first.ndim() != 2 || static_cast<int>(arrays.size()) != record.rows) {
        throw py::value_error("wrong operands");
    }
    RowLossBatch batch{};
    batch.samples = first.shape(0);
    batch.n = first.shape(1);
    batch.rows = record.rows;
    batch.parameters = parameters.data();
    batch.scale = 1.0 / divisor;
    batch.weight = doubles(weight, batch.n, "weight");
    batch.sample_weight = doubles(sample_weight, batch.samples, "sample_weight");
    TakenArrays taken;
    for (int k = 0; k < record.rows; ++k) {
        const auto index = static_cast<std::size_t>(k);
        const FloatArray array(arrays[index], names[index].c_str());
        array.require_like(first, names[index].c_str(), names[0].c_str());
        batch.arrays[k] = row_array(array);
        taken.add(array.array(), names[index]);
    }
    if (!labels.is_none()) {
        auto* array = reinterpret_cast<PyArrayObject*>(labels.ptr());
        batch.labels = static_cast<const std::int64_t*>(PyArray_DATA(array));
        const bool list = PyArray_NDIM(array) == 2;
        batch.labels_per_sample = list ? batch.n : 1;
        if (labels_are_classes) check_labels(batch, list);
    }
    taken.add(labels, "target");
    taken.add(weight, "weight");
    taken.add(sample_weight, "sample_weight");
    batch.graded = static_cast<int>(gradients.size());
    for (int k = 0; k < batch.graded; ++k) {
        const auto index = static_cast<std::size_t>(k);
        const std::string name = output_name(index, gradients.size());
        const FloatArray gradient(gradients[index], name.c_str());
        taken.add_output(gradient, name, first, names[0].c_str());
        batch.gradients[k] = row_array(gradient);
    }
    py::object result;
    if (each) {
        npy_intp samples = static_cast<npy_intp>(batch.samples);
        result = py::reinterpret_steal<py::object>(
            PyArray_SimpleNew(1, &samples, PyArray_TYPE(first.array())));
        if (!result) throw py::error_already_set();
        batch.losses = PyArray_DATA(reinterpret_cast<PyArrayObject*>(result.ptr()));
    }
    double total = 0.0;
    {
        const py::gil_scoped_release release;
        total = first.is_float32() ? run_row_loss<float>(static_cast<RowLoss>(loss), batch)
                                   : run_row_loss<double>(static_cast<RowLoss>(loss), batch);
    }
    return each ? result : py::float_(total / divisor);
}

}  // namespace

void register_row_losses(py::module_& m) {
    m.def("row_loss", &row_loss, py::arg("loss"), py::arg("arrays"), py::arg("names"),
          py::arg("labels"), py::arg("labels_are_classes"), py::arg("parameters"),
          py::arg("weight"), py::arg("sample_weight"), py::arg("divisor"), py::arg("each"),
          py::arg("gradients"));
    py::dict records;  // the index and how many gradients there are
    for (int i = 0; i < count_of<RowLoss>; ++i) {
        records[row_losses[i].name] = py::make_tuple(i, row_losses[i].gradients);
    }
    m.attr("row_losses") = records;
}

}  // namespace ranvier::bindings
