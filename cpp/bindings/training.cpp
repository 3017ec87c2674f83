// The training loop, for as long as nothing in Python has to be asked.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "arrays.hpp"
#include "batch_loss.hpp"
#include "bindings.hpp"
#include "optimizers.hpp"
#include "layers/training.hpp"
#include "stack.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

std::optional<Number> number_of_type(int type) {
    switch (type) {
        case NPY_BOOL:
            return Number::boolean;
        case NPY_BYTE:
            return Number::int8;
        case NPY_UBYTE:
            return Number::uint8;
        case NPY_SHORT:
            return Number::int16;
        case NPY_USHORT:
            return Number::uint16;
        case NPY_INT:
            return Number::int32;
        case NPY_UINT:
            return Number::uint32;
        case NPY_LONG:
        case NPY_LONGLONG:
            return PyArray_DescrFromType(type)->elsize == 8 ? Number::int64 : Number::int32;
        case NPY_ULONG:
        case NPY_ULONGLONG:
            return Number::uint64;
        case NPY_FLOAT:
            return Number::float32;
        case NPY_DOUBLE:
            return Number::float64;
        default:
            return std::nullopt;
    }
}

PyArrayObject* array_of(const py::object& object, const char* name) {
    if (!PyArray_Check(object.ptr())) {
        throw py::type_error(std::string(name) + " is a " + Py_TYPE(object.ptr())->tp_name +
                             "; expected a numpy.ndarray");
    }
    return reinterpret_cast<PyArrayObject*>(object.ptr());
}

/// Samples of an array whose rows lie as a whole one behind the other.
Samples samples_of(const py::object& object, const char* name) {
    PyArrayObject* const array = array_of(object, name);
    const std::optional<Number> number = number_of_type(PyArray_TYPE(array));
    if (!number || !PyArray_ISCARRAY_RO(array) || PyArray_NDIM(array) == 0) {
        throw py::type_error(std::string(name) + " has dtype " +
                             py::str(object.attr("dtype")).cast<std::string>() + " and shape " +
                             py::str(object.attr("shape")).cast<std::string>() +
                             "; expected a C-ordered array of numbers of at least one axis");
    }
    const auto rows = static_cast<std::size_t>(PyArray_DIM(array, 0));
    const auto columns = rows == 0 ? 0 : static_cast<std::size_t>(PyArray_SIZE(array)) / rows;
    return {PyArray_BYTES(array), *number, columns,
            columns * static_cast<std::size_t>(PyArray_ITEMSIZE(array))};
}

/// The numbers of an array along one axis; null for None.
template <class T>
const T* numbers(const py::object& object, int type, std::size_t count, const char* name) {
    if (object.is_none()) return nullptr;
    PyArrayObject* const array = array_of(object, name);
    if (PyArray_TYPE(array) != type || !PyArray_ISCARRAY_RO(array) ||
        static_cast<std::size_t>(PyArray_SIZE(array)) != count) {
        throw py::value_error(std::string(name) + " has dtype " +
                              py::str(object.attr("dtype")).cast<std::string>() + " and shape " +
                              py::str(object.attr("shape")).cast<std::string>() + "; expected " +
                              std::to_string(count) + " numbers side by side");
    }
    return static_cast<const T*>(PyArray_DATA(array));
}

/// A model, a loss and an optimizer, which fit each other; it keeps them alive.
class TrainingHandle {
public:
    /// `trained` has a tuple for each parameter of the optimizer: the array, its gradient, and
    /// whether it is penalised.
    TrainingHandle(py::object stack, py::object loss, py::object optimizer, const py::list& trained,
                   std::size_t batch_rows, double factor, double penalty, double max_norm)
        : held_{stack, loss, optimizer, trained},
          loss_(loss.cast<PreparedBatchLoss&>()),
          optimizer_(optimizer.cast<OptimizerObject&>()) {
        if (batch_rows == 0) throw py::value_error("batch_rows is 0; expected at least 1");
        const Objective objective{factor, penalty, max_norm};
        auto& handle = stack.cast<StackHandle&>();
        if (auto* own = dynamic_cast<StackOf<float>*>(&handle)) {
            make<float>(own->stack(), objective, trained, batch_rows);
        } else {
            make<double>(dynamic_cast<StackOf<double>&>(handle).stack(), objective, trained,
                         batch_rows);
        }
    }

