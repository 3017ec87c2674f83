// Sums in double, in an order that does not depend on the instruction set: along a row in lanes,
// down the columns a few rows at a time.
#pragma once

#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

struct TwoSums {
    double first, second;
};
/// The sums of both numbers of terms(i) for i < n.
template <class Terms>
inline TwoSums two_sums(std::size_t n, Terms terms) {
    double a[lanes], b[lanes];
    const std::size_t begin = n < lanes ? 0 : lanes;
    // Not cleared first: that is a call, or nearly, which a short row takes as long as the rest.
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) {
        const TwoSums term = begin > 0 ? terms(l) : TwoSums{0.0, 0.0};
        a[l] = term.first;
        b[l] = term.second;
    }
    for_each_lane(n - begin, [&](std::size_t i, std::size_t l) {
        const TwoSums term = terms(begin + i);
        a[l] += term.first;
        b[l] += term.second;
    });
    return {tree_sum(a), tree_sum(b)};
}

/// The sum of term(i) for i < n.
template <class Term>
inline double sum_of(std::size_t n, Term term) {
    double a[lanes];
    const std::size_t begin = n < lanes ? 0 : lanes;
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) a[l] = begin > 0 ? term(l) : 0.0;
    for_each_lane(n - begin, [&](std::size_t i, std::size_t l) { a[l] += term(begin + i); });
    return tree_sum(a);
}

/// Of a row: its mean, and the mean of the squared differences from it.
struct Moments {
    double mean, variance;
};
template <class T>
inline Moments moments(const T* x, std::size_t n) {
    const double count = static_cast<double>(n);
    const auto x_at = [=](std::size_t i) { return static_cast<double>(x[i]); };
    if constexpr (dtype_of<T> == DType::float32) {
        // In one pass. The first element is at most sqrt n deviations away from the mean, so what
        // the subtraction at the end loses is n roundings of double at most.
        const double first = n > 0 ? x_at(0) : 0.0;
        const TwoSums sums = two_sums(n, [=](std::size_t i) {
            const double difference = x_at(i) - first;
            return TwoSums{difference, difference * difference};
        });
        const double offset = sums.first / count;
        return {first + offset, at_least((sums.second - offset * sums.first) / count, 0.0)};
    } else {
        const double mean = sum_of(n, x_at) / count;
        const double squares = sum_of(n, [=](std::size_t i) {
            const double difference = x_at(i) - mean;
            return difference * difference;
        });
        return {mean, squares / count};
    }
}

/// A mean is subtracted from elements, and they are multiplied by a scale, in their own precision:
/// a difference is rounded once where x is near the mean, a product as if the scale were exact.
template <class T>
inline T difference(T x, Sum<T> mean) {
    return dtype_of<T> == DType::float32 ? (x - mean.high) - mean.low : x - mean.high;
}
template <class T>
inline T scaled_by(T x, Sum<T> scale) {
    return dtype_of<T> == DType::float32 ? fma(x, scale.high, x * scale.low) : x * scale.high;
}

inline void clear(double* sums, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) sums[i] = 0.0;
}

/// Reading and writing the sums takes as long as adding a row to them.
inline constexpr std::size_t rows_added_together = 4;

/// sums[i] += term(row, i) for every row.
template <class Term>
inline void add_rows(double* sums, std::size_t rows, std::size_t n, Term term) {
    std::size_t r = 0;
    for (; r + rows_added_together <= rows; r += rows_added_together) {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            sums[i] += (term(r, i) + term(r + 1, i)) + (term(r + 2, i) + term(r + 3, i));
        }
    }
    for (; r < rows; ++r) {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) sums[i] += term(r, i);
    }
}

}  // namespace ranvier::RANVIER_ISA
