// Fully connected layers: the arguments checked, the work in runtime/.
#include "runtime/dense.hpp"

#include <algorithm>
#include <iterator>

#include "bindings.hpp"
#include "products.hpp"
#include "runtime/elementwise.hpp"
#include "runtime/registry.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

[[noreturn]] void fail(const std::string& name, const FloatArray& array, std::string expected) {
    throw py::value_error(name + " has shape " + array.shape_text() + " and dtype " +
                          array.dtype_name() + "; expected " + expected);
}

/// Rows of a matrix, of any number of axes before the last.
struct Input {
    FloatArray array;
    std::size_t rows, columns;

    Input(py::handle x, const char* name) : array(x, name), rows(0), columns(0) {
        if (array.ndim() == 0 || (array.ndim() != 2 && !array.contiguous())) {
            fail(name, array, "a matrix, or a C-contiguous array");
        }
        columns = array.shape(array.ndim() - 1);
        rows = array.ndim() == 2 ? array.shape(0) : columns == 0 ? 0 : array.size() / columns;
    }
    template <class T>
    Strided<const T> matrix() const {
        if (array.ndim() == 2) return strided<const T>(array);
        return {reinterpret_cast<const T*>(array.data()), static_cast<std::ptrdiff_t>(columns), 1};
    }
};

/// The memory of `rows` rows of `columns` numbers like those of the input.
template <class T>
T* memory(const FloatArray& array, const char* name, const Input& x, std::size_t rows,
          std::size_t columns) {
    if (!array.same_dtype(x.array) || array.size() != rows * columns || !array.contiguous()) {
        fail(name, array,
             std::to_string(rows * columns) + " numbers of " + x.array.dtype_name() +
                 ", C-contiguous");
    }
    return reinterpret_cast<T*>(array.data());
}
/// The same, to write to: it is not that of x.
template <class T>
T* output(py::handle object, const char* name, const Input& x, std::size_t rows,
          std::size_t columns) {
    const FloatArray array(object, name);
    T* const data = memory<T>(array, name, x, rows, columns);
    if (!array.writeable()) throw py::value_error(std::string(name) + " is read-only");
    if (overlap(array.array(), x.array.array())) {
        throw py::value_error(
            "x is in the memory that the module writes to, as what it returned last is; expected "
            "an array of its own: a copy");
    }
    return data;
}

/// What a dictionary holds under a name; null if nothing.
py::handle find(py::handle dictionary, const char* name) {
    if (!PyDict_Check(dictionary.ptr())) {
        throw py::type_error("a layer has " + py::repr(dictionary).cast<std::string>() +
                             "; expected a dict of weight and bias");
    }
    PyObject* const value = PyDict_GetItemString(dictionary.ptr(), name);
    return value;
}
py::handle weight_of(py::handle dictionary) {
    const py::handle weight = find(dictionary, "weight");
    if (!weight) throw py::key_error("weight");
    return weight;
}

/// One of a list of tuples of so many items.
py::tuple tuple_of(py::handle item, const char* name, std::size_t count) {
    if (!PyTuple_Check(item.ptr()) || py::len(item) != count) {
        throw py::type_error(std::string(name) + " has " + py::repr(item).cast<std::string>() +
                             "; expected tuples of " + std::to_string(count) + " items");
    }
    return py::reinterpret_borrow<py::tuple>(item);
}
py::tuple layer_tuple(py::handle item) {
    return tuple_of(item, "layers", 6);
}

/// The activation of a layer, which has the derivative that is asked for, and its parameters.
template <class T>
void set_activation(DenseLayer<T>& layer, py::handle number, py::handle parameters) {
    int overflow = 0;
    const long index = PyLong_AsLongAndOverflow(number.ptr(), &overflow);
    if (PyErr_Occurred()) throw py::error_already_set();
    const auto records = activations();
    if (overflow != 0 || index < 0 || static_cast<std::size_t>(index) >= records.size()) {
        throw py::value_error("a layer has activation " + py::repr(number).cast<std::string>() +
                              "; expected 0 to " + std::to_string(records.size() - 1));
    }
    layer.activation = static_cast<Activation>(index);
    const std::size_t wanted = records[static_cast<std::size_t>(index)].parameters.size();
    if (wanted > std::size(layer.parameters) || py::len(parameters) != wanted) {
        throw py::value_error("a layer has " + std::to_string(py::len(parameters)) +
                              " parameters of its activation; expected " + std::to_string(wanted));
    }
    std::size_t k = 0;
    for (const py::handle value : parameters) {
        layer.parameters[k++] = static_cast<T>(PyFloat_AsDouble(value.ptr()));
        if (PyErr_Occurred()) throw py::error_already_set();
    }
    if (layer.from_output &&
        elementwise_call(*layer.activation, Form::vjp_from_output, DType::float32).kernel ==
            nullptr) {
        throw py::value_error(
            "a layer has an activation whose output does not tell its derivative");
    }
}

