#include "loss_registry.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

namespace ranvier {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

constexpr Range any_number{"a number", [](double) { return true; }};
constexpr Range positive{"a positive number", [](double x) { return x > 0; }};
constexpr Range positive_finite{"a positive, finite number",
                                [](double x) { return x > 0 && x < infinite; }};
constexpr Range non_negative{"a non-negative number", [](double x) { return x >= 0; }};
constexpr Range non_negative_finite{"a non-negative, finite number",
                                    [](double x) { return x >= 0 && x < infinite; }};
constexpr Range share{"a number from 0 to 1", [](double x) { return x >= 0 && x <= 1; }};
constexpr Range share_or_none{"a number from 0 to 1, or None",
                              [](double x) { return x != x || (x >= 0 && x <= 1); }};
constexpr Range one_or_two{"1 or 2", [](double x) { return x == 1 || x == 2; }};
constexpr Range truth{"True or False", [](double x) { return x == 0 || x == 1; }};

using Operands = std::vector<OperandRecord>;
using Parameters = std::vector<LossParameterRecord>;

struct Row {
    const char* name;
    LossFamily family;
    int index;
    Operands operands;
    Labels labels;
    Parameters parameters;
    const char *formula, *kink, *reference;
};

const std::vector<Row>& rows() {
#define OPERANDS(...) Operands{__VA_ARGS__}
#define GRADED(name, kind) {#name, OperandKind::kind, true},
#define GIVEN(name, kind) {#name, OperandKind::kind, false},
#define PARAMETERS(...) Parameters{__VA_ARGS__}
#define PARAMETER(name, default_value, range) {#name, default_value, range},
#define RV_LOSS(name, operands, parameters, ...)                        \
    {#name,      LossFamily::elementwise, static_cast<int>(Loss::name), \
     operands,   Labels::no_labels,       parameters,                   \
     __VA_ARGS__},
#define RV_ROW_LOSS(name, operands, labels, parameters, ...)                                     \
    {#name,      LossFamily::of_rows, static_cast<int>(RowLoss::name), operands, Labels::labels, \
     parameters, __VA_ARGS__},
#define RV_CLASS_LOSS(name, operands, parameters, ...)                       \
    {#name,      LossFamily::of_classes,  static_cast<int>(ClassLoss::name), \
     operands,   Labels::ignorable_class, parameters,                        \
     __VA_ARGS__},
    static const std::vector<Row> result = {
#include "../ops/class_losses.def"
#include "../ops/losses.def"
#include "../ops/row_losses.def"
    };
#undef RV_CLASS_LOSS
#undef RV_ROW_LOSS
#undef RV_LOSS
#undef PARAMETER
#undef PARAMETERS
#undef GIVEN
#undef GRADED
#undef OPERANDS
    return result;
}

}  // namespace

const char* name_of(OperandKind kind) {
    static constexpr const char* names[] = {"numbers",    "scores", "logits",    "probabilities",
                                            "logarithms", "rates",  "log_rates", "shares",
                                            "indicators", "signs",  "counts",    "variances",
                                            "weights",    "costs",  "distances", "vectors"};
    static_assert(std::size(names) == static_cast<std::size_t>(count_of<OperandKind>));
    return names[static_cast<int>(kind)];
}

int LossRecord::gradients() const {
    return static_cast<int>(std::ranges::count_if(operands, &OperandRecord::graded));
}

std::span<const LossRecord> losses() {
    static const std::vector<LossRecord> records = [] {
        std::vector<LossRecord> result;
        for (const Row& row : rows()) {
            result.push_back({row.name, row.family, row.index, row.operands, row.labels,
                              row.parameters, row.formula, row.kink, row.reference});
        }
        return result;
    }();
    return records;
}

const LossRecord& loss_record(const std::string& name) {
    for (const LossRecord& record : losses()) {
        if (record.name == name) return record;
    }
    throw std::invalid_argument("loss is '" + name + "'; expected the name of a row");
}

}  // namespace ranvier
