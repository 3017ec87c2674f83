// Gates a f(b) and maxout: elementwise functions of several arrays that may have several results.
#pragma once

#include "elementwise.hpp"

namespace ranvier::RANVIER_ISA {

namespace activations {

/// f = x, the gate of bilinear_glu.
struct identity {
    template <class R>
    static R value(R x) {
        return x;
    }
    template <class R>
    static R derivative(R) {
        return R(1);
    }
};

}  // namespace activations

/// A factor of a product, in the precision of its formula. A formula in double for a float32 result
/// ends in some tiny number instead of 0; below 2^-407 even the product with two of the largest
/// float32 numbers rounds to 0, but that with infinity would not be NaN.
template <class T, class F>
F factor(F f) {
    return f;
}
template <class T>
double factor(double f)
    requires(sizeof(T) < sizeof(double))
{
    return abs(f) < 0x1p-407 ? 0.0 : f;
}

/// f(b) and f'(b).
template <class Op>
struct GateFactors {
    template <class T>
    static auto value(T b) {
        return factor<T>(Op::template value<T>(b));
    }
    template <class T>
    static auto slope(T b) {
        return factor<T>(Op::template derivative<T>(b));
    }
};
/// Both from one quotient, 1 / (1 + e).
template <>
struct GateFactors<activations::sigmoid> {
    template <class T>
    static auto value(T b) {
        const auto e = exponential<T>(working<T>(-abs(b)));
        const auto inverse = 1.0 / (1.0 + e.value());
        return factor<T>(select(b < T(0), scaled(e.normal() * inverse, e.rest), inverse));
    }
    template <class T>
    static auto slope(T b) {
        const auto e = exponential<T>(working<T>(-abs(b)));
        const auto inverse = 1.0 / (1.0 + e.value());
        return factor<T>(scaled(e.normal() * inverse * inverse, e.rest));
    }
};

/// f(b) in float32 arithmetic before its last rounding, where it and what it has lost are normal.
template <class Op>
struct FloatFactor {};
template <>
struct FloatFactor<activations::sigmoid> {
    static bool covers(float b) { return b > -60.0f; }
    static Sum<float> value(float b) { return activations::logistic_float32({b, 0.0f}); }
};
template <>
struct FloatFactor<activations::silu> {
    static bool covers(float b) {
        const float size = abs(b);
        return (size < 60.0f) & ((size > 0x1p-60f) | (b == 0.0f));
    }
    static Sum<float> value(float b) { return activations::logistic_float32({b, 0.0f}) * b; }
};

/// a f(b), a form of two arrays.
template <class Op>
struct GateOf {
    static constexpr int arrays = 2;
    template <class T>
    static auto precise(T a, T b) {
        return product(a, GateFactors<Op>::value(b));
    }
    template <class T>
    static T apply(T a, T b) {
        return rounded_product(a, GateFactors<Op>::value(b));
    }
    static float fast(float a, float b)
        requires requires { FloatFactor<Op>::value(b); }
    {
        return rounded_product(a, FloatFactor<Op>::value(b));
    }
    static bool covers(float, float b) { return FloatFactor<Op>::covers(b); }
};

/// g f(b) and g a f'(b), rounded once; for a result in float16, to odd.
template <class Op, bool to_half, class T>
T gate_product(T g, T b) {
    if constexpr (to_half) {
        return rounded_to_odd(GateOf<Op>::precise(g, b));
    } else {
        return GateOf<Op>::apply(g, b);
    }
}
template <class Op, bool to_half, class T>
T gate_gradient(T g, T a, T b) {
    const auto precise = product(g, a) * GateFactors<Op>::slope(b);
    if constexpr (to_half) {
        return rounded_to_odd(precise);
    } else {
        return rounded<T>(precise);
    }
}

template <class Op, bool to_half, class T>
void gated_vjp_loop(const void* const* in, void* const* out, std::size_t n) {
    const T* g = static_cast<const T*>(in[0]);
    const T* a = static_cast<const T*>(in[1]);
    const T* b = static_cast<const T*>(in[2]);
    T* ga = static_cast<T*>(out[0]);
    T* gb = static_cast<T*>(out[1]);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const T first = a[i], second = b[i];  // ga may be a, and gb b
        ga[i] = gate_product<Op, to_half>(g[i], second);
        gb[i] = gate_gradient<Op, to_half>(g[i], first, second);
    }
}

/// y = a f(b), rounded once.
template <class Op, class T>
void gated(const void* const* in, void* const* out, std::size_t n) {
    elementwise<Op, GateOf, T>(in, out[0], n, true);
}

/// With respect to a: g f(b); to b: g a f'(b). Each is rounded once.
template <class Op, class T>
void gated_vjp(const void* const* in, void* const* out, std::size_t n) {
    if constexpr (dtype_of<T> == DType::float16) {
        through_float32<3, 2>(in, out, n, 0, gated_vjp_loop<Op, true, float>);
    } else {
        gated_vjp_loop<Op, false, T>(in, out, n);
    }
}

inline float comparable(half x) {
    return widen(x);
}
inline float comparable(float x) {
    return x;
}
inline double comparable(double x) {
    return x;
}

inline half select(bool condition, half yes, half no) {
    return {condition ? yes.bits : no.bits};
}

/// The larger of x and the largest so far; of equal ones, and of NaNs, the first.
template <class T>
void larger(const void* const* in, void* const* out, std::size_t n) {
    const T* x = static_cast<const T*>(in[0]);
    const T* best = static_cast<const T*>(in[1]);
    T* y = static_cast<T*>(out[0]);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const auto candidate = comparable(x[i]);
        const auto top = comparable(best[i]);
        const bool keep = candidate <= top || top != top;
        y[i] = select(keep, best[i], x[i]);
    }
}

/// The gradient that is left goes to x where x is the largest of its group, or NaN; nothing is left
/// then for those after it.
template <class T>
void larger_vjp(const void* const* in, void* const* out, std::size_t n) {
    const T* x = static_cast<const T*>(in[0]);
    const T* best = static_cast<const T*>(in[1]);
    const T* left = static_cast<const T*>(in[2]);
    T* gx = static_cast<T*>(out[0]);
    T* rest = static_cast<T*>(out[1]);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        const auto candidate = comparable(x[i]);
        const bool hit = candidate == comparable(best[i]) || candidate != candidate;
        gx[i] = select(hit, left[i], T{});
        rest[i] = select(hit, T{}, left[i]);
    }
}

}  // namespace ranvier::RANVIER_ISA
