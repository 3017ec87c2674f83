// The public C++ interface: names and defaults over the same runtime that Python calls.
#include <cmath>
#include <stdexcept>
#include <string>

#include "dispatch.hpp"
#include "elementwise.hpp"
#include "ranvier/ranvier.hpp"
#include "registry.hpp"
#include "rows.hpp"

namespace ranvier {
namespace {

template <class T>
void run(int index, Form form, std::initializer_list<const T*> arrays, T* y, std::size_t n,
         std::span<const T> given) {
    const ActivationRecord& record = activations()[static_cast<std::size_t>(index)];
    const std::size_t count = record.parameters.size();
    if (!given.empty() && given.size() != count) {
        throw std::invalid_argument(std::string(record.name) + " was given " +
                                    std::to_string(given.size()) + " parameters; expected " +
                                    std::to_string(count));
    }
    T parameters[2] = {};
    for (std::size_t k = 0; k < count; ++k) {
        const double fallback = record.parameters[k].default_value;
        if (given.empty() && std::isnan(fallback)) {
            throw std::invalid_argument(std::string(record.name) + " has no default for " +
                                        record.parameters[k].name);
        }
        parameters[k] = given.empty() ? static_cast<T>(fallback) : given[k];
    }
    run_elementwise<T>(static_cast<Activation>(index), form, arrays, parameters, y, n);
}

void require_temperature(double temperature) {
    if (temperature > 0 && !std::isinf(temperature)) return;
    throw std::invalid_argument("temperature is " + std::to_string(temperature) +
                                "; expected a positive, finite number");
}

/// `rows` contiguous rows of n elements, one behind the other.
template <class T>
Rows stack(const T* data, std::size_t n) {
    constexpr std::ptrdiff_t item = sizeof(T);
    return {reinterpret_cast<char*>(const_cast<T*>(data)), static_cast<std::ptrdiff_t>(n) * item,
            item};
}
/// One value for all rows.
Rows repeated(double& value) {
    return {reinterpret_cast<char*>(&value), 0, 0};
}

template <class T>
void run(RowKernel<T> kernel, RowsInLanesKernel RowsInLanesKernels::* in_lanes, const T* x, T* y,
         std::size_t rows, std::size_t n, std::size_t outputs, double temperature) {
    require_temperature(temperature);
    run_rows<T>(kernel, rows_in_lanes_kernel<T>(in_lanes), stack(x, n), Rows{},
                repeated(temperature), stack(y, outputs), rows, n, outputs);
}

template <class T>
void run_vjp(RowVjpKernel<T> kernel, const T* g, const T* y, T* out, std::size_t rows,
             std::size_t n, double temperature) {
    require_temperature(temperature);
    run_rows_vjp<T>(kernel, stack(g, n), stack(y, n), repeated(temperature), stack(out, n), rows,
                    n);
}

}  // namespace

Function::Function(std::string_view name) : index_(0) {
    for (const ActivationRecord& record : activations()) {
        if (name == record.name) return;
        ++index_;
    }
    throw std::out_of_range("no activation is named '" + std::string(name) + "'");
}

std::vector<std::string_view> Function::names() {
    std::vector<std::string_view> list;
    for (const ActivationRecord& record : activations()) list.emplace_back(record.name);
    return list;
}

template <class T>
void Function::value(const T* x, T* y, std::size_t n, std::span<const T> parameters) const {
    run<T>(index_, Form::value, {x}, y, n, parameters);
}

template <class T>
void Function::derivative(const T* x, T* y, std::size_t n, std::span<const T> parameters) const {
    run<T>(index_, Form::derivative, {x}, y, n, parameters);
}

template <class T>
void Function::vjp(const T* g, const T* x, T* y, std::size_t n,
                   std::span<const T> parameters) const {
    run<T>(index_, Form::vjp, {g, x}, y, n, parameters);
}

template <class T>
void softmax(const T* x, T* y, std::size_t rows, std::size_t n, double temperature) {
    run<T>(row_kernels<T>().softmax, &RowsInLanesKernels::softmax, x, y, rows, n, n, temperature);
}

template <class T>
void log_softmax(const T* x, T* y, std::size_t rows, std::size_t n, double temperature) {
    run<T>(row_kernels<T>().log_softmax, &RowsInLanesKernels::log_softmax, x, y, rows, n, n,
           temperature);
}

template <class T>
void logsumexp(const T* x, T* y, std::size_t rows, std::size_t n) {
    run<T>(row_kernels<T>().logsumexp, &RowsInLanesKernels::logsumexp, x, y, rows, n, 1, 1.0);
}

template <class T>
void softmax_vjp(const T* g, const T* y, T* out, std::size_t rows, std::size_t n,
                 double temperature) {
    run_vjp<T>(row_kernels<T>().softmax_vjp, g, y, out, rows, n, temperature);
}

template <class T>
void log_softmax_vjp(const T* g, const T* y, T* out, std::size_t rows, std::size_t n,
                     double temperature) {
    run_vjp<T>(row_kernels<T>().log_softmax_vjp, g, y, out, rows, n, temperature);
}

#define RV_INSTANTIATE(T)                                                                       \
    template void Function::value(const T*, T*, std::size_t, std::span<const T>) const;         \
    template void Function::derivative(const T*, T*, std::size_t, std::span<const T>) const;    \
    template void Function::vjp(const T*, const T*, T*, std::size_t, std::span<const T>) const; \
    template void softmax(const T*, T*, std::size_t, std::size_t, double);                      \
    template void log_softmax(const T*, T*, std::size_t, std::size_t, double);                  \
    template void logsumexp(const T*, T*, std::size_t, std::size_t);                            \
    template void softmax_vjp(const T*, const T*, T*, std::size_t, std::size_t, double);        \
    template void log_softmax_vjp(const T*, const T*, T*, std::size_t, std::size_t, double);
RV_INSTANTIATE(float)
RV_INSTANTIATE(double)
#undef RV_INSTANTIATE

}  // namespace ranvier
