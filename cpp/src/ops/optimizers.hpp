// The loops around the update rules.
#pragma once

#include "optimizers/adam.hpp"
#include "optimizers/adaptive.hpp"
#include "optimizers/descent.hpp"
#include "rows.hpp"

namespace ranvier::RANVIER_ISA {

template <class Rule, int variant, class T, class Scalars>
inline void optimizer_loop(T* p, const T* g, T* const* state, const Scalars& s, std::size_t n) {
    if constexpr (variant + 1 < Rule::variants) {
        if (s.variant != variant) {
            return optimizer_loop<Rule, variant + 1>(p, g, state, s, n);
        }
    }
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) Rule::template step<variant>(p[i], g[i], state, i, s);
}

/// The states of a rule, those that are not in use null.
template <class Rule, class T>
struct States {
    static_assert(Rule::count <= max_states);
    T* list[max_states];
    explicit States(void* const* state) {
        for (std::size_t k = 0; k < max_states; ++k) list[k] = static_cast<T*>(state[k]);
    }
};

template <class Rule, template <class> class Scalars, class T>
void optimizer_update(void* parameter, const void* gradient, void* const* state,
                      const void* scalars, std::size_t n) {
    const Scalars<T> s = *static_cast<const Scalars<T>*>(scalars);
    optimizer_loop<Rule, 0>(static_cast<T*>(parameter), static_cast<const T*>(gradient),
                            States<Rule, T>(state).list, s, n);
}

/// Two sums that a rule needs over all elements of a tensor, over some of them.
template <class Rule, template <class> class Scalars, class T>
void optimizer_sums(const void* parameter, const void* gradient, void* const* state,
                    const void* scalars, std::size_t n, double* sums) {
    const Scalars<T> s = *static_cast<const Scalars<T>*>(scalars);
    const T *p = static_cast<const T*>(parameter), *g = static_cast<const T*>(gradient);
    const States<Rule, T> states(state);
    double first[lanes] = {}, second[lanes] = {};
    for_each_lane(n, [&](std::size_t i, std::size_t l) {
        Rule::add(p[i], g[i], states.list, i, s, first[l], second[l]);
    });
    sums[0] = tree_sum(first);
    sums[1] = tree_sum(second);
}

/// Null for a rule that looks at one element at a time.
template <class Rule, template <class> class Scalars, class T>
constexpr OptimizerSumsKernel sums_of() {
    if constexpr (requires { Rule::over_the_tensor; }) {
        return optimizer_sums<Rule, Scalars, T>;
    } else {
        return nullptr;
    }
}

}  // namespace ranvier::RANVIER_ISA
