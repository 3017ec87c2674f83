#include "runtime/gates.hpp"

#include "inputs.hpp"
#include "report.hpp"
#include "subjects.hpp"

namespace bits {
namespace {

constexpr const char* names[] = {
#define RV_GATE(name, ...) #name,
#include "ops/gates.def"
#undef RV_GATE
};
constexpr std::size_t pieces = 3, count = 33, columns = pieces * count;

template <class T>
ranvier::Rows rows_of(std::vector<T>& data, std::size_t length, std::size_t start = 0) {
    return {reinterpret_cast<char*>(data.data() + start),
            static_cast<std::ptrdiff_t>(length * sizeof(T)), sizeof(T)};
}

template <class T>
void all() {
    constexpr ranvier::DType dtype = ranvier::dtype_of<T>;
    std::vector<T> x = points<T>();
    const std::size_t half = x.size() / 2;
    x.resize(2 * half);
    std::vector<T> g = numbers<T>(half), y(half), gradient(x.size());
    for (int k = 0; k < ranvier::count_of<ranvier::Gate>; ++k) {
        const auto gate = static_cast<ranvier::Gate>(k);
        const auto a = rows_of(x, half), b = rows_of(x, half, half);
        ranvier::run_gate(ranvier::gate_call(gate, false, dtype), a, b, rows_of(y, half), 1, half);
        report(names[k], y);
        ranvier::run_gate_vjp(ranvier::gate_call(gate, true, dtype), rows_of(g, half), a, b,
                              rows_of(gradient, half), rows_of(gradient, half, half), 1, half);
        report(std::string("vjp.") + names[k], gradient);
    }
    const std::size_t rows = x.size() / columns;
    const auto groups = [&](std::vector<T>& data) {
        ranvier::Rows first = rows_of(data, columns);
        first.stride = pieces * sizeof(T);
        return ranvier::Groups{first, sizeof(T), pieces};
    };
    std::vector<T> best(rows * count), gradients(rows * columns);
    const ranvier::GateCall maxout = ranvier::maxout_call(false, dtype);
    ranvier::run_maxout(maxout, groups(x), rows_of(best, count), rows, count);
    report("maxout", best);
    ranvier::run_maxout_vjp(maxout, ranvier::maxout_call(true, dtype), rows_of(g, count), groups(x),
                            groups(gradients), rows, count);
    report("vjp.maxout", gradients);
}

}  // namespace

void gates() {
    all<ranvier::half>();
    all<float>();
    all<double>();
}

}  // namespace bits
