// Reductions over a row: the maximum and the sum of exponentials under softmax, its logarithm,
// log-sum-exp and cross-entropy.
//
// A row is read in chunks of a fixed number of lanes, each lane has a sum of its own, and the lanes
// are added in a fixed tree, in double: the result does not depend on the instruction set. A short
// last chunk is padded with -inf, so rows of ten are as vectorised as rows of ten thousand.
#pragma once

#include "../isa/kernels.hpp"
#include "../math/exp_float32.hpp"
#include "../math/log.hpp"

namespace ranvier::RANVIER_ISA {

inline constexpr std::size_t lanes = 16;

/// The number of elements of a whole chunk, as a type, so that loops over it have a known length.
struct WholeChunk {
    constexpr operator std::size_t() const { return lanes; }
};

/// Calls body(chunk, position, count): `chunk` points to `lanes` elements, of which the first
/// `count` are the row's own from `position` on; what `keep` leaves out is -inf.
template <class T, class Body>
inline void for_each_chunk(const T* x, const std::uint8_t* keep, std::size_t n, Body body) {
    std::size_t i = 0;
    if (keep == nullptr) {
        for (; i + lanes <= n; i += lanes) body(x + i, i, WholeChunk{});
    }
    for (; i < n; i += lanes) {
        const std::size_t count = n - i < lanes ? n - i : lanes;
        T padded[lanes];
        if (keep == nullptr) {
            // A masked load, where there is one.
#pragma omp simd
            for (std::size_t l = 0; l < lanes; ++l) {
                padded[l] = l < count ? x[i + l] : static_cast<T>(-infinity);
            }
        } else {
            for (std::size_t l = 0; l < lanes; ++l) {
                padded[l] = l < count && keep[i + l] != 0 ? x[i + l] : static_cast<T>(-infinity);
            }
        }
        body(padded, i, count);
    }
}

/// Calls body(position, lane) for every element, `lanes` at a time; the last ones are masked.
template <class Body>
inline void for_each_lane(std::size_t n, Body body) {
    // A loop whose number of turns GCC can tell, it unrolls in a way that keeps sums in memory.
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) body(i + l, l);
    }
    const std::size_t rest = n - i;
    if (rest == 0) return;
#pragma omp simd
    for (std::size_t l = 0; l < lanes; ++l) {
        if (l < rest) body(i + l, l);
    }
}

/// The lanes added pairwise: always in this order.
template <std::size_t width = lanes / 2>
inline double tree_sum(double (&lane)[lanes]) {
#pragma omp simd
    for (std::size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    if constexpr (width > 1) {
        return tree_sum<width / 2>(lane);
    } else {
        return lane[0];
    }
}

/// The largest element; NaN is passed over, -inf if there is nothing else.
template <class T>
inline T maximum(const T* x, const std::uint8_t* keep, std::size_t n) {
    T best[lanes];
    for (std::size_t l = 0; l < lanes; ++l) best[l] = static_cast<T>(-infinity);
    for_each_chunk(x, keep, n, [&](const T* chunk, std::size_t, auto) {
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) best[l] = chunk[l] > best[l] ? chunk[l] : best[l];
    });
    for (std::size_t width = lanes / 2; width > 0; width /= 2) {
        for (std::size_t l = 0; l < width; ++l) {
            best[l] = best[l + width] > best[l] ? best[l + width] : best[l];
        }
    }
    return best[0];
}

/// 1 / temperature, with what rounding it loses.
inline Sum<double> reciprocal(double temperature) {
    const double high = 1.0 / temperature;
    return {high, exact_fma(-high, temperature, 1.0) * high};
}

