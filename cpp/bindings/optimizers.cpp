#include "optimizers.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bindings.hpp"
#include "dict_item.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// Where a step takes longer than it costs to let other threads of Python run meanwhile.
constexpr std::size_t worth_a_release = 8192;

FloatArray contiguous_gradient(py::handle object, const ArgumentName& name) {
    const FloatArray gradient(object, name);
    if (!gradient.contiguous()) {
        throw py::value_error(name + " is not C-contiguous (shape " + gradient.shape_text() + ")");
    }
    return gradient;
}

DType dtype_of_array(const FloatArray& array) {
    return array.is_float32() ? DType::float32 : DType::float64;
}

Shape shape_of(const FloatArray& array) {
    Shape shape;
    for (int axis = 0; axis < array.ndim(); ++axis) shape.push_back(array.shape(axis));
    return shape;
}

bool has_shape(const FloatArray& array, const Shape& shape) {
    if (static_cast<std::size_t>(array.ndim()) != shape.size()) return false;
    for (int axis = 0; axis < array.ndim(); ++axis) {
        if (array.shape(axis) != shape[static_cast<std::size_t>(axis)]) return false;
    }
    return true;
}

std::string text(const Shape& shape) {
    return py::str(py::tuple(py::cast(shape))).cast<std::string>();
}

/// The list of parameters of a group.
py::list params_of(py::handle group) {
    static const py::handle key = interned("params").release();
    return as_list(item(as_dict(group, "a group"), py::reinterpret_borrow<py::str>(key)),
                   "the params of a group");
}

std::vector<std::size_t> firsts(const py::list& groups) {
    std::vector<std::size_t> result{0};
    for (const py::handle group : groups) {
        result.push_back(result.back() + params_of(group).size());
    }
    return result;
}

std::vector<OptimizerTensor> tensors_of(const py::list& groups) {
    std::vector<OptimizerTensor> tensors;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        for (const py::handle object : params_of(groups[g])) {
            const ArgumentName name("params", tensors.size());
            const FloatArray array(object, name);
            array.require_in_place(name);
            tensors.push_back({g, dtype_of_array(array), array.data(), shape_of(array)});
        }
    }
    return tensors;
}

OwnedSpan span_of(const FloatArray& array, const char* list, std::size_t index) {
    return {array.data(), array.data() + array.size() * array.item_size(), list, index};
}

/// Sorts memory by its address. Throws if two arrays share some.
void sort_apart(std::vector<OwnedSpan>& spans) {
    std::erase_if(spans, [](const OwnedSpan& span) { return span.begin == span.end; });
    std::sort(spans.begin(), spans.end(),
              [](const OwnedSpan& a, const OwnedSpan& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < spans.size(); ++i) {
        if (spans[i - 1].end > spans[i].begin) {
            throw py::value_error(spans[i - 1].name() + " and " + spans[i].name() +
                                  " overlap in memory; expected each once");
        }
    }
}

constexpr std::int64_t most_steps = std::int64_t{1} << 53;  // counted exactly in double

std::int64_t steps_of(py::handle value) {
    int overflow = 0;
    const long long steps = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (steps == -1 && PyErr_Occurred()) throw py::error_already_set();
    if (overflow != 0 || steps < 0 || steps > most_steps) {
        throw py::value_error("steps is " + py::str(value).cast<std::string>() +
                              "; expected 0 to 2^53");
    }
    return steps;
}

}  // namespace

