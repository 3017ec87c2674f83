// Items of dicts that other threads may change.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace ranvier::bindings {

/// A key that dicts find without comparing letters.
inline pybind11::str interned(const char* name) {
    PyObject* key = PyUnicode_InternFromString(name);
    if (key == nullptr) throw pybind11::error_already_set();
    return pybind11::reinterpret_steal<pybind11::str>(key);
}

/// A reference of its own; null if there is no such item.
inline pybind11::object find_item(const pybind11::dict& dict, const pybind11::str& key) {
#if PY_VERSION_HEX >= 0x030D0000
    PyObject* value = nullptr;
    if (PyDict_GetItemRef(dict.ptr(), key.ptr(), &value) < 0) {
        throw pybind11::error_already_set();
    }
#else
    PyObject* value = PyDict_GetItemWithError(dict.ptr(), key.ptr());
    if (value == nullptr && PyErr_Occurred()) throw pybind11::error_already_set();
    Py_XINCREF(value);
#endif
    return pybind11::reinterpret_steal<pybind11::object>(value);
}

/// The same; throws KeyError.
inline pybind11::object item(const pybind11::dict& dict, const pybind11::str& key) {
    pybind11::object value = find_item(dict, key);
    if (!value) throw pybind11::key_error(static_cast<std::string>(key));
    return value;
}

inline double as_double(pybind11::handle value) {
    const double number = PyFloat_AsDouble(value.ptr());
    if (number == -1.0 && PyErr_Occurred()) throw pybind11::error_already_set();
    return number;
}

/// The object as a dict or a list, not one made of it. Throws TypeError, with its name.
inline pybind11::dict as_dict(pybind11::handle object, const std::string& name) {
    if (PyDict_Check(object.ptr())) return pybind11::reinterpret_borrow<pybind11::dict>(object);
    throw pybind11::type_error(name + " is a " + Py_TYPE(object.ptr())->tp_name +
                               "; expected a dict");
}
inline pybind11::list as_list(pybind11::handle object, const std::string& name) {
    if (PyList_Check(object.ptr())) return pybind11::reinterpret_borrow<pybind11::list>(object);
    throw pybind11::type_error(name + " is a " + Py_TYPE(object.ptr())->tp_name +
                               "; expected a list");
}

}  // namespace ranvier::bindings
