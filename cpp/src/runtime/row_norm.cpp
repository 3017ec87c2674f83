#include "row_norm.hpp"

#include <algorithm>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

/// The gradients of weight and bias are summed in blocks of rows, each on its own.
constexpr std::size_t block = 32;

/// At least one, of no rows if there are none.
std::size_t blocks_of(std::size_t rows) {
    return std::max<std::size_t>(1, (rows + block - 1) / block);
}

}  // namespace

template <class T>
void run_row_norm(const RowNorm<T>& norm, const T* bias, double eps, T* y) {
    const KeepFloatStatus flags;
    const NormKernels<T>& kernels = norm_kernels<T>();
    const auto kernel = norm.mean == nullptr ? kernels.rms_norm : kernels.layer_norm;
    parallel_for(norm.rows, 1, rows_worth_a_thread(norm.n),
                 [&](std::size_t begin, std::size_t end) {
                     const std::size_t first = begin * norm.n;
                     double* mean = norm.mean == nullptr ? nullptr : norm.mean + begin;
                     kernel(norm.x + first, norm.weight, bias, eps, mean, norm.scale + begin,
                            y + first, end - begin, norm.n);
                 });
}

std::size_t row_norm_work(std::size_t rows, std::size_t n) {
    return 2 * blocks_of(rows) * n;
}

template <class T>
void run_row_norm_backward(const RowNorm<T>& norm, const T* g, double* work, T* grad_x,
                           T* grad_weight, T* grad_bias, bool accumulate) {
    const KeepFloatStatus flags;
    const NormKernels<T>& kernels = norm_kernels<T>();
    const auto kernel =
        norm.mean == nullptr ? kernels.rms_norm_backward : kernels.layer_norm_backward;
    const std::size_t n = norm.n;
    const std::size_t blocks = blocks_of(norm.rows);
    double* weight_sums = grad_weight == nullptr ? nullptr : work;
    double* bias_sums = grad_bias == nullptr ? nullptr : work + blocks * n;
    const auto sums_of = [n](double* sums, std::size_t b) -> double* {
        if (sums == nullptr) return nullptr;
        std::fill_n(sums + b * n, n, 0.0);
        return sums + b * n;
    };
    parallel_for(blocks, 1, rows_worth_a_thread(block * n),
                 [&](std::size_t begin, std::size_t end) {
                     for (std::size_t b = begin; b < end; ++b) {
                         const std::size_t row = b * block;
                         const double* mean = norm.mean == nullptr ? nullptr : norm.mean + row;
                         kernel(g + row * n, norm.x + row * n, norm.weight, mean, norm.scale + row,
                                grad_x + row * n, sums_of(weight_sums, b), sums_of(bias_sums, b),
                                std::min(block, norm.rows - row), n);
                     }
                 });
    parallel_for(n, 64, rows_worth_a_thread(blocks), [&](std::size_t begin, std::size_t end) {
        const auto finish = [&](double* sums, T* gradient) {
            if (gradient == nullptr) return;
            kernels.add_pieces(sums + begin, blocks, n, end - begin);
            kernels.write_gradient(sums + begin, gradient + begin, accumulate, end - begin);
        };
        finish(weight_sums, grad_weight);
        finish(bias_sums, grad_bias);
    });
}

template void run_row_norm(const RowNorm<float>&, const float*, double, float*);
template void run_row_norm(const RowNorm<double>&, const double*, double, double*);
template void run_row_norm_backward(const RowNorm<float>&, const float*, double*, float*, float*,
                                    float*, bool);
template void run_row_norm_backward(const RowNorm<double>&, const double*, double*, double*,
                                    double*, double*, bool);

}  // namespace ranvier
