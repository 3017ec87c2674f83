// Softmax, its logarithm, log-sum-exp and cross-entropy of as many rows at a time as there are
// lanes, one in each: for rows that lie side by side, and for short ones. Every row gets the bits
// that it gets alone.
#pragma once

#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

enum class RowOperation { softmax, log_softmax, logsumexp };

/// Element j of each row; steps may be negative.
template <class T>
inline T* lanes_at(T* x, std::size_t j, std::ptrdiff_t step) {
    return x + static_cast<std::ptrdiff_t>(j) * step;
}

/// The largest of each row, and the sum of e^x in units of which it is `unit`. Element j of row l
/// is x[j x_step + l]; with `store`, its exponential in units goes to e[j e_step + l], which may be
/// x. False, and nothing written, if a row needs what only the general way has.
template <bool store>
inline bool sums_in_lanes(const float* x, std::ptrdiff_t x_step, float* e, std::ptrdiff_t e_step,
                          std::size_t n, float (&most)[lanes], double (&total)[lanes],
                          double (&unit)[lanes]) {
    float least[lanes], shift[lanes];
    for (std::size_t l = 0; l < lanes; ++l) least[l] = most[l] = x[l];
    std::uint32_t strange = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const float* row = lanes_at(x, j, x_step);
#pragma omp simd reduction(| : strange)
        for (std::size_t l = 0; l < lanes; ++l) {
            least[l] = row[l] < least[l] ? row[l] : least[l];
            most[l] = row[l] > most[l] ? row[l] : most[l];
            strange |= row[l] == row[l] ? 0u : 1u;
        }
    }
#pragma omp simd reduction(| : strange)
    for (std::size_t l = 0; l < lanes; ++l) {
        const bool narrow = Extent{least[l], most[l]}.narrow();
        strange |= narrow ? 0u : 1u;
        shift[l] = shift_for_top(most[l]);
    }
    if (strange != 0) return false;

    // Of the elements that one lane has where a row is alone; lanes that a short row does not reach
    // would add 0.
    const std::size_t reached = n < lanes ? n : lanes;
    double sum[lanes][lanes];
    float lost[lanes][lanes];
    for (std::size_t k = 0; k < reached; ++k) {
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) {
            sum[k][l] = 0.0;
            lost[k][l] = 0.0f;
        }
    }
    for (std::size_t j = 0; j < n; ++j) {
        const float* row = lanes_at(x, j, x_step);
        double* own = sum[j % lanes];
        float* own_lost = lost[j % lanes];
        float term[lanes];
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) {
            const Sum<float> e_l = exponential_near_top(row[l], shift[l]);
            term[l] = e_l.high;
            own_lost[l] += e_l.low;
        }
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) own[l] += static_cast<double>(term[l]);
        if constexpr (store) {
            float* result = lanes_at(e, j, e_step);
#pragma omp simd
            for (std::size_t l = 0; l < lanes; ++l) result[l] = term[l];
        }
    }
    for (std::size_t k = 0; k < reached; ++k) {
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) sum[k][l] += static_cast<double>(lost[k][l]);
    }
    for (std::size_t width = lanes / 2; width > 0; width /= 2) {
        for (std::size_t k = 0; k < width && k + width < reached; ++k) {
#pragma omp simd
            for (std::size_t l = 0; l < lanes; ++l) sum[k][l] += sum[k + width][l];
        }
    }
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) {
        total[l] = sum[0][l];
        unit[l] = whole(exponential_near_top(most[l], shift[l]));
    }
    return true;
}

/// The rows so that they lie side by side: with `offsets`, row l starts at x + offsets[l], and is
/// turned in `room`. (Stored as a vector: one that is loaded soon after single elements were stored
/// waits for them.)
inline const float* side_by_side(const float* x, const std::ptrdiff_t* offsets,
                                 std::ptrdiff_t& step, std::size_t n, float* room) {
    if (offsets == nullptr) return x;
    for (std::size_t j = 0; j < n; ++j) {
        float* to = room + j * lanes;
        const float* from = lanes_at(x, j, step);
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) to[l] = from[offsets[l]];
    }
    step = lanes;
    return room;
}

