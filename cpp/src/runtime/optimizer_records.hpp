// The rows of optimizers.def as data: what Python, the documentation and the handles read.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "../isa/kernels.hpp"

namespace ranvier {

/// low <= value < high, or <= high if it is closed.
struct OptionRange {
    double low, high;
    bool closed;
};

/// A member of the struct of a rule's options, whatever its type.
struct OptionField {
    double (*get)(const void* options);
    void (*set)(void* options, double value);
};

enum class OptionKind { number, flag, pair };

struct OptionRecord {
    const char* name;
    OptionKind kind;
    std::vector<double> defaults;     // two of a pair, else one
    std::vector<OptionField> fields;  // as many; none of an option that is read at the start only
    OptionRange range;
};

/// A number that is given, or that of an option.
struct StartRecord {
    double value;
    const char* option;  // null if it is `value`
};

using Shape = std::vector<std::size_t>;

struct StateRecord {
    const char* name;
    const char* option;  // that it is needed with; null if always
    bool (*needed)(const void* options);
    StartRecord start;
    Shape (*shape)(const Shape& of_parameter);
};

struct CarriedRecord {
    const char* name;
    OptionField field;
    StartRecord start;
};

struct OptimizerRecord {
    const char* name;
    const char* class_name;
    bool counts_steps;  // in state dicts; if not, the first step is the one that makes the states
    std::vector<OptionRecord> options;
    std::vector<StateRecord> states;  // in the order of the arrays that kernels take
    std::vector<CarriedRecord> carried;
    const char* formula;
    const char* weight_decay;
    const char* reference;
};

/// In the order of enum Optimizer.
std::span<const OptimizerRecord> optimizers();

/// Throws std::invalid_argument if no rule has the name.
Optimizer optimizer_named(const std::string& name);

}  // namespace ranvier
