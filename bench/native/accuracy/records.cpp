#include "records.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace accuracy {
namespace {

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

/// The shortest digits that are read back as x; JSON has no infinity and no NaN but as text.
std::string number(double x) {
    if (std::isnan(x)) return "null";
    if (std::isinf(x)) return x > 0 ? "\"inf\"" : "\"-inf\"";
    char text[32];
    for (int digits = 6; digits <= 17; ++digits) {
        std::snprintf(text, sizeof text, "%.*g", digits, x);
        if (std::strtod(text, nullptr) == x) break;
    }
    return text;
}

constexpr const char* failure = ", \"failed\": true}";

/// The start of a line, by which records of the same measurement are found.
std::string identity(const Measurement& m) {
    std::string line = "{\"who\": " + quoted(m.who) + ", \"function\": " + quoted(m.function) +
                       ", \"form\": " + quoted(m.form) + ", \"dtype\": " + quoted(m.dtype) +
                       ", \"isa\": " + quoted(m.isa) + ", \"inputs\": " + std::to_string(m.inputs) +
                       ", \"parameters\": [";
    for (std::size_t k = 0; k < m.parameters.size(); ++k) {
        line += (k > 0 ? ", " : "") + number(m.parameters[k]);
    }
    line += "], ";
    return m.beside.empty() ? line : line + "\"beside\": " + quoted(m.beside) + ", ";
}

}  // namespace

Records::Records(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    std::ifstream file(path_);
    bool ended = true;
    for (std::string line; std::getline(file, line);) {
        // A run that was interrupted may leave half a line.
        if (line.ends_with("}")) lines_.push_back(line);
        ended = !file.eof();
    }
    if (!ended) std::ofstream(path_, std::ios::app) << std::endl;
}

bool Records::has(const Measurement& measurement) const {
    const std::string start = identity(measurement);
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const std::string& line) { return line.starts_with(start); });
}

bool Records::failed(const Measurement& measurement) const {
    const std::string start = identity(measurement);
    return std::any_of(lines_.begin(), lines_.end(), [&](const std::string& line) {
        return line.starts_with(start) && line.ends_with(failure);
    });
}

void Records::add(const Measurement& measurement, const Result& result, bool passed) {
    if (path_.empty()) return;
    std::string line =
        identity(measurement) + "\"ulp\": " + number(result.ulp) + ", \"at\": " + number(result.at);
    if (result.nan_results != 0) {
        line += ", \"nan_results\": " + std::to_string(result.nan_results) +
                ", \"nan_results_at\": " + number(result.nan_results_at);
    }
    if (result.nan_lost != 0) line += ", \"nan_lost\": " + std::to_string(result.nan_lost);
    if (result.bits_differ != 0) {
        line += ", \"vjp_differs\": " + std::to_string(result.bits_differ) +
                ", \"vjp_differs_at\": " + number(result.bits_differ_at);
    }
    if (measurement.dtype == "float16") {
        line += ", \"not_correctly_rounded\": " + std::to_string(result.not_nearest);
    }
    append(line, passed);
}

void Records::add(const Measurement& measurement, const Differences& differences, bool passed) {
    if (path_.empty()) return;
    char digest[17];
    std::snprintf(digest, sizeof digest, "%016llx",
                  static_cast<unsigned long long>(differences.digest));
    std::string line = identity(measurement) + "\"digest\": " + quoted(digest) +
                       ", \"differ\": " + std::to_string(differences.results);
    if (differences.results != 0) {
        line += ", \"apart\": " + std::to_string(differences.apart) +
                ", \"at\": " + number(differences.at);
    }
    append(line, passed);
}

void Records::append(const std::string& record, bool passed) {
    lines_.push_back(record + (passed ? "}" : failure));
    std::ofstream file(path_, std::ios::app);
    file << lines_.back() << std::endl;
    if (!file) throw std::runtime_error("cannot write " + path_);
}

}  // namespace accuracy
