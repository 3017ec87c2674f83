#include "optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "../ops/optimizers/scalars.hpp"
#include "dispatch.hpp"
#include "float_status.hpp"
#include "optimizer_scalars.hpp"
#include "prefetch.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

constexpr std::size_t worth_a_thread = 65536;
/// Sums are formed for blocks of this size, and not for threads: the additions are the same on any
/// number of them.
constexpr std::size_t summed_block = 16384;

/// The arrays of a tensor from an element on.
struct From {
    void* parameter;
    const void* gradient;
    void* state[max_states];

    From(const OptimizerTensor& tensor, std::size_t i, std::size_t item_size) {
        const auto at = [&](const void* array) -> void* {
            char* bytes = static_cast<char*>(const_cast<void*>(array));
            return bytes == nullptr ? nullptr : bytes + i * item_size;
        };
        parameter = at(tensor.parameter);
        gradient = at(tensor.gradient);
        for (std::size_t k = 0; k < max_states; ++k) state[k] = at(tensor.state[k]);
    }
    void prefetch(std::size_t bytes) const {
        prefetch_to_write(parameter, bytes);
        // Read here, but written by the next backward pass, on whichever processor.
        prefetch_to_write(gradient, bytes);
        for (void* array : state) {
            if (array != nullptr) prefetch_to_write(array, bytes);
        }
    }
};

/// Calls body(from, first, count) over the elements [begin, end) of a tensor, with what comes next
/// on its way.
template <class Body>
void in_blocks(const OptimizerTensor& tensor, std::size_t begin, std::size_t end,
               std::size_t item_size, Body body) {
    for (std::size_t start = begin; start < end; start += prefetch_block) {
        const std::size_t ahead = std::min(end, start + prefetch_distance);
        From(tensor, ahead, item_size).prefetch(std::min(prefetch_block, end - ahead) * item_size);
        body(From(tensor, start, item_size), std::min(prefetch_block, end - start));
    }
}

/// Numbers the tensors' elements, one after the other; returns how many there are.
std::size_t number_elements(std::vector<OptimizerTensor>& tensors) {
    std::size_t total = 0;
    for (OptimizerTensor& tensor : tensors) {
        tensor.start = total;
        total += tensor.size;
    }
    return total;
}

/// Calls body(tensor, begin, end), over pieces of tensors, on several threads.
template <class Body>
void for_each_piece(std::vector<OptimizerTensor>& tensors, Body body) {
    parallel_for(
        number_elements(tensors), 64, worth_a_thread, [&](std::size_t begin, std::size_t end) {
            auto tensor = std::upper_bound(
                tensors.begin(), tensors.end(), begin,
                [](std::size_t at, const OptimizerTensor& t) { return at < t.start; });
            for (--tensor; begin < end; ++tensor) {
                const std::size_t first = begin - tensor->start;
                const std::size_t count = std::min(end, tensor->start + tensor->size) - begin;
                body(static_cast<std::size_t>(tensor - tensors.begin()), first, first + count);
                begin += count;
            }
        });
}

/// Where LAMB's scalars have the step size, which differs from tensor to tensor.
constexpr std::size_t lamb_step_size = offsetof(scalars::lamb<double>, step_size) / sizeof(double);

/// A part of a tensor whose sums are formed in one go.
struct Block {
    std::size_t tensor, begin, end;
    double squares[2];  // of the parameter and of the direction
};

