// Cross-entropy over a batch, from scores or from logarithms of probabilities: samples over
// threads, each loss and gradient from one visit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa/kernels.hpp"

namespace ranvier {

/// An array of axes (outer, classes, inner...), of any byte strides.
struct ClassArray {
    char* data;  // or null
    std::ptrdiff_t outer_stride, class_stride;
    const std::ptrdiff_t* inner_strides;
};

/// outer * inner samples; sample (i, j) has its classes along an axis between the two.
struct CrossEntropyBatch {
    std::size_t outer, classes, inner;
    std::size_t inner_axes;
    const std::ptrdiff_t* inner_shape;
    ClassArray logits, probabilities, gradient;
    const std::int64_t* labels;  // outer * inner; or null, with probabilities
    std::int64_t ignore_index;
    const void* weight;           // classes, or null
    const double* sample_weight;  // outer, or null
    double smoothing;
    double scale;  // multiplies the gradient beside the sample's weight
    void* losses;  // outer * inner, or null: what each sample loses, times its weight
};

/// The sum of the losses, in a fixed order.
template <class T>
double run_cross_entropy(ClassLoss loss, const CrossEntropyBatch& batch);

}  // namespace ranvier
