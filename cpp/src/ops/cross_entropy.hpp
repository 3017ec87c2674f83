// Cross-entropy of one sample from its logits: the loss and, while the row is in cache, its
// gradient. Nothing else is written.
#pragma once

#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

/// loss = -sum_j q_j w_j log p_j and gradient_j = p_j sum_k q_k w_k - q_j w_j, with p the softmax
/// of the logits, q the target distribution and w the class weights (torch's definition). A class
/// with q_j w_j = 0 adds nothing, also where log p_j is -inf.
template <class T>
double cross_entropy(const CrossEntropySample<T>& sample, double scale, T* gradient,
                     std::size_t n) {
    const T* x = sample.logits;
    const bool stored = gradient != nullptr && n <= longest_stored_row;
    RowSum row =
        stored ? stored_row_sum(x, nullptr, 1.0, gradient, n) : online_row_sum(x, nullptr, 1.0, n);
    row = with_exact_excess(row, x, nullptr, 1.0, n);
    const bool infinite = abs(row.top) == infinity;
    const double log_sum = infinite ? 0.0 : log1p(row.excess);
    const auto surprise = [&](std::size_t j) {  // -log p_j
        const double xj = static_cast<double>(x[j]);
        if (!infinite) return (row.top - xj) + log_sum;
        // +inf shares the probability with its like and leaves nothing for the others.
        return row.sum != row.sum ? row.sum : xj == infinity ? log1p(row.excess) : infinity;
    };
    const auto probability = [&](std::size_t j) {
        if (infinite) {
            return row.sum != row.sum                      ? row.sum
                   : static_cast<double>(x[j]) == infinity ? 1.0 / row.sum
                                                           : 0.0;
        }
        if (stored) return static_cast<double>(gradient[j]) / row.sum;
        return exp<T>(static_cast<double>(x[j]) - row.top) / row.sum;
    };

    if (sample.probabilities == nullptr && sample.smoothing == 0.0) {
        const std::size_t label = static_cast<std::size_t>(sample.label);
        const double weight =
            sample.weight == nullptr ? 1.0 : static_cast<double>(sample.weight[label]);
        if (gradient != nullptr) {
            const double factor = scale * weight;
            // p - 1 at the label, without cancellation where p is close to 1.
            const bool likeliest = !infinite && static_cast<double>(x[label]) == row.top;
            const double at_label = likeliest ? -row.excess / row.sum : probability(label) - 1.0;
            if (stored && !infinite) {
                const T share = static_cast<T>(factor / row.sum);
#pragma omp simd
                for (std::size_t j = 0; j < n; ++j) gradient[j] *= share;
            } else {
                for (std::size_t j = 0; j < n; ++j) {
                    gradient[j] = static_cast<T>(factor * probability(j));
                }
            }
            gradient[label] = static_cast<T>(factor * at_label);
        }
        return weight == 0.0 ? 0.0 : weight * surprise(label);
    }

    const double everywhere = sample.smoothing / static_cast<double>(n);
    const auto target = [&](std::size_t j) {  // q_j w_j
        const double own = sample.probabilities != nullptr
                               ? static_cast<double>(sample.probabilities[j])
                               : (static_cast<std::size_t>(sample.label) == j ? 1.0 : 0.0);
        const double q = fma(1.0 - sample.smoothing, own, everywhere);
        return sample.weight == nullptr ? q : q * static_cast<double>(sample.weight[j]);
    };
    double loss[lanes] = {};
    double mass[lanes] = {};
    for (std::size_t j = 0; j < n; ++j) {
        const double q = target(j);
        mass[j % lanes] += q;
        if (q != 0.0) loss[j % lanes] += q * surprise(j);
    }
    const double total = tree_sum(mass);
    if (gradient != nullptr) {
        for (std::size_t j = 0; j < n; ++j) {
            gradient[j] = static_cast<T>(scale * (total * probability(j) - target(j)));
        }
    }
    return tree_sum(loss);
}

}  // namespace ranvier::RANVIER_ISA
