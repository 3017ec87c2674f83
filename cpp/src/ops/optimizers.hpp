// The loops around the update rules.
#pragma once

#include "optimizers/adam.hpp"
#include "optimizers/adaptive.hpp"
#include "optimizers/descent.hpp"
#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

/// Scalars<T> from those in double, which are as many numbers.
template <template <class> class Scalars, class T>
inline Scalars<T> scalars_in(const double* numbers) {
    constexpr std::size_t count = sizeof(Scalars<T>) / sizeof(T);
    union {
        T list[count];
        Scalars<T> named;
    } s;
    for (std::size_t k = 0; k < count; ++k) s.list[k] = static_cast<T>(numbers[k]);
    return s.named;
}

template <class Rule, int variant, class T, class Scalars>
inline void optimizer_loop(T* p, const T* g, T* const* state, const Scalars& s, std::size_t n) {
    if constexpr (variant + 1 < Rule::variants) {
        if (s.variant != T(variant)) {
            return optimizer_loop<Rule, variant + 1>(p, g, state, s, n);
        }
    }
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) Rule::template step<variant>(p[i], g[i], state, i, s);
}

template <class Rule, template <class> class Scalars, class T>
void optimizer_step(void* parameter, const void* gradient, void* const* state_,
                    const double* numbers, std::size_t n) {
    T* state[max_states];
    for (std::size_t k = 0; k < max_states; ++k) state[k] = static_cast<T*>(state_[k]);
    optimizer_loop<Rule, 0>(static_cast<T*>(parameter), static_cast<const T*>(gradient), state,
                            scalars_in<Scalars, T>(numbers), n);
}

/// The first pass of LAMB: m and v, and the sums of the squares of p and of u.
template <class T>
void lamb_moments(const void* parameter, const void* gradient, void* const* state,
                  const double* numbers, std::size_t n, double* squares) {
    const auto s = scalars_in<scalars::lamb, T>(numbers);
    const T *p = static_cast<const T*>(parameter), *g = static_cast<const T*>(gradient);
    T *m = static_cast<T*>(state[0]), *v = static_cast<T*>(state[1]);
    double of_p[lanes] = {}, of_u[lanes] = {};
    for_each_lane(n, [&](std::size_t i, std::size_t l) {
        optimizers::follow(m[i], v[i], s.scale * g[i], s);
        const double weight = static_cast<double>(p[i]);
        const double u = static_cast<double>(optimizers::lamb::direction(p[i], m[i], v[i], s));
        of_p[l] += weight * weight;
        of_u[l] += u * u;
    });
    squares[0] = tree_sum(of_p);
    squares[1] = tree_sum(of_u);
}

}  // namespace ranvier::RANVIER_ISA
