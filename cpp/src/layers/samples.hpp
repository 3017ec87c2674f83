// Samples in memory, of whatever numbers, as rows of the numbers that a model computes in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier {

enum class Number : int {
    boolean,
    int8,
    uint8,
    int16,
    uint16,
    int32,
    uint32,
    int64,
    uint64,
    float32,
    float64,
    count
};

template <class T>
inline constexpr Number number_of = sizeof(T) == sizeof(float) ? Number::float32 : Number::float64;

/// Rows of `columns` numbers each, one behind the other.
struct Samples {
    const char* data;
    Number number;
    std::size_t columns;
    std::size_t row_bytes;  // from one row to the next

    const char* row(std::int64_t i) const { return data + static_cast<std::size_t>(i) * row_bytes; }
};

/// Row i converted to `columns` numbers of type T, float, double or int64, as C++ converts them.
template <class T>
void take_row(const Samples& samples, std::int64_t i, T* to);

}  // namespace ranvier
