// Runs a row kernel over a stack of rows of any strides.
#pragma once

#include "../isa/kernels.hpp"

namespace ranvier {

/// A stack of `rows` rows: `data` and the byte strides from row to row and along a row.
struct Rows {
    char* data = nullptr;  // or null
    std::ptrdiff_t row_stride = 0, stride = 0;

    template <class T>
    T* at(std::size_t row, std::size_t column) const {
        return reinterpret_cast<T*>(data + static_cast<std::ptrdiff_t>(row) * row_stride +
                                    static_cast<std::ptrdiff_t>(column) * stride);
    }
};

/// y = kernel(x, keep, temperature) for every row. `keep.data` may be null; temperature has one
/// value a row. `outputs` is the number of results a row has: n, or 1. `in_lanes`, which may be
/// null, is the same kernel for several rows at a time.
template <class T>
void run_rows(RowKernel<T> kernel, RowsInLanesKernel in_lanes, Rows x, Rows keep, Rows temperature,
              Rows y, std::size_t rows, std::size_t n, std::size_t outputs);

template <class T>
void run_rows_vjp(RowVjpKernel<T> kernel, Rows g, Rows y, Rows temperature, Rows out,
                  std::size_t rows, std::size_t n);

}  // namespace ranvier
