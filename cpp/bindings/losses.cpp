// Elementwise losses over arrays. Python has settled what the options mean; what concerns the large
// arrays is checked here, before anything is written.
#include "runtime/losses.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

constexpr struct {
    const char* name;
    std::size_t operands, gradients;
} losses[] = {
#define RV_LOSS(name, operands, gradients) {#name, operands, gradients},
#include "ops/losses.def"
#undef RV_LOSS
};

LossArray loss_array(PyArrayObject* array) {
    return {PyArray_BYTES(array), PyArray_STRIDES(array),
            static_cast<bool>(PyArray_IS_C_CONTIGUOUS(array))};
}

/// Each loss divided by `divisor`, as an array if `each`; else the sum of them. `names` are what
/// the operands are called. The gradients are written, where there is an array for them.
py::object elementwise_loss(int loss, const std::vector<py::object>& operands,
                            const std::vector<std::string>& names,
                            const std::vector<double>& parameters, const py::object& weight,
                            double divisor, bool each, const std::vector<py::object>& gradients) {
    const auto& record = losses[loss];
    if (operands.size() != record.operands) throw py::value_error("wrong number of operands");
    const FloatArray input(operands[0], names[0].c_str());
    LossBatch batch{};
    batch.size = input.size();
    batch.ndim = input.ndim();
    batch.shape = PyArray_DIMS(input.array());
    batch.parameters = parameters.data();
    batch.scale = 1.0 / divisor;
    TakenArrays taken;
    for (std::size_t k = 0; k < operands.size(); ++k) {
        const FloatArray operand(operands[k], names[k].c_str());
        operand.require_like(input, names[k].c_str(), names[0].c_str());
        batch.operands[k] = loss_array(operand.array());
        taken.add(operand.array(), names[k]);
    }
    if (!weight.is_none()) {
        const FloatArray weights(weight, "weight");
        batch.weight = loss_array(weights.array());
        taken.add(weights.array(), "a weight");
    }
    for (std::size_t k = 0; k < gradients.size(); ++k) {
        const std::string name = output_name(k, gradients.size());
        const FloatArray gradient(gradients[k], name.c_str());
        taken.add_output(gradient, name, input, names[0].c_str());
        batch.gradients[k] = loss_array(gradient.array());
    }
    py::object result;
    if (each) {
        result = py::reinterpret_steal<py::object>(PyArray_SimpleNew(
            input.ndim(), PyArray_DIMS(input.array()), PyArray_TYPE(input.array())));
        if (!result) throw py::error_already_set();
        batch.losses = PyArray_DATA(reinterpret_cast<PyArrayObject*>(result.ptr()));
    }
    double total = 0.0;
    {
        const py::gil_scoped_release release;
        total = input.is_float32() ? run_loss<float>(static_cast<Loss>(loss), batch)
                                   : run_loss<double>(static_cast<Loss>(loss), batch);
    }
    return each ? result : py::float_(total / divisor);
}

}  // namespace

void register_losses(py::module_& m) {
    m.def("elementwise_loss", &elementwise_loss, py::arg("loss"), py::arg("operands"),
          py::arg("names"), py::arg("parameters"), py::arg("weight"), py::arg("divisor"),
          py::arg("each"), py::arg("gradients"));
    py::dict records;  // the index and how many gradients there are
    for (int i = 0; i < count_of<Loss>; ++i) {
        records[losses[i].name] = py::make_tuple(i, losses[i].gradients);
    }
    m.attr("elementwise_losses") = records;
}

}  // namespace ranvier::bindings
