// Cross-entropy over a batch: samples over threads, each loss and gradient from one visit.
#pragma once

#include <cstdint>

#include "rows.hpp"

namespace ranvier {

/// `samples` = outer * inner samples; sample (i, j) has its classes along an axis between the two.
struct CrossEntropyBatch {
    std::size_t outer, classes, inner;
    // Byte strides of the axes (outer, classes, inner).
    const char* logits;
    std::ptrdiff_t logits_stride[3];
    const char* probabilities;  // or null
    std::ptrdiff_t probabilities_stride[3];
    const std::int64_t* labels;  // outer * inner, or null
    std::int64_t ignore_index;
    const void* weight;           // classes, or null
    const double* sample_weight;  // outer, or null
    double smoothing;
    double scale;    // multiplies the gradient beside the sample's weight
    char* gradient;  // or null
    std::ptrdiff_t gradient_stride[3];
    double* losses;  // outer * inner: what each sample loses, times its weight
};

template <class T>
void run_cross_entropy(const CrossEntropyBatch& batch, CrossEntropyKernel<T> kernel);

}  // namespace ranvier
