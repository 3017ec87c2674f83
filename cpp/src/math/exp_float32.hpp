// The exponential in float32 arithmetic, on twice the lanes of double: a sum of two floats carries
// what rounding loses, so that what is made of it is rounded once, more or less.
#pragma once

#include "sum.hpp"

namespace ranvier::RANVIER_ISA {

/// e^x = scale (1 + excess) with a power of 2 and |excess| <= sqrt(2) - 1.
struct FloatExponential {
    float scale;
    Sum<float> excess;

    /// e^x a, within 2^-26 of it before the last rounding.
    Sum<float> times(Sum<float> a) const {
        const float step = fma(a.high, excess.high, fma(a.high, excess.low, a.low));
        return {scale * a.high, scale * fma(a.low, excess.high, step)};
    }
    Sum<float> value() const { return {scale, fma(scale, excess.high, scale * excess.low)}; }
    /// base + e^x, where base + scale is given.
    Sum<float> plus(Sum<float> base_and_scale) const {
        const float high = fma(scale, excess.high, base_and_scale.high);
        const float low = fma(scale, excess.high, base_and_scale.high - high);
        return {high, low + fma(scale, excess.low, base_and_scale.low)};
    }
    /// 1 + e^x for x <= 0 and, where 1 is the smaller part, for x >= 0.
    Sum<float> plus_one() const {
        const float high = 1.0f + scale;
        return plus({high, 1.0f - (high - scale)});
    }
    /// e^x - 1 for x <= 16.
    Sum<float> minus_one() const {
        const float high = scale - 1.0f;
        return plus({high, scale - (high + 1.0f)});
    }
};

/// What rounds to an integer when it is added and adds the exponent's bias on the way.
inline constexpr float rounding_shift = 0x1.8p23f + 127.0f;
inline constexpr float per_ln2_float32 = 0x1.715476p+0f;

/// x = n ln 2 + r: 2^n and the part of r that is exact. For -87 <= x <= 88. With a shift that is
/// less by an integer k, 2^(n - k), which must be normal.
struct ReducedFloat {
    float n, scale, r_high;
};
inline ReducedFloat reduced_float32(float x, float shift = rounding_shift) {
    constexpr float ln2_16_bits = 0x1.62e4p-1f;  // n times it is exact
    const float shifted = fma(x, per_ln2_float32, shift);
    const float n = shifted - shift;
    const float scale = bit_cast<float>(bit_cast<std::uint32_t>(shifted) << 23);
    return {n, scale, fma(-n, ln2_16_bits, x)};
}
inline constexpr float ln2_rest_float32 = 0x1.7f7d1cp-20f;
inline constexpr float exp_rest_in_float32[] = {0x1p-1f,       0x1.555556p-3f,  0x1.5554eap-5f,
                                                0x1.1110ep-7f, 0x1.6d4324p-10f, 0x1.a124f2p-13f};

/// e^x for -87 <= x <= 88, within 2^-26: r is rounded once.
inline FloatExponential exponential_float32(float x) {
    const ReducedFloat x_ = reduced_float32(x);
    const float r = fma(-x_.n, ln2_rest_float32, x_.r_high);
    const float series = r * r * polynomial(exp_rest_in_float32, r);
    const float excess = r + series;
    return {x_.scale, {excess, series - (excess - r)}};
}
/// e^(x + x_low), where x_low is small beside x, within 2^-28: what r and its square lose is
/// carried.
inline FloatExponential exponential_float32(float x, float x_low) {
    const ReducedFloat x_ = reduced_float32(x);
    const float rest = fma(-x_.n, ln2_rest_float32, x_low);
    const float r = x_.r_high + rest;
    const float r_low = (x_.r_high - r) + rest;
    const float square = r * r;
    const float square_low = exact_fma(r, r, -square);
    const float rest_of_square = fma(0.5f, square_low, r_low);
    const float cubic = polynomial<float, 6, 1>(exp_rest_in_float32, r);
    const float series = fma(0.5f, square, fma(square * r, cubic, rest_of_square));
    const float excess = r + series;
    return {x_.scale, {excess, series - (excess - r)}};
}

/// The shift for which `exponential_near_top` gives e^top between 2^-1/2 and 2^1/2, for |top|
/// <= 87.
inline float shift_for_top(float top) {
    const float n = fma(top, per_ln2_float32, rounding_shift) - rounding_shift;
    return rounding_shift - n;
}
/// e^x 2^-k, rounded, and what rounding it has lost, within 2^-26 together. k is the integer that
/// the shift for the largest of a row comes to: the x of the row are not subtracted from one
/// another, and nothing of them is lost.
inline Sum<float> exponential_near_top(float x, float shift) {
    const ReducedFloat x_ = reduced_float32(x, shift);
    const float r = fma(-x_.n, ln2_rest_float32, x_.r_high);
    const float excess = fma(r * r, polynomial(exp_rest_in_float32, r), r);
    const float high = fma(x_.scale, excess, x_.scale);
    return {high, fma(x_.scale, excess, x_.scale - high)};
}

}  // namespace ranvier::RANVIER_ISA
