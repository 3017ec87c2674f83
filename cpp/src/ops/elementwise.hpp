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

// The forms of an operation, each from its formulas: `apply` gives the result in T, rounded once;
// `precise` what is to be rounded; `fast` the result by the formula in float32 arithmetic, where
// there is one, for what it covers.
template <class Op>
struct ValueOf {
    static constexpr int arrays = 1;
    template <class T, class... P>
    static auto precise(T x, P... p) {
        return Op::template value<T>(x, p...);
    }
    template <class T, class... P>
    static T apply(T x, P... p) {
        return rounded<T>(precise(x, p...));
    }
    template <class... P>
    static float fast(float x, P... p)
        requires requires { Op::in_float32::value(x, p...); }
    {
        return total(Op::in_float32::value(x, p...));
    }
    template <class... P>
    static bool covers(float x, P... p) {
        return Op::in_float32::covers(x, p...);
    }
};
template <class Op>
struct DerivativeOf {
    static constexpr int arrays = 1;
    template <class T, class... P>
    static auto precise(T x, P... p) {
        return Op::template derivative<T>(x, p...);
    }
    template <class T, class... P>
    static T apply(T x, P... p) {
        return rounded<T>(precise(x, p...));
    }
    template <class... P>
    static float fast(float x, P... p)
        requires requires { Op::in_float32::derivative(x, p...); }
    {
        return total(Op::in_float32::derivative(x, p...));
    }
    template <class... P>
    static bool covers(float x, P... p) {
        return Op::in_float32::covers(x, p...);
    }
};
template <class Op>
struct VjpOf {
    static constexpr int arrays = 2;
    template <class T, class... P>
    static auto precise(T g, T x, P... p) {
        return product(g, Op::template derivative<T>(x, p...));
    }
    template <class T, class... P>
    static T apply(T g, T x, P... p) {
        return rounded_product(g, Op::template derivative<T>(x, p...));
    }
    template <class... P>
    static float fast(float g, float x, P... p)
        requires requires { Op::in_float32::derivative(x, p...); }
    {
        return rounded_product(g, Op::in_float32::derivative(x, p...));
    }
    template <class... P>
    static bool covers(float, float x, P... p) {
        return Op::in_float32::covers(x, p...);
    }
};
template <class Op>
struct VjpFromOutputOf {
    static constexpr int arrays = 2;
    template <class T, class... P>
    static auto precise(T g, T y, P... p) {
        return product(g, Op::template derivative_from_output<T>(y, p...));
    }
    template <class T, class... P>
    static T apply(T g, T y, P... p) {
        return rounded_product(g, Op::template derivative_from_output<T>(y, p...));
    }
};

/// A form for results in float16: the float between two of which it does not matter which is
/// nearer, so that rounding it gives what rounding the precise result gives.
template <class Form>
struct ForHalf {
    static constexpr int arrays = Form::arrays;
    template <class... T>
    static float apply(T... operands) {
        return rounded_to_odd(Form::precise(operands...));
    }
};

/// A parameter: the same for all elements, or one for each.
template <class T, bool uniform>
struct Parameter {
    const T* values;
    explicit Parameter(const T* given) : values(given) {}
    T operator[](std::size_t i) const { return values[i]; }
    void advance(std::size_t n) { values += n; }
};
template <class T>
struct Parameter<T, true> {
    T first;
    explicit Parameter(const T* values) : first(*values) {}
    T operator[](std::size_t) const { return first; }
    void advance(std::size_t) {}
};

/// The operands of a form: one or two arrays and up to two parameters.
template <int arrays, int parameters, bool uniform, class T>
struct Operands {
    using P = Parameter<T, uniform>;
    const T* a;
    const T* b;
    P p, q;
    explicit Operands(const void* const* in)
        : a(input(in, 0)),
          b(input(in, arrays > 1 ? 1 : 0)),
          p(input(in, parameters > 0 ? arrays : 0)),
          q(input(in, parameters > 1 ? arrays + 1 : 0)) {}
    static const T* input(const void* const* in, int k) { return static_cast<const T*>(in[k]); }

