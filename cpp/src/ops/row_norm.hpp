// LayerNorm and RMSNorm: each row is normalised by its own mean and variance, or its mean square.
//
// All is computed in double and rounded once. The differences from the mean are squared, never the
// elements themselves: a row far from 0 loses nothing.
#pragma once

#include "sums.hpp"

namespace ranvier::RANVIER_ISA {

/// So many rows are gone through together, after their sums are known: weight and bias are read
/// once for all of them, and the gradients of weight and bias written once.
inline constexpr std::size_t rows_together = 4;

/// What a loop has to know when it is compiled: how many rows, and whether they are multiplied by a
/// weight and added to a bias, which goes with a weight only.
template <std::size_t rows_, bool weighted_, bool biased_>
struct RowsTogether {
    static constexpr std::size_t rows = rows_;
    static constexpr bool weighted = weighted_, biased = biased_;
};

template <bool weighted, bool biased, class Body>
inline void for_rows_together(std::size_t rows, Body body) {
    std::size_t r = 0;
    for (; r + rows_together <= rows; r += rows_together) {
        body(r, RowsTogether<rows_together, weighted, biased>{});
    }
    for (; r < rows; ++r) body(r, RowsTogether<1, weighted, biased>{});
}

/// Calls body(first row, RowsTogether).
template <class Body>
inline void for_rows_together(std::size_t rows, bool weighted, bool biased, Body body) {
    if (biased) {
        for_rows_together<true, true>(rows, body);
    } else if (weighted) {
        for_rows_together<true, false>(rows, body);
    } else {
        for_rows_together<false, false>(rows, body);
    }
}

/// Ba, Kiros and Hinton, arXiv 1607.06450 (2016); not centred, Zhang and Sennrich, arXiv 1910.07467
/// (2019).
template <bool centred, class T>
void row_norm(const T* x_, const T* weight, const T* bias, double eps, double* mean, double* scale,
              T* y_, std::size_t rows, std::size_t n) {
    const auto several = [=](std::size_t first, auto together) {
        using Together = decltype(together);
        const T* x = x_ + first * n;
        T* y = y_ + first * n;
        double middle[Together::rows], factor[Together::rows];
        for (std::size_t r = 0; r < Together::rows; ++r) {
            const T* row = x + r * n;
            middle[r] = centred ? sum(row, n) / static_cast<double>(n) : 0.0;
            const double variance = sum_of_squares(row, middle[r], n) / static_cast<double>(n);
            factor[r] = 1.0 / sqrt(variance + eps);
            if (centred) mean[first + r] = middle[r];
            scale[first + r] = factor[r];
        }
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            const double w = Together::weighted ? static_cast<double>(weight[i]) : 1.0;
            const double b = Together::biased ? static_cast<double>(bias[i]) : 0.0;
            for (std::size_t r = 0; r < Together::rows; ++r) {
                const double difference = static_cast<double>(x[r * n + i]) - middle[r];
                y[r * n + i] = static_cast<T>(fma(difference * factor[r], w, b));
            }
        }
    };
    for_rows_together(rows, weight != nullptr, bias != nullptr, several);
}

/// Of the gradient with respect to the normalised row, what changes its mean and its length has no
/// part in that with respect to x.
template <bool centred, class T>
void row_norm_backward(const T* g_, const T* x_, const T* weight, const double* mean,
                       const double* scale, T* grad_x_, double* grad_weight, double* grad_bias,
                       std::size_t rows, std::size_t n) {
    const auto several = [=](std::size_t first, auto together) {
        using Together = decltype(together);
        const T *g = g_ + first * n, *x = x_ + first * n;
        T* grad_x = grad_x_ + first * n;
        const auto weight_at = [=](std::size_t i) {
            return Together::weighted ? static_cast<double>(weight[i]) : 1.0;
        };
        double middle[Together::rows], factor[Together::rows];
        double shift[Together::rows], stretch[Together::rows];
        for (std::size_t r = 0; r < Together::rows; ++r) {
            const double m = centred ? mean[first + r] : 0.0;
            const auto gradient = [=](std::size_t i) {
                return static_cast<double>(g[r * n + i]) * weight_at(i);
            };
            const auto product = [=](std::size_t i) {
                return gradient(i) * (static_cast<double>(x[r * n + i]) - m);
            };
            TwoSums sums = {0.0, 0.0};
            if constexpr (centred) {
                sums = two_sums(n, gradient, product);
            } else {
                sums.second = sum_of(n, product);
            }
            const double count = static_cast<double>(n);
            middle[r] = m;
            factor[r] = scale[first + r];
            shift[r] = sums.first / count;
            stretch[r] = (sums.second * factor[r] / -count) * factor[r] * factor[r];
        }
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            const double w = weight_at(i);
            double of_weight = 0.0, of_bias = 0.0;
            for (std::size_t r = 0; r < Together::rows; ++r) {
                const double g_i = static_cast<double>(g[r * n + i]);
                const double difference = static_cast<double>(x[r * n + i]) - middle[r];
                grad_x[r * n + i] =
                    static_cast<T>(fma(difference, stretch[r], (g_i * w - shift[r]) * factor[r]));
                of_weight = fma(difference * factor[r], g_i, of_weight);
                of_bias += g_i;
            }
            if constexpr (Together::weighted) grad_weight[i] += of_weight;
            if constexpr (Together::biased) grad_bias[i] += of_bias;
        }
    };
    for_rows_together(rows, weight != nullptr, grad_bias != nullptr, several);
}

}  // namespace ranvier::RANVIER_ISA
