#include <array>
#include <cmath>

#include "inputs.hpp"
#include "report.hpp"
#include "runtime/elementwise.hpp"
#include "runtime/registry.hpp"
#include "subjects.hpp"

namespace bits {
namespace {

constexpr std::array form_names = {"value", "derivative", "vjp", "vjp_from_output"};
static_assert(form_names.size() == ranvier::count_of<ranvier::Form>);
constexpr double required = 0.25;

template <class T>
T parameter(double value) {
    return static_cast<T>(value);
}
template <>
ranvier::half parameter(double value) {
    // Of a parameter in float16 only the size matters here.
    return {static_cast<std::uint16_t>(value < 0 ? 0xb800 : 0x3800)};
}

/// One parameter for all elements, and one for each.
template <class T>
void forms(int activation) {
    const auto& record = ranvier::activations()[static_cast<std::size_t>(activation)];
    const std::vector<T> x = points<T>();
    const std::size_t n = x.size(), count = record.parameters.size();
    const std::vector<T> g = numbers<T>(n);
    std::vector<T> single, each = numbers<T>(2 * n, 2.0, 7);
    for (const auto& p : record.parameters) {
        single.push_back(parameter<T>(std::isnan(p.default_value) ? required : p.default_value));
    }
    constexpr std::ptrdiff_t item = sizeof(T);
    for (std::size_t form = 0; form < form_names.size(); ++form) {
        const auto call =
            ranvier::elementwise_call(static_cast<ranvier::Activation>(activation),
                                      static_cast<ranvier::Form>(form), ranvier::dtype_of<T>);
        if (call.kernel == nullptr) continue;
        for (const bool uniform : {true, false}) {
            if (!uniform && count == 0) continue;
            std::vector<T> y(n);
            std::vector<const T*> operands;
            std::vector<std::ptrdiff_t> strides;
            if (call.arrays == 2) operands.push_back(g.data());
            operands.push_back(x.data());
            strides.assign(operands.size(), item);
            for (std::size_t k = 0; k < count; ++k) {
                operands.push_back(uniform ? &single[k] : &each[k * n]);
                strides.push_back(uniform ? 0 : item);
            }
            operands.push_back(y.data());
            strides.push_back(item);
            std::vector<char*> data;
            for (const T* operand : operands) {
                data.push_back(reinterpret_cast<char*>(const_cast<T*>(operand)));
            }
            ranvier::run_elementwise(call, data.data(), strides.data(), n);
            report(std::string(form_names[form]) + "." + record.name +
                       (uniform ? "" : ", a parameter for each"),
                   y);
        }
    }
}

}  // namespace

void functions() {
    for (int a = 0; a < ranvier::count_of<ranvier::Activation>; ++a) {
        forms<ranvier::half>(a);
        forms<float>(a);
        forms<double>(a);
    }
}

}  // namespace bits
