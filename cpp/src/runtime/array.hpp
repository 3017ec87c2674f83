// An array as the runtime is given it: memory, shape and strides, of nobody's making.
#pragma once

#include <cstddef>

namespace ranvier {

/// An array of any byte strides. What its elements are, whoever takes it knows.
struct Array {
    char* data = nullptr;  // null where there is no array
    int ndim = 0;
    const std::ptrdiff_t* shape = nullptr;
    const std::ptrdiff_t* strides = nullptr;
    bool contiguous = false;  // in C order, then the strides may be null

    explicit operator bool() const { return data != nullptr; }
    std::size_t extent(int axis) const { return static_cast<std::size_t>(shape[axis]); }
    std::size_t size() const {
        std::size_t product = 1;
        for (int axis = 0; axis < ndim; ++axis) product *= extent(axis);
        return product;
    }
    /// The length of the first axis, along which the samples lie; 1 if there is no axis.
    std::size_t samples() const { return ndim > 0 ? extent(0) : 1; }
};

}  // namespace ranvier