/// (x - top) scale, top finite and the largest. With x in double, what rounding the difference, the
/// scale and their product loses would be an error of so many ulp in e^: it is worked out. Halves
/// are taken because x - top may be too large where (x - top) scale is not.
template <class T>
inline Sum<double> distance(double x, double top, Sum<double> scale) {
    if constexpr (dtype_of<T> == DType::float32) {
        return {(x - top) * scale.high, 0.0};
    } else {
        const double half = 0.5 * x;
        const double half_top = 0.5 * top;
        const double difference = half - half_top;
        const double half_part = difference + half_top;
        const double lost = (half - half_part) - (half_top - (half_part - difference));
        const double twice = 2.0 * scale.high;
        const double d = difference * twice;
        const double d_low =
            fma(lost, twice, exact_fma(difference, twice, -d)) + difference * (2.0 * scale.low);
        return {d, d < -800.0 ? 0.0 : d_low};
    }
}

/// e^((x - top) scale).
template <class T>
inline double power(double x, double top, Sum<double> scale) {
    const Sum<double> d = distance<T>(x, top, scale);
    const double e = exp<T>(d.high);
    if constexpr (dtype_of<T> == DType::float32) {
        return d.high < -700.0 ? 0.0 : e;  // exp ends in some tiny number instead
    } else {
        return fma(e, d.low, e);
    }
}

/// A sum in each lane. float32 terms are summed in double as they are; double ones with what every
/// addition loses beside it (Kahan, 1965), so that a long row costs no digits.
template <class T>
struct LaneSums {
    double sum[lanes] = {};
    double lost[lanes] = {};

    void add(std::size_t lane, double term) {
        if constexpr (dtype_of<T> == DType::float32) {
            sum[lane] += term;
        } else {
            const double corrected = term - lost[lane];
            const double next = sum[lane] + corrected;
            lost[lane] = (next - sum[lane]) - corrected;
            sum[lane] = next;
        }
    }
    double total() { return tree_sum(sum) - tree_sum(lost); }
};

/// sum of e^((x - top) scale), top finite and the largest; NaN if an element is NaN. With `store`,
/// the exponentials are written to e. With `without_top`, elements equal to top count as 0.
template <bool store, bool without_top, class T>
inline double sum_of_exponentials(const T* x, const std::uint8_t* keep, double top,
                                  Sum<double> scale, T* e, std::size_t n) {
    LaneSums<T> sum;
    for_each_chunk(x, keep, n, [&](const T* chunk, std::size_t i, auto count) {
        T result[lanes];
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) {
            const double x_l = static_cast<double>(chunk[l]);
            const double e_l = power<T>(x_l, top, scale);
            sum.add(l, without_top && x_l == top ? 0.0 : e_l);
            if constexpr (store) result[l] = static_cast<T>(e_l);
        }
        if constexpr (store) {
            for_each_lane(count, [&](std::size_t j, std::size_t) { e[i + j] = result[j]; });
        }
    });
    return sum.total();
}

/// What a row comes to: sum e^((x - top) scale) = sum = 1 + excess. `top` is infinite, and the sum
/// NaN or the number of +inf, where the row has no finite maximum. Stored exponentials are
/// `unit` times as large.
struct RowSum {
    double top, sum, excess, unit = 1.0;
};

/// The least and the largest of a row; NaN is passed over.
struct Extent {
    float least, most;
    /// Whether e^x has no part that is not normal, so that float32 arithmetic will do.
    bool narrow() const { return (least > -80.0f) & (most < 80.0f) & (most - least < 80.0f); }
};
inline Extent extent(const float* x, std::size_t n) {
    float least[lanes], most[lanes];
    for (std::size_t l = 0; l < lanes; ++l) {
        least[l] = static_cast<float>(infinity);
        most[l] = static_cast<float>(-infinity);
    }
    const auto look = [&](const float* chunk) {
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) {
            least[l] = chunk[l] < least[l] ? chunk[l] : least[l];
            most[l] = chunk[l] > most[l] ? chunk[l] : most[l];
        }
    };
    const std::size_t full = n / lanes * lanes, rest = n - full;
    for (std::size_t i = 0; i < full; i += lanes) look(x + i);
    if (rest > 0) {
        float padded[lanes];
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) padded[l] = l < rest ? x[full + l] : x[full];
        look(padded);
    }
    for (std::size_t width = lanes / 2; width > 0; width /= 2) {
        for (std::size_t l = 0; l < width; ++l) {
            least[l] = least[l + width] < least[l] ? least[l + width] : least[l];
            most[l] = most[l + width] > most[l] ? most[l + width] : most[l];
        }
    }
    return {least[0], most[0]};
}

