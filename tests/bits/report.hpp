// A line for each result: its name, and a hash of its bits.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "isa/kernels.hpp"

namespace bits {

template <class T>
inline constexpr const char* suffix = "float64";
template <>
inline constexpr const char* suffix<float> = "float32";
template <>
inline constexpr const char* suffix<ranvier::half> = "float16";

/// The bits of a number; which NaN it is no standard says, and processors differ.
template <class T>
std::uint64_t bits_of(T x) {
    if constexpr (std::is_same_v<T, ranvier::half>) {
        return (x.bits & 0x7fff) > 0x7c00 ? 0x7e00 : x.bits;
    } else {
        using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
        return x != x ? ~std::uint64_t{0} : std::bit_cast<Bits>(x);
    }
}

/// FNV-1a, over words.
template <class T>
void report(const std::string& name, std::span<const T> result) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const T& x : result) {
        hash = (hash ^ bits_of(x)) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    std::printf("%s/%s %016llx\n", name.c_str(), suffix<T>, static_cast<unsigned long long>(hash));
}
template <class T>
void report(const std::string& name, const std::vector<T>& result) {
    report(name, std::span<const T>(result));
}

}  // namespace bits
