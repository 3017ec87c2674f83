// Elementwise losses over arrays: blocks over threads, value and gradient from one visit.
#pragma once

#include <cstddef>

#include "../isa/kernels.hpp"
#include "array.hpp"

namespace ranvier {

/// Arrays of one shape.
struct LossBatch {
    Array operands[3];                      // as many as the loss has
    Array weight;                           // float64, multiplies the losses; or none
    const double* sample_weight = nullptr;  // for each of the first axis, multiplies too; or null
    const double* parameters = nullptr;     // in the order of the row
    double scale = 1.0;                     // multiplies the gradients beside the weights
    Array gradients[2];                     // or none
    void* losses = nullptr;  // contiguous, or null: what each element loses, times its weights
};

/// The sum of the losses, in a fixed order. T is what the operands, gradients and losses hold.
template <class T>
double run_loss(Loss loss, const LossBatch& batch);

}  // namespace ranvier