/// sum of e^x in the shift's units, by float32 arithmetic; with `store`, the terms go to e,
/// rounded. The sum has what rounding them loses as well.
template <bool store>
inline double sum_near_top(const float* x, float shift, float* e, std::size_t n) {
    double sum[lanes] = {};
    float lost[lanes] = {};
    for_each_chunk(x, nullptr, n, [&](const float* chunk, std::size_t i, auto count) {
        float term[lanes];
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) {
            const Sum<float> e_l = exponential_near_top(chunk[l], shift);
            term[l] = l < count ? e_l.high : 0.0f;
            lost[l] += l < count ? e_l.low : 0.0f;
        }
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) sum[l] += static_cast<double>(term[l]);
        if constexpr (store) {
            for_each_lane(count, [&](std::size_t j, std::size_t) { e[i + j] = term[j]; });
        }
    });
    for (std::size_t l = 0; l < lanes; ++l) sum[l] += static_cast<double>(lost[l]);
    return tree_sum(sum);
}

/// The sum of a row from that of e^x in units, of which the largest term is one.
inline RowSum row_sum_in_units(float top, float shift, double sum) {
    const double unit = whole(exponential_near_top(top, shift));
    return {static_cast<double>(top), sum / unit, (sum - unit) / unit, unit};
}

/// A row with +inf, or with nothing but -inf: the sum counts the elements at +inf.
template <class T>
inline RowSum sum_of_infinite_row(const T* x, const std::uint8_t* keep, double top, std::size_t n) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
        if (keep != nullptr && keep[i] == 0) continue;
        if (x[i] != x[i]) return {top, not_a_number, not_a_number};
        if (x[i] == static_cast<T>(infinity)) sum += 1.0;
    }
    return {top, sum, sum - 1.0};
}

/// The row's exponentials and their sum in two passes over the row: for rows that a cache holds.
template <class T>
inline RowSum stored_row_sum(const T* x, const std::uint8_t* keep, Sum<double> scale, T* e,
                             std::size_t n) {
    if constexpr (dtype_of<T> == DType::float32) {
        if (keep == nullptr && scale.high == 1.0) {
            const Extent range = extent(x, n);
            if (range.narrow()) {
                const float shift = shift_for_top(range.most);
                return row_sum_in_units(range.most, shift, sum_near_top<true>(x, shift, e, n));
            }
        }
    }
    const double top = static_cast<double>(maximum(x, keep, n));
    if (abs(top) == infinity) return sum_of_infinite_row(x, keep, top, n);
    const double sum = sum_of_exponentials<true, false>(x, keep, top, scale, e, n);
    return {top, sum, sum - 1.0};
}

/// Blocks that are read twice, from the first cache the second time.
inline constexpr std::size_t row_block = 4096;

/// The row's sum in one pass by float32 arithmetic, in units of its first block's largest element.
/// The sum is NaN where a block is not narrow enough for it (or has NaN).
inline RowSum narrow_row_sum(const float* x, std::size_t n) {
    float top = 0.0f, shift = 0.0f, least_of_all = static_cast<float>(infinity);
    double sum = 0.0;
    for (std::size_t i = 0; i < n; i += row_block) {
        const std::size_t m = n - i < row_block ? n - i : row_block;
        const Extent here = extent(x + i, m);
        if (i == 0) shift = shift_for_top(at_most(at_least(here.most, -80.0f), 80.0f));
        top = i == 0 || here.most > top ? here.most : top;
        least_of_all = here.least < least_of_all ? here.least : least_of_all;
        if (!Extent{least_of_all, top}.narrow()) return {0.0, not_a_number, 0.0};
        sum += sum_near_top<false>(x + i, shift, nullptr, m);
    }
    return row_sum_in_units(top, shift, sum);
}

