// A program on the public C++ interface: exits with 0 if every check holds, else names the first.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "ranvier/optimizers.hpp"
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

/// Two steps on p^2 / 2 of a long array and a short one, the second against the first elements of
/// the first.
template <class T, class Rule>
std::vector<T> two_steps(Rule rule, T state_start = T(0)) {
    const std::size_t n = 100003, m = 3;
    std::vector<T> p(n, T(1)), q(m, T(1)), g(n), h(m);
    std::vector<std::vector<T>> state(6);
    for (std::size_t k = 0; k < 6; ++k) state[k].assign(k < 3 ? n : m, state_start);
    const ranvier::Tensor<T> tensors[] = {
        {p.data(), g.data(), {state[0].data(), state[1].data(), state[2].data()}, n},
        {q.data(), h.data(), {state[3].data(), state[4].data(), state[5].data()}, m}};
    for (int t = 1; t <= 2; ++t) {
        g = p;
        h = q;
        ranvier::step<T>(rule, tensors, t);
    }
    for (std::size_t i = 0; i < m; ++i) check(p[i] == q[i] || close(p[i], q[i]), "two tensors");
    return p;
}

template <class T>
void check_optimizers() {
    check(close(two_steps<T>(ranvier::SGD{.lr = 0.1}).back(), 0.81), "SGD");
    check(close(two_steps<T>(ranvier::SGD{.lr = 0.1, .momentum = 0.5}).back(), 0.76), "momentum");
    check(close(two_steps<T>(ranvier::Adam{.lr = 0.0}).back(), 1.0), "Adam at rate 0");
    check(two_steps<T>(ranvier::AdamW{.lr = 0.1}).back() < T(0.81), "AdamW");
    check(close(two_steps<T>(ranvier::Lion{.lr = 0.1}).back(), 0.8), "Lion");
    // The gradient before counts as 0.1 as well: both steps grow.
    check(close(two_steps<T>(ranvier::Rprop{}, T(0.1)).back(), 0.736), "Rprop");
    check(close(two_steps<T>(ranvier::ASGD{.lr = 0.1, .lambd = 0.0}).back(), 0.81), "ASGD");
    check(two_steps<T>(ranvier::Adagrad{.lr = 0.1}).back() < T(1), "Adagrad");
    check(two_steps<T>(ranvier::Adadelta{}).back() < T(1), "Adadelta");
    check(two_steps<T>(ranvier::RMSprop{.centered = true}).back() < T(1), "RMSprop");
    check(two_steps<T>(ranvier::Adamax{}).back() < T(1), "Adamax");
    check(two_steps<T>(ranvier::NAdam{}).back() < T(1), "NAdam");
    check(two_steps<T>(ranvier::RAdam{}).back() < T(1), "RAdam");
    check(close(two_steps<T>(ranvier::LAMB{.lr = 0.1, .eps = 0.0}).back(), 0.81), "LAMB");
    check(close(two_steps<T>(ranvier::EMA{.decay = 0.5}).back(), 1.0), "EMA");
}

}  // namespace

int main() {
    check_functions<float>();
    check_functions<double>();
    check_optimizers<float>();
    check_optimizers<double>();
    try {
        ranvier::SGD sgd;
        ranvier::step<float>(sgd, {}, 0);
        check(false, "a step before the first");
    } catch (const std::invalid_argument&) {
    }
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
