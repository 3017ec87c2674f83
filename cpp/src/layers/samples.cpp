#include "samples.hpp"

#include <cstring>
#include <iterator>
#include <type_traits>

namespace ranvier {
namespace {

template <class From, class T>
void convert(const char* from_, std::size_t n, T* to) {
    if constexpr (std::is_same_v<From, T>) {
        std::memcpy(to, from_, n * sizeof(T));
        return;
    }
    const From* from = reinterpret_cast<const From*>(from_);
    for (std::size_t k = 0; k < n; ++k) to[k] = static_cast<T>(from[k]);
}

}  // namespace

template <class T>
void take_row(const Samples& samples, std::int64_t i, T* to) {
    static constexpr void (*converts[])(const char*, std::size_t, T*) = {
        convert<std::uint8_t, T>,  convert<std::int8_t, T>,   convert<std::uint8_t, T>,
        convert<std::int16_t, T>,  convert<std::uint16_t, T>, convert<std::int32_t, T>,
        convert<std::uint32_t, T>, convert<std::int64_t, T>,  convert<std::uint64_t, T>,
        convert<float, T>,         convert<double, T>,
    };
    static_assert(std::size(converts) == static_cast<std::size_t>(Number::count));
    converts[static_cast<int>(samples.number)](samples.row(i), samples.columns, to);
}

template void take_row(const Samples&, std::int64_t, float*);
template void take_row(const Samples&, std::int64_t, double*);
template void take_row(const Samples&, std::int64_t, std::int64_t*);

}  // namespace ranvier
