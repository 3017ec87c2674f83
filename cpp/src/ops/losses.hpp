// The loops around the elementwise losses: value and slopes of a block, in double.
#pragma once

#include "../isa/kernels.hpp"
#include "losses/classification.hpp"
#include "losses/margins.hpp"
#include "losses/parameters.hpp"
#include "losses/regression.hpp"
#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

/// f of the i-th element of each of two or three operands, in double.
template <int operands, class T, class F>
inline double at_element(const void* const* in, std::size_t i, F f) {
    const auto element = [&](int k) {
        return static_cast<double>(static_cast<const T*>(in[k])[i]);
    };
    if constexpr (operands == 2) {
        return f(element(0), element(1));
    } else {
        return f(element(0), element(1), element(2));
    }
}

/// value[i] and, if slopes[0] is not null, slopes[k][i].
template <class Loss, class Parameters, int operands, int gradients, class T>
void loss_points(const void* const* in, const double* numbers, double* value, double* const* slopes,
                 std::size_t n) {
    const auto p = named<Parameters>(numbers);
    // A formula takes the parameters behind the operands if its row has some.
    const auto with_parameters = [&](auto formula) {
        if constexpr (__is_empty(Parameters)) {
            return formula;
        } else {
            return [formula, p](auto... v) { return formula(v..., p); };
        }
    };
    const auto value_at = with_parameters([](auto... v) { return Loss::template value<T>(v...); });
    const auto slope_at =
        with_parameters([](auto... v) { return Loss::template derivative<T>(v...); });
    if (slopes[0] == nullptr) {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) value[i] = at_element<operands, T>(in, i, value_at);
    } else if constexpr (gradients == 1) {
        double* slope = slopes[0];
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            value[i] = at_element<operands, T>(in, i, value_at);
            slope[i] = at_element<operands, T>(in, i, slope_at);
        }
    } else {
        double *first = slopes[0], *second = slopes[1];
        const auto second_at =
            with_parameters([](auto... v) { return Loss::template second_derivative<T>(v...); });
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            value[i] = at_element<operands, T>(in, i, value_at);
            first[i] = at_element<operands, T>(in, i, slope_at);
            second[i] = at_element<operands, T>(in, i, second_at);
        }
    }
}

/// The sum of n values, each times its weight if there are weights, in the fixed order.
inline double weighted_sum(double* value, const double* weight, std::size_t n) {
    if (weight != nullptr) {
        // What weighs nothing adds nothing, infinite or not.
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            value[i] = weight[i] == 0.0 ? 0.0 : weight[i] * value[i];
        }
    }
    return dot(value, static_cast<const double*>(nullptr), n);
}

/// gradient[i] = scale slope[i], times the weight if there are weights.
template <class T>
void scaled_slopes(const double* slope, const double* weight, double scale, void* gradient_,
                   std::size_t n) {
    T* gradient = static_cast<T*>(gradient_);
    if (weight == nullptr) {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) gradient[i] = static_cast<T>(scale * slope[i]);
    } else {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) {
            const double factor = scale * weight[i];
            gradient[i] = static_cast<T>(factor == 0.0 ? 0.0 : factor * slope[i]);
        }
    }
}

}  // namespace ranvier::RANVIER_ISA
