// What a layer does beside its matrix product: the arguments checked, the work in runtime/.
#include "runtime/layers.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "runtime/dispatch.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// A matrix, and an array with one element for each of its columns.
struct MatrixAndRow {
    FloatArray matrix, row;

    MatrixAndRow(py::handle z, py::handle row_, const char* row_name)
        : matrix(z, "z"), row(row_, row_name) {
        if (matrix.ndim() != 2 || !matrix.contiguous() || row.ndim() != 1 ||
            row.shape(0) != matrix.shape(1) || !row.same_dtype(matrix) || !row.contiguous()) {
            throw py::value_error(
                std::string(row_name) + " has shape " + row.shape_text() + " and dtype " +
                row.dtype_name() + "; expected one " + matrix.dtype_name() +
                " for each column of a C-contiguous matrix, not of " + matrix.shape_text());
        }
    }
    const ElementwiseKernels& kernels() const {
        const DType dtype = matrix.is_float32() ? DType::float32 : DType::float64;
        return *ranvier::kernels().elementwise[static_cast<int>(dtype)];
    }
    Matrix z() const {
        return {matrix.data(), matrix.shape(0), matrix.shape(1), matrix.item_size()};
    }
};

void add_bias(py::handle z, py::handle bias) {
    const MatrixAndRow m(z, bias, "bias");
    m.matrix.require_in_place("z");
    const py::gil_scoped_release release;
    run_add_bias(m.kernels().add_bias, m.z(), m.row.data());
}

void bias_activation(int activation, py::handle z, py::handle bias,
                     const std::vector<double>& parameters, py::handle y_) {
    const MatrixAndRow m(z, bias, "bias");
    const FloatArray y(y_, "y");
    m.matrix.require_in_place("z");
    y.require_in_place("y");
    y.require_like(m.matrix, "y", "z");
    float in_float32[2] = {};
    double in_float64[2] = {};
    const void* pointers[2];
    for (std::size_t k = 0; k < 2; ++k) {
        const double value = k < parameters.size() ? parameters[k] : 0.0;
        in_float64[k] = value;
        in_float32[k] = static_cast<float>(value);
        pointers[k] =
            m.matrix.is_float32() ? static_cast<const void*>(&in_float32[k]) : &in_float64[k];
    }
    const py::gil_scoped_release release;
    run_biased(m.kernels().biased[activation], m.z(), m.row.data(), pointers, y.data());
}

void column_sums(py::handle z, py::handle sums, bool accumulate) {
    const MatrixAndRow m(z, sums, "sums");
    m.row.require_in_place("sums");
    const py::gil_scoped_release release;
    run_column_sums(m.kernels().add_bias, m.z(), m.row.data(), accumulate);
}

}  // namespace

void register_layers(py::module_& m) {
    m.def("add_bias", &add_bias, py::arg("z"), py::arg("bias"));
    m.def("column_sums", &column_sums, py::arg("z"), py::arg("sums"), py::arg("accumulate"));
    m.def("bias_activation", &bias_activation, py::arg("activation"), py::arg("z"), py::arg("bias"),
          py::arg("parameters"), py::arg("y"));
}

}  // namespace ranvier::bindings
