// The matrix product, of matrices of any strides, on any number of threads.
#pragma once

#include "../isa/kernels.hpp"

namespace ranvier {

/// result = a b, or is added to, where a has `rows` rows and `depth` columns and b has `columns`
/// columns. The result has no memory in common with them. An element's bits depend on its row of a
/// and its column of b, and on nothing else.
template <class T>
void run_product(Strided<const T> a, Strided<const T> b, Strided<T> result, std::size_t rows,
                 std::size_t columns, std::size_t depth, bool accumulate = false);

}  // namespace ranvier