OptimizerObject::OptimizerObject(const std::string& rule, const py::list& groups,
                                 const py::list& states)
    : first_(firsts(groups)),
      handle_(optimizer_named(rule), groups.size(), tensors_of(groups)),
      readers_(groups.size(), OptionReader(handle_.record())),
      started_(groups.size(), 0),
      state_objects_(handle_.tensors() * max_states) {
    if (states.size() != groups.size()) {
        throw py::value_error("states has " + std::to_string(states.size()) + " dicts; expected " +
                              std::to_string(groups.size()) + ", one for each group");
    }
    std::vector<OwnedSpan> spans;
    for (const py::handle group : groups) {
        for (const py::handle object : params_of(group)) {
            const std::size_t i = parameters_.size();
            parameter_objects_.push_back(py::reinterpret_borrow<py::object>(object));
            parameters_.emplace_back(object, ArgumentName("params", i));
            spans.push_back(span_of(parameters_.back(), "params", i));
        }
    }
    if (parameters_.size() != handle_.tensors() || !same_arrays(groups)) {
        throw py::value_error("params has changed while it was looked at");
    }
    for (std::size_t g = 0; g < states.size(); ++g) {
        load(as_dict(states[g], "a state"), g, spans);
    }
    sort_apart(spans);
    spans_ = std::move(spans);
    held_.resize(handle_.tensors());
    gradients_.resize(handle_.tensors());
}

/// Takes over the state of a group.
void OptimizerObject::load(const py::dict& state, std::size_t g, std::vector<OwnedSpan>& spans) {
    OptimizerGroup& group = handle_.group(g);
    if (const py::object steps = find_item(state, "steps")) group.steps = steps_of(steps);
    if (const py::object given = find_item(state, "carried")) {
        const py::dict carried = as_dict(given, "carried");
        for (const CarriedRecord& each : handle_.record().carried) {
            if (carried.empty()) break;
            each.field.set(group.options(), as_double(item(carried, each.name)));
            started_[g] = 1;
        }
    }
    if (const py::object given = find_item(state, "arrays")) {
        const py::dict arrays = as_dict(given, "arrays");
        const auto& states = handle_.record().states;
        std::size_t known = 0;
        for (std::size_t k = 0; k < states.size(); ++k) {
            const py::object list = find_item(arrays, states[k].name);
            if (!list) continue;
            load_arrays(as_list(list, states[k].name), g, k, spans);
            ++known;
        }
        if (known != arrays.size()) {
            throw py::value_error("arrays has " + py::str(py::list(arrays)).cast<std::string>() +
                                  "; expected states of " + handle_.record().name);
        }
    }
}

/// Takes over a state of all tensors of a group.
void OptimizerObject::load_arrays(const py::list& arrays, std::size_t g, std::size_t k,
                                  std::vector<OwnedSpan>& spans) {
    const StateRecord& state = handle_.record().states[k];
    const std::size_t count = first_[g + 1] - first_[g];
    if (arrays.size() != count) {
        throw py::value_error(std::string(state.name) + " has " + std::to_string(arrays.size()) +
                              " arrays; expected " + std::to_string(count));
    }
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t tensor = first_[g] + i;
        const ArgumentName name("state", tensor);
        const py::object object = arrays[i];
        const FloatArray array(object, name);
        const FloatArray& parameter = parameters_[tensor];
        const Shape shape = state.shape(handle_.tensor(tensor).shape);
        if (!array.same_dtype(parameter)) {
            throw py::type_error(name + " has dtype " + array.dtype_name() + "; expected " +
                                 parameter.dtype_name() + ", that of " +
                                 ArgumentName("params", tensor));
        }
        if (!has_shape(array, shape)) {
            throw py::value_error(name + " has shape " + array.shape_text() + "; expected " +
                                  text(shape));
        }
        array.require_in_place(name);
        spans.push_back(span_of(array, "state", tensor));
        state_objects_[tensor * max_states + k] = object;
        handle_.set_state(tensor, k, array.data());
    }
}

/// Takes over the options; false if there are other groups than before.
bool OptimizerObject::read(const py::list& groups) {
    if (groups.size() != readers_.size()) return false;
    for (std::size_t g = 0; g < readers_.size(); ++g) {
        const py::object group = groups[g];
        if (!PyDict_Check(group.ptr())) return false;
        readers_[g].read(py::reinterpret_borrow<py::dict>(group), handle_.group(g));
        if (groups.size() != readers_.size()) return false;
    }
    return true;
}

