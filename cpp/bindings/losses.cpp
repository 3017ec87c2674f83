// Losses as handles: prepared once from a row, its parameters and options, and called with arrays.
#include "loss_arguments.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "batch_loss.hpp"
#include "bindings.hpp"
#include "runtime/loss_handle.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// The choice of this name, or an error that lists them.
template <class Choice, std::size_t n>
Choice chosen(const char* what, const std::string& name,
              const std::pair<const char*, Choice> (&choices)[n]) {
    std::string names;
    for (std::size_t k = 0; k < n; ++k) {
        if (choices[k].first == name) return choices[k].second;
        names += (k == 0 ? "'" : k + 1 < n ? ", '" : " or '") + std::string(choices[k].first) + "'";
    }
    throw py::value_error(std::string(what) + " is '" + name + "'; expected " + names);
}

constexpr std::pair<const char*, Reduction> reductions[] = {
    {"mean", Reduction::mean}, {"sum", Reduction::sum}, {"none", Reduction::none}};
constexpr std::pair<const char*, Unit> units[] = {{"element", Unit::element},
                                                  {"row", Unit::row},
                                                  {"row_mean", Unit::row_mean},
                                                  {"sample", Unit::sample}};

/// A handle is shared by all who call it, and by the losses of batches that are made of it.
struct PreparedLoss {
    std::shared_ptr<const LossHandle> handle;
};

PreparedLoss prepare(const std::string& name, const std::map<std::string, double>& parameters,
                     const std::string& reduction, const std::string& unit, bool mean_by_weight,
                     std::int64_t ignore_index) {
    return {make_loss(name, parameters,
                      {chosen("reduction", reduction, reductions), chosen("unit", unit, units),
                       mean_by_weight, ignore_index})};
}

/// The loss, as an array where the reduction is none; gradients are written, where there are arrays
/// for them, when everything has been checked.
py::object run(const PreparedLoss& loss, const py::tuple& operands, py::handle target,
               py::handle weight, py::handle sample_weight, py::handle out) {
    const LossArguments arguments(*loss.handle, operands, target, weight, sample_weight, out);
    double value = 0.0;
    {
        const py::gil_scoped_release release;
        value = loss.handle->run(arguments.arrays());
    }
    return arguments.losses() ? arguments.losses() : py::float_(value);
}

/// The numbers of an array of one axis, or of none.
template <class T>
std::vector<T> numbers(py::handle array, const char* name) {
    if (array.is_none()) return {};
    const FloatArray given(array, name);
    if (!given.contiguous() || given.ndim() > 1 || given.size() == 0) {
        throw py::value_error(std::string(name) + " has shape " + given.shape_text() +
                              "; expected one number, or a contiguous array of one axis");
    }
    std::vector<T> result(given.size());
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<T>(given.at(i));
    return result;
}

template <class T>
py::object batch_of(const PreparedLoss& loss, py::handle weight, py::handle operand) {
    std::unique_ptr<BatchLoss<T>> made = make_batch_loss<T>(
        loss.handle, {numbers<double>(weight, "weight"), numbers<T>(operand, "operand")});
    if (!made) return py::none();
    return py::cast(PreparedBatchLoss(loss.handle, std::move(made)));
}

py::object batch(const PreparedLoss& loss, const std::string& dtype, py::handle weight,
                 py::handle operand) {
    if (dtype == "float32") return batch_of<float>(loss, weight, operand);
    if (dtype == "float64") return batch_of<double>(loss, weight, operand);
    throw py::value_error("dtype is '" + dtype + "'; expected 'float32' or 'float64'");
}

py::dict parameter_of(const LossParameterRecord& record) {
    py::dict result;
    result["name"] = record.name;
    const bool truth = record.range.text == std::string("True or False");
    result["default"] = std::isnan(record.default_value) ? py::object(py::none())
                        : truth ? py::object(py::bool_(record.default_value != 0))
                                : py::object(py::float_(record.default_value));
    result["range"] = record.range.text;
    result["holds"] = py::cpp_function(record.range.holds);
    return result;
}

py::list records() {
    constexpr const char* families[] = {"elementwise", "rows", "classes"};
    constexpr const char* labels[] = {"", "class", "classes", "sign", "class"};
    py::list result;
    for (const LossRecord& record : losses()) {
        py::list operands, parameters;
        for (const OperandRecord& operand : record.operands) {
            operands.append(py::make_tuple(operand.name, name_of(operand.kind), operand.graded));
        }
        for (const LossParameterRecord& parameter : record.parameters) {
            parameters.append(parameter_of(parameter));
        }
        py::dict row;
        row["name"] = record.name;
        row["family"] = families[static_cast<int>(record.family)];
        row["operands"] = operands;
        row["labels"] = labels[static_cast<int>(record.labels)];
        row["parameters"] = parameters;
        row["formula"] = record.formula;
        row["kink"] = record.kink;
        row["reference"] = record.reference;
        result.append(row);
    }
    return result;
}

}  // namespace

void register_losses(py::module_& m) {
    py::class_<PreparedLoss>(m, "Loss")
        .def(py::init(&prepare), py::arg("name"), py::arg("parameters"), py::arg("reduction"),
             py::arg("unit") = "element", py::arg("mean_by_weight") = false,
             py::arg("ignore_index") = -100)
        .def("run", &run, py::arg("operands"), py::arg("target"), py::arg("weight"),
             py::arg("sample_weight"), py::arg("out"))
        .def("batch", &batch, py::arg("dtype"), py::arg("weight"), py::arg("operand"));
    m.def("loss_records", &records);
}

}  // namespace ranvier::bindings