/// The states of LAMB, and lr |p| / |u| for each tensor.
std::vector<double> lamb_step_sizes(int type, std::vector<OptimizerTensor>& tensors,
                                    std::size_t item_size, const double* numbers) {
    // All memory first: without it, no state is written.
    std::vector<double> of_p(tensors.size()), of_u(tensors.size()), result(tensors.size());
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        for (std::size_t begin = 0; begin < tensors[i].size; begin += summed_block) {
            const std::size_t end = std::min(tensors[i].size, begin + summed_block);
            blocks.push_back({i, begin, end, {0.0, 0.0}});
        }
    }
    const std::size_t mean = number_elements(tensors) / blocks.size();
    const LambMomentsKernel kernel = kernels().optimizers.lamb_moments[type];
    parallel_for(blocks.size(), 1, worth_a_thread / mean, [&](std::size_t begin, std::size_t end) {
        for (std::size_t b = begin; b < end; ++b) {
            Block& block = blocks[b];
            in_blocks(tensors[block.tensor], block.begin, block.end, item_size,
                      [&](const From& at, std::size_t n) {
                          double squares[2];
                          kernel(at.parameter, at.gradient, at.state, numbers, n, squares);
                          block.squares[0] += squares[0];
                          block.squares[1] += squares[1];
                      });
        }
    });
    for (const Block& block : blocks) {
        of_p[block.tensor] += block.squares[0];
        of_u[block.tensor] += block.squares[1];
    }
    const double lr = numbers[lamb_step_size];
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const bool zero = of_p[i] == 0.0 || of_u[i] == 0.0;
        result[i] = zero ? lr : lr * std::sqrt(of_p[i]) / std::sqrt(of_u[i]);
    }
    return result;
}

}  // namespace

void run_optimizer(Optimizer rule, int type, std::vector<OptimizerTensor>& tensors,
                   const double* numbers) {
    const KeepFloatStatus flags;
    const std::size_t item_size = type == 0 ? sizeof(float) : sizeof(double);
    std::erase_if(tensors, [](const OptimizerTensor& tensor) { return tensor.size == 0; });
    if (tensors.empty()) return;
    std::vector<double> step_sizes;
    if (rule == Optimizer::lamb) {
        step_sizes = lamb_step_sizes(type, tensors, item_size, numbers);
    }
    const OptimizerKernel kernel = kernels().optimizers.step[static_cast<int>(rule)][type];
    for_each_piece(tensors, [&](std::size_t tensor, std::size_t begin, std::size_t end) {
        double own[max_scalars];
        std::copy_n(numbers, max_scalars, own);
        if (!step_sizes.empty()) own[lamb_step_size] = step_sizes[tensor];
        in_blocks(tensors[tensor], begin, end, item_size, [&](const From& at, std::size_t n) {
            kernel(at.parameter, at.gradient, at.state, own, n);
        });
    });
}

template <class T>
double sum_of_squares(DotKernel<T> dot, const T* x, std::size_t n) {
    const KeepFloatStatus flags;
    std::vector<double> sums((n + summed_block - 1) / summed_block);
    parallel_for(n, summed_block, 2 * worth_a_thread, [&](std::size_t begin, std::size_t end) {
        for (std::size_t first = begin; first < end; first += summed_block) {
            sums[first / summed_block] =
                dot(x + first, x + first, std::min(summed_block, end - first));
        }
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

template double sum_of_squares(DotKernel<float>, const float*, std::size_t);
template double sum_of_squares(DotKernel<double>, const double*, std::size_t);

template <class T, class Rule>
void step(Rule& rule, std::span<const Tensor<T>> tensors, std::int64_t t, double scale) {
    if (t < 1) {
        throw std::invalid_argument("t is " + std::to_string(t) +
                                    "; expected the number of the step, counted from 1");
    }
    double scalars[max_scalars] = {};
    optimizer_scalars(rule, static_cast<double>(t), scale, scalars);
    std::vector<OptimizerTensor> list;
    for (const Tensor<T>& tensor : tensors) {
        list.push_back({tensor.parameter,
                        tensor.gradient,
                        {tensor.state[0], tensor.state[1], tensor.state[2]},
                        tensor.size,
                        0});
    }
    run_optimizer(optimizer_of(rule), dtype_of<T> == DType::float32 ? 0 : 1, list, scalars);
}

#define RV_OPTIMIZER(name, Options, ...)                                                \
    template void step(Options&, std::span<const Tensor<float>>, std::int64_t, double); \
    template void step(Options&, std::span<const Tensor<double>>, std::int64_t, double);
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER

}  // namespace ranvier
