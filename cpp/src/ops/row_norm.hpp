// LayerNorm and RMSNorm: each row is normalised by its own mean and variance, or its mean square.
//
// The sums are formed in double, of differences from the mean or near it: a row far from 0 loses
// nothing. What is done with each element is done in its own precision.
#pragma once

#include "sums.hpp"

namespace ranvier::RANVIER_ISA {

/// So many rows are gone through together, after their sums are known: weight and bias are read
/// once for all of them, and the gradients of weight and bias written once. With four, rows of a
/// power of 2 push each other out of the first cache.
inline constexpr std::size_t rows_together = 2;

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

template <bool centred, class T>
inline Moments row_moments(const T* x, std::size_t n) {
    if constexpr (centred) {
        return moments(x, n);
    } else {
        const double squares = sum_of(n, [=](std::size_t i) {
            return static_cast<double>(x[i]) * static_cast<double>(x[i]);
        });
        return {0.0, squares / static_cast<double>(n)};
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
        Sum<T> middle[Together::rows], factor[Together::rows];
        for (std::size_t r = 0; r < Together::rows; ++r) {
            const Moments row = row_moments<centred>(x + r * n, n);
            const double inverse = 1.0 / sqrt(row.variance + eps);
            if (centred) mean[first + r] = row.mean;
            scale[first + r] = inverse;
            middle[r] = in_two<T>(row.mean, 0.0);
            factor[r] = in_two<T>(inverse, 0.0);
        }
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            const T w = Together::weighted ? weight[i] : T(1);
            const T b = Together::biased ? bias[i] : T(0);
            for (std::size_t r = 0; r < Together::rows; ++r) {
                const T normalised = scaled_by(difference(x[r * n + i], middle[r]), factor[r]);
                y[r * n + i] = fma(normalised, w, b);
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
        const auto weighted = [=](std::size_t r, std::size_t i) {
            return Together::weighted ? g[r * n + i] * weight[i] : g[r * n + i];
        };
        Sum<T> middle[Together::rows], factor[Together::rows];
        T shift[Together::rows], stretch[Together::rows];
        for (std::size_t r = 0; r < Together::rows; ++r) {
            const Sum<T> m = in_two<T>(centred ? mean[first + r] : 0.0, 0.0);
            const auto terms = [=](std::size_t i) {
                const T gradient = weighted(r, i);
                return TwoSums{static_cast<double>(gradient),
                               static_cast<double>(gradient * difference(x[r * n + i], m))};
            };
            TwoSums sums = {0.0, 0.0};
            if constexpr (centred) {
                sums = two_sums(n, terms);
            } else {
                sums.second = sum_of(n, [=](std::size_t i) { return terms(i).second; });
            }
            const double count = static_cast<double>(n), inverse = scale[first + r];
            middle[r] = m;
            factor[r] = in_two<T>(inverse, 0.0);
            shift[r] = static_cast<T>(sums.first / count);
            stretch[r] = static_cast<T>(sums.second * inverse / -count);
        }
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            double of_weight = 0.0, of_bias = 0.0;
            for (std::size_t r = 0; r < Together::rows; ++r) {
                const T g_i = g[r * n + i];
                const T normalised = scaled_by(difference(x[r * n + i], middle[r]), factor[r]);
                const T rest = fma(normalised, stretch[r], weighted(r, i) - shift[r]);
                grad_x[r * n + i] = factor[r].high * rest;
                of_weight += static_cast<double>(g_i * normalised);
                of_bias += static_cast<double>(g_i);
            }
            if constexpr (Together::weighted) grad_weight[i] += of_weight;
            if constexpr (Together::biased) grad_bias[i] += of_bias;
        }
    };
    for_rows_together(rows, weight != nullptr, grad_bias != nullptr, several);
}

}  // namespace ranvier::RANVIER_ISA
