// Optimizer steps on lists of arrays, in place.
#include "arrays.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/optimizer.hpp"
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

/// `groups` holds (params, states, scalars) of each group: a list of arrays; for each state such a
/// list, in a tuple; numbers. `gradients` are those of all groups. Everything is checked before
/// anything is written.
void optimizer_step(int index, const py::list& groups, const py::list& gradients) {
    std::size_t count = 0;
    for (const py::handle group : groups) count += py::len(group[py::int_(0)]);
    if (gradients.size() != count) {
        throw py::value_error("grads has " + std::to_string(gradients.size()) +
                              " arrays; expected " + std::to_string(count) +
                              ", one for each parameter");
    }
    const auto most_states =
        static_cast<std::size_t>(optimizers()[static_cast<std::size_t>(index)].states);
    // The lists may change while the lock is released; what they hold now stays alive.
    std::vector<py::object> alive;
    std::vector<Batch> batches;
    std::size_t flat = 0;
    for (const py::handle item : groups) {
        const auto group = py::reinterpret_borrow<py::tuple>(item);
        const auto parameters = group[0].cast<py::list>();
        const auto states = group[1].cast<py::tuple>();
        const auto scalars = group[2].cast<py::tuple>();
        if (states.size() > most_states) {
            throw py::value_error("states has " + std::to_string(states.size()) +
                                  " lists; expected at most " + std::to_string(most_states));
        }
        // Parameters of both precisions may stand in one group.
        const std::size_t first = batches.size();
        for (int type = 0; type < 2; ++type) {
            batches.push_back({type, {}, {}});
            for (std::size_t k = 0; k < scalars.size(); ++k) {
                batches.back().scalars[k] = scalars[k].cast<double>();
            }
        }
        for (std::size_t i = 0; i < parameters.size(); ++i, ++flat) {
            alive.insert(alive.end(), {parameters[i], gradients[flat]});
            for (const py::handle state : states)
                alive.push_back(py::reinterpret_borrow<py::list>(state)[i]);
            int type = 0;
            const OptimizerTensor tensor =
                checked_tensor(parameters[i], gradients[flat], states, i, flat, type);
            if (tensor.size > 0) batches[first + type].tensors.push_back(tensor);
        }
    }
    const py::gil_scoped_release release;
    for (Batch& batch : batches) {
        if (batch.tensors.empty()) continue;
        run_optimizer(kernels().optimizer[index][batch.type], batch.tensors,
                      batch.type == 0 ? 4 : 8, batch.scalars);
    }
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
