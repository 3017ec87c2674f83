// What the bindings of matrix products and of the layers made of them share.
#pragma once

#include <pybind11/pybind11.h>

#include "arrays.hpp"
#include "isa/kernels.hpp"

namespace ranvier::bindings {

/// An array of two axes as a matrix of its numbers.
template <class T>
Strided<T> strided(const FloatArray& array) {
    const auto item = static_cast<std::ptrdiff_t>(sizeof(T));
    return {reinterpret_cast<T*>(array.data()), array.stride(0) / item, array.stride(1) / item};
}

/// Runs it, and lets other Python threads run meanwhile if that is worth its time.
template <class Run>
void run_products(std::size_t products, Run run) {
    constexpr std::size_t worth_a_release = 16384;
    if (products < worth_a_release) {
        run();
    } else {
        const pybind11::gil_scoped_release release;
        run();
    }
}

}  // namespace ranvier::bindings
