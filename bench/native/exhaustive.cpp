// The largest error of every activation and derivative over float32 inputs: all 2^32 of them, or
// every k-th. The reference is libm in double and extended precision and shares no code with the
// library.
//
//     ranvier_exhaustive [--every K] [NAME ...]
//
// prints a row of a Markdown table for each function: the error in ulp and the input where it is.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "runtime/dispatch.hpp"
#include "runtime/registry.hpp"
#include "runtime/threads.hpp"

namespace {

// Each reference is a template: double is far more than float32 needs, except next to the zero of a
// derivative, where everything is done in extended precision.

template <class Real>
Real sigmoid_of(Real x) {
    const Real e = std::exp(-std::fabs(x));
    return (x < 0 ? e : Real(1)) / (1 + e);
}
template <class Real>
Real normal_density(Real x) {
    return std::exp(-x * x / 2) * Real(0.398942280401432677939946059934L);
}
template <class Real>
Real normal_distribution(Real x) {
    return std::erfc(-x * Real(0.707106781186547524400844362105L)) / 2;
}

namespace reference {

constexpr double no_zero = std::numeric_limits<double>::quiet_NaN();
constexpr double slope = 0.01f;

struct relu {
    static auto value(auto x) { return x < 0 ? decltype(x)(0) : x; }
    static auto derivative(auto x) { return x > 0 ? decltype(x)(1) : x <= 0 ? decltype(x)(0) : x; }
    static constexpr double zero = no_zero;
};
struct leaky_relu {
    static auto value(auto x) { return x > 0 ? x : x * slope; }
    static auto derivative(auto x) {
        return x > 0 ? decltype(x)(1) : x <= 0 ? decltype(x)(slope) : x;
    }
    static constexpr double zero = no_zero;
};
struct sigmoid {
    static auto value(auto x) { return sigmoid_of(x); }
    static auto derivative(auto x) { return sigmoid_of(x) * sigmoid_of(-x); }
    static constexpr double zero = no_zero;
};
struct tanh {
    static auto value(auto x) { return std::tanh(x); }
    static auto derivative(auto x) { return 4 * sigmoid_of(2 * x) * sigmoid_of(-2 * x); }
    static constexpr double zero = no_zero;
};
struct silu {
    static auto value(auto x) { return x < -1e5 ? 0 * sigmoid_of(x) : x * sigmoid_of(x); }
    static auto derivative(auto x) {
        using Real = decltype(x);
        if (std::fabs(x) > 1e5) return Real(x > 0);
        return sigmoid_of(x) * (1 + x * sigmoid_of(-x));
    }
    static constexpr double zero = -1.2784645427610738;
};
struct gelu {
    static auto value(auto x) { return x < -1e5 ? 0 * sigmoid_of(x) : x * normal_distribution(x); }
    static auto derivative(auto x) {
        using Real = decltype(x);
        if (std::fabs(x) > 1e5) return Real(x > 0);
        return normal_distribution(x) + x * normal_density(x);
    }
    static constexpr double zero = -0.7517915246935645;
};

}  // namespace reference

/// One over the spacing of float32 at x.
double per_ulp(double x) {
    const std::uint64_t exponent = std::bit_cast<std::uint64_t>(std::fabs(x)) >> 52;
    const std::uint64_t clipped = std::max<std::uint64_t>(exponent, 1023 - 126);
    return std::bit_cast<double>((std::uint64_t{1023 + 1023 + 23} - clipped) << 52);
}

template <class Real>
double error(float got, Real exact) {
    if (std::isnan(exact) || std::isnan(got)) {
        return std::isnan(exact) && std::isnan(got) ? 0.0 : std::numeric_limits<double>::infinity();
    }
    // Past the largest float32, the next step of the grid stands for infinity.
    constexpr Real limit = 0x1p128;
    const Real e = std::fabs(exact) > limit ? std::copysign(limit, exact) : exact;
    const Real g = std::isinf(got) ? std::copysign(limit, static_cast<Real>(got)) : Real(got);
    return static_cast<double>(std::fabs(g - e)) * per_ulp(static_cast<double>(e));
}

struct Worst {
    double error = 0.0;
    float at = 0.0f;
};

template <class Exact>
Worst sweep(const ranvier::ElementwiseKernel kernel, Exact exact, double zero,
            std::uint64_t every) {
    constexpr std::size_t block = 1 << 16;
    const std::uint64_t inputs = (std::uint64_t{1} << 32) / every;
    const std::size_t blocks = static_cast<std::size_t>((inputs + block - 1) / block);
    std::vector<Worst> worst(blocks);
    ranvier::parallel_for(blocks, 1, 1, [&](std::size_t begin, std::size_t end) {
        std::vector<float> x(block), y(block);
        const float parameter = 0.01f;
        for (std::size_t b = begin; b < end; ++b) {
            const std::uint64_t first = static_cast<std::uint64_t>(b) * block;
            const std::size_t n =
                static_cast<std::size_t>(std::min<std::uint64_t>(block, inputs - first));
            for (std::size_t i = 0; i < n; ++i) {
                x[i] = std::bit_cast<float>(static_cast<std::uint32_t>((first + i) * every));
            }
            const void* in[] = {x.data(), &parameter};
            kernel(in, y.data(), n, true);
            for (std::size_t i = 0; i < n; ++i) {
                const double e = std::fabs(x[i] - zero) < 0.1
                                     ? error(y[i], exact(static_cast<long double>(x[i])))
                                     : error(y[i], exact(static_cast<double>(x[i])));
                if (e > worst[b].error) worst[b] = {e, x[i]};
            }
        }
    });
    Worst all;
    for (const Worst& w : worst) {
        if (w.error > all.error) all = w;
    }
    return all;
}

/// Prints one row; true if the errors are within the registry's bounds.
template <class Reference>
bool report(ranvier::Activation activation, std::uint64_t every) {
    const auto& record = ranvier::activations()[static_cast<std::size_t>(activation)];
    const auto& forms = ranvier::kernels().elementwise[static_cast<int>(activation)];
    const int type = static_cast<int>(ranvier::DType::float32);
    const Worst value = sweep(
        forms[static_cast<int>(ranvier::Form::value)][type],
        [](auto x) { return Reference::value(x); }, reference::no_zero, every);
    const Worst derivative = sweep(
        forms[static_cast<int>(ranvier::Form::derivative)][type],
        [](auto x) { return Reference::derivative(x); }, Reference::zero, every);
    std::printf("| %s | %.4f | %.9g | %.4f | %.9g |\n", record.name, value.error,
                static_cast<double>(value.at), derivative.error,
                static_cast<double>(derivative.at));
    std::fflush(stdout);
    return value.error <= record.bounds[0] && derivative.error <= record.bounds[1];
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t every = 1;
    std::vector<std::string> names;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--every") == 0 && i + 1 < argc) {
            every = std::strtoull(argv[++i], nullptr, 10);
            if (every == 0) {
                std::fprintf(stderr, "--every is '%s'; expected a positive integer\n", argv[i]);
                return 2;
            }
        } else {
            names.emplace_back(argv[i]);
        }
    }
    ranvier::start_threads();
    const ranvier::KernelTable& table = ranvier::kernels();
    std::printf("float32, %s, %llu inputs each\n\n", table.name,
                static_cast<unsigned long long>((std::uint64_t{1} << 32) / every));
    std::printf("| function | value: ulp | at | derivative: ulp | at |\n|---|---|---|---|---|\n");
    bool within = true;
    const auto wanted = [&](const char* name) {
        return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
    };
    // A row without a reference of its name above does not compile.
#define RV_ACTIVATION(name, ...) \
    if (wanted(#name)) within &= report<reference::name>(ranvier::Activation::name, every);
#include "ops/activations.def"
#undef RV_ACTIVATION
    if (!within) std::fprintf(stderr, "an error is above the registry's bound\n");
    return within ? 0 : 1;
}
