// What every activation is: textbook formulas that share no code with the library, in arithmetics
// of more digits than the result has.
#pragma once

#include <cstddef>

#include "arithmetic.hpp"
#include "isa/kernels.hpp"

namespace accuracy {

/// y[i] = f(x[i]) for n arguments; one value for each parameter.
template <class Exact>
using Evaluate = void (*)(const double* x, const double* parameters, Exact* y, std::size_t n);

/// Of one form: value or derivative.
struct Reference {
    Evaluate<double> in_double;
    Evaluate<long double> in_extended;
    Evaluate<Quad> in_quad;
    /// Where the form crosses 0 by cancellation and needs more digits; NaN where nowhere.
    double (*zero)(const double* parameters);
};

const Reference& reference(ranvier::Activation activation, ranvier::Form form);

}  // namespace accuracy
