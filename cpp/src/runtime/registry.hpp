// The rows of the .def files as data: what Python, the documentation and the benchmarks read.
#pragma once

#include <span>

#include "../isa/kernels.hpp"

namespace ranvier {

struct ParameterRecord {
    const char* name;
    double default_value;  // NaN where the caller has to give it
    const char* meaning;   // also at 0 and below
};

struct ActivationRecord {
    const char* name;
    const char* module;
    std::span<const ParameterRecord> parameters;
    bool heavy;
    double limits[3];  // at -inf, 0, +inf
    double slopes[3];
    double bounds[4];  // ulp: value and derivative in float32, then in float64
    const char* formula;
    const char* derivative;
    const char* reference;
};

/// In the order of enum Activation.
std::span<const ActivationRecord> activations();

struct GateRecord {
    const char* name;
    const char* module;
    const char* activation;
    bool heavy;
    double bounds[4];  // ulp: value and gradient in float32, then in float64
    const char* formula;
    const char* reference;
};

/// In the order of enum Gate.
std::span<const GateRecord> gates();

}  // namespace ranvier