/// The row's sum in one pass, a block at a time: a larger maximum rescales what was summed so far
/// (Milakov and Gimelshein, arXiv 1805.02867, 2018, at the granularity of a block).
template <class T>
inline RowSum online_row_sum(const T* x, const std::uint8_t* keep, Sum<double> scale,
                             std::size_t n) {
    if constexpr (dtype_of<T> == DType::float32) {
        if (keep == nullptr && scale.high == 1.0 && n > 0) {
            const RowSum narrow = narrow_row_sum(x, n);
            if (narrow.sum == narrow.sum) return narrow;
        }
    }
    double top = -infinity;
    double sum = 0.0;
    for (std::size_t i = 0; i < n; i += row_block) {
        const std::size_t m = n - i < row_block ? n - i : row_block;
        const std::uint8_t* kept = keep == nullptr ? nullptr : keep + i;
        const double here = static_cast<double>(maximum(x + i, kept, m));
        if (here == infinity) return sum_of_infinite_row(x, keep, infinity, n);
        if (here == -infinity) {
            sum += sum_of_infinite_row(x + i, kept, here, m).sum;  // 0, or NaN
            continue;
        }
        if (here > top) {
            sum = top == -infinity ? sum : sum * power<double>(top, here, scale);
            top = here;
        }
        sum += sum_of_exponentials<false, false, T>(x + i, kept, top, scale, nullptr, m);
    }
    if (top == -infinity) return sum_of_infinite_row(x, keep, top, n);
    return {top, sum, sum - 1.0};
}

/// Below it, sum - 1 has lost the digits of what the smaller elements come to.
template <class T>
inline constexpr double least_excess = dtype_of<T> == DType::float32 ? 0x1p-20 : 1.0;

/// Where the largest element has nearly all the weight: add up the rest alone.
/// (log_softmax([20, 0])[0] is -2.06e-9, not 0.)
template <class T>
inline RowSum with_exact_excess(RowSum row, const T* x, const std::uint8_t* keep, Sum<double> scale,
                                std::size_t n) {
    if (abs(row.top) != infinity && row.excess < least_excess<T>) {
        row.excess = sum_of_exponentials<false, true, T>(x, keep, row.top, scale, nullptr, n);
    }
    return row;
}

/// Longer rows are read twice rather than held in the output between the passes.
inline constexpr std::size_t longest_stored_row = std::size_t{1} << 16;

/// By what a stored exponential is multiplied.
template <class T>
inline Sum<T> softmax_factor(const RowSum& row) {
    const double whole = 1.0 / row.sum / row.unit;
    const T factor = static_cast<T>(whole);
    return {factor, static_cast<T>(whole - static_cast<double>(factor))};
}

template <class T>
void softmax_row(const T* x, const std::uint8_t* keep, double temperature, T* y, std::size_t n) {
    const Sum<double> scale = reciprocal(temperature);
    const bool stored = n <= longest_stored_row;
    const RowSum row =
        stored ? stored_row_sum(x, keep, scale, y, n) : online_row_sum(x, keep, scale, n);
    if (abs(row.top) == infinity) {
        // Equal shares for the elements at +inf; nothing for a row of -inf; NaN for one with NaN.
        const T share = static_cast<T>(row.top > 0.0 ? 1.0 / row.sum : row.sum);
        for (std::size_t i = 0; i < n; ++i) {
            const bool kept = keep == nullptr || keep[i] != 0;
            const bool gets = row.sum != row.sum || x[i] == static_cast<T>(infinity);
            y[i] = kept && gets ? share : T(0);
        }
        return;
    }
    const double inverse = 1.0 / row.sum;
    if (stored) {
        const Sum<T> factor = softmax_factor<T>(row);
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) y[i] = fma(y[i], factor.high, y[i] * factor.low);
        return;
    }
    for_each_chunk(x, keep, n, [&](const T* chunk, std::size_t i, auto count) {
        T result[lanes];
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) {
            const double e_l = power<T>(static_cast<double>(chunk[l]), row.top, scale);
            result[l] = static_cast<T>(e_l * inverse);
        }
        for_each_lane(count, [&](std::size_t j, std::size_t) { y[i + j] = result[j]; });
    });
}

