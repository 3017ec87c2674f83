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

// Each reference is a template, in textbook form: double is far more than float32 needs, except
// next to the zero of a derivative, where everything is done in extended precision.

constexpr double no_zero = std::numeric_limits<double>::quiet_NaN();

template <class Real>
Real clip(Real x, double low, double high) {
    return x < low ? Real(low) : x > high ? Real(high) : x;
}
/// `inside` where `condition`, else `outside`; NaN where x is.
template <class Real>
Real piece(Real x, bool condition, Real inside, Real outside) {
    return condition ? inside : std::isnan(x) ? x : outside;
}
template <class Real>
Real sigmoid_of(Real x) {
    const Real e = std::exp(-std::fabs(x));
    return (x < 0 ? e : Real(1)) / (1 + e);
}
/// x s, where s falls to 0 faster than x grows; and the derivative of such a function.
template <class Real>
Real weighted(Real x, Real s) {
    return x < -1e5 ? 0 * sigmoid_of(x) : x * s;
}
template <class Real>
Real slope_of_weighted(Real x, Real slope) {
    return std::fabs(x) > 1e5 ? Real(x > 0) : slope;
}
template <class Real>
Real silu_slope_of(Real z) {
    return slope_of_weighted(z, sigmoid_of(z) * (1 + z * sigmoid_of(-z)));
}
template <class Real>
Real normal_density(Real x) {
    return std::exp(-x * x / 2) * Real(0.398942280401432677939946059934L);
}
template <class Real>
Real normal_distribution(Real x) {
    return std::erfc(-x * Real(0.707106781186547524400844362105L)) / 2;
}
template <class Real>
Real log_one_plus_exp(Real x) {
    return std::fmax(x, Real(0)) + std::log1p(std::exp(-std::fabs(x))) + (x - x);
}