/// Whether the groups hold the very arrays, which are still where and what they were.
bool OptimizerObject::same_arrays(const py::list& groups) const {
    if (groups.size() != readers_.size()) return false;
    static const py::handle key = interned("params").release();
    for (std::size_t g = 0; g < readers_.size(); ++g) {
        const py::object group = groups[g];
        if (!PyDict_Check(group.ptr())) return false;
        const py::object params = find_item(py::reinterpret_borrow<py::dict>(group),
                                            py::reinterpret_borrow<py::str>(key));
        if (!params || !PyList_Check(params.ptr())) return false;
        if (static_cast<std::size_t>(PyList_GET_SIZE(params.ptr())) != first_[g + 1] - first_[g]) {
            return false;
        }
        for (std::size_t i = first_[g]; i < first_[g + 1]; ++i) {
            if (PyList_GET_ITEM(params.ptr(), i - first_[g]) != parameter_objects_[i].ptr()) {
                return false;
            }
        }
    }
    const auto unchanged = [](PyArrayObject* array, const OptimizerTensor& tensor, void* data) {
        return PyArray_DATA(array) == data && PyArray_ISCARRAY(array) &&
               PyArray_TYPE(array) == (tensor.dtype == DType::float32 ? NPY_FLOAT : NPY_DOUBLE);
    };
    for (std::size_t i = 0; i < handle_.tensors(); ++i) {
        const OptimizerTensor& tensor = handle_.tensor(i);
        if (!unchanged(parameters_[i].array(), tensor, tensor.parameter)) return false;
        if (!has_shape(parameters_[i], tensor.shape)) return false;
    }
    return true;
}

double OptimizerObject::start_of(const StartRecord& start, std::size_t group) const {
    return start.option == nullptr ? start.value : readers_[group].number(start.option);
}

/// The arrays that the options need and that are not there: made, and not yet kept.
std::vector<OptimizerObject::NewState> OptimizerObject::missing_states() const {
    std::vector<NewState> made;
    const OptimizerRecord& record = handle_.record();
    for (std::size_t g = 0; g < readers_.size(); ++g) {
        for (std::size_t k = 0; k < record.states.size(); ++k) {
            const StateRecord& state = record.states[k];
            if (!state.needed(handle_.group(g).options())) continue;
            for (std::size_t i = first_[g]; i < first_[g + 1]; ++i) {
                if (state_objects_[i * max_states + k]) continue;
                const OptimizerTensor& tensor = handle_.tensor(i);
                const Shape shape = state.shape(tensor.shape);
                const std::vector<npy_intp> sides(shape.begin(), shape.end());
                PyObject* array = PyArray_ZEROS(
                    static_cast<int>(sides.size()), const_cast<npy_intp*>(sides.data()),
                    tensor.dtype == DType::float32 ? NPY_FLOAT : NPY_DOUBLE, 0);
                if (array == nullptr) throw py::error_already_set();
                made.push_back({i, k, py::reinterpret_steal<py::object>(array)});
                const double start = start_of(state.start, g);
                if (start == 0.0) continue;
                auto* of_numpy = reinterpret_cast<PyArrayObject*>(array);
                const py::float_ value(start);
                if (PyArray_FillWithScalar(of_numpy, value.ptr()) < 0)
                    throw py::error_already_set();
            }
        }
    }
    return made;
}

/// Takes over what was made, and with it what the rule carries from the first step on.
void OptimizerObject::keep(std::vector<NewState>&& made) noexcept {
    const OptimizerRecord& record = handle_.record();
    for (NewState& state : made) {
        void* data = PyArray_DATA(reinterpret_cast<PyArrayObject*>(state.array.ptr()));
        handle_.set_state(state.tensor, state.state, data);
        state_objects_[state.tensor * max_states + state.state] = std::move(state.array);
        if (!record.counts_steps) handle_.group(handle_.tensor(state.tensor).group).steps = 0;
    }
    for (std::size_t g = 0; g < readers_.size(); ++g) {
        if (started_[g]) continue;
        OptimizerGroup& group = handle_.group(g);
        for (const CarriedRecord& each : record.carried) {
            each.field.set(group.options(), start_of(each.start, g));
        }
        started_[g] = 1;
    }
}

