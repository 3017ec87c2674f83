#include "optimizer.hpp"

#include <algorithm>

#include "float_status.hpp"
#include "prefetch.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

constexpr std::size_t worth_a_thread = 65536;

/// The elements from `begin` to `end` of one tensor.
void step_in_tensor(OptimizerKernel kernel, const OptimizerTensor& tensor, std::size_t begin,
                    std::size_t end, std::size_t item_size, const double* scalars) {
    const auto at = [&](const void* array, std::size_t i) -> void* {
        char* bytes = static_cast<char*>(const_cast<void*>(array));
        return bytes == nullptr ? nullptr : bytes + i * item_size;
    };
    for (std::size_t start = begin; start < end; start += prefetch_block) {
        const std::size_t ahead = std::min(end, start + prefetch_distance);
        const std::size_t bytes = std::min(prefetch_block, end - ahead) * item_size;
        prefetch_to_write(at(tensor.parameter, ahead), bytes);
        // Read here, but written by the next backward pass, on whichever processor.
        prefetch_to_write(at(tensor.gradient, ahead), bytes);
        void* state[max_states];
        for (std::size_t k = 0; k < max_states; ++k) {
            state[k] = at(tensor.state[k], start);
            if (state[k] != nullptr) prefetch_to_write(at(tensor.state[k], ahead), bytes);
        }
        kernel(at(tensor.parameter, start), at(tensor.gradient, start), state, scalars,
               std::min(prefetch_block, end - start));
    }
}

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
            step_in_tensor(kernel, *tensor, first, first + count, item_size, scalars);
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
