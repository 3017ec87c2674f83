// Every kernel of the registry on one thread, without Python: nanoseconds and elements per second.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "runtime/dispatch.hpp"
#include "runtime/optimizer_scalars.hpp"
#include "runtime/registry.hpp"

namespace {

using namespace ranvier;

std::vector<float> normal(std::size_t n, unsigned seed) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> distribution(0.0f, 3.0f);
    std::vector<float> x(n);
    for (float& each : x) each = distribution(engine);
    return x;
}

void count(benchmark::State& state, std::size_t n) {
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                            static_cast<std::int64_t>(n));
}

void elementwise(benchmark::State& state, ElementwiseKernel kernel, bool gradient) {
    const auto n = static_cast<std::size_t>(state.range(0));
    const std::vector<float> g = normal(n, 1), x = normal(n, 2);
    std::vector<float> y(n);
    const float parameters[] = {0.01f, 1.0f};
    const void* in[4];
    int k = 0;
    if (gradient) in[k++] = g.data();
    in[k++] = x.data();
    for (const float& p : parameters) in[k++] = &p;
    for (auto _ : state) {
        kernel(in, y.data(), n, true);
        benchmark::DoNotOptimize(y.data());
        benchmark::ClobberMemory();
    }
    count(state, n);
}

void rows(benchmark::State& state, RowKernel<float> kernel) {
    const auto n = static_cast<std::size_t>(state.range(0));
    const std::vector<float> x = normal(n, 3);
    std::vector<float> y(n);
    for (auto _ : state) {
        kernel(x.data(), nullptr, 1.0, y.data(), n);
        benchmark::DoNotOptimize(y.data());
        benchmark::ClobberMemory();
    }
    count(state, n);
}

void cross_entropy(benchmark::State& state) {
    const auto n = static_cast<std::size_t>(state.range(0));
    const std::vector<float> x = normal(n, 4);
    std::vector<float> gradient(n);
    const CrossEntropySample<float> sample{x.data(), nullptr, nullptr, 0, 0.0};
    const auto kernel =
        kernels().rows_float32.class_losses[static_cast<int>(ClassLoss::cross_entropy)];
    for (auto _ : state) {
        double loss = kernel(sample, 1.0, gradient.data(), n);
        benchmark::DoNotOptimize(loss);
        benchmark::ClobberMemory();
    }
    count(state, n);
}

template <class Scalars>
void optimizer(benchmark::State& state, OptimizerKernel kernel, const Scalars& scalars) {
    const auto n = static_cast<std::size_t>(state.range(0));
    std::vector<float> p = normal(n, 5);
    const std::vector<float> g = normal(n, 6);
    std::vector<std::vector<float>> states(3, std::vector<float>(n, 1.0f));
    void* pointers[] = {states[0].data(), states[1].data(), states[2].data()};
    for (auto _ : state) {
        kernel(p.data(), g.data(), pointers, &scalars, n);
        benchmark::DoNotOptimize(p.data());
        benchmark::ClobberMemory();
    }
    count(state, n);
}

}  // namespace

int main(int argc, char** argv) {
    const KernelTable& table = kernels();
    const int float32 = static_cast<int>(DType::float32);
    static const char* const forms[] = {"value", "derivative", "vjp", "vjp_from_output"};
    const auto records = activations();
    for (std::size_t a = 0; a < records.size(); ++a) {
        for (int f = 0; f < count_of<Form>; ++f) {
            const ElementwiseKernel kernel = table.elementwise[float32]->forms[a][f];
            if (kernel == nullptr) continue;
            const bool gradient = f >= static_cast<int>(Form::vjp);
            benchmark::RegisterBenchmark(
                (std::string(records[a].name) + "/" + forms[f]).c_str(),
                [=](benchmark::State& state) { elementwise(state, kernel, gradient); })
                ->Arg(1000)
                ->Arg(32768);
        }
    }
    const struct {
        const char* name;
        RowKernel<float> kernel;
    } row_kernels[] = {{"softmax", table.rows_float32.softmax},
                       {"log_softmax", table.rows_float32.log_softmax},
                       {"logsumexp", table.rows_float32.logsumexp}};
    for (const auto& each : row_kernels) {
        benchmark::RegisterBenchmark(each.name,
                                     [=](benchmark::State& state) { rows(state, each.kernel); })
            ->Arg(10)
            ->Arg(1000)
            ->Arg(50257);
    }
    benchmark::RegisterBenchmark("cross_entropy", cross_entropy)->Arg(10)->Arg(1000)->Arg(50257);
#define RV_OPTIMIZER(name, Options, ...)                                                \
    {                                                                                   \
        const auto scalars = scalars_of<float>(Options(), 2.0, 1.0);                    \
        const OptimizerKernel kernel =                                                  \
            table.optimizers.update[static_cast<int>(Optimizer::name)][0];              \
        benchmark::RegisterBenchmark(                                                   \
            #name, [=](benchmark::State& state) { optimizer(state, kernel, scalars); }) \
            ->Arg(1000)                                                                 \
            ->Arg(32768);                                                               \
    }
#include "ops/optimizers.def"
#undef RV_OPTIMIZER
    benchmark::AddCustomContext("instruction set", table.name);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
