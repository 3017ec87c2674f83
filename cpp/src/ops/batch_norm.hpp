// BatchNorm: each channel is normalised by the mean and the variance of the batch, or by given
// ones.
//
// A batch is worked on in parts, in each of which either every column is a channel or all is of
// one. All is computed in double and rounded once. A part's squares are those of the differences
// from its own mean, and the parts are joined without subtracting large numbers from each other.
//
// Ioffe and Szegedy, arXiv 1502.03167 (2015); Chan, Golub and LeVeque, The American Statistician 37
// (1983), on moments in parts.
#pragma once

#include "sums.hpp"

namespace ranvier::RANVIER_ISA {

template <bool columns, class T>
void batch_moments(const T* x, BatchPart part, double* total, double* squares) {
    if constexpr (columns) {
        const double share = 1.0 / static_cast<double>(part.rows);
        const auto x_at = [=](std::size_t r, std::size_t i) {
            return static_cast<double>(x[r * part.stride + i]);
        };
        clear(total, part.n);
        add_rows(total, part.rows, part.n, x_at);
        clear(squares, part.n);
        add_rows(squares, part.rows, part.n, [=](std::size_t r, std::size_t i) {
            const double difference = x_at(r, i) - total[i] * share;
            return difference * difference;
        });
    } else {
        *total = sum(x, part.n);
        *squares = sum_of_squares(x, *total / static_cast<double>(part.n), part.n);
    }
}

template <bool columns, class T>
void batch_sums(const T* g, const T* x, const double* mean, BatchPart part, double* total,
                double* products) {
    if constexpr (columns) {
        const auto g_at = [=](std::size_t r, std::size_t i) {
            return static_cast<double>(g[r * part.stride + i]);
        };
        clear(total, part.n);
        add_rows(total, part.rows, part.n, g_at);
        clear(products, part.n);
        add_rows(products, part.rows, part.n, [=](std::size_t r, std::size_t i) {
            return g_at(r, i) * (static_cast<double>(x[r * part.stride + i]) - mean[i]);
        });
    } else {
        const double middle = *mean;
        const auto g_at = [=](std::size_t i) { return static_cast<double>(g[i]); };
        const TwoSums sums = two_sums(part.n, g_at, [=](std::size_t i) {
            return g_at(i) * (static_cast<double>(x[i]) - middle);
        });
        *total = sums.first;
        *products = sums.second;
    }
}

template <bool columns, class T>
void batch_norm(const T* x, const double* mean, const double* scale, const double* shift,
                BatchPart part, T* y) {
    const double one[] = {*mean, *scale, *shift};
    for (std::size_t r = 0; r < part.rows; ++r, x += part.stride, y += part.stride) {
#pragma omp simd
        for (std::size_t i = 0; i < part.n; ++i) {
            const double difference = static_cast<double>(x[i]) - (columns ? mean[i] : one[0]);
            y[i] = static_cast<T>(
                fma(difference, columns ? scale[i] : one[1], columns ? shift[i] : one[2]));
        }
    }
}

template <bool columns, class T>
void batch_gradient(const T* g, const T* x, const double* of_g, const double* of_x,
                    const double* constant, BatchPart part, T* grad_x) {
    if (x == nullptr) {
        for (std::size_t r = 0; r < part.rows; ++r, g += part.stride, grad_x += part.stride) {
#pragma omp simd
            for (std::size_t i = 0; i < part.n; ++i) {
                grad_x[i] = static_cast<T>(of_g[columns ? i : 0] * static_cast<double>(g[i]));
            }
        }
        return;
    }
    for (std::size_t r = 0; r < part.rows;
         ++r, g += part.stride, x += part.stride, grad_x += part.stride) {
#pragma omp simd
        for (std::size_t i = 0; i < part.n; ++i) {
            const std::size_t channel = columns ? i : 0;
            const double rest = fma(of_x[channel], static_cast<double>(x[i]), constant[channel]);
            grad_x[i] = static_cast<T>(fma(of_g[channel], static_cast<double>(g[i]), rest));
        }
    }
}

inline void join_moments(const double* total, const double* squares, std::size_t pieces,
                         std::size_t stride, double size, double count, double* mean,
                         double* variance, std::size_t n) {
    clear(mean, n);
    add_rows(mean, pieces, n, [=](std::size_t p, std::size_t i) { return total[p * stride + i]; });
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) mean[i] /= count;
    clear(variance, n);
    const std::size_t last = pieces - 1;
    add_rows(variance, pieces, n, [=](std::size_t p, std::size_t i) {
        const double here = p == last ? count - size * static_cast<double>(last) : size;
        const double difference = total[p * stride + i] / here - mean[i];
        return fma(here * difference, difference, squares[p * stride + i]);
    });
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) variance[i] /= count;
}

template <class T>
void follow(T* running, const double* value, double factor, double share, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        running[i] = static_cast<T>((1.0 - share) * static_cast<double>(running[i]) +
                                    share * (value[i] * factor));
    }
}

template <class T>
void batch_scale(const double* variance, const T* weight, const T* bias, double eps, double* scale,
                 double* weighted, double* shift, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        scale[i] = 1.0 / sqrt(variance[i] + eps);
        weighted[i] = weight == nullptr ? scale[i] : scale[i] * static_cast<double>(weight[i]);
        shift[i] = bias == nullptr ? 0.0 : static_cast<double>(bias[i]);
    }
}

/// With the means over the batch, grad_x = weight scale (g - mean g - normalised mean(g
/// normalised)).
template <class T>
void batch_slopes(const double* total, double* products, const double* mean, const double* scale,
                  const T* weight, double count, double* of_g, double* of_x, double* constant,
                  std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        of_g[i] = weight == nullptr ? scale[i] : scale[i] * static_cast<double>(weight[i]);
        products[i] *= scale[i];
    }
    if (of_x == nullptr) return;
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        of_x[i] = of_g[i] * scale[i] * (products[i] / -count);
        constant[i] = fma(-of_x[i], mean[i], of_g[i] * (total[i] / -count));
    }
}

inline void add_pieces(double* sums, std::size_t pieces, std::size_t stride, std::size_t n) {
    if (pieces < 2) return;
    const double* others = sums + stride;
    add_rows(sums, pieces - 1, n,
             [=](std::size_t p, std::size_t i) { return others[p * stride + i]; });
}

template <class T>
void write_gradient(const double* total, T* gradient, bool accumulate, std::size_t n) {
    if (accumulate) {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            gradient[i] = static_cast<T>(static_cast<double>(gradient[i]) + total[i]);
        }
    } else {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) gradient[i] = static_cast<T>(total[i]);
    }
}

}  // namespace ranvier::RANVIER_ISA
