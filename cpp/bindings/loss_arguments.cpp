#include "loss_arguments.hpp"

#include <limits>

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

PyArrayObject* as_array(py::handle object) {
    return reinterpret_cast<PyArrayObject*>(object.ptr());
}

Array described(PyArrayObject* array) {
    return {PyArray_BYTES(array), PyArray_NDIM(array), PyArray_DIMS(array), PyArray_STRIDES(array),
            static_cast<bool>(PyArray_IS_C_CONTIGUOUS(array))};
}

bool has_shape(PyArrayObject* array, const Shape& shape) {
    return PyArray_NDIM(array) == static_cast<int>(shape.size()) &&
           PyArray_CompareLists(PyArray_DIMS(array), shape.data(), PyArray_NDIM(array));
}

std::string attribute(py::handle object, const char* name) {
    return py::str(object.attr(name)).cast<std::string>();
}

void require_array(py::handle object, const char* name) {
    if (PyArray_Check(object.ptr())) return;
    throw py::type_error(std::string(name) + " is a " + Py_TYPE(object.ptr())->tp_name +
                         "; expected a numpy.ndarray");
}

}  // namespace

const double* doubles(py::handle array, std::size_t size, const char* name) {
    if (array.is_none()) return nullptr;
    const FloatArray checked(array, name);
    if (checked.is_float32() || !checked.contiguous() || checked.size() != size) {
        throw py::value_error(std::string(name) + " has dtype " + checked.dtype_name() +
                              " and shape " + checked.shape_text() + "; expected " +
                              std::to_string(size) + " contiguous float64");
    }
    return reinterpret_cast<const double*>(checked.data());
}

