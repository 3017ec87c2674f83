#include "registry.hpp"

#include <limits>
#include <vector>

namespace ranvier {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double required = std::numeric_limits<double>::quiet_NaN();
constexpr bool light = false, heavy = true;

}  // namespace

std::span<const ActivationRecord> activations() {
#define PARAMETERS(...) std::vector<ParameterRecord>{__VA_ARGS__}
#define LIMITS(...) {__VA_ARGS__}
#define SLOPES(...) {__VA_ARGS__}
#define BOUNDS(...) {__VA_ARGS__}
#define RV_ACTIVATION(name, module, parameters, ...) parameters,
    static const std::vector<ParameterRecord> parameters[] = {
#include "../ops/activations.def"
    };
#undef RV_ACTIVATION
#define RV_ACTIVATION(name, module, ignored, ...) \
    {#name, module, parameters[static_cast<int>(Activation::name)], __VA_ARGS__},
    static const ActivationRecord records[] = {
#include "../ops/activations.def"
    };
#undef RV_ACTIVATION
    return records;
}

std::span<const GateRecord> gates() {
#define RV_GATE(name, module, activation, ...) {#name, module, #activation, __VA_ARGS__},
    static const GateRecord records[] = {
#include "../ops/gates.def"
    };
#undef RV_GATE
    return records;
}

}  // namespace ranvier
