// Proves the accuracy of every activation; see `usage` in options.hpp.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "options.hpp"
#include "records.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/registry.hpp"
#include "runtime/threads.hpp"
#include "sweep.hpp"
#include "ulp.hpp"

namespace {

using accuracy::Options;
using accuracy::Result;
using ranvier::Activation;
using ranvier::ActivationRecord;
using ranvier::DType;
using ranvier::Form;

constexpr const char* dtype_names[] = {"float16", "float32", "float64"};

/// The parameters as numbers of T: what a kernel gets is what the reference has to take.
template <class T>
struct Parameters {
    std::size_t count;
    T held[2] = {};
    double values[2] = {};

    Parameters(const ActivationRecord& record, const std::vector<double>& given)
        : count(record.parameters.size()) {
        if (!given.empty() && given.size() != count) {
            throw std::invalid_argument("--parameters has " + std::to_string(given.size()) +
                                        " values; " + record.name + " takes " +
                                        std::to_string(count));
        }
        for (std::size_t k = 0; k < count; ++k) {
            const double usual = record.parameters[k].default_value;
            held[k] = accuracy::narrowed<T>(!given.empty()      ? given[k]
                                            : std::isnan(usual) ? 0.25
                                                                : usual);
            values[k] = accuracy::widened(held[k]);
        }
    }
};

/// The kernel of the chosen instruction set; with the derivative, its vjp of 1.
template <class T>
accuracy::Subject<T> library(Activation activation, Form form, const Parameters<T>& parameters) {
    constexpr int type = static_cast<int>(ranvier::dtype_of<T>);
    const auto& forms = ranvier::kernels().elementwise[type]->forms[static_cast<int>(activation)];
    const auto kernel = forms[static_cast<int>(form)];
    const T* held = parameters.held;
    accuracy::Subject<T> subject;
    subject.results = [kernel, held](const T* x, T* y, std::size_t n, std::uint64_t) {
        const void* in[] = {x, &held[0], &held[1]};
        kernel(in, y, n, true);
    };
    if (form == Form::derivative) {
        const auto vjp = forms[static_cast<int>(Form::vjp)];
        subject.same = [vjp, held](const T* x, T* y, std::size_t n, std::uint64_t) {
            const std::vector<T> ones(n, accuracy::narrowed<T>(1.0));
            const void* in[] = {ones.data(), x, &held[0], &held[1]};
            vjp(in, y, n, true);
        };
    }
    return subject;
}

template <class T>
std::uint64_t input_count(const Options& options) {
    if (ranvier::dtype_of<T> == DType::float16) return 1 << 16;
    return ranvier::dtype_of<T> == DType::float32 ? accuracy::inputs(options.every)
                                                  : options.float64_points;
}

template <class T>
Result measure(Activation activation, Form form, const Parameters<T>& parameters,
               const Options& options) {
    const auto& reference = accuracy::reference(activation, form);
    const auto subject = library<T>(activation, form, parameters);
    const double* values = parameters.values;
    const std::uint64_t count = input_count<T>(options);
    if constexpr (ranvier::dtype_of<T> == DType::float16) {
        return accuracy::sweep(subject, reference, values);
    } else if constexpr (ranvier::dtype_of<T> == DType::float32) {
        if (options.check_reference) {
            return accuracy::check_in_double(reference, values, options.every);
        }
        return accuracy::sweep(subject, reference, values, options.every, 0, count);
    } else {
        const double zero = reference.zero(values);
        const accuracy::Points points(count, values, parameters.count, zero);
        if (options.check_reference) {
            return accuracy::check_in_extended(reference, values, points, count);
        }
        return accuracy::sweep(subject, reference, values, points, count);
    }
}

/// Results from standard input, in the order of the inputs and a piece at a time.
Result judge(Activation activation, Form form, const Parameters<float>& parameters,
             const Options& options) {
    const std::uint64_t count = accuracy::inputs(options.every);
    std::vector<float> piece(std::min<std::uint64_t>(count, 1 << 24));
    Result all;
    for (std::uint64_t first = 0; first < count; first += piece.size()) {
        const auto n = std::min<std::uint64_t>(count - first, piece.size());
        if (std::fread(piece.data(), sizeof(float), n, stdin) != n) {
            throw std::invalid_argument("standard input has fewer than " + std::to_string(count) +
                                        " results");
        }
        const auto read = [&](const float*, float* y, std::size_t m, std::uint64_t index) {
            std::copy_n(piece.data() + (index - first), m, y);
        };
        all.add(accuracy::sweep({read, {}}, accuracy::reference(activation, form),
                                parameters.values, options.every, first, n));
    }
    if (std::fgetc(stdin) != EOF) {
        throw std::invalid_argument("standard input has more than " + std::to_string(count) +
                                    " results");
    }
    return all;
}

void print(const accuracy::Measurement& m, const Result& result, double seconds) {
    const auto at = [](double x) {
        char text[48] = "";
        if (!std::isnan(x)) std::snprintf(text, sizeof text, "%.17g", x);
        return std::string(text);
    };
    const auto count = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf("| %s | %s | %.4g | %s |", m.function.c_str(), m.form.c_str(), result.ulp,
                at(result.at).c_str());
    if (m.dtype == "float16") std::printf(" %llu not nearest,", count(result.not_nearest));
    if (result.nan_results != 0) {
        std::printf(" %llu NaN, at %s,", count(result.nan_results),
                    at(result.nan_results_at).c_str());
    }
    if (result.nan_lost != 0) std::printf(" %llu not NaN,", count(result.nan_lost));
    if (result.bits_differ != 0) {
        std::printf(" vjp of 1 differs at %s and %llu in all,", at(result.bits_differ_at).c_str(),
                    count(result.bits_differ));
    }
    std::printf(" %.1f s |\n", seconds);
    std::fflush(stdout);
}

/// An approximation cannot keep 1/2 itself: for float16, rounded from one, that is a hair more.
double bound(const ActivationRecord& record, Form form, DType type) {
    const int index = form == Form::value ? 0 : 1;
    if (type == DType::float16) return 0.5001;
    return record.bounds[type == DType::float32 ? index : 2 + index] + 1e-3;
}

template <class T>
bool report(Activation activation, const Options& options, accuracy::Records& records) {
    constexpr DType type = ranvier::dtype_of<T>;
    const ActivationRecord& record = ranvier::activations()[static_cast<std::size_t>(activation)];
    const Parameters<T> parameters(record, options.parameters);
    bool within = true;
    for (const Form form : {Form::value, Form::derivative}) {
        const char* form_name = form == Form::value ? "value" : "derivative";
        const bool judged = !options.judged.empty();
        if (judged && options.form != form_name) continue;
        const std::vector<double> values(parameters.values, parameters.values + parameters.count);
        const accuracy::Measurement measurement{judged                    ? options.who
                                                : options.check_reference ? "reference"
                                                                          : "ranvier",
                                                record.name,
                                                form_name,
                                                dtype_names[static_cast<int>(type)],
                                                judged ? "" : ranvier::kernels().name,
                                                input_count<T>(options),
                                                values};
        if (records.has(measurement)) continue;
        const auto start = std::chrono::steady_clock::now();
        Result result;
        if constexpr (type == DType::float32) {
            result = judged ? judge(activation, form, parameters, options)
                            : measure(activation, form, parameters, options);
        } else {
            result = measure(activation, form, parameters, options);
        }
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        print(measurement, result, seconds.count());
        records.add(measurement, result);
        within &= judged || (result.ulp <= bound(record, form, type) && result.nan_results == 0 &&
                             result.nan_lost == 0 && result.bits_differ == 0);
    }
    return within;
}

int run(const Options& options) {
#if defined(RANVIER_LIBMVEC)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        throw std::runtime_error("this build of the program needs AVX2 and FMA");
    }
#endif
    ranvier::start_threads();
    std::vector<std::string> names = options.names;
    if (!options.judged.empty()) names = {options.judged};
    std::vector<Activation> wanted;
    std::vector<std::string> unknown = names;
    for (std::size_t k = 0; k < ranvier::activations().size(); ++k) {
        const bool named = std::erase(unknown, ranvier::activations()[k].name) != 0;
        if (named || names.empty()) wanted.push_back(static_cast<Activation>(k));
    }
    if (!unknown.empty()) throw std::invalid_argument("there is no activation " + unknown.front());
    const bool float64 = options.float64_points != 0;
    if (float64 && !accuracy::has_quad) {
        std::printf(
            "Without quadruple precision: next to the zero of a derivative, nothing is "
            "measured.\n");
    }
    std::printf("| function | form | %s %s, ulp | at | |\n|---|---|---|---|---|\n",
                ranvier::kernels().name,
                dtype_names[options.float16 ? 0
                            : float64       ? 2
                                            : 1]);
    accuracy::Records records(options.output);
    bool within = true;
    for (const Activation activation : wanted) {
        within &= options.float16 ? report<ranvier::half>(activation, options, records)
                  : float64       ? report<double>(activation, options, records)
                                  : report<float>(activation, options, records);
    }
    if (!within) std::fprintf(stderr, "An error is above the bound of the registry.\n");
    return within ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "--help") == 0) {
        std::fputs(accuracy::usage, stdout);
        return 0;
    }
    try {
        return run(accuracy::parse(argc, argv));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
}