/// The result of element j of row l goes to y[j y_step + l], and that of logsumexp to y[l]; y may
/// be x. For n from 1 to `row_block`. False, and nothing written, as in sums_in_lanes.
template <RowOperation operation>
bool rows_in_lanes(const float* x, const std::ptrdiff_t* offsets, std::ptrdiff_t x_step, float* y,
                   std::ptrdiff_t y_step, std::size_t n) {
    float room[longest_turned_row * lanes];
    x = side_by_side(x, offsets, x_step, n, room);
    constexpr bool store = operation == RowOperation::softmax;
    float most[lanes];
    double sum[lanes], unit[lanes];
    if (!sums_in_lanes<store>(x, x_step, y, y_step, n, most, sum, unit)) return false;
    if constexpr (operation == RowOperation::softmax) {
        float factor[lanes], rest[lanes];
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) {
            const double u = unit[l];
            const double whole = 1.0 / (sum[l] / u) / u;
            factor[l] = static_cast<float>(whole);
            rest[l] = static_cast<float>(whole - static_cast<double>(factor[l]));
        }
        for (std::size_t j = 0; j < n; ++j) {
            float* result = lanes_at(y, j, y_step);
#pragma omp simd
            for (std::size_t l = 0; l < lanes; ++l) {
                result[l] = fma(result[l], factor[l], result[l] * rest[l]);
            }
        }
        return true;
    }
    double top[lanes], log_sum[lanes];
    std::uint32_t certain = 0;
#pragma omp simd reduction(| : certain)
    for (std::size_t l = 0; l < lanes; ++l) {
        const double u = unit[l];
        const double excess = (sum[l] - u) / u;
        certain |= excess < least_excess<float> ? 1u : 0u;
        top[l] = static_cast<double>(most[l]);
        log_sum[l] = log1p(excess);
    }
    if (certain != 0) return false;
    if constexpr (operation == RowOperation::logsumexp) {
        for (std::size_t l = 0; l < lanes; ++l) y[l] = static_cast<float>(top[l] + log_sum[l]);
    } else {
        for (std::size_t j = 0; j < n; ++j) {
            const float* row = lanes_at(x, j, x_step);
            float* result = lanes_at(y, j, y_step);
#pragma omp simd
            for (std::size_t l = 0; l < lanes; ++l) {
                result[l] = static_cast<float>((static_cast<double>(row[l]) - top[l]) - log_sum[l]);
            }
        }
    }
    return true;
}

/// Cross-entropy of 16 rows of scores with a label each: the losses, and with a gradient, which may
/// not be x, factor times p - 1 at the label and p elsewhere, side by side.
inline bool cross_entropy_in_lanes(const float* x, const std::ptrdiff_t* offsets,
                                   std::ptrdiff_t x_step, const std::int64_t* labels,
                                   const double* factor, double* loss, float* gradient,
                                   std::size_t n) {
    float room[longest_turned_row * lanes];
    x = side_by_side(x, offsets, x_step, n, room);
    float most[lanes];
    double sum[lanes], unit[lanes], excess[lanes], log_sum[lanes];
    const bool done = gradient != nullptr
                          ? sums_in_lanes<true>(x, x_step, gradient, lanes, n, most, sum, unit)
                          : sums_in_lanes<false>(x, x_step, nullptr, lanes, n, most, sum, unit);
    if (!done) return false;
    std::uint32_t certain = 0;
#pragma omp simd reduction(| : certain)
    for (std::size_t l = 0; l < lanes; ++l) {
        excess[l] = (sum[l] - unit[l]) / unit[l];
        certain |= excess[l] < least_excess<float> ? 1u : 0u;
        log_sum[l] = log1p(excess[l]);
    }
    if (certain != 0) return false;
    for (std::size_t l = 0; l < lanes; ++l) {
        const float score = lanes_at(x, static_cast<std::size_t>(labels[l]), x_step)[l];
        loss[l] = (static_cast<double>(most[l]) - static_cast<double>(score)) + log_sum[l];
    }
    if (gradient == nullptr) return true;
    double inverse[lanes], at_label[lanes];
    float share[lanes];
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) {
        inverse[l] = 1.0 / (sum[l] / unit[l]);
        share[l] = static_cast<float>(factor[l] * inverse[l] / unit[l]);
    }
    for (std::size_t l = 0; l < lanes; ++l) {
        const std::size_t at = static_cast<std::size_t>(labels[l]) * lanes + l;
        const float score = lanes_at(x, static_cast<std::size_t>(labels[l]), x_step)[l];
        at_label[l] = score == most[l]
                          ? -excess[l] * inverse[l]
                          : static_cast<double>(gradient[at]) * (inverse[l] / unit[l]) - 1.0;
    }
    for (std::size_t j = 0; j < n; ++j) {
        float* result = gradient + j * lanes;
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) result[l] *= share[l];
    }
    for (std::size_t l = 0; l < lanes; ++l) {
        gradient[static_cast<std::size_t>(labels[l]) * lanes + l] =
            static_cast<float>(factor[l] * at_label[l]);
    }
    return true;
}

}  // namespace ranvier::RANVIER_ISA
