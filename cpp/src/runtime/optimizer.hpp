// One step of an optimizer over many tensors: one call, split over threads by elements.
#pragma once

#include <vector>

#include "../isa/kernels.hpp"

namespace ranvier {

struct OptimizerTensor {
    void* parameter;
    const void* gradient;
    void* state[3];
    std::size_t size;
    std::size_t start;  // elements in the tensors before this one; filled in by run_optimizer
};

void run_optimizer(OptimizerKernel kernel, std::vector<OptimizerTensor>& tensors,
                   std::size_t item_size, const double* scalars);

}  // namespace ranvier