    py::tuple run(const py::list& groups, const py::object& inputs, const py::object& targets,
                  const py::object& sample_weight, const py::object& order,
                  std::optional<std::int64_t> ignored, std::size_t first, double seconds,
                  std::size_t steps) {
        Data data{};
        data.inputs = samples_of(inputs, "inputs");
        data.targets = samples_of(targets, "targets");
        const auto samples = static_cast<std::size_t>(PyArray_DIM(array_of(inputs, "inputs"), 0));
        require(data.inputs.columns == inputs_, "inputs", inputs, inputs_);
        const bool as_many =
            PyArray_DIM(array_of(targets, "targets"), 0) == static_cast<npy_intp>(samples);
        data.targets_are_labels = data.targets.number == Number::int64;
        const bool label = loss_.takes_a_label(data.targets_are_labels);
        const std::size_t wanted = label ? 1 : outputs_;
        require(as_many && PyArray_NDIM(array_of(targets, "targets")) == (label ? 1 : 2) &&
                    data.targets.columns == wanted,
                "targets", targets, wanted);
        data.sample_weight = numbers<double>(sample_weight, NPY_DOUBLE, samples, "sample_weight");
        data.rows = order.is_none()
                        ? samples
                        : static_cast<std::size_t>(PyArray_SIZE(array_of(order, "order")));
        data.order = numbers<std::int64_t>(order, NPY_INT64, data.rows, "order");
        for (std::size_t k = 0; data.order != nullptr && k < data.rows; ++k) {
            if (data.order[k] < 0 || data.order[k] >= static_cast<std::int64_t>(samples)) {
                throw py::index_error("order[" + std::to_string(k) + "] is " +
                                      std::to_string(data.order[k]) + "; expected one of " +
                                      std::to_string(samples) + " samples");
            }
        }
        if (label) data.ignored = ignored;
        data.count_right = label;
        if (steps == 0) throw py::value_error("steps is 0; expected at least 1");
        if (!optimizer_.prepare(groups)) {
            throw py::value_error("groups hold other arrays; expected those of the optimizer");
        }
        const Limit limit{std::chrono::steady_clock::now() +
                              std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                  std::chrono::duration<double>(seconds)),
                          steps};
        Totals totals;
        std::size_t reached = first;
        if (first < data.rows) {
            // Of other threads that train with the optimizer, or make a step of it, one waits.
            const OneAtATime::Turn turn(optimizer_.turns());
            const py::gil_scoped_release release;
            reached = std::visit(
                [&](auto& training) { return training->run(data, first, limit, totals); },
                training_);
        }
        return py::make_tuple(reached, totals.steps, totals.loss, totals.weight, totals.counted,
                              totals.right, totals.last_loss);
    }

private:
    template <class T>
    void make(const Stack<T>& stack, const Objective& objective, const py::list& trained,
              std::size_t batch_rows) {
        OptimizerHandle& handle = optimizer_.handle();
        if (trained.size() != handle.tensors()) {
            throw py::value_error("trained has length " + std::to_string(trained.size()) +
                                  "; expected " + std::to_string(handle.tensors()));
        }
        std::vector<Trained<T>> tensors;
        for (std::size_t i = 0; i < trained.size(); ++i) {
            const auto entry = trained[i].cast<py::tuple>();
            const FloatArray value(entry[0], ArgumentName("params", i));
            const FloatArray gradient(entry[1], ArgumentName("grads", i));
            const OptimizerTensor& tensor = handle.tensor(i);
            gradient.require_like(value, ArgumentName("grads", i), ArgumentName("params", i));
            gradient.require_in_place(ArgumentName("grads", i));
            if (tensor.dtype != dtype_of<T> || tensor.parameter != value.data() ||
                value.size() != tensor.size()) {
                throw py::value_error("params[" + std::to_string(i) +
                                      "] is not that of the optimizer, in the stack's dtype");
            }
            tensors.push_back({reinterpret_cast<const T*>(value.data()),
                               reinterpret_cast<T*>(gradient.data()), value.size(),
                               entry[2].cast<bool>()});
        }
        inputs_ = stack.inputs();
        outputs_ = stack.outputs();
        training_ = std::make_unique<Training<T>>(stack, loss_.of<T>(), objective, handle,
                                                  std::move(tensors), batch_rows);
    }

    static void require(bool fits, const char* name, const py::object& array, std::size_t columns) {
        if (fits) return;
        throw py::value_error(
            std::string(name) + " has shape " + py::str(array.attr("shape")).cast<std::string>() +
            "; expected as many rows as inputs, of " + std::to_string(columns) + " numbers each");
    }

    std::vector<py::object> held_;
    PreparedBatchLoss& loss_;
    OptimizerObject& optimizer_;
    std::size_t inputs_ = 0, outputs_ = 0;
    std::variant<std::unique_ptr<Training<float>>, std::unique_ptr<Training<double>>> training_;
};

}  // namespace

void register_training(py::module_& m) {
    py::class_<TrainingHandle>(m, "Training")
        .def(py::init<py::object, py::object, py::object, const py::list&, std::size_t, double,
                      double, double>(),
             py::arg("stack"), py::arg("loss"), py::arg("optimizer"), py::arg("trained"),
             py::arg("batch_rows"), py::arg("factor"), py::arg("penalty"), py::arg("max_norm"))
        .def("run", &TrainingHandle::run, py::arg("groups"), py::arg("inputs"), py::arg("targets"),
             py::arg("sample_weight"), py::arg("order"), py::arg("ignored"), py::arg("first"),
             py::arg("seconds"), py::arg("steps"));
}

}  // namespace ranvier::bindings
