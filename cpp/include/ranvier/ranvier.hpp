// ranvier for C++: the kernels on plain arrays, without Python.
//
//     const ranvier::Function gelu("gelu");
//     gelu.value(x.data(), y.data(), x.size());
//
// Arrays are contiguous; an output may be one of the inputs but not overlap one otherwise, and any
// array may be empty. T is float or double. All functions may be called from several threads at
// once, leave the floating-point exception flags as they find them, and give the same bits for
// every length, position and number of threads; see runtime.hpp for threads and instruction sets,
// losses.hpp and optimizers.hpp for training.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace ranvier {

/// An activation: docs/activations.md has their formulas, parameters, special values and the bounds
/// of their errors, which are below 1 ulp in float32. NaN gives NaN, an infinity the limit.
class Function {
public:
    /// "gelu", "leaky_relu", ...: throws std::out_of_range if there is no activation of that name.
    explicit Function(std::string_view name);

    /// The names of all activations.
    static std::vector<std::string_view> names();

    /// y[i] = f(x[i]) of n elements. `parameters` are f's own, all or none of them: none is the
    /// defaults, and another number throws std::invalid_argument, as does none where there is no
    /// default (prelu, threshold).
    template <class T>
    void value(const T* x, T* y, std::size_t n, std::span<const T> parameters = {}) const;

    /// y[i] = f'(x[i]); at a kink, torch's. Parameters as for the value.
    template <class T>
    void derivative(const T* x, T* y, std::size_t n, std::span<const T> parameters = {}) const;

    /// y[i] = g[i] f'(x[i]), the gradient with respect to x if g is that with respect to f(x).
    template <class T>
    void vjp(const T* g, const T* x, T* y, std::size_t n, std::span<const T> parameters = {}) const;

private:
    int index_;
};

/// Softmax of each of `rows` rows of n elements, with the scores divided by `temperature`: throws
/// std::invalid_argument unless that is positive and finite. One +inf in a row has probability 1;
/// an error is below 1.6 ulp in float32, 3.7 ulp in float64.
template <class T>
void softmax(const T* x, T* y, std::size_t rows, std::size_t n, double temperature = 1.0);

/// Its logarithm, which keeps its digits where the probability is nearly 1.
template <class T>
void log_softmax(const T* x, T* y, std::size_t rows, std::size_t n, double temperature = 1.0);

/// log sum exp of each row: `rows` results. That of an empty row is -inf.
template <class T>
void logsumexp(const T* x, T* y, std::size_t rows, std::size_t n);

/// The gradient with respect to x, from that with respect to the result and from the result y of
/// softmax or log_softmax at the same temperature. `out` may be g or y.
template <class T>
void softmax_vjp(const T* g, const T* y, T* out, std::size_t rows, std::size_t n,
                 double temperature = 1.0);
template <class T>
void log_softmax_vjp(const T* g, const T* y, T* out, std::size_t rows, std::size_t n,
                     double temperature = 1.0);

}  // namespace ranvier
