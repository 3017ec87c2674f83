// Layers that run natively: described and checked once, with the arrays that they hold.
#include "stack.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "bindings.hpp"
#include "products.hpp"
#include "runtime/elementwise.hpp"
#include "layers/elementwise_layer.hpp"
#include "layers/linear.hpp"
#include "runtime/registry.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// The descriptions of layers, read into layers.
template <class T>
class Reader {
public:
    explicit Reader(std::vector<py::object>& held) : held_(held) {}

    /// A layer that takes so many features, or as many as it says, with 0.
    std::unique_ptr<Layer<T>> read(py::handle description, std::size_t inputs) {
        if (!PyTuple_Check(description.ptr()) || py::len(description) == 0) {
            throw py::type_error("a layer is " + py::repr(description).cast<std::string>() +
                                 "; expected a tuple of its kind and what belongs to it");
        }
        const auto layer = py::reinterpret_borrow<py::tuple>(description);
        const auto kind = py::str(layer[0]).cast<std::string>();
        if (kind == "linear") {
            require_items(layer, 5);
            return linear(layer);
        }
        if (kind == "activation") {
            require_items(layer, 4);
            return activation(layer, inputs);
        }
        throw py::value_error("a layer is of the kind '" + kind +
                              "'; expected linear or activation");
    }

private:
    static void require_items(const py::tuple& layer, std::size_t count) {
        if (layer.size() == count) return;
        throw py::value_error("a layer has " + std::to_string(layer.size()) + " items; expected " +
                              std::to_string(count));
    }

    /// The memory of an array that stays, of this shape.
    T* memory(py::handle object, const char* name, std::initializer_list<std::size_t> shape) {
        const FloatArray array(object, name);
        bool fits = array.is_float32() == (dtype_of<T> == DType::float32) &&
                    array.ndim() == static_cast<int>(shape.size());
        for (int axis = 0; fits && axis < array.ndim(); ++axis) {
            fits = array.shape(axis) == shape.begin()[axis];
        }
        if (!fits || !array.contiguous() || !array.writeable()) {
            std::string expected;
            for (const std::size_t length : shape) expected += std::to_string(length) + ", ";
            throw py::value_error(std::string(name) + " has shape " + array.shape_text() +
                                  " and dtype " + array.dtype_name() + "; expected (" + expected +
                                  "), C-contiguous, writeable and of one dtype");
        }
        held_.push_back(py::reinterpret_borrow<py::object>(object));
        return reinterpret_cast<T*>(array.data());
    }

    std::unique_ptr<Layer<T>> linear(const py::tuple& layer) {
        const FloatArray weight(layer[1], "weight");
        if (weight.ndim() != 2) {
            throw py::value_error("weight has shape " + weight.shape_text() +
                                  "; expected two axes");
        }
        const std::size_t outputs = weight.shape(0), inputs = weight.shape(1);
        if (outputs == 0 || inputs == 0) {
            throw py::value_error("weight has shape " + weight.shape_text() +
                                  "; expected at least one feature each way");
        }
        const Learned<T> weights{memory(layer[1], "weight", {outputs, inputs}),
                                 memory(layer[2], "gradient of weight", {outputs, inputs})};
        Learned<T> bias{};
        if (!layer[3].is_none()) {
            bias = {memory(layer[3], "bias", {outputs}),
                    memory(layer[4], "gradient of bias", {outputs})};
        }
        return std::make_unique<Linear<T>>(inputs, outputs, weights, bias);
    }

