// Sums in double, in an order that does not depend on the instruction set: along a row in lanes,
// down the columns a few rows at a time.
#pragma once

#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

/// The sums of first(i) and second(i) for i < n.
struct TwoSums {
    double first, second;
};
template <class First, class Second>
inline TwoSums two_sums(std::size_t n, First first, Second second) {
    double a[lanes], b[lanes];
    const std::size_t begin = n < lanes ? 0 : lanes;
    // Not cleared first: that is a call, or nearly, which a short row takes as long as the rest.
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) {
        a[l] = begin > 0 ? first(l) : 0.0;
        b[l] = begin > 0 ? second(l) : 0.0;
    }
    for_each_lane(n - begin, [&](std::size_t i, std::size_t l) {
        a[l] += first(begin + i);
        b[l] += second(begin + i);
    });
    return {tree_sum(a), tree_sum(b)};
}

template <class Term>
inline double sum_of(std::size_t n, Term term) {
    double a[lanes];
    const std::size_t begin = n < lanes ? 0 : lanes;
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) a[l] = begin > 0 ? term(l) : 0.0;
    for_each_lane(n - begin, [&](std::size_t i, std::size_t l) { a[l] += term(begin + i); });
    return tree_sum(a);
}

template <class T>
inline double sum(const T* x, std::size_t n) {
    return sum_of(n, [=](std::size_t i) { return static_cast<double>(x[i]); });
}

/// The sum of (x - middle)^2.
template <class T>
inline double sum_of_squares(const T* x, double middle, std::size_t n) {
    return sum_of(n, [=](std::size_t i) {
        const double difference = static_cast<double>(x[i]) - middle;
        return difference * difference;
    });
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
