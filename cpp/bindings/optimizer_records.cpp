// The rows of the optimizers as dicts.
#include "runtime/optimizer_records.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>

#include "bindings.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

py::dict start_dict(const char* name, const StartRecord& start) {
    py::dict result;
    result["name"] = name;
    result["start"] = start.value;
    result["start_option"] =
        start.option == nullptr ? py::object(py::none()) : py::str(start.option);
    return result;
}

/// The rows, as dicts.
py::list optimizer_records() {
    static const char* const kinds[] = {"number", "flag", "pair"};
    py::list result;
    for (const OptimizerRecord& record : optimizers()) {
        py::list options, states, carried;
        for (const OptionRecord& option : record.options) {
            py::dict row;
            row["name"] = option.name;
            row["kind"] = kinds[static_cast<int>(option.kind)];
            row["default"] = py::tuple(py::cast(option.defaults));
            row["low"] = option.range.low;
            row["high"] = option.range.high;
            row["closed"] = option.range.closed;
            options.append(row);
        }
        for (const StateRecord& state : record.states) {
            py::dict row = start_dict(state.name, state.start);
            row["option"] =
                state.option == nullptr ? py::object(py::none()) : py::str(state.option);
            states.append(row);
        }
        for (const CarriedRecord& each : record.carried) {
            carried.append(start_dict(each.name, each.start));
        }
        py::dict row;
        row["name"] = record.name;
        row["class_name"] = record.class_name;
        row["counts_steps"] = record.counts_steps;
        row["options"] = options;
        row["states"] = states;
        row["carried"] = carried;
        row["formula"] = record.formula;
        row["weight_decay"] = record.weight_decay;
        row["reference"] = record.reference;
        result.append(row);
    }
    return result;
}

/// The shape that a state has for a parameter of some shape.
py::tuple optimizer_state_shape(const std::string& rule, const std::string& name,
                                const Shape& shape) {
    const OptimizerRecord& record = optimizers()[static_cast<std::size_t>(optimizer_named(rule))];
    for (const StateRecord& state : record.states) {
        if (name == state.name) return py::tuple(py::cast(state.shape(shape)));
    }
    throw py::value_error("name is '" + name + "'; expected a state of " + rule);
}

}  // namespace

void register_optimizer_records(py::module_& m) {
    m.def("optimizer_records", &optimizer_records);
    m.def("optimizer_state_shape", &optimizer_state_shape, py::arg("rule"), py::arg("state"),
          py::arg("shape"));
}

}  // namespace ranvier::bindings