/// A new array of the shape of x but for the last axis.
py::object new_array(const Input& x, std::size_t columns) {
    npy_intp shape[NPY_MAXDIMS];
    std::copy_n(PyArray_DIMS(x.array.array()), x.array.ndim(), shape);
    shape[x.array.ndim() - 1] = static_cast<npy_intp>(columns);
    PyObject* const made =
        PyArray_SimpleNew(x.array.ndim(), shape, x.array.is_float32() ? NPY_FLOAT : NPY_DOUBLE);
    if (made == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(made);
}

/// A layer is a tuple of a dictionary of weight and perhaps bias, an activation or None, its
/// parameters, whether its derivative is one of the output, z and y. Dictionaries, since only who
/// holds an array itself keeps it from moving.
template <class T>
DenseLayer<T> layer_of(const py::tuple& layer, const Input& x, std::size_t inputs) {
    const py::handle bias = find(layer[0], "bias");
    const FloatArray weight(weight_of(layer[0]), "weight");
    if (weight.ndim() != 2 || weight.shape(1) != inputs) {
        fail("weight", weight, "(outputs, " + std::to_string(inputs) + ")");
    }
    const std::size_t outputs = weight.shape(0);
    DenseLayer<T> native{};
    native.inputs = inputs;
    native.outputs = outputs;
    native.weight = memory<T>(weight, "weight", x, outputs, inputs);
    if (bias) native.bias = memory<T>(FloatArray(bias, "bias"), "bias", x, 1, outputs);
    native.from_output = layer[3].cast<bool>();
    if (!layer[1].is_none()) set_activation(native, layer[1], layer[2]);
    native.z = output<T>(layer[4], "z", x, x.rows, outputs);
    native.y = layer[5].is(layer[4]) ? native.z : output<T>(layer[5], "y", x, x.rows, outputs);
    return native;
}

template <class T>
std::vector<DenseLayer<T>> layers_of(const py::list& list, const Input& x) {
    std::vector<DenseLayer<T>> layers;
    layers.reserve(list.size());
    std::size_t inputs = x.columns;
    for (const py::handle layer : list) {
        layers.push_back(layer_of<T>(layer_tuple(layer), x, inputs));
        inputs = layers.back().outputs;
    }
    return layers;
}

template <class T>
std::size_t products(const std::vector<DenseLayer<T>>& layers, std::size_t rows) {
    std::size_t count = 0;
    for (const DenseLayer<T>& layer : layers) count += rows * layer.inputs * layer.outputs;
    return count;
}

template <class T>
void forward(const Input& x, const py::list& list) {
    const auto layers = layers_of<T>(list, x);
    run_products(products(layers, x.rows), [&] { run_dense(layers, x.matrix<T>(), x.rows); });
}

template <class T>
void backward(const Input& x, py::handle g, const py::list& list, const py::list& gradient_list,
              bool accumulate) {
    const auto layers = layers_of<T>(list, x);
    const T* of_y =
        memory<T>(FloatArray(g, "grad_output"), "grad_output", x, x.rows, layers.back().outputs);
    std::vector<DenseGradients<T>> gradients;
    gradients.reserve(layers.size());
    for (std::size_t k = 0; k < layers.size(); ++k) {
        const DenseLayer<T>& layer = layers[k];
        const py::tuple to = tuple_of(gradient_list[k], "gradients", 3);
        const auto optional = [&](py::handle array, const char* name, std::size_t rows,
                                  std::size_t columns) {
            return !array || array.is_none() ? nullptr : output<T>(array, name, x, rows, columns);
        };
        DenseGradients<T> native{};
        native.of_z = optional(to[0], "grad_z", x.rows, layer.outputs);
        native.of_weight =
            output<T>(weight_of(to[1]), "gradient of weight", x, layer.outputs, layer.inputs);
        native.of_bias = optional(find(to[1], "bias"), "gradient of bias", 1, layer.outputs);
        native.of_x = optional(to[2], "grad_input", x.rows, layer.inputs);
        if ((k > 0 && native.of_x == nullptr) || (layer.activation && native.of_z == nullptr)) {
            throw py::value_error("a layer lacks memory for a gradient");
        }
        gradients.push_back(native);
    }
    run_products(2 * products(layers, x.rows), [&] {
        run_dense_backward(layers, gradients, x.matrix<T>(), of_y, x.rows, accumulate);
    });
}

/// The layers, those without memory for z and y with new one.
py::list dense_forward(py::handle x, const py::list& layers) {
    const Input input(x, "x");
    py::list run;
    for (const py::handle item : layers) {
        py::tuple layer = layer_tuple(item);
        if (layer[4].is_none()) {
            const FloatArray weight(weight_of(layer[0]), "weight");
            const std::size_t outputs = weight.ndim() > 0 ? weight.shape(0) : 0;
            const py::object z = new_array(input, outputs);
            const bool in_place = layer[1].is_none() || layer[3].cast<bool>();
            const py::object y = in_place ? z : new_array(input, outputs);
            layer = py::make_tuple(layer[0], layer[1], layer[2], layer[3], z, y);
        }
        run.append(layer);
    }
    input.array.is_float32() ? forward<float>(input, run) : forward<double>(input, run);
    return run;
}

void dense_backward(py::handle x, py::handle grad_output, const py::list& layers,
                    const py::list& gradients, bool accumulate) {
    const Input input(x, "x");
    if (layers.empty() || layers.size() != gradients.size()) {
        throw py::value_error("layers has length " + std::to_string(layers.size()) +
                              " and gradients " + std::to_string(gradients.size()) +
                              "; expected as many, at least one");
    }
    const auto run = input.array.is_float32() ? backward<float> : backward<double>;
    run(input, grad_output, layers, gradients, accumulate);
}

}  // namespace

void register_dense(py::module_& m) {
    m.def("dense_forward", &dense_forward, py::arg("x"), py::arg("layers"));
    m.def("dense_backward", &dense_backward, py::arg("x"), py::arg("grad_output"),
          py::arg("layers"), py::arg("gradients"), py::arg("accumulate"));
}

}  // namespace ranvier::bindings
