// Results as lines of JSON, one record each: what the tables of docs/accuracy.md are made of.
#pragma once

#include <string>
#include <vector>

#include "instruction_sets.hpp"
#include "sweep.hpp"

namespace accuracy {

/// What was measured, without the result: two records of the same are one.
struct Measurement {
    std::string who, function, form, dtype, isa;
    std::uint64_t inputs;
    std::vector<double> parameters;
    std::string beside = {};  // the other one of two instruction sets
};

/// A file of records that is appended to; without a name, nothing is read or written.
class Records {
public:
    explicit Records(std::string path);
    bool has(const Measurement& measurement) const;
    /// Whether it has one that did not pass.
    bool failed(const Measurement& measurement) const;
    /// `passed` is whether the result is as it has to be. Throws std::runtime_error if the file
    /// cannot be written.
    void add(const Measurement& measurement, const Result& result, bool passed);
    void add(const Measurement& measurement, const Differences& differences, bool passed);

private:
    void append(const std::string& record, bool passed);

    std::string path_;
    std::vector<std::string> lines_;
};

}  // namespace accuracy
