#include "options.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>

namespace accuracy {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& value, const char* expected) {
    throw std::invalid_argument(name + " is '" + value + "'; expected " + expected);
}

std::uint64_t positive(const std::string& name, const std::string& value) {
    char* end = nullptr;
    errno = 0;
    const unsigned long long number = std::strtoull(value.c_str(), &end, 10);
    const bool digit = !value.empty() && value[0] >= '0' && value[0] <= '9';
    if (!digit || *end != '\0' || errno != 0 || number == 0) {
        refuse(name, value, "a positive integer");
    }
    return number;
}

std::vector<double> numbers(const std::string& name, const std::string& value) {
    std::vector<double> result;
    for (std::size_t start = 0; start <= value.size();) {
        const std::size_t comma = std::min(value.find(',', start), value.size());
        const std::string item = value.substr(start, comma - start);
        char* end = nullptr;
        result.push_back(std::strtod(item.c_str(), &end));
        if (item.empty() || *end != '\0') refuse(name, value, "numbers separated by commas");
        start = comma + 1;
    }
    if (result.size() > 2) refuse(name, value, "at most two numbers");
    return result;
}

}  // namespace

Options parse(int argc, const char* const* argv) {
    Options options;
    int i = 1;
    const auto next = [&](const std::string& name) -> std::string {
        if (i + 1 >= argc) throw std::invalid_argument(name + " needs a value");
        return argv[++i];
    };
    for (; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--every") {
            options.every = positive(name, next(name));
        } else if (name == "--float64") {
            options.float64_points = positive(name, next(name));
        } else if (name == "--float16") {
            options.float16 = true;
        } else if (name == "--parameters") {
            options.parameters = numbers(name, next(name));
        } else if (name == "--output") {
            options.output = next(name);
        } else if (name == "--judge") {
            options.judged = next(name);
            options.form = next(name);
            if (options.form != "value" && options.form != "derivative") {
                refuse("the form of --judge", options.form, "value or derivative");
            }
        } else if (name == "--who") {
            options.who = next(name);
        } else if (name == "--compare-isa") {
            options.compare_isa = true;
        } else if (name == "--check-reference") {
            options.check_reference = true;
        } else if (name.starts_with("-")) {
            refuse("an option", name, "one of those that --help lists");
        } else {
            options.names.push_back(name);
        }
    }
    return options;
}

}  // namespace accuracy
