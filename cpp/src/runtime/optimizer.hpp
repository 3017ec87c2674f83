// One step of an optimizer over many tensors: one call, split over threads by elements. And the
// norm of their gradients.
#pragma once

#include <vector>

#include "../isa/kernels.hpp"

namespace ranvier {

struct OptimizerTensor {
    void* parameter;
    const void* gradient;
    void* state[max_states];
    std::size_t size;
    std::size_t start;  // elements in the tensors before this one; filled in by run_optimizer
};

/// `type` is 0 for float32, 1 for float64; `scalars` has the rule's.
void run_optimizer(Optimizer rule, int type, std::vector<OptimizerTensor>& tensors,
                   const double* scalars);

/// In a fixed order, in double.
template <class T>
double sum_of_squares(DotKernel<T> dot, const T* x, std::size_t n);

}  // namespace ranvier
