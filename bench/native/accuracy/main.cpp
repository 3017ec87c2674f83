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

#include "instruction_sets.hpp"
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
constexpr const char* form_names[] = {"value", "derivative", "vjp", "vjp_from_output"};

class Stopwatch {
public:
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

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
    std::vector<double> list() const { return {values, values + count}; }
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

template <class T>
accuracy::Arguments<T> arguments_of(Activation activation, const Parameters<T>& parameters,
                                    const Options& options) {
    if constexpr (ranvier::dtype_of<T> == DType::float16) {
        return [](T* x, std::size_t n, std::uint64_t first) {
            for (std::size_t i = 0; i < n; ++i) x[i].bits = static_cast<std::uint16_t>(first + i);
        };
    } else if constexpr (ranvier::dtype_of<T> == DType::float32) {
        return [every = options.every](T* x, std::size_t n, std::uint64_t first) {
            for (std::size_t i = 0; i < n; ++i) x[i] = accuracy::input_at(first + i, every);
        };
    } else {
        const double zero =
            accuracy::reference(activation, Form::derivative).zero(parameters.values);
        return
            [points = accuracy::Points(options.float64_points, parameters.values, parameters.count,
                                       zero)](T* x, std::size_t n, std::uint64_t first) {
                for (std::size_t i = 0; i < n; ++i) x[i] = points[first + i];
            };
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

/// The digits that are read back as x; nothing for a NaN.
std::string digits(double x) {
    char text[48] = "";
    if (!std::isnan(x)) std::snprintf(text, sizeof text, "%.17g", x);
    return text;
}

void print(const accuracy::Measurement& m, const Result& result, double seconds) {
    const auto count = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf("| %s | %s | %.4g | %s |", m.function.c_str(), m.form.c_str(), result.ulp,
                digits(result.at).c_str());
    if (m.dtype == "float16") std::printf(" %llu not nearest,", count(result.not_nearest));
    if (result.nan_results != 0) {
        std::printf(" %llu NaN, at %s,", count(result.nan_results),
                    digits(result.nan_results_at).c_str());
    }
    if (result.nan_lost != 0) std::printf(" %llu not NaN,", count(result.nan_lost));
    if (result.bits_differ != 0) {
        std::printf(" vjp of 1 differs at %s and %llu in all,",
                    digits(result.bits_differ_at).c_str(), count(result.bits_differ));
    }
    std::printf(" %.1f s |\n", seconds);
    std::fflush(stdout);
}

void print(const accuracy::Measurement& m, const accuracy::Differences& found, double seconds) {
    const auto count = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf("| %s | %s | %s | %llu | %llu | %s | %.1f s |\n", m.function.c_str(),
                m.form.c_str(), m.beside.c_str(), count(found.results), count(found.apart),
                digits(found.at).c_str(), seconds);
    std::fflush(stdout);
}

/// An approximation cannot keep 1/2 itself: for float16, rounded from one, that is a hair more.
double bound(const ActivationRecord& record, Form form, DType type) {
    const int index = form == Form::value ? 0 : 1;
    if (type == DType::float16) return 0.5001;
    return record.bounds[type == DType::float32 ? index : 2 + index] + 1e-3;
}

bool fused(const ranvier::KernelTable& table) {
    return table.name != std::string("baseline");
}

/// What is printed and recorded of the bits of the chosen instruction set beside another's.
template <class T>
bool compare(Activation activation, const Options& options, accuracy::Records& records) {
    constexpr DType type = ranvier::dtype_of<T>;
    const ActivationRecord& record = ranvier::activations()[static_cast<std::size_t>(activation)];
    const Parameters<T> parameters(record, options.parameters);
    const ranvier::KernelTable& chosen = ranvier::kernels();
    const std::uint64_t count = input_count<T>(options);
    const accuracy::Arguments<T> arguments = arguments_of(activation, parameters, options);
    bool same = true;
    for (const ranvier::KernelTable* other : ranvier::available_kernels()) {
        // Where there is no other, for the digest.
        if (other == &chosen && ranvier::available_kernels().size() > 1) continue;
        for (int f = 0; f < ranvier::count_of<Form>; ++f) {
            const auto form = static_cast<Form>(f);
            if (!accuracy::has_form<T>(chosen, activation, form)) continue;
            const accuracy::Measurement measurement{
                "ranvier",   record.name, form_names[f],     dtype_names[static_cast<int>(type)],
                chosen.name, count,       parameters.list(), other->name};
            if (records.has(measurement)) {
                same &= !records.failed(measurement);
                continue;
            }
            const Stopwatch watch;
            const auto found = accuracy::compare<T>(chosen, *other, activation, form,
                                                    parameters.held, arguments, count);
            print(measurement, found, watch.seconds());
            const bool equal = found.results == 0 || !fused(chosen) || !fused(*other);
            records.add(measurement, found, equal);
            same &= equal;
        }
    }
    return same;
}

template <class T>
bool report(Activation activation, const Options& options, accuracy::Records& records) {
    constexpr DType type = ranvier::dtype_of<T>;
    const ActivationRecord& record = ranvier::activations()[static_cast<std::size_t>(activation)];
    const Parameters<T> parameters(record, options.parameters);
    bool within = true;
    for (const Form form : {Form::value, Form::derivative}) {
        const char* form_name = form_names[static_cast<int>(form)];
        const bool judged = !options.judged.empty();
        if (judged && options.form != form_name) continue;
        const accuracy::Measurement measurement{judged                    ? options.who
                                                : options.check_reference ? "reference"
                                                                          : "ranvier",
                                                record.name,
                                                form_name,
                                                dtype_names[static_cast<int>(type)],
                                                judged ? "" : ranvier::kernels().name,
                                                input_count<T>(options),
                                                parameters.list()};
        if (records.has(measurement)) {
            within &= judged || !records.failed(measurement);
            continue;
        }
        const Stopwatch watch;
        Result result;
        if constexpr (type == DType::float32) {
            result = judged ? judge(activation, form, parameters, options)
                            : measure(activation, form, parameters, options);
        } else {
            result = measure(activation, form, parameters, options);
        }
        print(measurement, result, watch.seconds());
        const bool kept =
            judged || (result.ulp <= bound(record, form, type) && result.nan_results == 0 &&
                       result.nan_lost == 0 && result.bits_differ == 0);
        records.add(measurement, result, kept);
        within &= kept;
    }
    return within;
}

template <class T>
bool of_type(Activation activation, const Options& options, accuracy::Records& records) {
    return options.compare_isa ? compare<T>(activation, options, records)
                               : report<T>(activation, options, records);
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
    const char* dtype = dtype_names[options.float16 ? 0 : float64 ? 2 : 1];
    if (options.compare_isa) {
        std::printf("| function | form | %s, %s beside | differ | steps apart | at | |\n",
                    ranvier::kernels().name, dtype);
        std::printf("|---|---|---|---|---|---|---|\n");
    } else {
        if (float64 && !accuracy::has_quad) {
            std::printf(
                "Without quadruple precision: next to the zero of a derivative, nothing is "
                "measured.\n");
        }
        std::printf("| function | form | %s %s, ulp | at | |\n|---|---|---|---|---|\n",
                    ranvier::kernels().name, dtype);
    }
    accuracy::Records records(options.output);
    bool good = true;
    for (const Activation activation : wanted) {
        good &= options.float16 ? of_type<ranvier::half>(activation, options, records)
                : float64       ? of_type<double>(activation, options, records)
                                : of_type<float>(activation, options, records);
    }
    if (!good) {
        std::fprintf(stderr, options.compare_isa
                                 ? "Two instruction sets with a fused multiply-add differ.\n"
                                 : "An error is above the bound of the registry.\n");
    }
    return good ? 0 : 1;
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
