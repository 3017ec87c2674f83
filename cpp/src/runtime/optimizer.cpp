#include "optimizer.hpp"

#include <algorithm>

#include "float_status.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

constexpr std::size_t worth_a_thread = 65536;

}  // namespace

void run_optimizer(OptimizerKernel kernel, std::vector<OptimizerTensor>& tensors,
                   std::size_t item_size, const double* scalars) {
    const KeepFloatStatus flags;
    std::size_t total = 0;
    for (OptimizerTensor& tensor : tensors) {
        tensor.start = total;
        total += tensor.size;
    }
    parallel_for(total, 64, worth_a_thread, [&](std::size_t begin, std::size_t end) {
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
            void* state[max_states];
            for (std::size_t k = 0; k < max_states; ++k) state[k] = shifted(tensor->state[k]);
            kernel(shifted(tensor->parameter), static_cast<const char*>(tensor->gradient) + offset,
                   state, scalars, count);
            begin += count;
        }
    });
}

template <class T>
double sum_of_squares(DotKernel<T> dot, const T* x, std::size_t n) {
    // A sum for each block, and not for each thread: the additions are the same on any number.
    constexpr std::size_t block = 16384;
    const KeepFloatStatus flags;
    std::vector<double> sums((n + block - 1) / block);
    parallel_for(n, block, 2 * worth_a_thread, [&](std::size_t begin, std::size_t end) {
        for (std::size_t first = begin; first < end; first += block) {
            sums[first / block] = dot(x + first, x + first, std::min(block, end - first));
        }
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

template double sum_of_squares(DotKernel<float>, const float*, std::size_t);
template double sum_of_squares(DotKernel<double>, const double*, std::size_t);

}  // namespace ranvier
