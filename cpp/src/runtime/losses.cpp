#include "losses.hpp"

#include <algorithm>
#include <vector>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "strided.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

constexpr std::size_t block = 512;       // the values and slopes of one stay in the first cache
constexpr std::size_t sum_block = 4096;  // what is summed by itself, on any number of threads
constexpr std::size_t worth_a_thread = 16384;
constexpr int operand_counts[] = {
#define RV_LOSS(name, operands, gradients) operands,
#include "../ops/losses.def"
#undef RV_LOSS
};

/// Elements of an array, one after the other in C order, from the array itself or a copy.
template <class T>
class Block {
public:
    Block(const LossArray& array, const LossBatch& batch) : array_(array), batch_(batch) {}

    const T* read(std::size_t start, std::size_t n) {
        if (array_.data == nullptr) return nullptr;
        if (array_.contiguous) return direct(start);
        for_each_run(start, n, [&](char* theirs, T* mine, std::ptrdiff_t stride, std::size_t m) {
            gather(reinterpret_cast<char*>(mine), theirs, stride, sizeof(T), m);
        });
        return copy_;
    }
    /// Where to write.
    T* target(std::size_t start) { return array_.contiguous ? direct(start) : copy_; }
    void write_back(std::size_t start, std::size_t n) {
        if (array_.contiguous) return;
        for_each_run(start, n, [&](char* theirs, T* mine, std::ptrdiff_t stride, std::size_t m) {
            scatter(theirs, stride, reinterpret_cast<const char*>(mine), sizeof(T), m);
        });
    }

private:
    T* direct(std::size_t start) const { return reinterpret_cast<T*>(array_.data) + start; }

    /// Calls visit for each piece of the last axis.
    template <class Visit>
    void for_each_run(std::size_t start, std::size_t n, Visit visit) {
        const int last = batch_.ndim - 1;
        const auto length = static_cast<std::size_t>(last < 0 ? 1 : batch_.shape[last]);
        const std::ptrdiff_t stride = last < 0 ? 0 : array_.strides[last];
        for (std::size_t done = 0; done < n;) {
            std::size_t rest = (start + done) / length;
            const std::size_t column = (start + done) % length;
            char* row = array_.data + static_cast<std::ptrdiff_t>(column) * stride;
            for (int axis = last; axis-- > 0;) {
                const auto extent = static_cast<std::size_t>(batch_.shape[axis]);
                row += static_cast<std::ptrdiff_t>(rest % extent) * array_.strides[axis];
                rest /= extent;
            }
            const std::size_t m = std::min(n - done, length - column);
            visit(row, copy_ + done, stride, m);
            done += m;
        }
    }

    const LossArray& array_;
    const LossBatch& batch_;
    alignas(64) T copy_[block];
};

}  // namespace

template <class T>
double run_loss(Loss loss, const LossBatch& batch) {
    const KeepFloatStatus flags;
    constexpr int type = dtype_of<T> == DType::float32 ? 0 : 1;
    const LossKernels& own = kernels().losses;
    const LossKernel points = own.points[static_cast<int>(loss)][type];
    const bool three = operand_counts[static_cast<int>(loss)] == 3;
    const bool graded = batch.gradients[0].data != nullptr;
    const bool graded_twice = batch.gradients[1].data != nullptr;
    std::vector<double> sums((batch.size + sum_block - 1) / sum_block);
    parallel_for(batch.size, sum_block, worth_a_thread, [&](std::size_t begin, std::size_t end) {
        Block<T> first(batch.operands[0], batch), second(batch.operands[1], batch),
            third(batch.operands[2], batch);
        Block<double> weights(batch.weight, batch);
        Block<T> gradient(batch.gradients[0], batch), other(batch.gradients[1], batch);
        alignas(64) double value[block], slope[block], other_slope[block];
        double* const slopes[] = {graded ? slope : nullptr, other_slope};
        for (std::size_t start = begin; start < end; start += block) {
            const std::size_t n = std::min(block, end - start);
            const void* const in[] = {first.read(start, n), second.read(start, n),
                                      three ? third.read(start, n) : nullptr};
            const double* weight = weights.read(start, n);
            points(in, batch.parameters, value, slopes, n);
            sums[start / sum_block] += own.weighted_sum(value, weight, n);
            if (batch.losses != nullptr) {
                own.scaled_slopes[type](value, nullptr, 1.0, static_cast<T*>(batch.losses) + start,
                                        n);
            }
            if (graded) {
                own.scaled_slopes[type](slope, weight, batch.scale, gradient.target(start), n);
                gradient.write_back(start, n);
            }
            if (graded_twice) {
                own.scaled_slopes[type](other_slope, weight, batch.scale, other.target(start), n);
                other.write_back(start, n);
            }
        }
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

template double run_loss<float>(Loss, const LossBatch&);
template double run_loss<double>(Loss, const LossBatch&);

}  // namespace ranvier
