// LayerNorm and RMSNorm over a stack of contiguous rows.
#pragma once

#include <cstddef>

namespace ranvier {

/// `rows` rows of n elements; without `mean` it is RMSNorm. mean and scale hold a number of each
/// row: written by the forward direction, read by the backward one. The weight may be null.
template <class T>
struct RowNorm {
    const T *x, *weight;
    double *mean, *scale;
    std::size_t rows, n;
};

/// y = (x - mean) scale weight + bias, where the bias may be null.
template <class T>
void run_row_norm(const RowNorm<T>& norm, const T* bias, double eps, T* y);

/// How many numbers `work` of the backward direction holds.
std::size_t row_norm_work(std::size_t rows, std::size_t n);

/// The gradients, given that of the output; those of weight and bias may be null.
template <class T>
void run_row_norm_backward(const RowNorm<T>& norm, const T* g, double* work, T* grad_x,
                           T* grad_weight, T* grad_bias, bool accumulate);

}  // namespace ranvier