bool OptimizerObject::prepare(const py::list& groups) {
    const OneAtATime::Turn turn(turn_);
    if (!read(groups)) return false;
    std::vector<NewState> made = missing_states();
    if (!same_arrays(groups)) return false;
    keep(std::move(made));
    return true;
}

/// Throws unless there is a gradient for each parameter, of its shape and dtype, in memory of its
/// own: what is read would depend on what is written first.
void OptimizerObject::take_gradients(const py::list& gradients) {
    const std::size_t count = handle_.tensors();
    if (gradients.size() != count) {
        throw py::value_error("grads has " + std::to_string(gradients.size()) +
                              " arrays; expected " + std::to_string(count) +
                              ", one for each parameter");
    }
    for (std::size_t i = 0; i < count; ++i) {
        const ArgumentName name("grads", i);
        py::object object = gradients[i];
        const FloatArray gradient = contiguous_gradient(object, name);
        gradient.require_like(parameters_[i], name, ArgumentName("params", i));
        const OwnedSpan span = span_of(gradient, "grads", i);
        auto after =
            std::lower_bound(spans_.begin(), spans_.end(), span.end,
                             [](const OwnedSpan& s, const char* end) { return s.begin < end; });
        if (after != spans_.begin() && (--after)->end > span.begin && span.begin < span.end) {
            throw py::value_error(name + " overlaps " + after->name() +
                                  " in memory; expected an array of its own");
        }
        held_[i] = std::move(object);
        gradients_[i] = gradient.data();
    }
}

bool OptimizerObject::step(const py::list& groups, const py::list& gradients, double scale) {
    const OneAtATime::Turn turn(turn_);
    if (!read(groups)) return false;
    std::vector<NewState> made = missing_states();
    if (!same_arrays(groups)) return false;
    const struct Release {
        std::vector<py::object>& held;
        ~Release() {
            for (py::object& object : held) object = py::object();
        }
    } release_gradients{held_};
    take_gradients(gradients);
    keep(std::move(made));
    if (handle_.size() < worth_a_release) {
        handle_.step(gradients_, scale);
    } else {
        const py::gil_scoped_release release;
        handle_.step(gradients_, scale);
    }
    return true;
}

py::list OptimizerObject::states() {
    const OneAtATime::Turn turn(turn_);
    const OptimizerRecord& record = handle_.record();
    py::list result;
    for (std::size_t g = 0; g < readers_.size(); ++g) {
        const OptimizerGroup& group = handle_.group(g);
        py::dict carried, arrays;
        for (const CarriedRecord& each : record.carried) {
            if (started_[g]) carried[each.name] = each.field.get(group.options());
        }
        for (std::size_t k = 0; k < record.states.size(); ++k) {
            py::list list;
            for (std::size_t i = first_[g]; i < first_[g + 1]; ++i) {
                if (state_objects_[i * max_states + k]) {
                    list.append(state_objects_[i * max_states + k]);
                }
            }
            if (!list.empty()) arrays[record.states[k].name] = list;
        }
        py::dict state;
        state["steps"] = group.steps;
        state["carried"] = carried;
        state["arrays"] = arrays;
        result.append(state);
    }
    return result;
}

namespace {

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
        total += sum_of_squares(dtype_of_array(array), array.data(), array.size());
    }
    return std::sqrt(total);
}

}  // namespace

void register_optimizers(py::module_& m) {
    py::class_<OptimizerObject>(m, "Optimizer")
        .def(py::init<const std::string&, const py::list&, const py::list&>(), py::arg("rule"),
             py::arg("groups"), py::arg("states"))
        .def("step", &OptimizerObject::step)
        .def("prepare", &OptimizerObject::prepare)
        .def("states", &OptimizerObject::states);
    m.def("norm", &norm, py::arg("grads"));
}

}  // namespace ranvier::bindings
