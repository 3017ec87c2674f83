// Arguments for float64, of which no sweep takes all.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/registry.hpp"

namespace accuracy {

/// 64 random bits from a number.
std::uint64_t random_bits(std::uint64_t n);

/// `count` arguments that the index alone determines. Of every 16, 6 are stratified over all bit
/// patterns; 7 are uniform in [-1, 1], [-10, 10], [-50, 50] and [-800, 800]; 3 stand at a distance
/// between 1/4 and 2^-53 of a centre: where formulas switch, results over- or underflow, or a
/// derivative is 0.
class Points {
public:
    Points(std::uint64_t count, const double* parameters, std::size_t parameter_count, double zero);
    double operator[](std::uint64_t index) const;

private:
    std::uint64_t count_;
    std::vector<double> centres_;
};

}  // namespace accuracy
