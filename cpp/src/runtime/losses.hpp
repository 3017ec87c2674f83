// Elementwise losses over arrays: blocks over threads, value and gradient from one visit.
#pragma once

#include <cstddef>

#include "../isa/kernels.hpp"

namespace ranvier {

/// An array of the batch's shape, of any byte strides.
struct LossArray {
    char* data = nullptr;  // or null
    const std::ptrdiff_t* strides = nullptr;
    bool contiguous = false;
};

struct LossBatch {
    std::size_t size;
    int ndim;
    const std::ptrdiff_t* shape;
    LossArray operands[3];  // as many as the loss has
    LossArray weight;       // float64, multiplies the losses; or null
    const double* parameters;
    double scale;            // multiplies the gradients beside the weight
    LossArray gradients[2];  // or null
    void* losses;            // contiguous, or null: what each element loses, times its weight
};

/// The sum of the losses, in a fixed order. T is what the operands, gradients and losses hold.
template <class T>
double run_loss(Loss loss, const LossBatch& batch);

}  // namespace ranvier