py::object contiguous_labels(py::handle target, const Shape& shape, bool copy,
                             const std::string& other) {
    require_array(target, "target");
    PyArrayObject* array = as_array(target);
    if (!PyTypeNum_ISINTEGER(PyArray_TYPE(array))) {
        throw py::type_error("target has dtype " + attribute(target, "dtype") +
                             "; expected integers" + other);
    }
    if (!has_shape(array, shape)) {
        throw py::value_error("target has shape " + attribute(target, "shape") + "; expected " +
                              text_of(shape));
    }
    if (PyTypeNum_ISUNSIGNED(PyArray_TYPE(array)) && PyArray_ITEMSIZE(array) == 8 &&
        PyArray_SIZE(array) > 0 &&
        py::reinterpret_borrow<py::object>(target).attr("max")().cast<std::uint64_t>() >
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        throw py::index_error("target has a label over 2**63; expected a class");
    }
    const int flags = NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST | (copy ? NPY_ARRAY_ENSURECOPY : 0);
    PyObject* labels = PyArray_FROMANY(target.ptr(), NPY_INT64, 0, 0, flags);
    if (labels == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(labels);
}

LossArguments::LossArguments(const LossHandle& loss, const py::tuple& operands, py::handle target,
                             py::handle weight, py::handle sample_weight, py::handle out)
    : record_(loss.record()), graded_(!out.is_none()) {
    take_operands(operands);
    take_target(target);
    take_weights(weight, sample_weight);
    take_gradients(out);
    if (loss.options().reduction == Reduction::none) make_losses();
}

void LossArguments::take_operands(const py::tuple& operands) {
    if (operands.size() != record_.operands.size()) {
        throw py::value_error(std::string(record_.name) + " was given " +
                              std::to_string(operands.size()) + " arrays; expected " +
                              std::to_string(record_.operands.size()));
    }
    input_ = operands[0];
    const FloatArray first = input();
    const int ndim = first.ndim();
    if (record_.family == LossFamily::of_classes && ndim < 1) {
        throw py::value_error("input has shape (); expected (C,), (N, C) or (N, C, d1, ...)");
    }
    if (record_.family == LossFamily::of_rows && ndim != 1 && ndim != 2) {
        throw py::value_error(std::string(record_.operands[0].name) + " has shape " +
                              first.shape_text() + "; expected (N, C) or (C,)");
    }
    arrays_.dtype = first.is_float32() ? DType::float32 : DType::float64;
    for (std::size_t k = 0; k < operands.size(); ++k) {
        const char* name = record_.operands[k].name;
        const FloatArray operand(operands[k], name);
        if (k > 0) operand.require_like(first, name, record_.operands[0].name);
        arrays_.operands[k] = described(operand.array());
        take(operands[k], name);
    }
}

Shape LossArguments::losses_shape() const {
    const Array& in = arrays_.operands[0];
    const int dropped = record_.family == LossFamily::elementwise  ? in.ndim
                        : record_.family == LossFamily::of_classes ? (in.ndim > 1 ? 1 : 0)
                                                                   : in.ndim - 1;
    Shape shape;
    for (int axis = 0; axis < in.ndim; ++axis) {
        if (axis != dropped) shape.push_back(in.shape[axis]);
    }
    return shape;
}

void LossArguments::take_target(py::handle target) {
    if (record_.labels == Labels::no_labels) {
        if (!target.is_none()) {
            throw py::value_error(std::string(record_.name) + " takes no labels; expected None");
        }
        return;
    }
    const FloatArray in = input();
    require_array(target, "target");
    if (record_.labels == Labels::ignorable_class &&
        static_cast<ClassLoss>(record_.index) == ClassLoss::cross_entropy &&
        PyTypeNum_ISFLOAT(PyArray_TYPE(as_array(target))) &&
        PyArray_SAMESHAPE(as_array(target), in.array())) {
        const FloatArray probabilities(target, "target");
        probabilities.require_like(in, "target", "input");
        arrays_.probabilities = described(probabilities.array());
        take(target, "target");
        return;
    }
    const bool list = record_.labels == Labels::class_list;
    const Array& shaped = arrays_.operands[0];
    const Shape shape = list ? Shape(shaped.shape, shaped.shape + shaped.ndim) : losses_shape();
    const bool soft = record_.labels == Labels::ignorable_class &&
                      static_cast<ClassLoss>(record_.index) == ClassLoss::cross_entropy;
    // Labels of classes are looked at again when they are used; those of rows are not, and another
    // thread must not write to them meanwhile.
    labels_ = contiguous_labels(target, shape, record_.family == LossFamily::of_rows,
                                soft ? " (class indices) or, in the shape of input, " +
                                           in.dtype_name() + " (class probabilities)"
                                     : "");
    arrays_.labels = static_cast<const std::int64_t*>(PyArray_DATA(as_array(labels_)));
    take(labels_, "target");
}

void LossArguments::take_weights(py::handle weight, py::handle sample_weight) {
    const Array& in = arrays_.operands[0];
    const bool single = record_.family != LossFamily::elementwise && in.ndim == 1;
    arrays_.sample_weight = doubles(sample_weight, single ? 1 : in.samples(), "sample_weight");
    take(sample_weight, "sample_weight");
    if (weight.is_none()) return;
    const FloatArray given(weight, "weight");
    if (record_.family == LossFamily::elementwise) {
        if (given.is_float32() || !given.same_shape(input())) {
            throw py::value_error("weight has dtype " + given.dtype_name() + " and shape " +
                                  given.shape_text() + "; expected float64 of shape " +
                                  input().shape_text());
        }
    } else {
        const bool along_second = record_.family == LossFamily::of_classes && in.ndim > 1;
        const std::size_t classes = in.extent(along_second ? 1 : in.ndim - 1);
        const bool is_float32 =
            record_.family == LossFamily::of_classes && arrays_.dtype == DType::float32;
        if (given.is_float32() != is_float32 || !given.contiguous() || given.size() != classes) {
            throw py::value_error("weight has dtype " + given.dtype_name() + " and shape " +
                                  given.shape_text() + "; expected " + std::to_string(classes) +
                                  " contiguous " + (is_float32 ? "float32" : "float64"));
        }
    }
    arrays_.weight = described(given.array());
    take(weight, "weight");
}

void LossArguments::take_gradients(py::handle out) {
    if (out.is_none()) return;
    const auto arrays = py::cast<py::tuple>(out);
    const auto count = static_cast<std::size_t>(record_.gradients());
    if (arrays.size() != count) {
        throw py::value_error("out has " + std::to_string(arrays.size()) + " arrays; expected " +
                              std::to_string(count));
    }
    const FloatArray in = input();
    for (std::size_t k = 0; k < count; ++k) {
        const std::string name = output_name(k, count);
        const FloatArray gradient(arrays[k], name.c_str());
        taken_.add_output(gradient, name, in, record_.operands[0].name);
        arrays_.gradients[k] = described(gradient.array());
    }
}

void LossArguments::make_losses() {
    Shape shape = losses_shape();
    losses_ = py::reinterpret_steal<py::object>(PyArray_SimpleNew(
        static_cast<int>(shape.size()), shape.data(), PyArray_TYPE(as_array(input_))));
    if (!losses_) throw py::error_already_set();
    arrays_.losses = PyArray_DATA(as_array(losses_));
}

}  // namespace ranvier::bindings
