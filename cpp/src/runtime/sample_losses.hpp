// Losses that a whole sample has: in blocks of samples, whose sums are added in their order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "batch_loss.hpp"
#include "block_sums.hpp"
#include "float_status.hpp"

namespace ranvier {

/// A sample of n numbers: its logarithm and what else it costs once come to some hundred of them.
inline std::size_t samples_in_block(std::size_t n) {
    return std::max<std::size_t>(1, 8192 / (n + 100));
}
inline std::size_t samples_worth_a_thread(std::size_t n) {
    return std::max<std::size_t>(1, 32768 / (n + 100));
}
inline constexpr std::size_t most_samples_in_block = 81;

/// A loss that does not count is 0, infinite or not.
inline double weighted(double weight, double loss) {
    return weight == 0.0 ? 0.0 : weight * loss;
}

inline double sum_in_order(const double* losses, std::size_t n) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += losses[i];
    return sum;
}

/// The sum of the losses of samples of n numbers; they are also written to `stored`, unless it is
/// null. run(begin, end, losses) works them out.
template <class T, class Run>
double sum_of_samples(std::size_t samples, std::size_t n, T* stored, Run run) {
    const KeepFloatStatus flags;
    return block_sums(samples, samples_in_block(n), samples_worth_a_thread(n),
                      [&](std::size_t begin, std::size_t end) {
                          double losses[most_samples_in_block];
                          run(begin, end, losses);
                          if (stored != nullptr) {
                              for (std::size_t i = begin; i < end; ++i) {
                                  stored[i] = static_cast<T>(losses[i - begin]);
                              }
                          }
                          return sum_in_order(losses, end - begin);
                      });
}

/// Keeps the losses of a batch's samples, and adds them up in that very order.
class KeptLosses {
public:
    void begin(std::size_t samples, std::size_t n, double divisor) {
        losses_.resize(samples);
        block_ = samples_in_block(n);
        divisor_ = divisor;
    }
    double* from(std::size_t sample) { return losses_.data() + sample; }
    double value() const {
        double total = 0.0;
        for (std::size_t first = 0; first < losses_.size(); first += block_) {
            total += sum_in_order(losses_.data() + first, std::min(block_, losses_.size() - first));
        }
        return total / divisor_;
    }

private:
    std::vector<double> losses_;
    std::size_t block_ = 1;
    double divisor_ = 0.0;
};

}  // namespace ranvier
