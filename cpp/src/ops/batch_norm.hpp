// BatchNorm: each channel is normalised by the mean and the variance of the batch, or by given
// ones.
//
// A batch is worked on in parts, in each of which either every column is a channel or all is of
// one. The sums are formed in double; a part's squares are those of the differences from its own
// mean, and the parts are joined without subtracting large numbers from each other. What is done
// with each element is done in its own precision.
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
        const double count = static_cast<double>(part.n);
        const Moments row = moments(x, part.n);
        *total = row.mean * count;
        *squares = row.variance * count;
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
        const TwoSums sums = two_sums(part.n, [=](std::size_t i) {
            const double g_i = static_cast<double>(g[i]);
            return TwoSums{g_i, g_i * (static_cast<double>(x[i]) - middle)};
        });
        *total = sums.first;
        *products = sums.second;
    }
}

template <bool columns, class T>
void batch_norm(const T* x, const T* of_channel, std::size_t stride, BatchPart part, T* y) {
    const T *mean = of_channel, *mean_low = mean + stride, *scale = mean_low + stride,
            *scale_low = scale + stride, *shift = scale_low + stride;
    for (std::size_t r = 0; r < part.rows; ++r, x += part.stride, y += part.stride) {
#pragma omp simd
        for (std::size_t i = 0; i < part.n; ++i) {
            const std::size_t c = columns ? i : 0;
            const T normalised = scaled_by(difference(x[i], Sum<T>{mean[c], mean_low[c]}),
                                           Sum<T>{scale[c], scale_low[c]});
            y[i] = normalised + shift[c];
        }
    }
}

template <bool columns, class T>
void batch_gradient(const T* g, const T* x, const T* of_channel, std::size_t stride, BatchPart part,
                    T* grad_x) {
    const T *of_g = of_channel, *g_mean = of_g + stride, *of_x = g_mean + stride,
            *mean = of_x + stride, *mean_low = mean + stride;
    if (x == nullptr) {
        for (std::size_t r = 0; r < part.rows; ++r, g += part.stride, grad_x += part.stride) {
#pragma omp simd
            for (std::size_t i = 0; i < part.n; ++i) grad_x[i] = of_g[columns ? i : 0] * g[i];
        }
        return;
    }
    for (std::size_t r = 0; r < part.rows;
         ++r, g += part.stride, x += part.stride, grad_x += part.stride) {
#pragma omp simd
        for (std::size_t i = 0; i < part.n; ++i) {
            const std::size_t c = columns ? i : 0;
            const T difference_of_x = difference(x[i], Sum<T>{mean[c], mean_low[c]});
            grad_x[i] = fma(of_x[c], difference_of_x, of_g[c] * (g[i] - g_mean[c]));
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
void batch_scale(const double* mean, const double* variance, const T* weight, const T* bias,
                 double eps, double* scale, T* of_channel, std::size_t stride, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        scale[i] = 1.0 / sqrt(variance[i] + eps);
        const double w = weight == nullptr ? 1.0 : static_cast<double>(weight[i]);
        const Sum<T> middle = in_two<T>(mean[i], 0.0), factor = in_two<T>(scale[i] * w, 0.0);
        of_channel[i] = middle.high;
        of_channel[stride + i] = middle.low;
        of_channel[2 * stride + i] = factor.high;
        of_channel[3 * stride + i] = factor.low;
        of_channel[4 * stride + i] = bias == nullptr ? T(0) : bias[i];
    }
}

/// With the means over the batch, grad_x = weight scale (g - mean g - normalised mean(g
/// normalised)).
template <class T>
void batch_slopes(const double* total, double* products, const double* mean, const double* scale,
                  const T* weight, double count, T* of_channel, std::size_t stride, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const double w = weight == nullptr ? 1.0 : static_cast<double>(weight[i]);
        const double of_g = scale[i] * w;
        const double of_normalised = products[i] * scale[i];
        const Sum<T> middle = in_two<T>(mean[i], 0.0);
        of_channel[i] = static_cast<T>(of_g);
        of_channel[stride + i] = static_cast<T>(total[i] / count);
        of_channel[2 * stride + i] = static_cast<T>(of_g * (of_normalised / -count) * scale[i]);
        of_channel[3 * stride + i] = middle.high;
        of_channel[4 * stride + i] = middle.low;
        products[i] = of_normalised;
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