template <class T>
void log_softmax_row(const T* x, const std::uint8_t* keep, double temperature, T* y,
                     std::size_t n) {
    const Sum<double> scale = reciprocal(temperature);
    const RowSum row = with_exact_excess(online_row_sum(x, keep, scale, n), x, keep, scale, n);
    const double log_sum = log1p(row.excess);
    if (abs(row.top) == infinity) {
        const T share = static_cast<T>(row.top > 0.0 ? -log_sum : row.sum);
        for (std::size_t i = 0; i < n; ++i) {
            const bool kept = keep == nullptr || keep[i] != 0;
            const bool gets = row.sum != row.sum || x[i] == static_cast<T>(infinity);
            y[i] = kept && gets ? share : static_cast<T>(-infinity);
        }
        return;
    }
    const auto result = [&](T x_i) {
        const Sum<double> d = distance<T>(static_cast<double>(x_i), row.top, scale);
        return static_cast<T>((d.high - log_sum) + d.low);
    };
    if (keep == nullptr) {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) y[i] = result(x[i]);
        return;
    }
    for (std::size_t i = 0; i < n; ++i) {
        y[i] = keep[i] != 0 ? result(x[i]) : static_cast<T>(-infinity);
    }
}

template <class T>
void logsumexp_row(const T* x, const std::uint8_t* keep, double temperature, T* y, std::size_t n) {
    const Sum<double> scale = reciprocal(temperature);
    const RowSum row = with_exact_excess(online_row_sum(x, keep, scale, n), x, keep, scale, n);
    const bool infinite = abs(row.top) == infinity;
    *y = static_cast<T>(infinite ? (row.sum != row.sum ? row.sum : row.top)
                                 : row.top * scale.high + log1p(row.excess));
}

/// The sum of a[i] b[i] (or of a[i]) in the fixed order.
template <class T>
inline double dot(const T* a, const T* b, std::size_t n) {
    double sum[lanes] = {};
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
#pragma omp simd
        for (std::size_t l = 0; l < lanes; ++l) {
            const double factor = b == nullptr ? 1.0 : static_cast<double>(b[i + l]);
            sum[l] = fma(static_cast<double>(a[i + l]), factor, sum[l]);
        }
    }
    for (std::size_t l = 0; i < n; ++i, ++l) {
        const double factor = b == nullptr ? 1.0 : static_cast<double>(b[i]);
        sum[l] = fma(static_cast<double>(a[i]), factor, sum[l]);
    }
    return tree_sum(sum);
}

/// y (g - sum g y) / temperature.
template <class T>
void softmax_vjp_row(const T* g, const T* y, double temperature, T* out, std::size_t n) {
    const double scale = 1.0 / temperature;
    const double mean = dot(g, y, n);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        out[i] =
            static_cast<T>(scale * static_cast<double>(y[i]) * (static_cast<double>(g[i]) - mean));
    }
}

/// (g - e^y sum g) / temperature.
template <class T>
void log_softmax_vjp_row(const T* g, const T* y, double temperature, T* out, std::size_t n) {
    const double scale = 1.0 / temperature;
    const double sum = dot(g, static_cast<const T*>(nullptr), n);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const double share = exp<T>(static_cast<double>(y[i]));
        out[i] = static_cast<T>(scale * fma(-share, sum, static_cast<double>(g[i])));
    }
}

}  // namespace ranvier::RANVIER_ISA
