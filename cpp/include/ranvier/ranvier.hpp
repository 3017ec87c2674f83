// ranvier for C++: the kernels on plain arrays, without Python.
//
//     const ranvier::Function gelu("gelu");
//     gelu.value(x.data(), y.data(), x.size());
//
// Arrays are contiguous; an output may be one of the inputs but not overlap one otherwise. Calls
// use the threads that num_threads() grants, and results do not depend on how many they are. The
// instruction set is chosen at the first call, or by the environment variable RANVIER_ISA.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace ranvier {

/// An activation of the registry.
class Function {
public:
    /// Throws std::out_of_range if there is no activation of that name.
    explicit Function(std::string_view name);

    /// The names of all activations.
    static std::vector<std::string_view> names();

    /// y[i] = f(x[i]). `parameters` are f's own, all or none of them: none is the defaults, and
    /// another number throws std::invalid_argument. T is float or double.
    template <class T>
    void value(const T* x, T* y, std::size_t n, std::span<const T> parameters = {}) const;

    /// y[i] = f'(x[i]).
    template <class T>
    void derivative(const T* x, T* y, std::size_t n, std::span<const T> parameters = {}) const;

    /// y[i] = g[i] f'(x[i]).
    template <class T>
    void vjp(const T* g, const T* x, T* y, std::size_t n, std::span<const T> parameters = {}) const;

private:
    int index_;
};

/// Softmax of each of `rows` rows of n elements, with the scores divided by `temperature`, which is
/// positive. T is float or double.
template <class T>
void softmax(const T* x, T* y, std::size_t rows, std::size_t n, double temperature = 1.0);

/// Its logarithm.
template <class T>
void log_softmax(const T* x, T* y, std::size_t rows, std::size_t n, double temperature = 1.0);

/// log sum exp of each row: `rows` results.
template <class T>
void logsumexp(const T* x, T* y, std::size_t rows, std::size_t n);

}  // namespace ranvier