    std::unique_ptr<Layer<T>> activation(const py::tuple& layer, std::size_t width) {
        int overflow = 0;
        const py::object number = layer[1];
        const long long index = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
        if (index == -1 && PyErr_Occurred()) throw py::error_already_set();
        const py::tuple values(layer[2]);
        const int from_output = PyObject_IsTrue(py::object(layer[3]).ptr());
        if (from_output < 0) throw py::error_already_set();
        if (width == 0)
            throw py::value_error("layers[0] is an activation; expected a linear layer");
        const auto records = activations();
        if (overflow != 0 || index < 0 || static_cast<std::size_t>(index) >= records.size()) {
            throw py::value_error("a layer has activation " + py::repr(number).cast<std::string>() +
                                  "; expected 0 to " + std::to_string(records.size() - 1));
        }
        T parameters[2] = {};
        const std::size_t wanted = records[static_cast<std::size_t>(index)].parameters.size();
        if (wanted > std::size(parameters) || values.size() != wanted) {
            throw py::value_error("a layer has " + std::to_string(values.size()) +
                                  " parameters of its activation; expected " +
                                  std::to_string(wanted));
        }
        for (std::size_t k = 0; k < wanted; ++k) {
            parameters[k] = static_cast<T>(PyFloat_AsDouble(py::object(values[k]).ptr()));
            if (PyErr_Occurred()) throw py::error_already_set();
        }
        const auto form = static_cast<Activation>(index);
        if (from_output != 0 &&
            elementwise_call(form, Form::vjp_from_output, dtype_of<T>).kernel == nullptr) {
            throw py::value_error(
                "a layer has an activation whose output does not determine its derivative");
        }
        return std::make_unique<ElementwiseLayer<T>>(width, form, parameters, from_output != 0);
    }

    std::vector<py::object>& held_;
};

}  // namespace

template <class T>
StackOf<T>::StackOf(const py::list& layers) : stack_(read(layers)) {}

template <class T>
Layers<T> StackOf<T>::read(const py::list& descriptions) {
    Layers<T> layers;
    Reader<T> reader(held_);
    for (const py::handle description : descriptions) {
        const std::size_t inputs = layers.empty() ? 0 : layers.back()->outputs;
        layers.push_back(reader.read(description, inputs));
        if (layers.size() > 1 && layers.back()->inputs != layers[layers.size() - 2]->outputs) {
            throw py::value_error("layers[" + std::to_string(layers.size() - 1) + "] takes " +
                                  std::to_string(layers.back()->inputs) + " features; expected " +
                                  std::to_string(layers[layers.size() - 2]->outputs) +
                                  ", as the layer before it gives");
        }
    }
    if (layers.empty()) throw py::value_error("layers is empty; expected at least one");
    return layers;
}

