// A program on the public C++ interface: exits with 0 if every check holds, else names the first.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "ranvier/ranvier.hpp"

namespace {

void check(bool holds, const char* what) {
    if (holds) return;
    std::printf("failed: %s\n", what);
    std::exit(1);
}

bool close(double a, double b) {
    return std::fabs(a - b) <= 1e-6 * std::fabs(b);
}

template <class T>
void check_functions() {
    const std::size_t n = 100003;
    std::vector<T> x(n), g(n, T(2)), y(n), slope(n), product(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<T>(i % 101) / T(10) - T(5);
    const ranvier::Function sigmoid("sigmoid");
    sigmoid.value(x.data(), y.data(), n);
    sigmoid.derivative(x.data(), slope.data(), n);
    sigmoid.vjp(g.data(), x.data(), product.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
        const double s = 1 / (1 + std::exp(-static_cast<double>(x[i])));
        check(close(y[i], s), "sigmoid's value");
        check(close(slope[i], s * (1 - s)), "sigmoid's derivative");
        check(close(product[i], 2 * s * (1 - s)), "sigmoid's vector-Jacobian product");
    }
    const ranvier::Function leaky("leaky_relu");
    const T minus = -1;
    T result;
    leaky.value(&minus, &result, 1);
    check(close(result, -0.01), "the default parameter");
    const T half[] = {T(0.5)};
    leaky.value(&minus, &result, 1, std::span<const T>(half));
    check(close(result, -0.5), "a parameter given");

    const T scores[] = {1, 2, 3, 0, 0, 0};
    T out[6], sums[2];
    ranvier::softmax(scores, out, 2, 3);
    check(close(out[5], 1.0 / 3), "softmax");
    ranvier::log_softmax(scores, out, 2, 3, 2.0);
    check(close(out[3], -std::log(3.0)), "log_softmax");
    ranvier::logsumexp(scores, sums, 2, 3);
    check(close(sums[1], std::log(3.0)), "logsumexp");
}

}  // namespace

int main() {
    check_functions<float>();
    check_functions<double>();
    check(!ranvier::Function::names().empty(), "names");
    try {
        ranvier::Function("gleu");
        check(false, "an unknown name");
    } catch (const std::out_of_range&) {
    }
    try {
        const float x = 0, two[] = {1, 2};
        float y;
        ranvier::Function("relu").value(&x, &y, 1, std::span<const float>(two));
        check(false, "parameters too many");
    } catch (const std::invalid_argument&) {
    }
}
