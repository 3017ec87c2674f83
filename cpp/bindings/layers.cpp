// What a layer does beside its matrix product.
#include "arrays.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <vector>

#include "bindings.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/float_status.hpp"
#include "runtime/threads.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// z += bias on every row, then y = f(z). y may be z.
void bias_activation(int activation, py::handle z_, py::handle bias_,
                     const std::vector<double>& parameters, py::handle y_) {
    const FloatArray z(z_, "z"), bias(bias_, "bias"), y(y_, "y");
    z.require_in_place("z");
    y.require_in_place("y");
    y.require_like(z, "y", "z");
    if (z.ndim() != 2 || bias.ndim() != 1 || bias.shape(0) != z.shape(1) || !bias.same_dtype(z) ||
        !bias.contiguous()) {
        throw py::value_error("bias has shape " + bias.shape_text() + " and dtype " +
                              bias.dtype_name() + "; expected one " + z.dtype_name() +
                              " for each column of " + z.shape_text());
    }
    const std::size_t columns = z.shape(1);
    const std::size_t row_bytes = columns * z.item_size();
    const BiasedKernel kernel = kernels().biased[activation][z.index()];
    float in_float32[2] = {};
    double in_float64[2] = {};
    const void* pointers[2];
    for (std::size_t k = 0; k < 2; ++k) {
        const double value = k < parameters.size() ? parameters[k] : 0.0;
        in_float64[k] = value;
        in_float32[k] = static_cast<float>(value);
        pointers[k] = z.is_float32() ? static_cast<const void*>(&in_float32[k]) : &in_float64[k];
    }
    const std::size_t block = std::max<std::size_t>(1, 16384 / std::max<std::size_t>(1, columns));
    const py::gil_scoped_release release;
    const KeepFloatStatus flags;
    parallel_for(z.shape(0), block, [&](std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row) {
            kernel(z.data() + row * row_bytes, bias.data(), pointers, y.data() + row * row_bytes,
                   columns);
        }
    });
}

}  // namespace

void register_layers(py::module_& m) {
    m.def("bias_activation", &bias_activation, py::arg("activation"), py::arg("z"), py::arg("bias"),
          py::arg("parameters"), py::arg("y"));
}

}  // namespace ranvier::bindings
