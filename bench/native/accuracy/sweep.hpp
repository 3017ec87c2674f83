// The largest error of a kernel over a range of arguments.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>

#include "points.hpp"
#include "references.hpp"

namespace accuracy {

/// What a sweep finds.
struct Result {
    double ulp = 0, at = NAN;
    std::uint64_t nan_results = 0;  // where the exact value is a number
    double nan_results_at = NAN;
    std::uint64_t nan_lost = 0;     // numbers where the exact value is NaN
    std::uint64_t bits_differ = 0;  // between derivative and vjp of 1
    double bits_differ_at = NAN;
    std::uint64_t not_nearest = 0;  // counted for float16

    void add(const Result& other);
};

/// y = results for the n arguments x, of which the first is the one of that index.
template <class T>
using Compute = std::function<void(const T* x, T* y, std::size_t n, std::uint64_t first)>;

/// f' and the vjp of 1, which has to be the same bits; the latter may be empty.
template <class T>
struct Subject {
    Compute<T> results;
    Compute<T> same;
};

/// How many float32 arguments there are whose bits are `every` apart.
inline std::uint64_t inputs(std::uint64_t every) {
    return (std::uint64_t{1} << 32) / every;
}
/// The one of that index, of which the bits are taken modulo 2^32.
inline float input_at(std::uint64_t index, std::uint64_t every) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(index) *
                                static_cast<std::uint32_t>(every));
}

/// Arguments [first, first + count) of every k-th.
Result sweep(const Subject<float>& subject, const Reference& reference, const double* parameters,
             std::uint64_t every, std::uint64_t first, std::uint64_t count);
Result sweep(const Subject<double>& subject, const Reference& reference, const double* parameters,
             const Points& points, std::uint64_t count);
/// All 65,536.
Result sweep(const Subject<ranvier::half>& subject, const Reference& reference,
             const double* parameters);

/// How far the reference is from the next better one, in ulp of the results that it judges:
/// double from extended precision for float32, extended from quadruple precision for float64.
Result check_in_double(const Reference& reference, const double* parameters, std::uint64_t every);
Result check_in_extended(const Reference& reference, const double* parameters, const Points& points,
                         std::uint64_t count);

}  // namespace accuracy
