// Optimizer steps on lists of arrays, in place.
#include "arrays.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "bindings.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/optimizer.hpp"
#include "runtime/registry.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

std::string numbered(const char* name, std::size_t i) {
    return std::string(name) + "[" + std::to_string(i) + "]";
}

/// Everything is checked before anything is written.
void optimizer_step(int index, const py::list& parameters, const py::list& gradients,
                    const std::vector<py::list>& states, const std::vector<double>& scalars) {
    const std::size_t count = parameters.size();
    if (gradients.size() != count) {
        throw py::value_error("grads has " + std::to_string(gradients.size()) +
                              " arrays; expected " + std::to_string(count) +
                              ", one for each parameter");
    }
    // One list for each precision: parameters of both may stand in one group.
    std::vector<OptimizerTensor> tensors[2];
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = numbered("params", i);
        const FloatArray parameter(parameters[i], name);
        parameter.require_in_place(name);
        const FloatArray gradient(gradients[i], numbered("grads", i));
        gradient.require_like(parameter, numbered("grads", i), name);
        if (!gradient.contiguous()) {
            throw py::value_error(numbered("grads", i) + " is not C-contiguous (shape " +
                                  gradient.shape_text() + ")");
        }
        OptimizerTensor tensor{parameter.data(), gradient.data(), {}, parameter.size(), 0};
        for (std::size_t k = 0; k < states.size(); ++k) {
            const FloatArray state(states[k][i], numbered("state", i));
            state.require_like(parameter, numbered("state", i), name);
            state.require_in_place(numbered("state", i));
            tensor.state[k] = state.data();
        }
        if (tensor.size > 0) tensors[parameter.index()].push_back(tensor);
    }
    const py::gil_scoped_release release;
    for (int type = 0; type < 2; ++type) {
        if (tensors[type].empty()) continue;
        run_optimizer(kernels().optimizer[index][type], tensors[type], type == 0 ? 4 : 8,
                      scalars.data());
    }
}

}  // namespace

void register_optimizers(py::module_& m) {
    m.def("optimizer_step", &optimizer_step, py::arg("index"), py::arg("params"), py::arg("grads"),
          py::arg("states"), py::arg("scalars"));
    py::dict indices;
    for (const OptimizerRecord& record : optimizers()) {
        indices[record.name] = indices.size();
    }
    m.attr("optimizer_indices") = indices;
}

}  // namespace ranvier::bindings
