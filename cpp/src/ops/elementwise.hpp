// The loops around the formulas, once for every operation: contiguous arrays in, an array out.
#pragma once

#include "../math/half.hpp"
#include "activations.hpp"

namespace ranvier::RANVIER_ISA {

/// How many parameters Op takes beside x.
template <class Op>
inline constexpr int parameter_count = [] {
    if constexpr (requires { Op::template value<float>(1.0f); }) {
        return 0;
    } else if constexpr (requires { Op::template value<float>(1.0f, 1.0f); }) {
        return 1;
    } else {
        return 2;
    }
}();

// The forms of an operation as functions of T. A result in double is rounded here, once.
template <class Op>
struct ValueOf {
    static constexpr int arrays = 1;
    template <class T, class... P>
    static T apply(T x, P... p) {
        return rounded<T>(Op::template value<T>(x, p...));
    }
};
template <class Form>
inline constexpr bool is_value = false;
template <class Op>
inline constexpr bool is_value<ValueOf<Op>> = true;

template <class Op>
struct DerivativeOf {
    static constexpr int arrays = 1;
    template <class T, class... P>
    static T apply(T x, P... p) {
        return rounded<T>(Op::template derivative<T>(x, p...));
    }
};
template <class Op>
struct VjpOf {
    static constexpr int arrays = 2;
    template <class T, class... P>
    static T apply(T g, T x, P... p) {
        return rounded_product(g, Op::template derivative<T>(x, p...));
    }
};
template <class Op>
struct VjpFromOutputOf {
    static constexpr int arrays = 2;
    template <class T, class... P>
    static T apply(T g, T y, P... p) {
        return rounded_product(g, Op::template derivative_from_output<T>(y, p...));
    }
};

/// A parameter: the same for all elements, or one for each.
template <class T, bool uniform>
struct Parameter {
    const T* values;
    T operator[](std::size_t i) const { return values[i]; }
};
template <class T>
struct Parameter<T, true> {
    T first;
    explicit Parameter(const T* values) : first(*values) {}
    T operator[](std::size_t) const { return first; }
};

/// Whether Op has a formula in float32 arithmetic for some arguments.
template <class Op>
inline constexpr bool has_float32_formula = requires { Op::in_float32::value(1.0f); };

/// The value in float32 where Op has two formulas. A block whose elements are all covered, which is
/// nearly every block, skips the general one; the select makes the bits the same.
template <class Op>
void map_float32(const float* x, float* out, std::size_t n) {
    using Fast = typename Op::in_float32;
    constexpr std::size_t block = 1024;
    for (std::size_t start = 0; start < n; start += block) {
        const std::size_t end = n - start < block ? n : start + block;
        std::uint32_t others = 0;
#pragma omp simd reduction(| : others)
        for (std::size_t i = start; i < end; ++i) others |= Fast::covers(x[i]) ? 0u : 1u;
        if (others == 0) {
#pragma omp simd
            for (std::size_t i = start; i < end; ++i) out[i] = Fast::value(x[i]);
        } else {
#pragma omp simd
            for (std::size_t i = start; i < end; ++i) {
                const float general = ValueOf<Op>::apply(x[i]);
                const float fast = Fast::value(x[i]);
                out[i] = Fast::covers(x[i]) ? fast : general;
            }
        }
    }
}

template <class Form, int parameters, bool uniform, class T>
void map(const T* const* in, T* out, std::size_t n) {
    using P = Parameter<T, uniform>;
    const T* a = in[0];
    const T* b = in[1];
    if constexpr (Form::arrays == 1 && parameters == 0) {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) out[i] = Form::apply(a[i]);
    } else if constexpr (Form::arrays == 1 && parameters == 1) {
        const P p{in[1]};
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) out[i] = Form::apply(a[i], p[i]);
    } else if constexpr (Form::arrays == 1) {
        const P p{in[1]}, q{in[2]};
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) out[i] = Form::apply(a[i], p[i], q[i]);
    } else if constexpr (parameters == 0) {
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) out[i] = Form::apply(a[i], b[i]);
    } else if constexpr (parameters == 1) {
        const P p{in[2]};
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) out[i] = Form::apply(a[i], b[i], p[i]);
    } else {
        const P p{in[2]}, q{in[3]};
#pragma omp simd
        for (std::size_t i = 0; i < n; ++i) out[i] = Form::apply(a[i], b[i], p[i], q[i]);
    }
}

/// The kernel of a form: float16 goes through float32 a block at a time.
template <class Op, template <class> class FormOf, class T>
void elementwise(const void* const* in, void* out, std::size_t n, bool uniform) {
    using Form = FormOf<Op>;
    constexpr int parameters = parameter_count<Op>;
    constexpr int operands = Form::arrays + parameters;
    if constexpr (dtype_of<T> == DType::float16) {
        constexpr std::size_t block = 256;
        float wide[operands][block];
        float result[block];
        const void* pointers[operands];
        for (int k = 0; k < operands; ++k) pointers[k] = wide[k];
        for (std::size_t start = 0; start < n; start += block) {
            const std::size_t m = n - start < block ? n - start : block;
            for (int k = 0; k < operands; ++k) {
                const bool one = uniform && k >= Form::arrays;
                const half* from = static_cast<const half*>(in[k]) + (one ? 0 : start);
                const std::size_t count = one ? 1 : m;
#pragma omp simd
                for (std::size_t i = 0; i < count; ++i) wide[k][i] = widen(from[i]);
            }
            elementwise<Op, FormOf, float>(pointers, result, m, uniform);
            half* to = static_cast<half*>(out) + start;
#pragma omp simd
            for (std::size_t i = 0; i < m; ++i) to[i] = narrow(result[i]);
        }
    } else {
        const T* typed[4] = {};
        for (int k = 0; k < operands; ++k) typed[k] = static_cast<const T*>(in[k]);
        if constexpr (dtype_of<T> == DType::float32 && has_float32_formula<Op> && is_value<Form>) {
            map_float32<Op>(typed[0], static_cast<T*>(out), n);
        } else if (uniform || parameters == 0) {
            map<Form, parameters, true>(typed, static_cast<T*>(out), n);
        } else {
            map<Form, parameters, false>(typed, static_cast<T*>(out), n);
        }
    }
}

template <class T>
void add_bias(void* z_, const void* bias_, std::size_t n) {
    T* z = static_cast<T*>(z_);
    const T* bias = static_cast<const T*>(bias_);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) z[i] += bias[i];
}

/// A layer's bias and activation while a piece of the row is in the first cache.
template <class Op, class T>
void biased(void* z_, const void* bias_, const void* const* parameters, void* y_, std::size_t n) {
    T* z = static_cast<T*>(z_);
    T* y = static_cast<T*>(y_);
    const T* bias = static_cast<const T*>(bias_);
    constexpr std::size_t block = 1024;
    for (std::size_t start = 0; start < n; start += block) {
        const std::size_t m = n - start < block ? n - start : block;
        add_bias<T>(z + start, bias + start, m);
        const void* in[3] = {z + start, nullptr, nullptr};
        for (int k = 0; k < parameter_count<Op>; ++k) in[k + 1] = parameters[k];
        elementwise<Op, ValueOf, T>(in, y + start, m, true);
    }
}

}  // namespace ranvier::RANVIER_ISA
