// Cross-entropy of one sample from its logits: the loss and, while the row is in cache, its
// gradient. Nothing else is written.
//
//     loss = -sum_j q_j w_j log p_j        gradient_j = p_j sum_k q_k w_k - q_j w_j
//
// with p the softmax of the logits, q the target distribution and w the class weights (torch's
// definition). A class with q_j w_j = 0 adds nothing, also where log p_j is -inf.
#pragma once

#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

inline constexpr Sum<double> unscaled = {1.0, 0.0};

/// The softmax of a row and its logarithm, element by element. Where `stored`, the gradient's
/// memory holds the exponentials.
template <class T>
struct RowDistribution {
    const T* logits;
    const T* exponentials;  // or null
    RowSum row;
    double log_sum, inverse;

    bool infinite() const { return abs(row.top) == infinity; }

    double surprise(std::size_t j) const {  // -log p_j
        const double x = static_cast<double>(logits[j]);
        if (!infinite()) return (row.top - x) + log_sum;
        // +inf shares the probability with its like and leaves nothing for the others.
        return row.sum != row.sum ? row.sum : x == infinity ? log1p(row.excess) : infinity;
    }
    double probability(std::size_t j) const {
        const double x = static_cast<double>(logits[j]);
        if (infinite()) return row.sum != row.sum ? row.sum : x == infinity ? inverse : 0.0;
        if (x == row.top) return inverse;  // that of the largest is not rounded
        if (exponentials != nullptr) {
            return static_cast<double>(exponentials[j]) * (inverse / row.unit);
        }
        return power<T>(x, row.top, unscaled) * inverse;
    }
};

/// gradient_j = factor p_j.
template <class T>
inline void scaled_probabilities(const RowDistribution<T>& p, double factor, T* gradient,
                                 std::size_t n) {
    if (p.infinite()) {
        for (std::size_t j = 0; j < n; ++j) {
            gradient[j] = static_cast<T>(factor * p.probability(j));
        }
    } else if (p.exponentials != nullptr) {
        const T share = static_cast<T>(factor * p.inverse / p.row.unit);
        for_each_lane(n, [&](std::size_t j, std::size_t) { gradient[j] *= share; });
    } else {
        const double share = factor * p.inverse;
        for_each_lane(n, [&](std::size_t j, std::size_t) {
            const double e = power<T>(static_cast<double>(p.logits[j]), p.row.top, unscaled);
            gradient[j] = static_cast<T>(share * e);
        });
    }
}

/// All of q on one class.
template <class T>
inline double label_cross_entropy(const CrossEntropySample<T>& sample, const RowDistribution<T>& p,
                                  double scale, T* gradient, std::size_t n) {
    const std::size_t label = static_cast<std::size_t>(sample.label);
    const double weight =
        sample.weight == nullptr ? 1.0 : static_cast<double>(sample.weight[label]);
    if (gradient != nullptr) {
        const double factor = scale * weight;
        // p - 1 at the label, without cancellation where p is close to 1.
        const bool likeliest = !p.infinite() && static_cast<double>(p.logits[label]) == p.row.top;
        const double at_label = likeliest ? -p.row.excess * p.inverse : p.probability(label) - 1.0;
        scaled_probabilities(p, factor, gradient, n);
        gradient[label] = static_cast<T>(factor * at_label);
    }
    return weight == 0.0 ? 0.0 : weight * p.surprise(label);
}

/// q spread over the classes: the sample's probabilities (or its label), smoothed. The options are
/// template parameters because a masked load from no array at all is slow.
template <bool soft, bool weighted, class T>
inline double spread_cross_entropy(const CrossEntropySample<T>& sample, const RowDistribution<T>& p,
                                   double scale, T* gradient, std::size_t n) {
    const double everywhere = sample.smoothing / static_cast<double>(n);
    const double own = 1.0 - sample.smoothing;
    const auto target = [&](std::size_t j) {  // q_j w_j, but for the label's own share
        double q = everywhere;
        if constexpr (soft) q = fma(own, static_cast<double>(sample.probabilities[j]), q);
        if constexpr (weighted) q *= static_cast<double>(sample.weight[j]);
        return q;
    };
    const std::size_t label = static_cast<std::size_t>(sample.label);
    double at_label = 0.0;
    if constexpr (!soft)
        at_label = weighted ? own * static_cast<double>(sample.weight[label]) : own;

    double loss[lanes] = {};
    double mass[lanes] = {};
    const auto add = [&](std::size_t j, std::size_t l, double surprise) {
        const double q = target(j);
        mass[l] += q;
        loss[l] += q != 0.0 ? q * surprise : 0.0;
    };
    if (p.infinite()) {
        for (std::size_t j = 0; j < n; ++j) add(j, j % lanes, p.surprise(j));
    } else {
        for_each_lane(n, [&](std::size_t j, std::size_t l) {
            add(j, l, (p.row.top - static_cast<double>(p.logits[j])) + p.log_sum);
        });
    }
    const double total = tree_sum(mass) + at_label;
    if (gradient != nullptr) {
        const double at = at_label == 0.0 ? 0.0 : total * p.probability(label);
        scaled_probabilities(p, scale * total, gradient, n);
#pragma omp simd
        for (std::size_t j = 0; j < n; ++j) {
            gradient[j] = static_cast<T>(fma(-scale, target(j), static_cast<double>(gradient[j])));
        }
        if (at_label != 0.0) {
            gradient[label] = static_cast<T>(scale * (at - (at_label + target(label))));
        }
    }
    return tree_sum(loss) + (at_label == 0.0 ? 0.0 : at_label * p.surprise(label));
}

template <class T>
double cross_entropy(const CrossEntropySample<T>& sample, double scale, T* gradient,
                     std::size_t n) {
    const T* x = sample.logits;
    const bool stored = gradient != nullptr && n <= longest_stored_row;
    RowSum row = stored ? stored_row_sum(x, nullptr, unscaled, gradient, n)
                        : online_row_sum(x, nullptr, unscaled, n);
    row = with_exact_excess(row, x, nullptr, unscaled, n);
    const RowDistribution<T> p{x, stored ? gradient : nullptr, row, log1p(row.excess),
                               1.0 / row.sum};
    if (sample.probabilities == nullptr && sample.smoothing == 0.0) {
        return label_cross_entropy(sample, p, scale, gradient, n);
    }
    const bool soft = sample.probabilities != nullptr;
    const bool weighted = sample.weight != nullptr;
    const auto spread = soft ? (weighted ? spread_cross_entropy<true, true, T>
                                         : spread_cross_entropy<true, false, T>)
                             : (weighted ? spread_cross_entropy<false, true, T>
                                         : spread_cross_entropy<false, false, T>);
    return spread(sample, p, scale, gradient, n);
}

/// The same from logarithms of probabilities, all of q on one class: loss = -w_y x_y.
template <class T>
double nll_loss(const CrossEntropySample<T>& sample, double scale, T* gradient, std::size_t n) {
    const std::size_t label = static_cast<std::size_t>(sample.label);
    const double weight =
        sample.weight == nullptr ? 1.0 : static_cast<double>(sample.weight[label]);
    if (gradient != nullptr) {
        for (std::size_t j = 0; j < n; ++j) gradient[j] = T(0);
        gradient[label] = static_cast<T>(-(scale * weight));
    }
    return weight == 0.0 ? 0.0 : -weight * static_cast<double>(sample.logits[label]);
}

}  // namespace ranvier::RANVIER_ISA
