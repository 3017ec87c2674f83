#include "batch_loss.hpp"

#include <string>

#include "bindings.hpp"
#include "loss_arguments.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
bool PreparedBatchLoss::takes_a_label(bool target_is_labels) const {
    const Labels kind = handle_->record().labels;
    return target_is_labels && (kind == Labels::one_class || kind == Labels::ignorable_class);
}

bool PreparedBatchLoss::has_labels(py::handle target, std::size_t rows, std::size_t columns) const {
    auto* array = reinterpret_cast<PyArrayObject*>(target.ptr());
    const int scores = is_float32() ? NPY_FLOAT : NPY_DOUBLE;
    if (!PyArray_Check(target.ptr()) || !PyArray_ISCARRAY_RO(array) ||
        (PyArray_TYPE(array) != NPY_INT64 && PyArray_TYPE(array) != scores)) {
        throw py::type_error("target is not a C-ordered array of int64 or of the scores' dtype");
    }
    const bool labels = PyArray_TYPE(array) == NPY_INT64;
    const bool one_a_row = takes_a_label(labels);
    const auto size = static_cast<std::size_t>(PyArray_SIZE(array));
    const std::size_t each = one_a_row ? 1 : columns;
    if (each == 0 ? size != 0 : size % each != 0 || size / each != rows) {
        throw py::value_error("target has " + std::to_string(size) + " numbers; expected " +
                              std::to_string(each) + " for each of " + std::to_string(rows) +
                              " rows");
    }
    return labels;
}

double PreparedBatchLoss::begin(py::object target, py::object sample_weight, std::size_t rows,
                                std::size_t columns) {
    const bool labels = has_labels(target, rows, columns);
    const double* weights = doubles(sample_weight, rows, "sample_weight");
    const void* data = PyArray_DATA(reinterpret_cast<PyArrayObject*>(target.ptr()));
    rows_ = columns_ = 0;  // nothing may be run if this throws
    const double divisor = std::visit(
        [&](auto& loss) {
            const py::gil_scoped_release release;
            return loss->begin(data, labels, weights, rows, columns);
        },
        loss_);
    target_ = std::move(target);
    sample_weight_ = std::move(sample_weight);
    rows_ = rows;
    columns_ = columns;
    return divisor;
}

void PreparedBatchLoss::run(std::size_t first, std::size_t end, py::handle scores,
                            py::handle gradient) {
    const FloatArray x(scores, "scores");
    const auto fits = [&](const FloatArray& array) {
        return array.is_float32() == is_float32() && array.contiguous() && array.ndim() == 2 &&
               array.shape(0) == rows_ && array.shape(1) == columns_;
    };
    if (!fits(x) || first > end || end > rows_) {
        throw py::value_error("scores or rows are not those of the batch");
    }
    char* out = nullptr;
    if (!gradient.is_none()) {
        const FloatArray g(gradient, "gradient");
        if (!fits(g) || !g.writeable() || overlap(g.array(), x.array())) {
            throw py::value_error("gradient is not a writeable array like scores");
        }
        out = g.data();
    }
    const auto as = [&]<class T>(BatchLoss<T>& loss) {
        loss.run(first, end, reinterpret_cast<const T*>(x.data()), reinterpret_cast<T*>(out));
    };
    const py::gil_scoped_release release;
    std::visit([&](auto& loss) { as(*loss); }, loss_);
}

double PreparedBatchLoss::value() {
    return std::visit([](auto& loss) { return loss->value(); }, loss_);
}

void register_batch_losses(py::module_& m) {
    py::class_<PreparedBatchLoss>(m, "BatchLoss")
        .def("takes_a_label", &PreparedBatchLoss::takes_a_label, py::arg("target_is_labels"))
        .def("begin", &PreparedBatchLoss::begin, py::arg("target"), py::arg("sample_weight"),
             py::arg("rows"), py::arg("columns"))
        .def("run", &PreparedBatchLoss::run, py::arg("begin"), py::arg("end"), py::arg("scores"),
             py::arg("gradient"))
        .def("value", &PreparedBatchLoss::value);
}

}  // namespace ranvier::bindings
