// The rows of the losses as data: what handles, Python and the documentation read.
#pragma once

#include <span>
#include <string>

#include "../isa/kernels.hpp"

namespace ranvier {

/// The meaning of the numbers of an operand.
enum class OperandKind : int {
    numbers,
    scores,         // the larger, the likelier; not on any scale
    logits,         // scores whose softmax or logistic function is a probability
    probabilities,  // from 0 to 1, which is checked
    logarithms,     // of probabilities
    rates,          // expected counts
    log_rates,
    shares,      // from 0 to 1
    indicators,  // 1 or 0
    signs,       // 1 or -1
    counts,
    variances,  // not negative, which is checked
    weights,
    costs,
    distances,
    vectors,
    count
};
const char* name_of(OperandKind kind);

struct OperandRecord {
    const char* name;
    OperandKind kind;
    bool graded;
};

/// The numbers that a parameter may be.
struct Range {
    const char* text;  // in an error, behind "expected"
    bool (*holds)(double);
};

struct LossParameterRecord {
    const char* name;
    double default_value;  // NaN for none, where the range has none
    Range range;
};

/// The labels that a sample has beside its operands.
enum class Labels : int { no_labels, one_class, class_list, sign, ignorable_class };

enum class LossFamily : int { elementwise, of_rows, of_classes };

struct LossRecord {
    const char* name;
    LossFamily family;
    int index;  // in the enumeration of its family
    std::span<const OperandRecord> operands;
    Labels labels;
    std::span<const LossParameterRecord> parameters;
    const char* formula;
    const char* kink;
    const char* reference;

    int gradients() const;
};

inline constexpr std::size_t most_loss_operands = 3, most_loss_parameters = 4;

std::span<const LossRecord> losses();

/// Throws std::invalid_argument for an unknown name.
const LossRecord& loss_record(const std::string& name);

}  // namespace ranvier
