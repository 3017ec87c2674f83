// Fills the tables of the normalisations.
#include "../ops/batch_norm.hpp"
#include "../ops/row_norm.hpp"
#include "kernels.hpp"

namespace ranvier::RANVIER_ISA {

template <class T>
inline constexpr NormKernels<T> norm_kernels = {
    row_norm<true, T>,
    row_norm<false, T>,
    row_norm_backward<true, T>,
    row_norm_backward<false, T>,
    {batch_moments<true, T>, batch_moments<false, T>},
    {batch_sums<true, T>, batch_sums<false, T>},
    {batch_norm<true, T>, batch_norm<false, T>},
    {batch_gradient<true, T>, batch_gradient<false, T>},
    join_moments,
    follow<T>,
    batch_scale<T>,
    batch_slopes<T>,
    add_pieces,
    write_gradient<T>,
};
const NormKernels<float> norm_table_float32 = norm_kernels<float>;
const NormKernels<double> norm_table_float64 = norm_kernels<double>;

}  // namespace ranvier::RANVIER_ISA