template <class T>
py::object StackOf<T>::new_array(const py::object& like, std::size_t columns) const {
    auto* const array = reinterpret_cast<PyArrayObject*>(like.ptr());
    npy_intp shape[NPY_MAXDIMS];
    const int axes = PyArray_NDIM(array);
    std::copy_n(PyArray_DIMS(array), axes, shape);
    shape[axes - 1] = static_cast<npy_intp>(columns);
    PyObject* const made = PyArray_SimpleNew(axes, shape, type());
    if (made == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(made);
}

/// The input as rows in C order: itself or, of other strides, a copy.
template <class T>
py::object StackOf<T>::readable(py::handle x) const {
    auto* const array = reinterpret_cast<PyArrayObject*>(x.ptr());
    const bool is_array = PyArray_Check(x.ptr());
    if (!is_array || PyArray_TYPE(array) != type() || !PyArray_ISNOTSWAPPED(array)) {
        const py::object found = py::hasattr(x, "dtype")
                                     ? py::object(x.attr("dtype"))
                                     : py::reinterpret_borrow<py::object>(py::type::handle_of(x));
        throw py::type_error("x is of " + py::str(found).cast<std::string>() +
                             "; expected an array of " +
                             (type() == NPY_FLOAT ? "float32" : "float64"));
    }
    const int axes = PyArray_NDIM(array);
    if (axes == 0 || PyArray_DIM(array, axes - 1) != static_cast<npy_intp>(stack_.inputs())) {
        throw py::value_error("x has shape " + py::str(x.attr("shape")).cast<std::string>() +
                              "; expected (*, " + std::to_string(stack_.inputs()) + ")");
    }
    if (PyArray_ISCARRAY_RO(array)) return py::reinterpret_borrow<py::object>(x);
    PyObject* const copy = PyArray_NewCopy(array, NPY_CORDER);
    if (copy == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(copy);
}

template <class T>
Pass<T>& StackOf<T>::pass_for(std::size_t rows) {
    const std::size_t threads = stack_.threads_for(rows);
    if (pass_ == nullptr || pass_->most_rows() < rows || pass_->threads() != threads) {
        pass_.reset();
        pass_ = std::make_unique<Pass<T>>(stack_.layers(), rows, threads);
    }
    return *pass_;
}

template <class T>
py::object StackOf<T>::forward(py::handle x, bool keep) {
    const py::object input = readable(x);
    const py::object output = new_array(input, stack_.outputs());
    const auto* const from = static_cast<const T*>(data(input));
    auto* const to = static_cast<T*>(data(output));
    const std::size_t rows = size(input) / stack_.inputs();
    run_products(stack_.work() * rows, [&] {
        if (keep) {
            const std::scoped_lock lock(mutex_);
            stack_.forward(pass_for(rows), from, rows, to);
        } else {
            stack_.predict(from, rows, to);
        }
    });
    const std::scoped_lock lock(mutex_);
    input_ = input;
    kept_ = keep;
    return output;
}

template <class T>
py::object StackOf<T>::backward(py::handle grad_output, bool accumulate, bool input_gradient) {
    if (!input_) throw std::runtime_error("backward was called before forward");
    const py::object input = input_;
    const FloatArray g(grad_output, "grad_output");
    check_gradient(g, input);
    const py::object gradient_ =
        g.contiguous() ? py::reinterpret_borrow<py::object>(grad_output)
                       : py::reinterpret_steal<py::object>(PyArray_NewCopy(g.array(), NPY_CORDER));
    if (!gradient_) throw py::error_already_set();
    py::object result = py::none();
    T* to = nullptr;
    if (input_gradient) {
        result = new_array(input, stack_.inputs());
        to = static_cast<T*>(data(result));
    }
    const auto* const x = static_cast<const T*>(data(input));
    const auto* const of_y = static_cast<const T*>(data(gradient_));
    const std::size_t rows = size(input) / stack_.inputs();
    run_products(2 * stack_.work() * rows, [&] {
        const std::scoped_lock lock(mutex_);
        Pass<T>& pass = pass_for(rows);
        // In eval mode the forward direction keeps nothing: it is done once more.
        if (!kept_) stack_.forward(pass, x, rows, nullptr);
        stack_.backward(pass, of_y, to, accumulate);
        kept_ = true;
    });
    return result;
}

template <class T>
void StackOf<T>::check_gradient(const FloatArray& g, const py::object& input) const {
    auto* const x = reinterpret_cast<PyArrayObject*>(input.ptr());
    const int axes = PyArray_NDIM(x);
    const bool fits =
        g.ndim() == axes &&
        std::equal(PyArray_DIMS(x), PyArray_DIMS(x) + axes - 1, PyArray_DIMS(g.array())) &&
        g.shape(axes - 1) == stack_.outputs();
    if (!fits) {
        py::list shape(input.attr("shape"));
        shape[shape.size() - 1] = stack_.outputs();
        throw py::value_error("grad_output has shape " + g.shape_text() + "; expected " +
                              py::str(py::tuple(shape)).cast<std::string>() +
                              ", that of the output");
    }
    if (PyArray_TYPE(g.array()) != type()) {
        throw py::type_error("grad_output has dtype " + g.dtype_name() + "; expected " +
                             (type() == NPY_FLOAT ? "float32" : "float64") +
                             ", that of the output");
    }
}

template class StackOf<float>;
template class StackOf<double>;

namespace {

std::unique_ptr<StackHandle> make_stack(const py::list& layers, bool is_float32) {
    if (is_float32) return std::make_unique<StackOf<float>>(layers);
    return std::make_unique<StackOf<double>>(layers);
}

}  // namespace

void register_stack(py::module_& m) {
    py::class_<StackHandle>(m, "Stack")
        .def(py::init(&make_stack), py::arg("layers"), py::arg("is_float32"))
        .def_property_readonly("inputs", &StackHandle::inputs)
        .def_property_readonly("outputs", &StackHandle::outputs)
        .def("forward", &StackHandle::forward, py::arg("x"), py::arg("keep"))
        .def("backward", &StackHandle::backward, py::arg("grad_output"), py::arg("accumulate"),
             py::arg("input_gradient"));
}

}  // namespace ranvier::bindings
