// One step of an optimizer over many tensors: one call, split over threads by elements. And the
// norm of their gradients.
#pragma once

#include <vector>

#include "../isa/kernels.hpp"

namespace ranvier {

inline constexpr std::size_t max_states = 3;
/// Room for the scalars of any rule.
inline constexpr std::size_t max_scalars = 12;

struct OptimizerTensor {
    void* parameter;
    const void* gradient;
    void* state[max_states];
    std::size_t size;
    std::size_t start;  // elements in the tensors before this one; filled in by run_optimizer
};

void run_optimizer(OptimizerKernel kernel, std::vector<OptimizerTensor>& tensors,
                   std::size_t item_size, const double* scalars);

/// In a fixed order, in double.
template <class T>
double sum_of_squares(DotKernel<T> dot, const T* x, std::size_t n);

}  // namespace ranvier
