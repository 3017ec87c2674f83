// A Python function whose usual calls go straight to a ufunc.
//
// What a call in Python costs is more than what a small array costs. A call with the arrays alone,
// or with every operand, and without keywords, needs nothing of Python; all others go to the
// function that it stands for.
#include "numpy_api.hpp"

#include <pybind11/pybind11.h>
#include <structmember.h>

#include <algorithm>
#include <cstddef>

#include "bindings.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

constexpr Py_ssize_t most_operands = 4;

struct Function {
    PyObject_HEAD vectorcallfunc call;
    PyObject* general;  // the Python function
    PyObject* ufunc;
    PyObject* defaults;  // 0-d arrays, a tuple for each of the three dtypes; or None
    Py_ssize_t arrays, parameters;
    PyObject* dict;
    PyObject* weak_references;
};

/// 0, 1, 2 for float16, float32, float64; -1 for anything else that may be an operand.
int float_index(PyObject* x) {
    if (PyArray_CheckExact(x)) {
        switch (PyArray_TYPE(reinterpret_cast<PyArrayObject*>(x))) {
            case NPY_HALF:
                return 0;
            case NPY_FLOAT:
                return 1;
            case NPY_DOUBLE:
                return 2;
            default:
                return -1;
        }
    }
    return Py_TYPE(x) == &PyHalfArrType_Type     ? 0
           : Py_TYPE(x) == &PyFloatArrType_Type  ? 1
           : Py_TYPE(x) == &PyDoubleArrType_Type ? 2
                                                 : -1;
}

PyObject* call(PyObject* self_, PyObject* const* given, std::size_t flags, PyObject* names) {
    const auto* self = reinterpret_cast<Function*>(self_);
    const Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (names == nullptr && count == self->arrays + self->parameters) {
        return PyObject_Vectorcall(self->ufunc, given, flags, nullptr);
    }
    if (names == nullptr && count == self->arrays && self->defaults != Py_None) {
        const int index = float_index(given[0]);
        if (index >= 0 && float_index(given[count - 1]) == index) {
            PyObject* values = PyTuple_GET_ITEM(self->defaults, index);
            PyObject* operands[most_operands];
            std::copy_n(given, count, operands);
            for (Py_ssize_t k = 0; k < self->parameters; ++k) {
                operands[count + k] = PyTuple_GET_ITEM(values, k);
            }
            const auto all = static_cast<std::size_t>(count + self->parameters);
            return PyObject_Vectorcall(self->ufunc, operands, all, nullptr);
        }
    }
    return PyObject_Vectorcall(self->general, given, flags, names);
}

int traverse(PyObject* self_, visitproc visit, void* arg) {
    auto* self = reinterpret_cast<Function*>(self_);
    Py_VISIT(Py_TYPE(self_));
    Py_VISIT(self->general);
    Py_VISIT(self->ufunc);
    Py_VISIT(self->defaults);
    Py_VISIT(self->dict);
    return 0;
}

int clear(PyObject* self_) {
    auto* self = reinterpret_cast<Function*>(self_);
    Py_CLEAR(self->general);
    Py_CLEAR(self->ufunc);
    Py_CLEAR(self->defaults);
    Py_CLEAR(self->dict);
    return 0;
}

void deallocate(PyObject* self_) {
    PyTypeObject* type = Py_TYPE(self_);
    PyObject_GC_UnTrack(self_);
    if (reinterpret_cast<Function*>(self_)->weak_references != nullptr) {
        PyObject_ClearWeakRefs(self_);
    }
    clear(self_);
    type->tp_free(self_);
    Py_DECREF(type);
}

PyObject* represent(PyObject* self_) {
    return PyUnicode_FromFormat("<ranvier function of %R>",
                                reinterpret_cast<Function*>(self_)->ufunc);
}

/// Pickled by name, as functions are.
PyObject* reduce(PyObject* self, PyObject*) {
    return PyObject_GetAttrString(self, "__qualname__");
}

PyTypeObject* function_type() {
    static PyMemberDef members[] = {
        {"__vectorcalloffset__", T_PYSSIZET, offsetof(Function, call), READONLY, nullptr},
        {"__dictoffset__", T_PYSSIZET, offsetof(Function, dict), READONLY, nullptr},
        {"__weaklistoffset__", T_PYSSIZET, offsetof(Function, weak_references), READONLY, nullptr},
        {nullptr, 0, 0, 0, nullptr}};
    static PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr},
                                    {nullptr, nullptr, 0, nullptr}};
    static PyGetSetDef properties[] = {
        {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                                  {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                                  {Py_tp_clear, reinterpret_cast<void*>(clear)},
                                  {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
                                  {Py_tp_repr, reinterpret_cast<void*>(represent)},
                                  {Py_tp_members, members},
                                  {Py_tp_methods, methods},
                                  {Py_tp_getset, properties},
                                  {0, nullptr}};
    static PyType_Spec spec = {"ranvier._native.Function", sizeof(Function), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
                               slots};
    static PyObject* type = PyType_FromSpec(&spec);
    if (type == nullptr) throw py::error_already_set();
    return reinterpret_cast<PyTypeObject*>(type);
}

py::object make_function(py::object general, py::object ufunc, py::object defaults, int arrays,
                         int parameters) {
    if (arrays + parameters > most_operands) throw py::value_error("too many operands");
    PyTypeObject* type = function_type();
    auto* made = PyObject_GC_New(Function, type);
    if (made == nullptr) throw py::error_already_set();
    made->call = call;
    made->general = general.release().ptr();
    made->ufunc = ufunc.release().ptr();
    made->defaults = defaults.release().ptr();
    made->arrays = arrays;
    made->parameters = parameters;
    made->dict = PyDict_New();
    made->weak_references = nullptr;
    auto* object = reinterpret_cast<PyObject*>(made);
    PyObject_GC_Track(object);
    if (made->dict == nullptr) {
        Py_DECREF(object);
        throw py::error_already_set();
    }
    return py::reinterpret_steal<py::object>(object);
}

}  // namespace

void register_functions(py::module_& m) {
    m.def("make_function", &make_function, py::arg("general"), py::arg("ufunc"),
          py::arg("defaults"), py::arg("arrays"), py::arg("parameters"));
}

}  // namespace ranvier::bindings
