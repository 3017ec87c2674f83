#include "optimizer_records.hpp"

#include <limits>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "ranvier/optimizers.hpp"

namespace ranvier {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr OptionRange NOT_NEGATIVE{0.0, inf, false}, FINITE{-inf, inf, false}, ANY{-inf, inf, true},
    BELOW_ONE{0.0, 1.0, false}, UP_TO_ONE{0.0, 1.0, true};

template <class Options, auto member>
constexpr OptionField field() {
    using Member = std::remove_cvref_t<decltype(std::declval<Options>().*member)>;
    return {
        [](const void* o) { return static_cast<double>(static_cast<const Options*>(o)->*member); },
        [](void* o, double v) { static_cast<Options*>(o)->*member = static_cast<Member>(v); }};
}

Shape like_parameter(const Shape& shape) {
    return shape;
}

/// For questions only: a number of any type.
struct AnyNumber {
    template <class T>
    operator T() const;
};
template <class Options, std::size_t... k>
constexpr bool takes(std::index_sequence<k...>) {
    return requires { Options{(static_cast<void>(k), AnyNumber{})...}; };
}
template <class Options, std::size_t count>
constexpr bool has_members = takes<Options>(std::make_index_sequence<count>()) &&
                             !takes<Options>(std::make_index_sequence<count + 1>());

constexpr bool counted = true, uncounted = false;

}  // namespace

// The public struct is written by hand, so that it can be read where it is used. It has the members
// that the row names, with the row's defaults, and no other.
#define OPTIONS(...) __VA_ARGS__
#define CARRIED(...) __VA_ARGS__
#define NUMBER(name, default_, range) static_assert(O{}.name == default_);
#define FLAG(name) static_assert(!O{}.name);
#define PAIR(name, first, default1, second, default2, range) \
    static_assert(O{}.first == default1 && O{}.second == default2);
#define START(name, default_, range)
#define CARRY(name, start) static_assert(O{}.name == start);
#define CARRY_FROM(name, option) static_assert(O{}.name == O{}.option);
#define RV_OPTIMIZER(rule, Options, steps, options, states, carried, ...) \
    struct check_##rule {                                                 \
        using O = Options;                                                \
        options carried                                                   \
    };
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
#undef CARRY_FROM
#undef CARRY
#undef START
#undef PAIR
#undef FLAG
#undef NUMBER
#define NUMBER(...) +1
#define FLAG(...) +1
#define PAIR(...) +2
#define START(...)
#define CARRY(...) +1
#define CARRY_FROM(...) +1
#define RV_OPTIMIZER(rule, Options, steps, options, states, carried, ...) \
    static_assert(has_members<Options, 0 options carried>);
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
#undef CARRY_FROM
#undef CARRY
#undef START
#undef PAIR
#undef FLAG
#undef NUMBER

std::span<const OptimizerRecord> optimizers() {
#define NUMBER(name, default_, range) \
    {#name, OptionKind::number, {default_}, {field<O, &O::name>()}, range},
#define FLAG(name) {#name, OptionKind::flag, {0.0}, {field<O, &O::name>()}, UP_TO_ONE},
#define PAIR(name, first, default1, second, default2, range) \
    {#name,                                                  \
     OptionKind::pair,                                       \
     {default1, default2},                                   \
     {field<O, &O::first>(), field<O, &O::second>()},        \
     range},
#define START(name, default_, range) {#name, OptionKind::number, {default_}, {}, range},
#define STATES(...) __VA_ARGS__
#define STATE(name) \
    {#name, nullptr, [](const void*) { return true; }, {0.0, nullptr}, like_parameter},
#define STATE_FROM(name, option) \
    {#name, nullptr, [](const void*) { return true; }, {0.0, #option}, like_parameter},
#define STATE_WITH(name, option)                                         \
    {#name,                                                              \
     #option,                                                            \
     [](const void* o) { return field<O, &O::option>().get(o) != 0.0; }, \
     {0.0, nullptr},                                                     \
     like_parameter},
#define CARRY(name, start) {#name, field<O, &O::name>(), {start, nullptr}},
#define CARRY_FROM(name, option) {#name, field<O, &O::name>(), {0.0, #option}},
#define RV_OPTIMIZER(rule, Options, steps, options_, states_, carried_, ...)                   \
    [] {                                                                                       \
        using O [[maybe_unused]] = Options;                                                    \
        const std::vector<OptionRecord> options{options_};                                     \
        const std::vector<StateRecord> states{states_};                                        \
        const std::vector<CarriedRecord> carried{carried_};                                    \
        return OptimizerRecord{#rule, #Options, steps, options, states, carried, __VA_ARGS__}; \
    }(),
    static const OptimizerRecord records[] = {
#include "../ops/optimizers.def"
    };
    return records;
}

Optimizer optimizer_named(const std::string& name) {
    const auto records = optimizers();
    for (std::size_t i = 0; i < records.size(); ++i) {
        if (name == records[i].name) return static_cast<Optimizer>(i);
    }
    throw std::invalid_argument("rule is '" + name + "'; expected the name of an optimizer");
}

}  // namespace ranvier
