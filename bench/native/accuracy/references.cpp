#include "references.hpp"

#include <algorithm>

#include "references/logistic.hpp"
#include "references/rational.hpp"

namespace accuracy {
namespace {

template <class Real>
inline constexpr std::size_t width = sizeof(Real) / sizeof(double);
template <>
inline constexpr std::size_t width<long double> = 1;
#ifdef RANVIER_QUADMATH
template <>
inline constexpr std::size_t width<Quad> = 1;
#endif

template <class Real>
Real load(const double* x) {
    if constexpr (width<Real> == 1) {
        return Real(*x);
    } else {
        Real result = 0.0;
        std::copy_n(x, width<Real>, reinterpret_cast<double*>(&result));
        return result;
    }
}
template <class Real, class Exact>
void store(Real value, Exact* y) {
    if constexpr (width<Real> == 1) {
        *y = value;
    } else {
        std::copy_n(reinterpret_cast<const double*>(&value), width<Real>, y);
    }
}

template <class Formula>
struct ValueOf {
    template <class... Reals>
    static auto apply(Reals... operands)
        requires requires { Formula::value(operands...); }
    {
        return Formula::value(operands...);
    }
    static double zero(const double*) { return NAN; }
};
template <class Formula>
struct DerivativeOf {
    template <class... Reals>
    static auto apply(Reals... operands)
        requires requires { Formula::derivative(operands...); }
    {
        return Formula::derivative(operands...);
    }
    static double zero(const double* p) {
        if constexpr (requires { Formula::zero(*p); }) {
            return Formula::zero(*p);
        } else {
            return Formula::zero();
        }
    }
};

template <class Form, class Real>
Real at(const double* x, Real p, Real q) {
    const Real argument = load<Real>(x);
    if constexpr (requires { Form::apply(argument); }) {
        return Form::apply(argument);
    } else if constexpr (requires { Form::apply(argument, p); }) {
        return Form::apply(argument, p);
    } else {
        return Form::apply(argument, p, q);
    }
}

template <class Form, class Real, class Exact>
void evaluate(const double* x, const double* parameters, Exact* y, std::size_t n) {
    const Real p = Real(parameters[0]), q = Real(parameters[1]);
    constexpr std::size_t w = width<Real>;
    std::size_t i = 0;
    for (; i + w <= n; i += w) store(at<Form>(x + i, p, q), y + i);
    if constexpr (w > 1) {
        if (i < n) {
            double rest[w] = {};
            std::copy_n(x + i, n - i, rest);
            store(at<Form>(rest, p, q), rest);
            std::copy_n(rest, n - i, y + i);
        }
    }
}

template <class Form>
constexpr Reference reference_of() {
    return {evaluate<Form, Vector, double>, evaluate<Form, long double, long double>,
            evaluate<Form, Quad, Quad>, Form::zero};
}

}  // namespace

const Reference& reference(ranvier::Activation activation, ranvier::Form form) {
    // A row without formulas of its name does not compile.
    static constexpr Reference references[][2] = {
#define RV_ACTIVATION(name, ...) \
    {reference_of<ValueOf<formulas::name>>(), reference_of<DerivativeOf<formulas::name>>()},
#include "ops/activations.def"
#undef RV_ACTIVATION
    };
    return references[static_cast<int>(activation)][form == ranvier::Form::value ? 0 : 1];
}

}  // namespace accuracy