    /// The same from element n on.
    Operands from(std::size_t n) const {
        Operands rest = *this;
        rest.a += n;
        rest.b += n;
        rest.p.advance(n);
        rest.q.advance(n);
        return rest;
    }
    /// f of the i-th element of each.
    template <class F>
    auto at(std::size_t i, F f) const {
        if constexpr (arrays == 1 && parameters == 0) {
            return f(a[i]);
        } else if constexpr (arrays == 1 && parameters == 1) {
            return f(a[i], p[i]);
        } else if constexpr (arrays == 1) {
            return f(a[i], p[i], q[i]);
        } else if constexpr (parameters == 0) {
            return f(a[i], b[i]);
        } else if constexpr (parameters == 1) {
            return f(a[i], b[i], p[i]);
        } else {
            return f(a[i], b[i], p[i], q[i]);
        }
    }
};

template <class Form, class Operands, class T>
void map(const Operands& operands, T* out, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = operands.at(i, [](auto... v) { return Form::apply(v...); });
    }
}

/// Whether the form has a fast formula for that many operands.
template <class Form, int operands>
inline constexpr bool has_fast = [] {
    if constexpr (operands == 1) {
        return requires(float v) { Form::fast(v); };
    } else if constexpr (operands == 2) {
        return requires(float v) { Form::fast(v, v); };
    } else if constexpr (operands == 3) {
        return requires(float v) { Form::fast(v, v, v); };
    } else {
        return requires(float v) { Form::fast(v, v, v, v); };
    }
}();

template <class Form>
struct Fast {
    static float apply(auto... v) { return Form::fast(v...); }
};
template <class Form>
struct FastOrNot {
    static float apply(auto... v) {
        const float general = Form::apply(v...);
        const float fast = Form::fast(v...);
        return Form::covers(v...) ? fast : general;
    }
};

/// The form in float32 where it has a fast formula. A block whose elements are all covered, which
/// is nearly every block, skips the general one; the select makes the bits the same.
template <class Form, class Operands>
void map_fast(const Operands& operands, float* out, std::size_t n) {
    constexpr std::size_t block = 1024;
    for (std::size_t start = 0; start < n; start += block) {
        const std::size_t m = n - start < block ? n - start : block;
        const Operands from = operands.from(start);
        std::uint32_t others = 0;
#pragma omp simd reduction(| : others)
        for (std::size_t i = 0; i < m; ++i) {
            others |= from.at(i, [](auto... v) { return Form::covers(v...) ? 0u : 1u; });
        }
        if (others == 0) {
            map<Fast<Form>>(from, out + start, m);
        } else {
            map<FastOrNot<Form>>(from, out + start, m);
        }
    }
}

/// One kernel for operands in T: in float32 by the fast formula, if Form has one.
template <class Form, int parameters, class T>
void map_operands(const void* const* in, T* out, std::size_t n, bool uniform) {
    const auto run = [&](const auto& operands) {
        if constexpr (dtype_of<T> == DType::float32 && has_fast<Form, Form::arrays + parameters>) {
            map_fast<Form>(operands, out, n);
        } else {
            map<Form>(operands, out, n);
        }
    };
    if (uniform || parameters == 0) {
        run(Operands<Form::arrays, parameters, true, T>(in));
    } else {
        run(Operands<Form::arrays, parameters, false, T>(in));
    }
}

/// The kernel of a form; what else needs it calls it, and is not a copy of it.
template <class Op, template <class> class FormOf, class T>
[[gnu::noinline]] void elementwise(const void* const* in, void* out, std::size_t n, bool uniform) {
    using Form = FormOf<Op>;
    constexpr int parameters = parameter_count<Op>;
    if constexpr (dtype_of<T> == DType::float16) {
        const auto wide = [&](const void* const* from, void* const* to, std::size_t m) {
            float* results = static_cast<float*>(to[0]);
            map_operands<ForHalf<Form>, parameters>(from, results, m, uniform);
        };
        through_float32<Form::arrays + parameters, 1>(in, &out, n, uniform ? parameters : 0, wide);
    } else {
        map_operands<Form, parameters>(in, static_cast<T*>(out), n, uniform);
    }
}

template <class T>
[[gnu::noinline]] void add_bias(void* z_, const void* bias_, std::size_t n) {
    T* z = static_cast<T*>(z_);
    const T* bias = static_cast<const T*>(bias_);
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) z[i] += bias[i];
}

}  // namespace ranvier::RANVIER_ISA
