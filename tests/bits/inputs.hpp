// Inputs that are the same on every machine: integers and their bits, no library function.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "isa/kernels.hpp"

namespace bits {

/// SplitMix64 (Steele, Lea and Flood, 2014).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

private:
    std::uint64_t state_;
};

/// n numbers between -limit and limit.
template <class T>
std::vector<T> numbers(std::size_t n, double limit = 4.0, std::uint64_t seed = 1) {
    Random random(seed);
    std::vector<T> result(n);
    for (T& x : result) {
        const auto k = static_cast<std::int64_t>(random.next() >> 40) - (1 << 23);
        x = static_cast<T>(static_cast<double>(k) * limit * 0x1p-23);
    }
    return result;
}

/// n numbers between 0 and 1, both excluded.
template <class T>
std::vector<T> shares(std::size_t n, std::uint64_t seed = 1) {
    std::vector<T> result = numbers<T>(n, 0.4375, seed);
    for (T& x : result) x += T(0.5);
    return result;
}

inline std::vector<std::int64_t> labels(std::size_t n, std::size_t classes) {
    Random random(3);
    std::vector<std::int64_t> result(n);
    for (auto& label : result) label = static_cast<std::int64_t>(random.next() % classes);
    return result;
}

/// Every exponent, both signs, subnormals, infinities and NaN; and the ranges in which formulas
/// change.
template <class T>
std::vector<T> points() {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    Random random(2);
    std::vector<T> result(6007);
    for (T& x : result) x = std::bit_cast<T>(static_cast<Bits>(random.next()));
    for (const double limit : {1.5, 20.0, 110.0, 800.0}) {
        const std::vector<T> more = numbers<T>(4001, limit, static_cast<std::uint64_t>(limit));
        result.insert(result.end(), more.begin(), more.end());
    }
    for (const double special : {0.0, __builtin_inf(), __builtin_nan("")}) {
        result.push_back(static_cast<T>(special));
        result.push_back(-static_cast<T>(special));
    }
    return result;
}
template <>
inline std::vector<ranvier::half> points() {
    std::vector<ranvier::half> result(65536);
    for (std::size_t i = 0; i < result.size(); ++i) result[i].bits = static_cast<std::uint16_t>(i);
    return result;
}
template <>
inline std::vector<ranvier::half> numbers(std::size_t n, double, std::uint64_t seed) {
    Random random(seed);
    std::vector<ranvier::half> result(n);
    // Exponents of 2^-7 to 1 with any sign and fraction.
    for (auto& x : result) {
        const std::uint64_t r = random.next();
        x.bits = static_cast<std::uint16_t>((r & 0x83ff) | ((8 + (r >> 16) % 8) << 10));
    }
    return result;
}

}  // namespace bits
