// What a layer does to a C-ordered matrix beside its matrix product.
#pragma once

#include "../isa/kernels.hpp"

namespace ranvier {

struct Matrix {
    char* data;
    std::size_t rows, columns, item_size;
};

/// z += bias on every row.
void run_add_bias(AddBiasKernel kernel, Matrix z, const void* bias);

/// z += bias on every row, then y = f(z). y may be z.
void run_biased(BiasedKernel kernel, Matrix z, const void* bias, const void* const* parameters,
                char* y);

/// sums = the sum of z over its rows, or is added to. Blocks of rows are summed on their own, so
/// that the rounding errors grow with the number of blocks, and the order is always the same.
void run_column_sums(AddBiasKernel add, Matrix z, char* sums, bool accumulate);

}  // namespace ranvier
