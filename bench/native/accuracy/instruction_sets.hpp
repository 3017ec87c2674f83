// Two instruction sets beside each other, bit for bit.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>

#include "isa/kernels.hpp"

namespace accuracy {

/// What a comparison finds. Two NaNs are equal.
struct Differences {
    std::uint64_t results = 0;  // that differ in any bit
    std::uint64_t apart = 0;    // the most steps from number to number between two of them
    double at = NAN;            // the argument there
    /// Of the first one's results: two machines, or two versions, that have the same digest for the
    /// same arguments have the same bits.
    std::uint64_t digest = 0;

    void add(const Differences& other);
};

/// Writes the n arguments of which the first has that index.
template <class T>
using Arguments = std::function<void(T* x, std::size_t n, std::uint64_t first)>;

/// Whether the activation has such a form.
template <class T>
bool has_form(const ranvier::KernelTable& table, ranvier::Activation activation,
              ranvier::Form form);

/// Over `count` arguments, with the parameters that `parameters` points to. What multiplies a
/// derivative is spread over both signs; what a form takes as the output is the value.
template <class T>
Differences compare(const ranvier::KernelTable& one, const ranvier::KernelTable& other,
                    ranvier::Activation activation, ranvier::Form form, const T* parameters,
                    const Arguments<T>& arguments, std::uint64_t count);

}  // namespace accuracy
