// A program on the public C++ interface: exits with 0 if every check holds, else names the first.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "ranvier/losses.hpp"
#include "ranvier/optimizers.hpp"
#include "ranvier/ranvier.hpp"
#include "ranvier/runtime.hpp"

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
    ranvier::logsumexp<T>(scores, sums, 1, 0);
    check(sums[0] == -std::numeric_limits<T>::infinity(), "logsumexp of nothing");

    // (g - sum g y) y / temperature, and g - e^y sum g.
    const T to[] = {1, 0, 0}, even[] = {T(1) / 3, T(1) / 3, T(1) / 3};
    ranvier::softmax_vjp(to, even, out, 1, 3, 2.0);
    check(close(out[0], 1.0 / 9) && close(out[2], -1.0 / 18), "softmax_vjp");
    const T logs[] = {T(-std::log(3.0)), T(-std::log(3.0)), T(-std::log(3.0))};
    ranvier::log_softmax_vjp(to, logs, out, 1, 3);
    check(close(out[0], 2.0 / 3) && close(out[2], -1.0 / 3), "log_softmax_vjp");
}

/// The call throws E, whose message has `text`.
template <class E, class Call>
void check_throws(Call call, const std::string& text) {
    try {
        call();
    } catch (const E& error) {
        check(std::string(error.what()).find(text) != std::string::npos, error.what());
        return;
    }
    check(false, text.c_str());
}

template <class T>
void check_losses() {
    using ranvier::Reduction;
    const std::size_t rows = 1003, classes = 5, n = rows * classes;
    std::vector<T> x(n), y(n), g(n, T(7));
    std::vector<std::int64_t> labels(rows);
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = static_cast<T>(i * 37 % 101) / T(10) - T(5);
        y[i] = static_cast<T>(i % 3) / T(2);
    }
    for (std::size_t i = 0; i < rows; ++i) labels[i] = static_cast<std::int64_t>(i * 7 % classes);

    for (const double smoothing : {0.0, 0.25}) {
        const double loss =
            ranvier::cross_entropy(x.data(), labels.data(), g.data(), rows, classes, smoothing);
        double expected = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            double sum = 0;
            for (std::size_t c = 0; c < classes; ++c) {
                sum += std::exp(static_cast<double>(x[i * classes + c]));
            }
            for (std::size_t c = 0; c < classes; ++c) {
                const double p = std::exp(static_cast<double>(x[i * classes + c])) / sum;
                const bool label = labels[i] == static_cast<std::int64_t>(c);
                const double q = (label ? 1 - smoothing : 0) + smoothing / classes;
                expected -= q * std::log(p) / rows;
                const double slope = (p - q) / rows;
                check(std::fabs(g[i * classes + c] - slope) < 1e-6 / rows, "its gradient");
            }
        }
        check(close(loss, expected), "cross_entropy");
        check(ranvier::cross_entropy<T>(x.data(), labels.data(), nullptr, rows, classes,
                                        smoothing) == loss,
              "cross_entropy without a gradient");
    }

    double square = 0, distance = 0, huber = 0, entropy = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double logit = x[i], target = y[i], d = std::fabs(logit - target);
        square += d * d;
        distance += d;
        huber += d <= 2 ? d * d / 2 : 2 * (d - 1);
        entropy += std::log1p(std::exp(logit)) - target * logit;
    }
    const auto gradient_is = [&](const char* what, auto slope) {
        for (std::size_t i = 0; i < n; ++i) {
            const double expected = slope(static_cast<double>(x[i]), static_cast<double>(y[i]));
            check(std::fabs(g[i] - expected) <= 1e-6 * std::fabs(expected) + 1e-12, what);
        }
    };
    check(close(ranvier::mse_loss(x.data(), y.data(), g.data(), n), square / n), "mse_loss");
    gradient_is("mse_loss", [&](double a, double b) { return 2 * (a - b) / n; });
    check(close(ranvier::l1_loss(x.data(), y.data(), g.data(), n, Reduction::sum), distance),
          "l1_loss");
    gradient_is("l1_loss", [](double a, double b) { return a > b ? 1.0 : a < b ? -1.0 : 0.0; });
    check(close(ranvier::huber_loss(x.data(), y.data(), g.data(), n, 2.0, Reduction::sum), huber),
          "huber_loss");
    gradient_is("huber_loss",
                [](double a, double b) { return std::fmax(-2, std::fmin(2, a - b)); });
    check(close(ranvier::binary_cross_entropy_with_logits(x.data(), y.data(), g.data(), n),
                entropy / n),
          "binary_cross_entropy_with_logits");
    check(std::isnan(ranvier::mse_loss<T>(nullptr, nullptr, nullptr, 0)), "the mean of nothing");

    const std::vector<T> before = g;
    labels[rows - 1] = classes;
    check_throws<std::out_of_range>(
        [&] { ranvier::cross_entropy(x.data(), labels.data(), g.data(), rows, classes); },
        "labels[1002] is 5");
    labels[rows - 1] = 0;
    check_throws<std::invalid_argument>(
        [&] { ranvier::cross_entropy(x.data(), labels.data(), g.data(), rows, classes, 1.5); },
        "label_smoothing is 1.5");
    check_throws<std::invalid_argument>(
        [&] { ranvier::huber_loss(x.data(), y.data(), g.data(), n, 0.0); },
        "delta is 0; expected a positive number");
    check(g == before, "nothing is written");
}

/// The environment's number of threads holds, and a child of fork() works alone.
void check_runtime(int threads) {
    check(ranvier::num_threads() == threads, "RANVIER_NUM_THREADS");
    ranvier::set_num_threads(3);
    check(ranvier::num_threads() == 3, "set_num_threads");
    const ranvier::Function relu("relu");
    std::vector<float> x(1 << 20, 1.0f);
    relu.value(x.data(), x.data(), x.size());
    const pid_t child = fork();
    if (child == 0) {
        relu.value(x.data(), x.data(), x.size());
        _exit(ranvier::num_threads() == 1 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    check(status == 0, "after fork()");
    ranvier::set_num_threads(0);
    check_throws<std::invalid_argument>([] { ranvier::set_num_threads(-1); }, "num_threads is -1");
    check(ranvier::instruction_set() == ranvier::available_instruction_sets().front(),
          "the best instruction set");
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

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: ranvier_interface THREADS: how many are to be found\n");
        return 2;
    }
    check_runtime(std::atoi(arguments[1]));
    check_functions<float>();
    check_functions<double>();
    check_losses<float>();
    check_losses<double>();
    check_optimizers<float>();
    check_optimizers<double>();
    try {
        ranvier::SGD sgd;
        ranvier::step<float>(sgd, {}, 0);
        check(false, "a step before the first");
    } catch (const std::invalid_argument&) {
    }
    check_throws<std::invalid_argument>(
        [] {
            float weight = 1, mean = 0;
            const float slope = 1;
            ranvier::RMSprop rule{.momentum = 0.9};
            const ranvier::Tensor<float> tensors[] = {{&weight, &slope, {&mean, &mean}, 1}};
            ranvier::step<float>(rule, tensors, 1);
        },
        "state[2] of tensor 0 is null; expected momentum_buffer");
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
