#include "optimizer.hpp"

#include <algorithm>

#include "float_status.hpp"
#include "threads.hpp"

namespace ranvier {

void run_optimizer(OptimizerKernel kernel, std::vector<OptimizerTensor>& tensors,
                   std::size_t item_size, const double* scalars) {
    constexpr std::size_t block = 16384;
    const KeepFloatStatus flags;
    std::size_t total = 0;
    for (OptimizerTensor& tensor : tensors) {
        tensor.start = total;
        total += tensor.size;
    }
    parallel_for(total, block, [&](std::size_t begin, std::size_t end) {
        auto tensor =
            std::upper_bound(tensors.begin(), tensors.end(), begin,
                             [](std::size_t at, const OptimizerTensor& t) { return at < t.start; });
        for (--tensor; begin < end; ++tensor) {
            const std::size_t first = begin - tensor->start;
            const std::size_t count = std::min(end, tensor->start + tensor->size) - begin;
            if (count == 0) continue;
            const std::size_t offset = first * item_size;
            const auto shifted = [&](void* p) -> void* {
                return p == nullptr ? nullptr : static_cast<char*>(p) + offset;
            };
            void* state[3];
            for (int k = 0; k < 3; ++k) state[k] = shifted(tensor->state[k]);
            kernel(shifted(tensor->parameter), static_cast<const char*>(tensor->gradient) + offset,
                   state, scalars, count);
            begin += count;
        }
    });
}

}  // namespace ranvier
