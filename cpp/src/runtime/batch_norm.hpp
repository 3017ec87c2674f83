// BatchNorm over a contiguous batch.
#pragma once

#include <cstddef>

namespace ranvier {

/// Elements in the order sample, channel, position.
struct BatchShape {
    std::size_t samples, channels, length;
};

/// mean and scale hold a number of each channel: written by the forward direction, read by the
/// backward one. The weight may be null; `work` has room for batch_norm_work(shape) numbers.
template <class T>
struct BatchNorm {
    BatchShape shape;
    const T *x, *weight;
    double *mean, *scale, *work;
};

/// Running statistics, or null.
template <class T>
struct RunningStatistics {
    T *mean, *variance;
    /// The weight of the batch in them.
    double share;
};

std::size_t batch_norm_work(BatchShape shape);

/// y = (x - mean) scale weight + bias, where the bias may be null; mean and variance are those of
/// the batch, which the running ones follow, or else the running ones.
template <class T>
void run_batch_norm(const BatchNorm<T>& norm, const T* bias, double eps, bool of_batch,
                    const RunningStatistics<T>& running, T* y);

/// The gradients, given that of the output; those of weight and bias may be null. The statistics
/// are `of_batch` if they move with x.
template <class T>
void run_batch_norm_backward(const BatchNorm<T>& norm, const T* g, bool of_batch, T* grad_x,
                             T* grad_weight, T* grad_bias, bool accumulate);

}  // namespace ranvier
