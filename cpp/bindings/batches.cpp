// Mini-batches: rows of an array gathered into another, by number.
#include "numpy_api.hpp"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "bindings.hpp"
#include "runtime/threads.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// A C-contiguous array of plain data.
PyArrayObject* contiguous(py::handle object, const char* name) {
    if (!PyArray_Check(object.ptr())) {
        throw py::type_error(std::string(name) + " is a " + Py_TYPE(object.ptr())->tp_name +
                             "; expected a numpy.ndarray");
    }
    auto* array = reinterpret_cast<PyArrayObject*>(object.ptr());
    if (!PyArray_IS_C_CONTIGUOUS(array) || PyArray_NDIM(array) == 0 ||
        PyDataType_REFCHK(PyArray_DESCR(array))) {
        throw py::value_error(std::string(name) + " is not a C-contiguous array of numbers");
    }
    return array;
}

/// out[k] = source[indices[k]], where a row is everything under an index of the first axis.
void take_rows(py::handle source_, py::handle indices_, py::handle out_) {
    PyArrayObject* source = contiguous(source_, "source");
    PyArrayObject* indices = contiguous(indices_, "indices");
    PyArrayObject* out = contiguous(out_, "out");
    const int axes = PyArray_NDIM(source);
    const npy_intp count = PyArray_DIM(indices, 0);
    bool fits = PyArray_NDIM(out) == axes && PyArray_DIM(out, 0) == count &&
                PyArray_EquivTypes(PyArray_DESCR(source), PyArray_DESCR(out));
    for (int axis = 1; fits && axis < axes; ++axis) {
        fits = PyArray_DIM(source, axis) == PyArray_DIM(out, axis);
    }
    if (!fits) throw py::value_error("out does not have the shape and dtype of the rows");
    if (!PyArray_ISWRITEABLE(out)) throw py::value_error("out is read-only");
    if (PyArray_TYPE(indices) != NPY_INTP || PyArray_NDIM(indices) != 1 ||
        !PyArray_ISBEHAVED_RO(indices)) {
        throw py::type_error("indices is not an array of one axis of numpy.intp");
    }
    const npy_intp rows = PyArray_DIM(source, 0);
    const auto* index = static_cast<const npy_intp*>(PyArray_DATA(indices));
    for (npy_intp k = 0; k < count; ++k) {
        if (index[k] < 0 || index[k] >= rows) {
            throw py::index_error("indices has " + std::to_string(index[k]) + " at position " +
                                  std::to_string(k) + "; expected 0 <= index < " +
                                  std::to_string(rows));
        }
    }
    if (count == 0) return;
    const auto bytes = static_cast<std::size_t>(PyArray_NBYTES(out) / count);
    const char* from = PyArray_BYTES(source);
    char* to = PyArray_BYTES(out);
    const std::size_t block = std::max<std::size_t>(1, 65536 / std::max<std::size_t>(1, bytes));
    const py::gil_scoped_release release;
    parallel_for(static_cast<std::size_t>(count), block, [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = begin; k < end; ++k) {
            std::memcpy(to + k * bytes, from + static_cast<std::size_t>(index[k]) * bytes, bytes);
        }
    });
}

}  // namespace

void register_batches(py::module_& m) {
    m.def("take_rows", &take_rows, py::arg("source"), py::arg("indices"), py::arg("out"));
}

}  // namespace ranvier::bindings
