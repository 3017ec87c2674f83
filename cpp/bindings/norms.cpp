// Normalisation by rows and by channels: the arguments checked, the work in runtime/.
#include <pybind11/pybind11.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "runtime/batch_norm.hpp"
#include "runtime/row_norm.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// An array of a number for each row or channel.
FloatArray checked(py::handle object, const char* name, bool float32, std::size_t size) {
    const FloatArray array(object, name);
    if (array.is_float32() != float32 || array.size() != size || !array.contiguous()) {
        throw py::value_error(std::string(name) + " has shape " + array.shape_text() +
                              " and dtype " + array.dtype_name() + "; expected " +
                              std::to_string(size) + (float32 ? " float32" : " float64") +
                              " numbers, C-contiguous");
    }
    return array;
}

template <class T>
const T* to_read(py::handle object, const char* name, std::size_t size) {
    return reinterpret_cast<const T*>(checked(object, name, sizeof(T) == 4, size).data());
}

template <class T>
T* to_write(py::handle object, const char* name, std::size_t size) {
    const FloatArray array = checked(object, name, sizeof(T) == 4, size);
    array.require_in_place(name);
    return reinterpret_cast<T*>(array.data());
}

template <class T>
const T* to_read_or_null(py::handle object, const char* name, std::size_t size) {
    return object.is_none() ? nullptr : to_read<T>(object, name, size);
}

template <class T>
T* to_write_or_null(py::handle object, const char* name, std::size_t size) {
    return object.is_none() ? nullptr : to_write<T>(object, name, size);
}

/// An array of elements, as x.
FloatArray contiguous(py::handle object, const char* name) {
    const FloatArray array(object, name);
    if (!array.contiguous()) {
        throw py::value_error(std::string(name) + " is not C-contiguous (shape " +
                              array.shape_text() + ")");
    }
    return array;
}

template <class T>
const T* like(py::handle object, const char* name, const FloatArray& x) {
    const FloatArray array = contiguous(object, name);
    array.require_like(x, name, "x");
    return reinterpret_cast<const T*>(array.data());
}

template <class T>
T* output(py::handle object, const char* name, const FloatArray& x) {
    const FloatArray array(object, name);
    array.require_like(x, name, "x");
    array.require_in_place(name);
    return reinterpret_cast<T*>(array.data());
}

/// Calls body(T{}) for the dtype of x.
template <class Body>
void for_dtype(const FloatArray& x, const Body& body) {
    if (x.is_float32()) {
        body(float{});
    } else {
        body(double{});
    }
}

template <class T>
RowNorm<T> rows(const FloatArray& x, std::size_t n, py::handle weight, py::handle mean,
                py::handle scale) {
    if (n == 0 || x.size() % n != 0) {
        throw py::value_error("n is " + std::to_string(n) +
                              "; expected a divisor of the size of x, " + std::to_string(x.size()));
    }
    const std::size_t count = x.size() / n;
    return {reinterpret_cast<const T*>(x.data()),
            to_read_or_null<T>(weight, "weight", n),
            to_write_or_null<double>(mean, "mean", count),
            to_write<double>(scale, "scale", count),
            count,
            n};
}

/// LayerNorm of rows of n elements; RMSNorm if mean is None.
void row_norm(py::handle x_, std::size_t n, py::handle weight, py::handle bias, double eps,
              py::handle mean, py::handle scale, py::handle y_) {
    const FloatArray x = contiguous(x_, "x");
    for_dtype(x, [&](auto zero) {
        using T = decltype(zero);
        const RowNorm<T> norm = rows<T>(x, n, weight, mean, scale);
        if (weight.is_none() && !bias.is_none()) {
            throw py::type_error("weight is None; expected an array where there is a bias");
        }
        const T* shift = to_read_or_null<T>(bias, "bias", n);
        T* y = output<T>(y_, "y", x);
        const py::gil_scoped_release release;
        run_row_norm(norm, shift, eps, y);
    });
}

void row_norm_backward(py::handle grad_output, py::handle x_, std::size_t n, py::handle weight,
                       py::handle mean, py::handle scale, py::handle work_, py::handle grad_x_,
                       py::handle grad_weight_, py::handle grad_bias_, bool accumulate) {
    const FloatArray x = contiguous(x_, "x");
    for_dtype(x, [&](auto zero) {
        using T = decltype(zero);
        const RowNorm<T> norm = rows<T>(x, n, weight, mean, scale);
        if (weight.is_none() != grad_weight_.is_none() ||
            (weight.is_none() && !grad_bias_.is_none())) {
            throw py::type_error(
                "weight or grad_weight is None; expected both arrays, or neither "
                "and no grad_bias");
        }
        const T* g = like<T>(grad_output, "grad_output", x);
        double* work = to_write<double>(work_, "work", row_norm_work(norm.rows, n));
        T* grad_x = output<T>(grad_x_, "grad_x", x);
        T* grad_weight = to_write_or_null<T>(grad_weight_, "grad_weight", n);
        T* grad_bias = to_write_or_null<T>(grad_bias_, "grad_bias", n);
        const py::gil_scoped_release release;
        run_row_norm_backward(norm, g, work, grad_x, grad_weight, grad_bias, accumulate);
    });
}

