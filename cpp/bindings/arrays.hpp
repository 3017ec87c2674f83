// NumPy arrays as the native code needs them: looked at, never copied.
#pragma once

#include "numpy_api.hpp"

#include <pybind11/pybind11.h>

#include <string>
#include <utility>
#include <vector>

namespace ranvier::bindings {

/// What an error calls an argument: "out", or one of a list, "grads[3]". Put together only then.
class ArgumentName {
public:
    ArgumentName(const char* name) : name_(name) {}
    ArgumentName(const char* name, std::size_t index)
        : name_(name), index_(static_cast<std::ptrdiff_t>(index)) {}
    operator std::string() const {
        return index_ < 0 ? name_ : name_ + ("[" + std::to_string(index_) + "]");
    }
    friend std::string operator+(const ArgumentName& name, const std::string& rest) {
        return static_cast<std::string>(name) + rest;
    }
    friend std::string operator+(const std::string& text, const ArgumentName& name) {
        return text + static_cast<std::string>(name);
    }

private:
    const char* name_;
    std::ptrdiff_t index_ = -1;
};

/// Whether two arrays have memory in common: first by their bounds, then, rarely, exactly.
inline bool overlap(PyArrayObject* a, PyArrayObject* b) {
    const auto bounds = [](PyArrayObject* array) {
        const char* first = PyArray_BYTES(array);
        const char* last = first;
        for (int axis = 0; axis < PyArray_NDIM(array); ++axis) {
            const std::ptrdiff_t extent =
                PyArray_STRIDE(array, axis) * (PyArray_DIM(array, axis) - 1);
            (extent < 0 ? first : last) += extent;
        }
        return std::pair(first, last + PyArray_ITEMSIZE(array));
    };
    if (PyArray_SIZE(a) == 0 || PyArray_SIZE(b) == 0) return false;
    const auto [a_first, a_end] = bounds(a);
    const auto [b_first, b_end] = bounds(b);
    if (a_end <= b_first || b_end <= a_first) return false;
    return pybind11::module_::import("numpy")
        .attr("shares_memory")(pybind11::handle(reinterpret_cast<PyObject*>(a)),
                               pybind11::handle(reinterpret_cast<PyObject*>(b)))
        .cast<bool>();
}

/// A borrowed view of an argument that must be an array of native float32 or float64.
class FloatArray {
public:
    FloatArray(pybind11::handle object, const ArgumentName& name) {
        if (!PyArray_Check(object.ptr())) {
            throw pybind11::type_error(name + " is a " +
                                       std::string(Py_TYPE(object.ptr())->tp_name) +
                                       "; expected a numpy.ndarray");
        }
        array_ = reinterpret_cast<PyArrayObject*>(object.ptr());
        const int type = PyArray_TYPE(array_);
        if ((type != NPY_FLOAT && type != NPY_DOUBLE) || !PyArray_ISBEHAVED_RO(array_)) {
            throw pybind11::type_error(
                name + " has dtype " +
                pybind11::str(pybind11::handle(object).attr("dtype")).cast<std::string>() +
                "; expected native, aligned float32 or float64");
        }
    }

    bool is_float32() const { return PyArray_TYPE(array_) == NPY_FLOAT; }
    int index() const { return is_float32() ? 0 : 1; }
    std::size_t item_size() const { return is_float32() ? 4 : 8; }
    PyArrayObject* array() const { return array_; }
    char* data() const { return PyArray_BYTES(array_); }
    std::size_t size() const { return static_cast<std::size_t>(PyArray_SIZE(array_)); }
    int ndim() const { return PyArray_NDIM(array_); }
    std::size_t shape(int axis) const {
        return static_cast<std::size_t>(PyArray_DIM(array_, axis));
    }
    std::ptrdiff_t stride(int axis) const { return PyArray_STRIDE(array_, axis); }
    double at(std::size_t i) const {
        return is_float32() ? static_cast<double>(reinterpret_cast<const float*>(data())[i])
                            : reinterpret_cast<const double*>(data())[i];
    }
    bool contiguous() const { return PyArray_IS_C_CONTIGUOUS(array_); }
    bool writeable() const { return PyArray_ISWRITEABLE(array_); }
    bool same_dtype(const FloatArray& other) const { return is_float32() == other.is_float32(); }
    bool same_shape(const FloatArray& other) const {
        return PyArray_SAMESHAPE(array_, other.array_);
    }
    std::string dtype_name() const { return is_float32() ? "float32" : "float64"; }
    std::string shape_text() const {
        return pybind11::str(pybind11::handle(reinterpret_cast<PyObject*>(array_)).attr("shape"))
            .cast<std::string>();
    }

    /// Throws unless a kernel may write into the very memory given.
    void require_in_place(const ArgumentName& name) const {
        if (!contiguous()) {
            throw pybind11::value_error(name + " is not C-contiguous (shape " + shape_text() +
                                        "); it cannot be updated in place");
        }
        if (!writeable()) {
            throw pybind11::value_error(name + " is read-only; it cannot be updated in place");
        }
    }

    /// Throws unless shape and dtype are those of `other`.
    void require_like(const FloatArray& other, const ArgumentName& name,
                      const ArgumentName& other_name) const {
        if (!same_dtype(other)) {
            throw pybind11::type_error(name + " has dtype " + dtype_name() + "; expected " +
                                       other.dtype_name() + ", that of " + other_name);
        }
        if (!same_shape(other)) {
            throw pybind11::value_error(name + " has shape " + shape_text() + "; expected " +
                                        other.shape_text() + ", that of " + other_name);
        }
    }

private:
    PyArrayObject* array_;
};

/// Arrays that are read or written already, and what errors call them.
class TakenArrays {
public:
    void add(PyArrayObject* array, std::string name) { list_.emplace_back(array, std::move(name)); }
    void add(pybind11::handle array, const char* name) {
        if (array && !array.is_none()) add(reinterpret_cast<PyArrayObject*>(array.ptr()), name);
    }

    /// Throws unless `array` is like `other`, writeable, and in memory of its own; takes it then.
    void add_output(const FloatArray& array, const std::string& name, const FloatArray& other,
                    const ArgumentName& other_name) {
        array.require_like(other, name.c_str(), other_name);
        if (!array.writeable()) {
            throw pybind11::value_error(name + " is read-only; expected it writeable");
        }
        for (const auto& [taken, taken_name] : list_) {
            if (overlap(array.array(), taken)) {
                throw pybind11::value_error(name + " overlaps " + taken_name +
                                            " in memory; expected an array of its own");
            }
        }
        add(array.array(), name);
    }

private:
    std::vector<std::pair<PyArrayObject*, std::string>> list_;
};

/// "out", or one of several: "out[1]".
inline std::string output_name(std::size_t index, std::size_t count) {
    return count > 1 ? "out[" + std::to_string(index) + "]" : "out";
}

}  // namespace ranvier::bindings
