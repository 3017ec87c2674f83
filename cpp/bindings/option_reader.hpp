// Hyperparameters from the dict of a group.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "runtime/optimizer_group.hpp"
#include "runtime/optimizer_records.hpp"

namespace ranvier::bindings {

/// A number that cannot change is read once: as long as the dict has the same object, there is
/// nothing to do.
class OptionReader {
public:
    explicit OptionReader(const OptimizerRecord& record);

    /// Takes the options over into the group. Throws TypeError, ValueError or KeyError.
    void read(const pybind11::dict& from, OptimizerGroup& group);

    /// The number that was read last, of an option that is one.
    double number(const char* option) const;

private:
    struct Option {
        pybind11::str key;
        std::size_t count;                // of numbers
        std::vector<OptionField> fields;  // to write them to, if any
        double values[2];
        pybind11::object last;  // null if it has to be read again
    };

    const OptimizerRecord* record_;
    std::vector<Option> options_;
    Option maximize_;
};

}  // namespace ranvier::bindings
