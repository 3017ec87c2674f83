// Elements that do not lie side by side, copied to where they do and back.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>

namespace ranvier {

/// With a stride of a few elements that the compiler knows, it loads vectors.
template <std::size_t size, std::size_t step>
void gather_every(char* to, const char* from, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) std::memcpy(to + i * size, from + i * step * size, size);
}

template <std::size_t size>
void gather_items(char* to, const char* from, std::ptrdiff_t stride, std::size_t n) {
    if (stride == 2 * size) return gather_every<size, 2>(to, from, n);
    if (stride == 4 * size) return gather_every<size, 4>(to, from, n);
    for (std::size_t i = 0; i < n; ++i) {
        std::memcpy(to + i * size, from + static_cast<std::ptrdiff_t>(i) * stride, size);
    }
}

template <std::size_t size>
void scatter_items(char* to, std::ptrdiff_t stride, const char* from, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        std::memcpy(to + static_cast<std::ptrdiff_t>(i) * stride, from + i * size, size);
    }
}

inline void gather(char* to, const char* from, std::ptrdiff_t stride, std::size_t size,
                   std::size_t n) {
    (size == 2   ? gather_items<2>
     : size == 4 ? gather_items<4>
                 : gather_items<8>)(to, from, stride, n);
}

inline void scatter(char* to, std::ptrdiff_t stride, const char* from, std::size_t size,
                    std::size_t n) {
    (size == 2   ? scatter_items<2>
     : size == 4 ? scatter_items<4>
                 : scatter_items<8>)(to, stride, from, n);
}

/// n elements that lie a stride apart as contiguous memory: where they are, or a copy.
template <class T>
class Line {
public:
    Line(std::ptrdiff_t stride, std::size_t n)
        : stride_(stride), n_(n), direct_(stride == sizeof(T) || n <= 1) {}

    /// Those that begin at `start`; null for null.
    T* read(char* start) {
        if (direct_ || start == nullptr) return reinterpret_cast<T*>(start);
        gather(reinterpret_cast<char*>(copy()), start, stride_, sizeof(T), n_);
        return copy();
    }
    /// Where to write them; `write_back` takes them to their places.
    T* target(char* start) {
        return direct_ || start == nullptr ? reinterpret_cast<T*>(start) : copy();
    }
    void write_back(char* start) const {
        if (direct_ || start == nullptr) return;
        scatter(start, stride_, reinterpret_cast<const char*>(copy_.get()), sizeof(T), n_);
    }

private:
    T* copy() {
        if (!copy_) copy_ = std::make_unique_for_overwrite<T[]>(n_);
        return copy_.get();
    }

    std::ptrdiff_t stride_;
    std::size_t n_;
    bool direct_;
    std::unique_ptr<T[]> copy_;  // made when it is first needed
};

}  // namespace ranvier
