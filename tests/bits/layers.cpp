#include <memory>
#include <tuple>

#include "inputs.hpp"
#include "report.hpp"
#include "runtime/batch_norm.hpp"
#include "layers/elementwise_layer.hpp"
#include "layers/linear.hpp"
#include "runtime/product.hpp"
#include "runtime/row_norm.hpp"
#include "layers/stack.hpp"
#include "subjects.hpp"

namespace bits {
namespace {

template <class T>
void products() {
    // Whole tiles and parts of them, and sums of more than one block of products.
    using Sizes = std::tuple<std::size_t, std::size_t, std::size_t>;
    for (const auto& [rows, columns, depth] :
         {Sizes{1, 1, 1}, Sizes{37, 53, 601}, Sizes{96, 128, 64}, Sizes{3, 200, 257}}) {
        const std::vector<T> a = numbers<T>(rows * depth, 2.0, 1);
        const std::vector<T> b = numbers<T>(depth * columns, 2.0, 2);
        std::vector<T> result(rows * columns);
        const auto width = static_cast<std::ptrdiff_t>(columns);
        const auto length = static_cast<std::ptrdiff_t>(depth);
        const std::string name = "product " + std::to_string(rows) + " " + std::to_string(columns) +
                                 " " + std::to_string(depth);
        ranvier::run_product<T>({a.data(), length, 1}, {b.data(), width, 1},
                                {result.data(), width, 1}, rows, columns, depth);
        report(name, result);
        ranvier::run_product<T>({a.data(), 1, static_cast<std::ptrdiff_t>(rows)},
                                {b.data(), 1, length}, {result.data(), width, 1}, rows, columns,
                                depth, true);
        report(name + ", transposed and added", result);
    }
}

template <class T>
void dense() {
    constexpr std::size_t rows = 61, inputs = 103, hidden = 50, outputs = 9;
    const std::vector<T> x = numbers<T>(rows * inputs, 2.0, 1);
    const std::vector<T> weights[] = {numbers<T>(hidden * inputs, 0.1, 2),
                                      numbers<T>(outputs * hidden, 0.1, 3)};
    const std::vector<T> biases[] = {numbers<T>(hidden, 0.1, 4), numbers<T>(outputs, 0.1, 5)};
    const std::vector<T> g = numbers<T>(rows * outputs, 1.0, 6);
    for (const auto& [name, activation] :
         {std::pair{"dense with gelu", ranvier::Activation::gelu},
          std::pair{"dense with tanh", ranvier::Activation::tanh}}) {
        std::vector<T> of_first(weights[0].size()), of_second(weights[1].size());
        std::vector<T> of_bias(hidden), of_last_bias(outputs);
        std::vector<T> of_x(x.size()), last(rows * outputs);
        ranvier::Layers<T> layers;
        layers.push_back(std::make_unique<ranvier::Linear<T>>(
            inputs, hidden, ranvier::Learned<T>{weights[0].data(), of_first.data()},
            ranvier::Learned<T>{biases[0].data(), of_bias.data()}));
        const T none[2] = {};
        layers.push_back(
            std::make_unique<ranvier::ElementwiseLayer<T>>(hidden, activation, none, false));
        layers.push_back(std::make_unique<ranvier::Linear<T>>(
            hidden, outputs, ranvier::Learned<T>{weights[1].data(), of_second.data()},
            ranvier::Learned<T>{biases[1].data(), of_last_bias.data()}));
        const ranvier::Stack<T> stack(std::move(layers));
        stack.predict(x.data(), rows, last.data());
        report(name, last);
        ranvier::Pass<T> pass(stack.layers(), rows, stack.threads_for(rows));
        stack.forward(pass, x.data(), rows, last.data());
        report(std::string(name) + ", kept", last);
        stack.backward(pass, g.data(), of_x.data(), false);
        for (const auto* each : {&of_x, &of_first, &of_bias, &of_second, &of_last_bias}) {
            report(std::string("gradient of ") + name, *each);
        }
    }
}

template <class T>
void row_norms() {
    constexpr std::size_t rows = 61, n = 103;
    const std::vector<T> x = numbers<T>(rows * n, 3.0, 1), g = numbers<T>(rows * n, 1.0, 2);
    const std::vector<T> weight = numbers<T>(n, 2.0, 3), bias = numbers<T>(n, 1.0, 4);
    for (const bool centred : {true, false}) {
        std::vector<double> mean(rows), scale(rows), work(ranvier::row_norm_work(rows, n));
        std::vector<T> y(x.size()), of_x(x.size()), of_weight(n), of_bias(n);
        const ranvier::RowNorm<T> norm{x.data(),     weight.data(), centred ? mean.data() : nullptr,
                                       scale.data(), rows,          n};
        const std::string name = centred ? "layer norm" : "rms norm";
        ranvier::run_row_norm<T>(norm, centred ? bias.data() : nullptr, 1e-5, y.data());
        report(name, y);
        ranvier::run_row_norm_backward<T>(norm, g.data(), work.data(), of_x.data(),
                                          of_weight.data(), centred ? of_bias.data() : nullptr,
                                          false);
        for (const auto* each : {&of_x, &of_weight, &of_bias}) report("gradient of " + name, *each);
    }
}

template <class T>
void batch_norms() {
    // Channels side by side, and of many positions.
    for (const ranvier::BatchShape shape :
         {ranvier::BatchShape{701, 53, 1}, ranvier::BatchShape{7, 5, 1201}}) {
        const std::size_t size = shape.samples * shape.channels * shape.length;
        const std::size_t channels = shape.channels;
        const std::vector<T> x = numbers<T>(size, 3.0, 1), g = numbers<T>(size, 1.0, 2);
        const std::vector<T> weight = numbers<T>(channels, 2.0, 3);
        const std::vector<T> bias = numbers<T>(channels, 1.0, 4);
        std::vector<double> mean(channels), scale(channels), work(ranvier::batch_norm_work(shape));
        std::vector<T> running_mean(channels), running_variance(channels, T(1));
        const ranvier::BatchNorm<T> norm{shape,       x.data(),     weight.data(),
                                         mean.data(), scale.data(), work.data()};
        const ranvier::RunningStatistics<T> running{running_mean.data(), running_variance.data(),
                                                    0.1};
        for (const bool of_batch : {true, false}) {
            const std::string name = "batch norm of " + std::to_string(shape.length) +
                                     (of_batch ? "" : ", with running statistics");
            std::vector<T> y(size), of_x(size), of_weight(channels), of_bias(channels);
            ranvier::run_batch_norm<T>(norm, bias.data(), 1e-5, of_batch, running, y.data());
            ranvier::run_batch_norm_backward<T>(norm, g.data(), of_batch, of_x.data(),
                                                of_weight.data(), of_bias.data(), false);
            for (const auto* each : {&y, &running_mean, &running_variance}) report(name, *each);
            for (const auto* each : {&of_x, &of_weight, &of_bias}) {
                report("gradient of " + name, *each);
            }
        }
    }
}

template <class T>
void all() {
    products<T>();
    dense<T>();
    row_norms<T>();
    batch_norms<T>();
}

}  // namespace

void layers() {
    all<float>();
    all<double>();
}

}  // namespace bits
