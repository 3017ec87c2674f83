// What a layer does beside its matrix product.
#include "arrays.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "bindings.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/float_status.hpp"
#include "runtime/threads.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// A matrix, changed in place, and a value to add to each of its columns.
struct BiasedMatrix {
    FloatArray z, bias;

    BiasedMatrix(py::handle z_, py::handle bias_) : z(z_, "z"), bias(bias_, "bias") {
        z.require_in_place("z");
        if (z.ndim() != 2 || bias.ndim() != 1 || bias.shape(0) != z.shape(1) ||
            !bias.same_dtype(z) || !bias.contiguous()) {
            throw py::value_error("bias has shape " + bias.shape_text() + " and dtype " +
                                  bias.dtype_name() + "; expected one " + z.dtype_name() +
                                  " for each column of " + z.shape_text());
        }
    }

    /// Calls body(byte offset of the row, columns) for every row.
    template <class Body>
    void for_rows(const Body& body) const {
        const std::size_t columns = z.shape(1);
        const std::size_t row_bytes = columns * z.item_size();
        const std::size_t worth_a_thread =
            std::max<std::size_t>(1, 131072 / std::max<std::size_t>(1, columns));
        const py::gil_scoped_release release;
        const KeepFloatStatus flags;
        parallel_for(z.shape(0), 1, worth_a_thread, [&](std::size_t begin, std::size_t end) {
            for (std::size_t row = begin; row < end; ++row) body(row * row_bytes, columns);
        });
    }
};

/// z += bias on every row.
void add_bias(py::handle z_, py::handle bias_) {
    const BiasedMatrix m(z_, bias_);
    const AddBiasKernel kernel = kernels().add_bias[m.z.index()];
    m.for_rows([&](std::size_t row, std::size_t columns) {
        kernel(m.z.data() + row, m.bias.data(), columns);
    });
}

/// z += bias on every row, then y = f(z). y may be z.
void bias_activation(int activation, py::handle z_, py::handle bias_,
                     const std::vector<double>& parameters, py::handle y_) {
    const BiasedMatrix m(z_, bias_);
    const FloatArray y(y_, "y");
    y.require_in_place("y");
    y.require_like(m.z, "y", "z");
    const BiasedKernel kernel = kernels().biased[activation][m.z.index()];
    float in_float32[2] = {};
    double in_float64[2] = {};
    const void* pointers[2];
    for (std::size_t k = 0; k < 2; ++k) {
        const double value = k < parameters.size() ? parameters[k] : 0.0;
        in_float64[k] = value;
        in_float32[k] = static_cast<float>(value);
        pointers[k] = m.z.is_float32() ? static_cast<const void*>(&in_float32[k]) : &in_float64[k];
    }
    m.for_rows([&](std::size_t row, std::size_t columns) {
        kernel(m.z.data() + row, m.bias.data(), pointers, y.data() + row, columns);
    });
}

/// sums = the sum of z over its rows, or is added to. Blocks of 64 rows are summed on their own, so
/// that the rounding errors grow with the number of blocks, and the order is always the same.
void column_sums(py::handle z_, py::handle sums_, bool accumulate) {
    const FloatArray z(z_, "z"), sums(sums_, "sums");
    sums.require_in_place("sums");
    if (z.ndim() != 2 || !z.contiguous() || sums.ndim() != 1 || sums.shape(0) != z.shape(1) ||
        !sums.same_dtype(z)) {
        throw py::value_error("sums has shape " + sums.shape_text() + " and dtype " +
                              sums.dtype_name() + "; expected one " + z.dtype_name() +
                              " for each column of a C-contiguous array, not of " + z.shape_text());
    }
    constexpr std::size_t block = 64;
    constexpr std::size_t tile = 512;
    const std::size_t rows = z.shape(0), columns = z.shape(1), item = z.item_size();
    const AddBiasKernel add = kernels().add_bias[z.index()];
    const py::gil_scoped_release release;
    const KeepFloatStatus flags;
    const std::size_t worth_a_thread = std::max(tile, 131072 / std::max<std::size_t>(1, rows));
    parallel_for(columns, 64, worth_a_thread, [&](std::size_t begin, std::size_t end) {
        alignas(64) char partial[tile * 8];
        for (std::size_t column = begin; column < end; column += tile) {
            const std::size_t n = std::min(tile, end - column);
            char* total = sums.data() + column * item;
            if (!accumulate) std::memset(total, 0, n * item);
            for (std::size_t start = 0; start < rows; start += block) {
                std::memset(partial, 0, n * item);
                for (std::size_t row = start; row < std::min(rows, start + block); ++row) {
                    add(partial, z.data() + (row * columns + column) * item, n);
                }
                add(total, partial, n);
            }
        }
    });
}

}  // namespace

void register_layers(py::module_& m) {
    m.def("add_bias", &add_bias, py::arg("z"), py::arg("bias"));
    m.def("column_sums", &column_sums, py::arg("z"), py::arg("sums"), py::arg("accumulate"));
    m.def("bias_activation", &bias_activation, py::arg("activation"), py::arg("z"), py::arg("bias"),
          py::arg("parameters"), py::arg("y"));
}

}  // namespace ranvier::bindings
