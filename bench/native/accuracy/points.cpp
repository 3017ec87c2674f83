#include "points.hpp"

#include <bit>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>

namespace accuracy {
namespace {

double unit(std::uint64_t bits) {
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

constexpr double switches[] = {0.5, 1,     2,     3,    4,   6,    8,    12,    15,    16,
                               18,  20,    26.5,  27.3, 28,  36.7, 37,   38,    38.6,  39,
                               40,  50,    60,    64,   354, 373,  700,  708.4, 709.8, 720,
                               740, 744.5, 745.2, 750,  800, 1400, 1e154};
constexpr double intervals[] = {1, 1, 10, 10, 50, 50, 800};

}  // namespace

// Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014.
std::uint64_t random_bits(std::uint64_t n) {
    n = (n + 1) * 0x9e3779b97f4a7c15;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
    n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
    return n ^ (n >> 31);
}

Points::Points(std::uint64_t count, const double* parameters, std::size_t parameter_count,
               double zero)
    : count_(count), centres_(std::begin(switches), std::end(switches)) {
    if (!std::isnan(zero)) centres_.insert(centres_.end(), std::size(switches) / 4, zero);
    for (const double p : std::span(parameters, parameter_count)) {
        if (p == 0 || std::fabs(p) == 1) continue;
        centres_.push_back(p);
        centres_.push_back(std::sqrt(std::fabs(p)));
        for (const double s : switches) {
            centres_.push_back(s / p);
            centres_.push_back(s * p);
        }
    }
}

double Points::operator[](std::uint64_t index) const {
    const std::uint64_t group = index / 16, kind = index % 16;
    const std::uint64_t bits = random_bits(2 * index), more = random_bits(2 * index + 1);
    const double groups = static_cast<double>(count_ / 16 + 1);
    if (kind < 6) {
        const double stratum = static_cast<double>(6 * group + kind) + unit(bits);
        const double whole = std::min(stratum / (6 * groups), 0x1.fffffffffffffp-1) * 0x1p64;
        return std::bit_cast<double>(static_cast<std::uint64_t>(whole) ^ (more & 0x7ff));
    }
    const double sign = more & 1 ? -1 : 1;
    if (kind < 13) {
        return sign * intervals[kind - 6] * (static_cast<double>(group) + unit(bits)) / groups;
    }
    const double centre = centres_[bits % centres_.size()];
    const double distance = std::ldexp(unit(bits), -2 - static_cast<int>((more >> 2) % 52));
    return sign * centre * (more & 2 ? 1 - distance : 1 + distance);
}

}  // namespace accuracy
