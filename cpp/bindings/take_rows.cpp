// Rows of an array, gathered: the arguments checked, the work in runtime/.
#include "runtime/take_rows.hpp"

#include "numpy_api.hpp"

#include <pybind11/pybind11.h>

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

PyArrayObject* c_ordered(py::handle object, const char* name) {
    auto* const array = reinterpret_cast<PyArrayObject*>(object.ptr());
    if (!PyArray_Check(object.ptr()) || !PyArray_IS_C_CONTIGUOUS(array) ||
        PyArray_NDIM(array) == 0) {
        throw py::type_error(std::string(name) + " is " + py::repr(object).cast<std::string>() +
                             "; expected a C-contiguous array of at least one axis");
    }
    return array;
}

/// out[...] = array[indices], of any dtype but objects.
void take_rows(py::handle array_, py::handle indices_, py::handle out_) {
    PyArrayObject* const array = c_ordered(array_, "array");
    PyArrayObject* const indices = c_ordered(indices_, "indices");
    PyArrayObject* const out = c_ordered(out_, "out");
    const int axes = PyArray_NDIM(array);
    if (PyArray_TYPE(indices) != NPY_INT64 || PyArray_NDIM(indices) != 1 ||
        !PyArray_ISBEHAVED_RO(indices)) {
        throw py::type_error("indices has dtype " +
                             py::str(indices_.attr("dtype")).cast<std::string>() +
                             "; expected native, aligned int64, along one axis");
    }
    const npy_intp count = PyArray_DIM(indices, 0);
    if (!PyArray_EquivTypes(PyArray_DESCR(array), PyArray_DESCR(out)) ||
        PyDataType_REFCHK(PyArray_DESCR(array)) || PyArray_NDIM(out) != axes ||
        PyArray_DIM(out, 0) != count ||
        !PyArray_CompareLists(PyArray_DIMS(out) + 1, PyArray_DIMS(array) + 1, axes - 1) ||
        !PyArray_ISWRITEABLE(out)) {
        throw py::value_error("out has shape " + py::str(out_.attr("shape")).cast<std::string>() +
                              "; expected a writeable array like " + std::to_string(count) +
                              " rows of array");
    }
    if (overlap(out, array) || overlap(out, indices)) {
        throw py::value_error(
            "out overlaps array or indices in memory; expected an array of its own");
    }
    const auto* rows = static_cast<const std::int64_t*>(PyArray_DATA(indices));
    for (npy_intp i = 0; i < count; ++i) {
        if (rows[i] < 0 || rows[i] >= PyArray_DIM(array, 0)) {
            throw py::index_error("indices[" + std::to_string(i) + "] is " +
                                  std::to_string(rows[i]) + "; expected one of " +
                                  std::to_string(PyArray_DIM(array, 0)) + " rows");
        }
    }
    if (count == 0) return;
    const auto row_bytes = static_cast<std::size_t>(PyArray_NBYTES(out) / count);
    const char* const data = PyArray_BYTES(array);
    char* const to = PyArray_BYTES(out);
    const py::gil_scoped_release release;
    run_take_rows(data, row_bytes, rows, static_cast<std::size_t>(count), to);
}

}  // namespace

void register_take_rows(py::module_& m) {
    m.def("take_rows", &take_rows, py::arg("array"), py::arg("indices"), py::arg("out"));
}

}  // namespace ranvier::bindings