BatchShape batch_shape(const FloatArray& x) {
    if (x.ndim() != 2 && x.ndim() != 3) {
        throw py::value_error("x has shape " + x.shape_text() + "; expected (N, C) or (N, C, L)");
    }
    return {x.shape(0), x.shape(1), x.ndim() == 3 ? x.shape(2) : 1};
}

template <class T>
BatchNorm<T> batch(const FloatArray& x, py::handle weight, py::handle mean, py::handle scale,
                   py::handle work, bool of_batch) {
    const BatchShape shape = batch_shape(x);
    if (of_batch && shape.samples * shape.length < 2) {
        throw py::value_error("x has shape " + x.shape_text() +
                              "; expected more than one value for each channel");
    }
    return {shape,
            reinterpret_cast<const T*>(x.data()),
            to_read_or_null<T>(weight, "weight", shape.channels),
            to_write<double>(mean, "mean", shape.channels),
            to_write<double>(scale, "scale", shape.channels),
            to_write<double>(work, "work", batch_norm_work(shape))};
}

/// Both running statistics or neither; without `of_batch` they are needed.
void batch_norm(py::handle x_, py::handle weight, py::handle bias, py::handle running_mean,
                py::handle running_var, double share, double eps, bool of_batch, py::handle mean,
                py::handle scale, py::handle work, py::handle y_) {
    const FloatArray x = contiguous(x_, "x");
    if (running_mean.is_none() != running_var.is_none() || (running_mean.is_none() && !of_batch)) {
        throw py::type_error("running_mean or running_var is None; expected both arrays");
    }
    for_dtype(x, [&](auto zero) {
        using T = decltype(zero);
        const BatchNorm<T> norm = batch<T>(x, weight, mean, scale, work, of_batch);
        const std::size_t channels = norm.shape.channels;
        const RunningStatistics<T> running = {
            to_write_or_null<T>(running_mean, "running_mean", channels),
            to_write_or_null<T>(running_var, "running_var", channels), share};
        const T* shift = to_read_or_null<T>(bias, "bias", channels);
        T* y = output<T>(y_, "y", x);
        const py::gil_scoped_release release;
        run_batch_norm(norm, shift, eps, of_batch, running, y);
    });
}

void batch_norm_backward(py::handle grad_output, py::handle x_, py::handle weight, bool of_batch,
                         py::handle mean, py::handle scale, py::handle work, py::handle grad_x_,
                         py::handle grad_weight_, py::handle grad_bias_, bool accumulate) {
    const FloatArray x = contiguous(x_, "x");
    for_dtype(x, [&](auto zero) {
        using T = decltype(zero);
        const BatchNorm<T> norm = batch<T>(x, weight, mean, scale, work, of_batch);
        const std::size_t channels = norm.shape.channels;
        const T* g = like<T>(grad_output, "grad_output", x);
        T* grad_x = output<T>(grad_x_, "grad_x", x);
        T* grad_weight = to_write_or_null<T>(grad_weight_, "grad_weight", channels);
        T* grad_bias = to_write_or_null<T>(grad_bias_, "grad_bias", channels);
        const py::gil_scoped_release release;
        run_batch_norm_backward(norm, g, of_batch, grad_x, grad_weight, grad_bias, accumulate);
    });
}

}  // namespace

void register_norms(py::module_& m) {
    m.def("row_norm_work", &row_norm_work, py::arg("rows"), py::arg("n"));
    m.def("row_norm", &row_norm, py::arg("x"), py::arg("n"), py::arg("weight"), py::arg("bias"),
          py::arg("eps"), py::arg("mean"), py::arg("scale"), py::arg("y"));
    m.def("row_norm_backward", &row_norm_backward, py::arg("grad_output"), py::arg("x"),
          py::arg("n"), py::arg("weight"), py::arg("mean"), py::arg("scale"), py::arg("work"),
          py::arg("grad_x"), py::arg("grad_weight"), py::arg("grad_bias"), py::arg("accumulate"));
    m.def(
        "batch_norm_work",
        [](std::size_t samples, std::size_t channels, std::size_t length) {
            return batch_norm_work({samples, channels, length});
        },
        py::arg("samples"), py::arg("channels"), py::arg("length"));
    m.def("batch_norm", &batch_norm, py::arg("x"), py::arg("weight"), py::arg("bias"),
          py::arg("running_mean"), py::arg("running_var"), py::arg("share"), py::arg("eps"),
          py::arg("of_batch"), py::arg("mean"), py::arg("scale"), py::arg("work"), py::arg("y"));
    m.def("batch_norm_backward", &batch_norm_backward, py::arg("grad_output"), py::arg("x"),
          py::arg("weight"), py::arg("of_batch"), py::arg("mean"), py::arg("scale"),
          py::arg("work"), py::arg("grad_x"), py::arg("grad_weight"), py::arg("grad_bias"),
          py::arg("accumulate"));
}

}  // namespace ranvier::bindings
