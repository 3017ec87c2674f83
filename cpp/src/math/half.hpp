// Conversions between binary16 and float32 by arithmetic on the bits, so that they vectorise with
// every compiler and give every machine the same result.
#pragma once

#include "../isa/kernels.hpp"
#include "scalar.hpp"

namespace ranvier::RANVIER_ISA {

inline float widen(half h) {
    const std::uint32_t sign = static_cast<std::uint32_t>(h.bits & 0x8000u) << 16;
    const std::uint32_t size = static_cast<std::uint32_t>(h.bits & 0x7fffu) << 13;
    // Read as a float32, the exponent is 112 too small: subnormals come out right as well.
    const float scaled = bit_cast<float>(size) * 0x1p112f;
    const std::uint32_t finite = bit_cast<std::uint32_t>(scaled);
    const std::uint32_t bits = size >= 0x0f800000u ? (size | 0x7f800000u) : finite;
    return bit_cast<float>(bits | sign);
}

/// Rounded to nearest, ties to even.
inline half narrow(float x) {
    const std::uint32_t bits = bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = bits & 0x80000000u;
    const std::uint32_t size = bits ^ sign;
    // Subnormal results: adding 1/2 leaves the value in units of 2^-24 in the low bits, rounded.
    const std::uint32_t small = bit_cast<std::uint32_t>(bit_cast<float>(size) + 0.5f) - 0x3f000000u;
    const std::uint32_t odd = (size >> 13) & 1u;
    const std::uint32_t normal = (size - 0x38000000u + 0xfffu + odd) >> 13;
    const std::uint32_t huge = size > 0x7f800000u ? 0x7e00u : 0x7c00u;
    const std::uint32_t result = size < 0x38800000u ? small : (size < 0x47800000u ? normal : huge);
    return {static_cast<std::uint16_t>(result | (sign >> 16))};
}

// The loops of the two are functions of their own: inlined into every kernel of float16, they would
// be most of its code.
[[gnu::noinline]] inline void widen(const half* from, float* to, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) to[i] = widen(from[i]);
}

[[gnu::noinline]] inline void narrow(const float* from, half* to, std::size_t n) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) to[i] = narrow(from[i]);
}

/// Calls body(inputs, outputs, count), whose arrays are of floats, for float16 arrays of n
/// elements, a block at a time. The last `single` inputs are one value.
template <int inputs, int outputs, class Body>
void through_float32(const void* const* in, void* const* out, std::size_t n, int single,
                     Body body) {
    constexpr std::size_t block = 256;
    float wide[inputs][block];
    float results[outputs][block];
    const void* from[inputs];
    void* to[outputs];
    for (int k = 0; k < inputs; ++k) from[k] = wide[k];
    for (int k = 0; k < outputs; ++k) to[k] = results[k];
    for (std::size_t start = 0; start < n; start += block) {
        const std::size_t m = n - start < block ? n - start : block;
        for (int k = 0; k < inputs; ++k) {
            const bool one = k >= inputs - single;
            const half* halves = static_cast<const half*>(in[k]);
            widen(halves + (one ? 0 : start), wide[k], one ? 1 : m);
        }
        body(from, to, m);
        for (int k = 0; k < outputs; ++k) {
            narrow(results[k], static_cast<half*>(out[k]) + start, m);
        }
    }
}

}  // namespace ranvier::RANVIER_ISA
