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

/// The members of a rule's options: numbers, of which some stand in pairs, and what it carries.
struct RuleOptions {
    double values[max_scalars];
    std::size_t count = 0;

    RuleOptions(const OptimizerRecord& record, const py::dict& group, const py::tuple& names,
                const py::list& carried) {
        for (const py::handle name : names) {
            const py::handle value = group[name];
            if (PyTuple_Check(value.ptr()) || PyList_Check(value.ptr())) {
                if (py::len(value) != 2) {
                    throw py::value_error(py::str(name).cast<std::string>() + " has " +
                                          std::to_string(py::len(value)) +
                                          " numbers; expected two");
                }
                for (const py::handle element : value) add(element);
            } else {
                add(value);
            }
        }
        for (const py::handle value : carried) add(value);
        if (count != static_cast<std::size_t>(record.options)) {
            throw py::value_error(std::string(record.name) + " has " + std::to_string(count) +
                                  " options; expected " + std::to_string(record.options));
        }
    }

    /// The last values: those that a rule carries from step to step.
    py::list carried(std::size_t number) const {
        py::list result(number);
        for (std::size_t k = 0; k < number; ++k) result[k] = values[count - number + k];
        return result;
    }

private:
    void add(py::handle value) {
        const double number = PyFloat_AsDouble(value.ptr());
        if (number == -1.0 && PyErr_Occurred()) throw py::error_already_set();
        if (count < max_scalars) values[count] = number;
        ++count;
    }
};

/// The memory of a parameter or of a gradient, and its place in the list.
struct Span {
    const char *begin, *end;
    std::size_t index;
    bool gradient;
};

/// Throws if a gradient lies in the memory of a parameter, its own or another's: what is read would
/// depend on what is written first.
void require_apart(std::vector<Span>& spans) {
    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.begin < b.begin; });
    // The parameter and the gradient that reach furthest so far.
    const Span* furthest[2] = {nullptr, nullptr};
    for (const Span& span : spans) {
        const Span* other = furthest[span.gradient ? 0 : 1];
        if (other != nullptr && other->end > span.begin) {
            const Span& of_parameter = span.gradient ? *other : span;
            const Span& of_gradient = span.gradient ? span : *other;
            throw py::value_error("grads[" + std::to_string(of_gradient.index) +
                                  "] overlaps params[" + std::to_string(of_parameter.index) +
                                  "] in memory; expected an array of its own");
        }
        const Span*& own = furthest[span.gradient ? 1 : 0];
        if (own == nullptr || span.end > own->end) own = &span;
    }
}

/// A step of every group: a dict with its params, a list of arrays, and the options with `names`.
/// Its state has the number of steps so far, the arrays `in_use`, a list of them for each state,
/// and what is `carried`; it is brought up to date. `gradients` are those of all groups, and are
/// multiplied by `scale`. Everything is checked before anything is written.
void optimizer_step(int index, const py::tuple& names, const py::list& groups,
                    const py::list& states, const py::list& gradients, double scale) {
    std::size_t count = 0;
    for (const py::handle group : groups) count += py::len(group["params"]);
    if (gradients.size() != count) {
        throw py::value_error("grads has " + std::to_string(gradients.size()) +
                              " arrays; expected " + std::to_string(count) +
                              ", one for each parameter");
    }
    const OptimizerRecord& record = optimizers()[static_cast<std::size_t>(index)];
    const auto rule = static_cast<Optimizer>(index);
    // The lists may change while the lock is released; what they hold now stays alive.
    std::vector<py::object> alive;
    alive.reserve(count * (2 + max_states));
    std::vector<Batch> batches;
    batches.reserve(2 * groups.size());
    std::vector<py::list> carried_after;
    std::vector<Span> spans;
    spans.reserve(2 * count);
    std::size_t flat = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const auto group = py::reinterpret_borrow<py::dict>(groups[i]);
        const py::handle state = states[i];
        const auto parameters = group["params"].cast<py::list>();
        const auto arrays = state.attr("in_use").cast<py::tuple>();
        const auto carried = state.attr("carried").cast<py::list>();
        if (arrays.size() > static_cast<std::size_t>(record.states)) {
            throw py::value_error(std::string(record.name) + " has " +
                                  std::to_string(arrays.size()) + " states; expected at most " +
                                  std::to_string(record.states));
        }
        RuleOptions options(record, group, names, carried);
        const int maximize = PyObject_IsTrue(py::object(group["maximize"]).ptr());
        if (maximize < 0) throw py::error_already_set();
        double scalars[max_scalars] = {};
        optimizer_scalars(rule, options.values, state.attr("steps").cast<double>() + 1.0,
                          maximize != 0 ? -scale : scale, scalars);
        carried_after.push_back(options.carried(carried.size()));
        // Parameters of both precisions may stand in one group.
        const std::size_t first = batches.size();
        for (int type = 0; type < 2; ++type) {
            batches.push_back({type, {}, {}});
            std::copy_n(scalars, max_scalars, batches.back().scalars);
        }
        for (std::size_t k = 0; k < parameters.size(); ++k, ++flat) {
            alive.insert(alive.end(), {parameters[k], gradients[flat]});
            for (const py::handle array : arrays)
                alive.push_back(py::reinterpret_borrow<py::list>(array)[k]);
            int type = 0;
            const OptimizerTensor tensor =
                checked_tensor(parameters[k], gradients[flat], arrays, k, flat, type);
            batches[first + static_cast<std::size_t>(type)].tensors.push_back(tensor);
            const std::size_t bytes = tensor.size * (type == 0 ? sizeof(float) : sizeof(double));
            const auto* p = static_cast<const char*>(tensor.parameter);
            const auto* g = static_cast<const char*>(tensor.gradient);
            if (bytes > 0) {
                spans.push_back({p, p + bytes, flat, false});
                spans.push_back({g, g + bytes, flat, true});
            }
        }
    }
    require_apart(spans);
    {
        const py::gil_scoped_release release;
        for (Batch& batch : batches) {
            run_optimizer(rule, batch.type, batch.tensors, batch.scalars);
        }
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        states[i].attr("steps") = states[i].attr("steps").cast<long long>() + 1;
        states[i].attr("carried") = carried_after[i];
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
    m.def("optimizer_step", &optimizer_step, py::arg("index"), py::arg("options"),
          py::arg("groups"), py::arg("states"), py::arg("grads"), py::arg("scale"));
    m.def("norm", &norm, py::arg("grads"));
    py::dict indices;
    for (const OptimizerRecord& record : optimizers()) {
        indices[record.name] = indices.size();
    }
    m.attr("optimizer_indices") = indices;
}

}  // namespace ranvier::bindings
