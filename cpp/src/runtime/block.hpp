// A block of an array's elements in C order, contiguous: where they are, or copied.
#pragma once

#include <algorithm>

#include "array.hpp"
#include "strided.hpp"

namespace ranvier {

/// Values, slopes and copies of so many elements stay in the first cache.
inline constexpr std::size_t block_elements = 512;

template <class T>
class Block {
public:
    explicit Block(const Array& array) : array_(array) {}

    /// The n elements from `start` on; null where there is no array.
    const T* read(std::size_t start, std::size_t n) {
        if (!array_) return nullptr;
        if (array_.contiguous) return direct(start);
        for_each_run(start, n, [](char* theirs, T* mine, std::ptrdiff_t stride, std::size_t m) {
            gather(reinterpret_cast<char*>(mine), theirs, stride, sizeof(T), m);
        });
        return copy_;
    }
    /// Where to write them; `write_back` takes them to their places.
    T* target(std::size_t start) { return array_.contiguous ? direct(start) : copy_; }
    void write_back(std::size_t start, std::size_t n) {
        if (array_.contiguous) return;
        for_each_run(start, n, [](char* theirs, T* mine, std::ptrdiff_t stride, std::size_t m) {
            scatter(theirs, stride, reinterpret_cast<const char*>(mine), sizeof(T), m);
        });
    }

private:
    T* direct(std::size_t start) const { return reinterpret_cast<T*>(array_.data) + start; }

    /// Calls visit for each piece of the last axis.
    template <class Visit>
    void for_each_run(std::size_t start, std::size_t n, Visit visit) {
        const int last = array_.ndim - 1;
        const std::size_t length = last < 0 ? 1 : array_.extent(last);
        const std::ptrdiff_t stride = last < 0 ? 0 : array_.strides[last];
        for (std::size_t done = 0; done < n;) {
            std::size_t rest = (start + done) / length;
            const std::size_t column = (start + done) % length;
            char* row = array_.data + static_cast<std::ptrdiff_t>(column) * stride;
            for (int axis = last; axis-- > 0;) {
                row +=
                    static_cast<std::ptrdiff_t>(rest % array_.extent(axis)) * array_.strides[axis];
                rest /= array_.extent(axis);
            }
            const std::size_t m = std::min(n - done, length - column);
            visit(row, copy_ + done, stride, m);
            done += m;
        }
    }

    Array array_;
    alignas(64) T copy_[block_elements];
};

}  // namespace ranvier