namespace reference {

// The parameters are the defaults of the rows, and 0.25 where there is none.
struct Smooth {
    static constexpr double zero = no_zero;  // of the derivative, away from 0
};
template <int slope_in_hundredths>
struct Leaky : Smooth {
    static constexpr double slope = static_cast<float>(slope_in_hundredths / 100.0);
    static auto value(auto x) { return x > 0 ? x : x * slope; }
    static auto derivative(auto x) { return piece(x, x > 0, decltype(x)(1), decltype(x)(slope)); }
};
struct relu : Smooth {
    static auto value(auto x) { return x < 0 ? decltype(x)(0) : x; }
    static auto derivative(auto x) { return piece(x, x > 0, decltype(x)(1), decltype(x)(0)); }
};
struct relu6 : Smooth {
    static auto value(auto x) { return clip(x, 0, 6); }
    static auto derivative(auto x) {
        return piece(x, x > 0 && x < 6, decltype(x)(1), decltype(x)(0));
    }
};
struct leaky_relu : Leaky<1> {};
struct prelu : Leaky<25> {};
struct threshold : Smooth {
    static auto value(auto x) { return x <= 0.25 ? decltype(x)(0.25) : x; }
    static auto derivative(auto x) { return piece(x, x > 0.25, decltype(x)(1), decltype(x)(0)); }
};
struct hardtanh : Smooth {
    static auto value(auto x) { return clip(x, -1, 1); }
    static auto derivative(auto x) {
        return piece(x, std::fabs(x) < 1, decltype(x)(1), decltype(x)(0));
    }
};
struct hardsigmoid : Smooth {
    static auto value(auto x) { return (clip(x, -3, 3) + 3) / 6; }
    static auto derivative(auto x) {
        return piece(x, std::fabs(x) < 3, decltype(x)(1) / 6, decltype(x)(0));
    }
};
struct hardswish : Smooth {
    static auto value(auto x) { return x > 3 ? x : clip(x, -3, 3) * (clip(x, -3, 3) + 3) / 6; }
    static auto derivative(auto x) {
        return piece(x, std::fabs(x) < 3, (2 * x + 3) / 6, decltype(x)(x > 0));
    }
};
struct hardshrink : Smooth {
    static auto value(auto x) { return std::fabs(x) <= 0.5 ? decltype(x)(0) : x; }
    static auto derivative(auto x) {
        return piece(x, std::fabs(x) > 0.5, decltype(x)(1), decltype(x)(0));
    }
};
struct softshrink : Smooth {
    static auto value(auto x) { return x - clip(x, -0.5, 0.5); }
    static auto derivative(auto x) { return hardshrink::derivative(x); }
};
struct sparse_sigmoid : Smooth {
    static auto value(auto x) { return (clip(x, -1, 1) + 1) / 2; }
    static auto derivative(auto x) {
        return piece(x, std::fabs(x) < 1, decltype(x)(0.5), decltype(x)(0));
    }
};
struct sparse_plus : Smooth {
    static auto value(auto x) {
        const auto y = sparse_sigmoid::value(x);
        return x > 1 ? x : y * y;
    }
    static auto derivative(auto x) { return sparse_sigmoid::value(x); }
};
struct softsign : Smooth {
    static auto value(auto x) {
        return std::isinf(x) ? std::copysign(decltype(x)(1), x) : x / (1 + std::fabs(x));
    }
    static auto derivative(auto x) { return 1 / ((1 + std::fabs(x)) * (1 + std::fabs(x))); }
};
struct squareplus : Smooth {
    static auto value(auto x) {
        const auto root = std::sqrt(x * x + 4);
        return x < 0 ? 2 / (root - x) : (x + root) / 2;
    }
    static auto derivative(auto x) {
        if (std::isinf(x)) return decltype(x)(x > 0);
        return value(x) / std::sqrt(x * x + 4);
    }
};
struct elu : Smooth {
    static auto value(auto x) { return x > 0 ? x : std::expm1(x); }
    static auto derivative(auto x) { return x > 0 ? decltype(x)(1) : std::exp(x); }
};
struct celu : elu {};
struct selu : Smooth {
    static constexpr long double lambda = 1.0507009873554804934193349852946L;
    static constexpr long double alpha = 1.6732632423543772848170429916717L;
    static auto value(auto x) {
        using Real = decltype(x);
        return x > 0 ? Real(lambda) * x : Real(lambda * alpha) * std::expm1(x);
    }
    static auto derivative(auto x) {
        using Real = decltype(x);
        return x > 0 ? Real(lambda) : Real(lambda * alpha) * std::exp(x);
    }
};
struct gaussian : Smooth {
    static auto value(auto x) { return std::exp(-x * x); }
    static auto derivative(auto x) {
        return std::isinf(x) ? decltype(x)(0) : -2 * x * std::exp(-x * x);
    }
};
struct gelu {
    static auto value(auto x) { return weighted(x, normal_distribution(x)); }
    static auto derivative(auto x) {
        return slope_of_weighted(x, normal_distribution(x) + x * normal_density(x));
    }
    static constexpr double zero = -0.7517915246935645;
};
struct sigmoid : Smooth {
    static auto value(auto x) { return sigmoid_of(x); }
    static auto derivative(auto x) { return sigmoid_of(x) * sigmoid_of(-x); }
};
struct logsigmoid : Smooth {
    static auto value(auto x) {
        return std::isinf(x) ? (x > 0 ? decltype(x)(0) : x) : -log_one_plus_exp(-x);
    }
    static auto derivative(auto x) { return sigmoid_of(-x); }
};
struct softplus : Smooth {
    static auto value(auto x) {
        return std::isinf(x) ? (x > 0 ? x : decltype(x)(0)) : log_one_plus_exp(x);
    }
    static auto derivative(auto x) { return sigmoid_of(x); }
};
struct tanh : Smooth {
    static auto value(auto x) { return std::tanh(x); }
    static auto derivative(auto x) { return 4 * sigmoid_of(2 * x) * sigmoid_of(-2 * x); }
};
struct tanhshrink : Smooth {
    static auto value(auto x) {
        const auto z = x * x;
        const auto series =
            x * z * (decltype(x)(1) / 3 - 2 * z / 15 + 17 * z * z / 315 - 62 * z * z * z / 2835);
        return std::fabs(x) < 0.05 ? series : x - std::tanh(x);
    }
    static auto derivative(auto x) { return std::tanh(x) * std::tanh(x); }
};
struct silu {
    static auto value(auto x) { return weighted(x, sigmoid_of(x)); }
    static auto derivative(auto x) { return silu_slope_of(x); }
    static constexpr double zero = -1.2784645427610738;
};
struct swish : silu {};
struct quick_gelu {
    static constexpr long double factor = 1.702L;
    static auto value(auto x) { return weighted(x, sigmoid_of(decltype(x)(factor) * x)); }
    static auto derivative(auto x) { return silu_slope_of(decltype(x)(factor) * x); }
    static constexpr double zero = -0.751154255441289;
};
struct gelu_tanh {
    static constexpr long double c = 0.044715L, k = 1.595769121605730711759784239637L;
    static auto value(auto x) {
        using Real = decltype(x);
        return weighted(x, sigmoid_of(Real(k) * (x + Real(c) * x * x * x)));
    }
    static auto derivative(auto x) {
        using Real = decltype(x);
        const Real z = Real(k) * (x + Real(c) * x * x * x);
        const Real slope = Real(k) * (1 + 3 * Real(c) * x * x);
        return slope_of_weighted(x, sigmoid_of(z) * (1 + x * slope * sigmoid_of(-z)));
    }
    static constexpr double zero = -0.7524614220710162;
};
struct mish {
    static auto value(auto x) { return weighted(x, std::tanh(log_one_plus_exp(x))); }
    static auto derivative(auto x) {
        const auto t = std::tanh(log_one_plus_exp(x));
        const auto sech = 1 / std::cosh(log_one_plus_exp(x));
        return slope_of_weighted(x, t + x * sech * sech * sigmoid_of(x));
    }
    static constexpr double zero = -1.192431214515495;
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
Worst sweep(const ranvier::ElementwiseKernel kernel, const float* parameters, Exact exact,
            double zero, std::uint64_t every) {
    constexpr std::size_t block = 1 << 16;
    const std::uint64_t inputs = (std::uint64_t{1} << 32) / every;
    const std::size_t blocks = static_cast<std::size_t>((inputs + block - 1) / block);
    std::vector<Worst> worst(blocks);
    ranvier::parallel_for(blocks, 1, 1, [&](std::size_t begin, std::size_t end) {
        std::vector<float> x(block), y(block);
        for (std::size_t b = begin; b < end; ++b) {
            const std::uint64_t first = static_cast<std::uint64_t>(b) * block;
            const std::size_t n =
                static_cast<std::size_t>(std::min<std::uint64_t>(block, inputs - first));
            for (std::size_t i = 0; i < n; ++i) {
                x[i] = std::bit_cast<float>(static_cast<std::uint32_t>((first + i) * every));
            }
            const void* in[] = {x.data(), &parameters[0], &parameters[1]};
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
    float parameters[2] = {};
    for (std::size_t k = 0; k < record.parameters.size(); ++k) {
        const double given = record.parameters[k].default_value;
        parameters[k] = std::isnan(given) ? 0.25f : static_cast<float>(given);
    }
    const Worst value = sweep(
        forms[static_cast<int>(ranvier::Form::value)][type], parameters,
        [](auto x) { return Reference::value(x); }, no_zero, every);
    const Worst derivative = sweep(
        forms[static_cast<int>(ranvier::Form::derivative)][type], parameters,
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
