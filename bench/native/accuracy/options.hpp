// The command line of ranvier_accuracy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace accuracy {

inline constexpr char usage[] =
    "ranvier_accuracy [OPTION ...] [NAME ...]\n"
    "\n"
    "The largest error in ulp of activations (all, or those named) and of their derivatives.\n"
    "Exits with 1 if one is above the bound of the registry.\n"
    "\n"
    "  --every K           float32: every K-th of all 2^32 inputs; 1 by default\n"
    "  --float64 COUNT     float64 instead, at COUNT points (100000000 is a good number)\n"
    "  --float16           float16 instead, all inputs\n"
    "  --parameters P,...  instead of the defaults (0.25 where there is none)\n"
    "  --output FILE       append records as lines of JSON; what the file has is not repeated\n"
    "  --judge NAME FORM   instead of the library's, float32 results from standard input for the\n"
    "                      inputs of --every K, where FORM is value or derivative\n"
    "  --who WHO           in the records of --judge: whose results they are\n"
    "  --compare-isa       instead of errors, the bits of the chosen instruction set beside those "
    "of\n"
    "                      every other that the machine has; exits with 1 if two that have a "
    "fused\n"
    "                      multiply-add differ\n"
    "  --check-reference   instead of a library, the reference beside one of more digits\n";

struct Options {
    std::uint64_t every = 1;
    std::uint64_t float64_points = 0;
    bool float16 = false;
    bool check_reference = false, compare_isa = false;
    std::vector<double> parameters;
    std::string output, judged, form, who = "standard input";
    std::vector<std::string> names;
};

/// Throws std::invalid_argument that names the argument, its value and what was expected.
Options parse(int argc, const char* const* argv);

}  // namespace accuracy
