#include "runtime/rows.hpp"

#include <utility>

#include "inputs.hpp"
#include "report.hpp"
#include "runtime/cross_entropy.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/optimizer.hpp"
#include "subjects.hpp"

namespace bits {
namespace {

template <class T>
ranvier::Rows rows_of(const std::vector<T>& data, std::size_t length) {
    return {reinterpret_cast<char*>(const_cast<T*>(data.data())),
            static_cast<std::ptrdiff_t>(length * sizeof(T)), sizeof(T)};
}

template <class T>
ranvier::ClassArray classes_of(const std::vector<T>& data, std::size_t n) {
    return {reinterpret_cast<char*>(const_cast<T*>(data.data())),
            static_cast<std::ptrdiff_t>(n * sizeof(T)), sizeof(T), nullptr};
}

template <class T>
void cross_entropy(const std::vector<T>& x, std::size_t rows, std::size_t n) {
    const std::vector<std::int64_t> label = labels(rows, n);
    const std::vector<T> share = shares<T>(x.size());
    for (const double smoothing : {0.0, 0.1}) {
        for (const bool by_label : {true, false}) {
            std::vector<T> gradient(x.size()), losses(rows);
            ranvier::CrossEntropyBatch batch{};
            batch.outer = rows;
            batch.classes = n;
            batch.inner = 1;
            batch.logits = classes_of(x, n);
            batch.gradient = classes_of(gradient, n);
            if (by_label) {
                batch.labels = label.data();
            } else {
                batch.probabilities = classes_of(share, n);
            }
            batch.ignore_index = -100;
            batch.smoothing = smoothing;
            batch.scale = 0.3;
            batch.losses = losses.data();
            const double sum =
                ranvier::run_cross_entropy<T>(ranvier::ClassLoss::cross_entropy, batch);
            const std::string name =
                "cross_entropy of " + std::string(by_label ? "labels" : "shares") + ", " +
                std::to_string(n) + " classes, smoothing " + std::to_string(smoothing) + ", ";
            report(name + "losses", losses);
            report(name + "gradient", gradient);
            report(name + "sum of " + suffix<T>, std::vector{sum});
        }
    }
}

template <class T>
void nll_loss(const std::vector<T>& x, std::size_t rows, std::size_t n) {
    const std::vector<std::int64_t> label = labels(rows, n);
    std::vector<T> gradient(x.size()), losses(rows);
    ranvier::CrossEntropyBatch batch{};
    batch.outer = rows;
    batch.classes = n;
    batch.inner = 1;
    batch.logits = classes_of(x, n);
    batch.gradient = classes_of(gradient, n);
    batch.labels = label.data();
    batch.ignore_index = label[0];
    batch.scale = 0.3;
    batch.losses = losses.data();
    const double sum = ranvier::run_cross_entropy<T>(ranvier::ClassLoss::nll_loss, batch);
    const std::string name = "nll_loss, " + std::to_string(n) + " classes, ";
    report(name + "losses", losses);
    report(name + "gradient", gradient);
    report(name + "sum of " + suffix<T>, std::vector{sum});
}

template <class T>
void all() {
    using Kernels = ranvier::RowKernels<T>;
    using Lanes = ranvier::RowsInLanesKernels;
    const Kernels& own = ranvier::row_kernels<T>();
    // Rows in lanes, short and long; rows alone; and what does not fill the last of them.
    for (const auto& shape : {std::pair<std::size_t, std::size_t>{67, 10}, {53, 103}, {3, 9001}}) {
        const std::size_t rows = shape.first, n = shape.second;
        const std::vector<T> x = numbers<T>(rows * n, 30.0), g = numbers<T>(rows * n, 1.0, 5);
        const std::string of = " of " + std::to_string(n);
        const std::vector<double> temperatures(rows, 1.0), warmer(rows, 1.7);
        std::vector<std::uint8_t> keep(rows * n);
        for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = x[i] > T(-5);
        const auto run = [&](const char* name, ranvier::RowKernel<T> kernel,
                             ranvier::RowsInLanesKernel in_lanes, std::size_t outputs,
                             const std::vector<double>& temperature, bool masked) {
            std::vector<T> y(rows * outputs);
            ranvier::run_rows<T>(kernel, masked ? nullptr : in_lanes, rows_of(x, n),
                                 masked ? rows_of(keep, n) : ranvier::Rows{},
                                 rows_of(temperature, 1), rows_of(y, outputs), rows, n, outputs);
            report(name + of, y);
            return y;
        };
        const auto softmax_lanes = ranvier::rows_in_lanes_kernel<T>(&Lanes::softmax);
        const auto log_lanes = ranvier::rows_in_lanes_kernel<T>(&Lanes::log_softmax);
        const auto sum_lanes = ranvier::rows_in_lanes_kernel<T>(&Lanes::logsumexp);
        const auto y = run("softmax", own.softmax, softmax_lanes, n, temperatures, false);
        const auto log_y = run("log_softmax", own.log_softmax, log_lanes, n, temperatures, false);
        run("logsumexp", own.logsumexp, sum_lanes, 1, temperatures, false);
        run("warmer softmax", own.softmax, nullptr, n, warmer, false);
        run("masked softmax", own.softmax, softmax_lanes, n, temperatures, true);
        run("masked log_softmax", own.log_softmax, log_lanes, n, temperatures, true);
        for (const bool logarithm : {false, true}) {
            std::vector<T> gradient(rows * n);
            ranvier::run_rows_vjp<T>(logarithm ? own.log_softmax_vjp : own.softmax_vjp,
                                     rows_of(g, n), rows_of(logarithm ? log_y : y, n),
                                     rows_of(temperatures, 1), rows_of(gradient, n), rows, n);
            report((logarithm ? "vjp.log_softmax" : "vjp.softmax") + of, gradient);
        }
        cross_entropy(x, rows, n);
        nll_loss(x, rows, n);
        report("sum of squares of " + std::string(suffix<T>) + of,
               std::vector{ranvier::sum_of_squares(ranvier::dtype_of<T>, x.data(), x.size())});
    }
}

}  // namespace

void rows() {
    all<float>();
    all<double>();
}

}  // namespace bits
