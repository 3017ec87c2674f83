// Optimizer steps on lists of arrays, in place.
#include "arrays.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/optimizer.hpp"
#include "runtime/optimizer_scalars.hpp"
#include "runtime/registry.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// Parameters of one group and precision, with the scalars of the group.
struct Batch {
    int type;
    double scalars[max_scalars];
    std::vector<OptimizerTensor> tensors;
};

FloatArray contiguous_gradient(py::handle object, const ArgumentName& name) {
    const FloatArray gradient(object, name);
    if (!gradient.contiguous()) {
        throw py::value_error(name + " is not C-contiguous (shape " + gradient.shape_text() + ")");
    }
    return gradient;
}

OptimizerTensor checked_tensor(py::handle parameter_, py::handle gradient_, const py::tuple& states,
                               std::size_t i, std::size_t flat, int& type) {
    const ArgumentName name("params", flat), gradient_name("grads", flat),
        state_name("state", flat);
    const FloatArray parameter(parameter_, name);
    parameter.require_in_place(name);
    const FloatArray gradient = contiguous_gradient(gradient_, gradient_name);
    gradient.require_like(parameter, gradient_name, name);
    if (overlap(gradient.array(), parameter.array())) {
        throw py::value_error(gradient_name + " overlaps " + name +
                              " in memory; expected an array of its own");
    }
    type = parameter.index();
    OptimizerTensor tensor{parameter.data(), gradient.data(), {}, parameter.size(), 0};
    for (std::size_t k = 0; k < states.size(); ++k) {
        const FloatArray state(py::list(states[k])[i], state_name);
        state.require_like(parameter, state_name, name);
        state.require_in_place(state_name);
        tensor.state[k] = state.data();
    }
    return tensor;
}

/// `groups` holds (params, states, options, t, scale) of each group: a list of arrays; for each state
/// such a list, in a tuple; the members of the rule's options; the number of the step; by what the
/// gradients are multiplied. `gradients` are those of all groups. Everything is checked before
/// anything is written. Returns the options of each group, in which the rule has changed what it
/// carries.
py::list optimizer_step(int index, const py::list& groups, const py::list& gradients) {
    std::size_t count = 0;
    for (const py::handle group : groups) count += py::len(group[py::int_(0)]);
    if (gradients.size() != count) {
        throw py::value_error("grads has " + std::to_string(gradients.size()) +
                              " arrays; expected " + std::to_string(count) +
                              ", one for each parameter");
    }
    const OptimizerRecord& record = optimizers()[static_cast<std::size_t>(index)];
    const auto rule = static_cast<Optimizer>(index);
    // The lists may change while the lock is released; what they hold now stays alive.
    std::vector<py::object> alive;
    std::vector<Batch> batches;
    py::list changed;
    std::size_t flat = 0;
    for (const py::handle item : groups) {
        const auto group = py::reinterpret_borrow<py::tuple>(item);
        const auto parameters = group[0].cast<py::list>();
        const auto states = group[1].cast<py::tuple>();
        const auto options = group[2].cast<py::list>();
        if (states.size() > static_cast<std::size_t>(record.states) ||
            options.size() != static_cast<std::size_t>(record.options)) {
            throw py::value_error(
                std::string(record.name) + " has " + std::to_string(states.size()) +
                " states and " + std::to_string(options.size()) + " options; expected up to " +
                std::to_string(record.states) + " and " + std::to_string(record.options));
        }
        double values[max_scalars], scalars[max_scalars];
        for (std::size_t k = 0; k < options.size(); ++k) values[k] = options[k].cast<double>();
        optimizer_scalars(rule, values, group[3].cast<double>(), group[4].cast<double>(), scalars);
        py::list after(options.size());
        for (std::size_t k = 0; k < options.size(); ++k) after[k] = values[k];
        changed.append(after);
        // Parameters of both precisions may stand in one group.
        const std::size_t first = batches.size();
        for (int type = 0; type < 2; ++type) {
            batches.push_back({type, {}, {}});
            std::copy_n(scalars, max_scalars, batches.back().scalars);
        }
        for (std::size_t i = 0; i < parameters.size(); ++i, ++flat) {
            alive.insert(alive.end(), {parameters[i], gradients[flat]});
            for (const py::handle state : states)
                alive.push_back(py::reinterpret_borrow<py::list>(state)[i]);
            int type = 0;
            const OptimizerTensor tensor =
                checked_tensor(parameters[i], gradients[flat], states, i, flat, type);
            batches[first + static_cast<std::size_t>(type)].tensors.push_back(tensor);
        }
    }
    const py::gil_scoped_release release;
    for (Batch& batch : batches) run_optimizer(rule, batch.type, batch.tensors, batch.scalars);
    return changed;
}

/// The square root of the sum of all squares.
double norm(const py::list& gradients) {
    std::vector<FloatArray> arrays;
    std::vector<py::object> alive;
    for (std::size_t i = 0; i < gradients.size(); ++i) {
        alive.push_back(gradients[i]);
        arrays.push_back(contiguous_gradient(gradients[i], ArgumentName("grads", i)));
    }
    const py::gil_scoped_release release;
    double total = 0.0;
    for (const FloatArray& array : arrays) {
        total += array.is_float32()
                     ? sum_of_squares(kernels().rows_float32.dot,
                                      reinterpret_cast<const float*>(array.data()), array.size())
                     : sum_of_squares(kernels().rows_float64.dot,
                                      reinterpret_cast<const double*>(array.data()), array.size());
    }
    return std::sqrt(total);
}

}  // namespace

void register_optimizers(py::module_& m) {
    m.def("optimizer_step", &optimizer_step, py::arg("index"), py::arg("groups"), py::arg("grads"));
    m.def("norm", &norm, py::arg("grads"));
    py::dict indices;
    for (const OptimizerRecord& record : optimizers()) {
        indices[record.name] = indices.size();
    }
    m.attr("optimizer_indices") = indices;
}

}  // namespace ranvier::bindings
