#include "sweep.hpp"

#include <bit>
#include <cstring>
#include <vector>

#include "blocks.hpp"
#include "ulp.hpp"

namespace accuracy {
namespace {

/// Of arguments with the same error, the one whose bits are lower: whatever thread is the first.
void note(Result& result, double ulp, double at) {
    const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
    if (ulp > result.ulp || (ulp == result.ulp && ulp > 0 && bits(at) < bits(result.at))) {
        result.ulp = ulp;
        result.at = at;
    }
}

/// Arguments next to a zero of the reference, within this part of it, are judged by the next
/// better arithmetic: farther away, what cancels is a few digits.
constexpr double window = 0.25;
struct Window {
    double zero, radius;
    explicit Window(double z) : zero(z), radius(window * std::fabs(z)) {}
    bool holds(double x) const { return std::fabs(x - zero) < radius; }
};

template <class T, class Exact, class Got>
void compare(const double* x, const Got* got, const Exact* exact, std::size_t n, Window skip,
             Result& result) {
    for (std::size_t i = 0; i < n; ++i) {
        if (skip.holds(x[i])) continue;
        const Exact y = static_cast<Exact>(got[i]);
        const bool mine = y != y, theirs = exact[i] != exact[i];
        if (mine || theirs) {
            if (mine && !theirs && result.nan_results++ == 0) result.nan_results_at = x[i];
            if (theirs && !mine) ++result.nan_lost;
        } else {
            note(result, error<T>(y, exact[i]), x[i]);
        }
    }
}

/// The same for all float32, as a loop that compilers vectorise: who holds the maximum is looked up
/// only where it grows.
void compare_float32(const double* x, const double* got, const double* exact, std::size_t n,
                     Window skip, Result& result) {
    double worst = 0;
    std::int64_t differs = 0;
#pragma omp simd reduction(max : worst) reduction(+ : differs)
    for (std::size_t i = 0; i < n; ++i) {
        const double e = error<float>(got[i], exact[i]);
        const bool inside = std::fabs(x[i] - skip.zero) < skip.radius;
        const double counted = inside ? 0.0 : e;
        worst = counted > worst ? counted : worst;  // NaN is not larger
        differs += (got[i] != got[i]) != (exact[i] != exact[i]) ? 1 : 0;
    }
    if (worst > result.ulp || differs != 0) compare<float>(x, got, exact, n, skip, result);
}

/// Judges arguments inside the window one by one.
template <class T, class Exact, class Got>
void compare_near_zero(const double* x, const Got* got, std::size_t n, Window near,
                       Evaluate<Exact> evaluate, const double* parameters, Result& result) {
    if (std::isnan(near.zero)) return;
    int any = 0;
#pragma omp simd reduction(| : any)
    for (std::size_t i = 0; i < n; ++i) any |= std::fabs(x[i] - near.zero) < near.radius ? 1 : 0;
    if (any == 0) return;
    for (std::size_t i = 0; i < n; ++i) {
        if (!near.holds(x[i])) continue;
        Exact exact;
        evaluate(x + i, parameters, &exact, 1);
        // Closer to the zero, the reference itself would be off by a tenth of an ulp of float64.
        if (exact < 0x1p-56 && exact > -0x1p-56) continue;
        compare<T>(x + i, got + i, &exact, 1, Window(NAN), result);
    }
}

/// NaNs are equal: a signalling one is quiet after a product with 1, and not after a select.
template <class T>
void compare_bits(const double* x, const T* a, const T* b, std::size_t n, Result& result) {
    if (std::memcmp(a, b, n * sizeof(T)) == 0) return;
    for (std::size_t i = 0; i < n; ++i) {
        if (std::memcmp(a + i, b + i, sizeof(T)) == 0) continue;
        if (std::isnan(widened(a[i])) && std::isnan(widened(b[i]))) continue;
        if (result.bits_differ++ == 0) result.bits_differ_at = x[i];
    }
}

/// Float32 arguments from that index on, and the same as doubles.
void fill(float* input, double* x, std::size_t n, std::uint64_t first, std::uint64_t every) {
    for (std::size_t i = 0; i < n; ++i) input[i] = input_at(first + i, every);
    for (std::size_t i = 0; i < n; ++i) x[i] = input[i];
}

}  // namespace

void Result::add(const Result& other) {
    note(*this, other.ulp, other.at);
    if (nan_results == 0) nan_results_at = other.nan_results_at;
    if (bits_differ == 0) bits_differ_at = other.bits_differ_at;
    nan_results += other.nan_results;
    nan_lost += other.nan_lost;
    bits_differ += other.bits_differ;
    not_nearest += other.not_nearest;
}

Result sweep(const Subject<float>& subject, const Reference& reference, const double* parameters,
             std::uint64_t every, std::uint64_t begin, std::uint64_t count) {
    const Window near(reference.zero(parameters));
    return over_blocks<Result>(count, [&] {
        return [&, input = std::vector<float>(block), y = std::vector<float>(block),
                again = std::vector<float>(block), x = std::vector<double>(block),
                got = std::vector<double>(block), exact = std::vector<double>(block)](
                   std::uint64_t first, std::size_t n, Result& result) mutable {
            fill(input.data(), x.data(), n, begin + first, every);
            subject.results(input.data(), y.data(), n, begin + first);
            for (std::size_t i = 0; i < n; ++i) got[i] = y[i];
            reference.in_double(x.data(), parameters, exact.data(), n);
            compare_float32(x.data(), got.data(), exact.data(), n, near, result);
            compare_near_zero<float>(x.data(), got.data(), n, near, reference.in_extended,
                                     parameters, result);
            if (subject.same) {
                subject.same(input.data(), again.data(), n, begin + first);
                compare_bits(x.data(), y.data(), again.data(), n, result);
            }
        };
    });
}

Result sweep(const Subject<double>& subject, const Reference& reference, const double* parameters,
             const Points& points, std::uint64_t count) {
    const Window near(reference.zero(parameters));
    return over_blocks<Result>(count, [&] {
        return [&, x = std::vector<double>(block), y = std::vector<double>(block),
                again = std::vector<double>(block), exact = std::vector<long double>(block)](
                   std::uint64_t first, std::size_t n, Result& result) mutable {
            for (std::size_t i = 0; i < n; ++i) x[i] = points[first + i];
            subject.results(x.data(), y.data(), n, first);
            reference.in_extended(x.data(), parameters, exact.data(), n);
            compare<double>(x.data(), y.data(), exact.data(), n, near, result);
            if constexpr (has_quad) {
                compare_near_zero<double>(x.data(), y.data(), n, near, reference.in_quad,
                                          parameters, result);
            }
            if (subject.same) {
                subject.same(x.data(), again.data(), n, first);
                compare_bits(x.data(), y.data(), again.data(), n, result);
            }
        };
    });
}

Result sweep(const Subject<ranvier::half>& subject, const Reference& reference,
             const double* parameters) {
    return over_blocks<Result>(1 << 16, [&] {
        return [&](std::uint64_t first, std::size_t n, Result& result) {
            std::vector<ranvier::half> input(n), y(n), again(n);
            std::vector<double> x(n), got(n);
            std::vector<long double> exact(n);
            for (std::size_t i = 0; i < n; ++i) {
                input[i].bits = static_cast<std::uint16_t>(first + i);
                x[i] = widened(input[i]);
            }
            subject.results(input.data(), y.data(), n, first);
            reference.in_extended(x.data(), parameters, exact.data(), n);
            for (std::size_t i = 0; i < n; ++i) {
                got[i] = widened(y[i]);
                const double nearest_to_it = nearest<ranvier::half>(exact[i]);
                const bool both_nan = got[i] != got[i] && nearest_to_it != nearest_to_it;
                result.not_nearest += got[i] != nearest_to_it && !both_nan;
            }
            compare<ranvier::half>(x.data(), got.data(), exact.data(), n, Window(NAN), result);
            if (subject.same) {
                subject.same(input.data(), again.data(), n, first);
                compare_bits(x.data(), y.data(), again.data(), n, result);
            }
        };
    });
}

Result check_in_double(const Reference& reference, const double* parameters, std::uint64_t every) {
    const Window near(reference.zero(parameters));
    return over_blocks<Result>(inputs(every), [&] {
        return [&](std::uint64_t first, std::size_t n, Result& result) {
            std::vector<float> input(n);
            std::vector<double> x(n), got(n);
            std::vector<long double> exact(n);
            fill(input.data(), x.data(), n, first, every);
            reference.in_double(x.data(), parameters, got.data(), n);
            reference.in_extended(x.data(), parameters, exact.data(), n);
            compare<float>(x.data(), got.data(), exact.data(), n, near, result);
        };
    });
}

Result check_in_extended(const Reference& reference, const double* parameters, const Points& points,
                         std::uint64_t count) {
    const Window near(reference.zero(parameters));
    return over_blocks<Result>(count, [&] {
        return [&](std::uint64_t first, std::size_t n, Result& result) {
            std::vector<double> x(n);
            std::vector<long double> got(n);
            std::vector<Quad> exact(n);
            for (std::size_t i = 0; i < n; ++i) x[i] = points[first + i];
            reference.in_extended(x.data(), parameters, got.data(), n);
            reference.in_quad(x.data(), parameters, exact.data(), n);
            compare<double>(x.data(), got.data(), exact.data(), n, near, result);
        };
    });
}

}  // namespace accuracy
