#include "optimizer.hpp"

#include <algorithm>
#include <utility>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "optimizer_range.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

constexpr std::size_t worth_a_thread = 65536;
/// Sums are formed for blocks of this size, and not for threads: the additions are the same on any
/// number of them.
constexpr std::size_t summed_block = 16384;

double square_sum(DType dtype, const void* array, std::size_t begin, std::size_t count) {
    if (dtype == DType::float32) {
        const float* x = static_cast<const float*>(array) + begin;
        return kernels().rows_float32.dot(x, x, count);
    }
    const double* x = static_cast<const double*>(array) + begin;
    return kernels().rows_float64.dot(x, x, count);
}

}  // namespace

OptimizerHandle::OptimizerHandle(Optimizer rule, std::size_t groups,
                                 std::vector<OptimizerTensor> tensors)
    : rule_(rule), tensors_(std::move(tensors)), starts_{0} {
    for (std::size_t i = 0; i < groups; ++i) groups_.push_back(make_optimizer_group(rule));
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
        OptimizerGroup& group = *groups_[tensors_[i].group];
        (tensors_[i].dtype == DType::float32 ? group.has_float32 : group.has_float64) = true;
        const std::size_t size = tensors_[i].size();
        starts_.push_back(starts_.back() + size);
        for (std::size_t begin = 0; begin < size; begin += summed_block) {
            blocks_.push_back({i, begin, std::min(summed_block, size - begin)});
        }
    }
    sums_.resize(blocks_.size());
    phases_ = make_optimizer_phases(*this);
}

std::size_t OptimizerHandle::blocks_worth_a_thread() const {
    return blocks_.empty() ? 1 : worth_a_thread / (size() / blocks_.size());
}

void OptimizerHandle::begin_step(double scale) {
    for (const auto& group : groups_) group->begin_step(scale);
}

void OptimizerHandle::update(std::size_t index, std::size_t begin, std::size_t count,
                             const void* gradient) const {
    const OptimizerTensor& tensor = tensors_[index];
    const std::size_t item_size = size_of(tensor.dtype);
    const void* scalars = groups_[tensor.group]->scalars(tensor.dtype);
    const OptimizerKernel kernel =
        kernels().optimizers.update[static_cast<int>(rule_)][precision_of(tensor.dtype)];
    OptimizerArrays arrays{tensor.parameter, nullptr, {}};
    std::copy_n(tensor.state, max_states, arrays.state);
    arrays = arrays.from(begin, item_size);
    arrays.gradient = gradient;
    if (count <= prefetch_distance) {  // nothing is far enough ahead
        kernel(arrays.parameter, arrays.gradient, arrays.state, scalars, count);
        return;
    }
    in_blocks(arrays, count, item_size, [&](const OptimizerArrays& at, std::size_t n) {
        kernel(at.parameter, at.gradient, at.state, scalars, n);
    });
}

void OptimizerHandle::prefetch(std::size_t index, std::size_t begin, std::size_t count) const {
    const OptimizerTensor& tensor = tensors_[index];
    const std::size_t item_size = size_of(tensor.dtype);
    const auto ask = [&](const void* array) {
        if (array == nullptr) return;
        prefetch_near(static_cast<const char*>(array) + begin * item_size, count * item_size);
    };
    ask(tensor.parameter);
    for (const void* state : tensor.state) ask(state);
}

void OptimizerHandle::update_all(std::span<const void* const> gradients) const {
    parallel_for(size(), 64, worth_a_thread, [&](std::size_t begin, std::size_t end) {
        auto after = std::upper_bound(starts_.begin(), starts_.end(), begin);
        for (auto i = static_cast<std::size_t>(after - starts_.begin()) - 1; begin < end; ++i) {
            const std::size_t first = begin - starts_[i];
            const std::size_t count = std::min(end, starts_[i + 1]) - begin;
            const auto* gradient = static_cast<const char*>(gradients[i]);
            if (count > 0) update(i, first, count, gradient + first * size_of(tensors_[i].dtype));
            begin += count;
        }
    });
}

void OptimizerHandle::step(std::span<const void* const> gradients, double scale) {
    const KeepFloatStatus flags;
    begin_step(scale);
    if (phases_ == nullptr) {
        update_all(gradients);
        return;
    }
    for (std::size_t phase = 0; phase < phases_->count(); ++phase) {
        const std::size_t most = std::max(phases_->block_size(phase), std::size_t{1});
        parallel_for(phases_->blocks(phase), 1, std::max(worth_a_thread / most, std::size_t{1}),
                     [&](std::size_t begin, std::size_t end) {
                         for (std::size_t block = begin; block < end; ++block) {
                             phases_->run(phase, block, gradients.data());
                         }
                     });
        phases_->end(phase);
    }
}

double OptimizerHandle::sum_of_squares(std::span<const void* const> gradients) {
    const KeepFloatStatus flags;
    parallel_for(blocks_.size(), 1, 2 * blocks_worth_a_thread(),
                 [&](std::size_t begin, std::size_t end) {
                     for (std::size_t b = begin; b < end; ++b) {
                         const OptimizerBlock& block = blocks_[b];
                         sums_[b] = square_sum(tensors_[block.tensor].dtype,
                                               gradients[block.tensor], block.begin, block.count);
                     }
                 });
    double total = 0.0;
    for (std::size_t b = 0; b < blocks_.size();) {
        double of_tensor = 0.0;
        for (const std::size_t tensor = blocks_[b].tensor;
             b < blocks_.size() && blocks_[b].tensor == tensor; ++b) {
            of_tensor += sums_[b];
        }
        total += of_tensor;
    }
    return total;
}

double sum_of_squares(DType dtype, const void* array, std::size_t n) {
    const KeepFloatStatus flags;
    std::vector<double> sums((n + summed_block - 1) / summed_block);
    parallel_for(n, summed_block, 2 * worth_a_thread, [&](std::size_t begin, std::size_t end) {
        for (std::size_t first = begin; first < end; first += summed_block) {
            sums[first / summed_block] =
                square_sum(dtype, array, first, std::min(summed_block, end - first));
        }
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

}  // namespace ranvier
