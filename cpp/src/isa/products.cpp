// Fills the tables of the matrix product.
#include "../ops/product.hpp"
#include "kernels.hpp"

namespace ranvier::RANVIER_ISA {

template <class T>
inline constexpr ProductKernels<T> product_kernels = {
    tile_columns<T>, tile_rows, pack_panel<T>, multiply_strip<T>, multiply_column<T>,
};
const ProductKernels<float> product_table_float32 = product_kernels<float>;
const ProductKernels<double> product_table_float64 = product_kernels<double>;

}  // namespace ranvier::RANVIER_ISA
