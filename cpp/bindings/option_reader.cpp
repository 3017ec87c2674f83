#include "option_reader.hpp"

#include <stdexcept>
#include <string_view>

#include "dict_item.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

bool is_plain_number(PyObject* object) {
    return PyFloat_CheckExact(object) || PyLong_CheckExact(object) || PyBool_Check(object);
}

bool never_changes(PyObject* object) {
    if (!PyTuple_CheckExact(object)) return is_plain_number(object);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) {
        if (!is_plain_number(PyTuple_GET_ITEM(object, i))) return false;
    }
    return true;
}

}  // namespace

OptionReader::OptionReader(const OptimizerRecord& record)
    : record_(&record), maximize_{interned("maximize"), 1, {}, {}, {}} {
    for (const OptionRecord& option : record.options) {
        options_.push_back({interned(option.name), option.defaults.size(), option.fields, {}, {}});
    }
}

void OptionReader::read(const py::dict& from, OptimizerGroup& group) {
    const auto changed = [&](Option& option) {
        py::object value = item(from, option.key);
        if (value.is(option.last)) return false;
        option.last = py::object();
        if (option.count == 1) {
            option.values[0] = as_double(value);
        } else {
            if (!PyTuple_Check(value.ptr()) && !PyList_Check(value.ptr())) {
                throw py::type_error(static_cast<std::string>(option.key) + " is a " +
                                     Py_TYPE(value.ptr())->tp_name + "; expected two numbers");
            }
            // A copy of a list, which the numbers may change while they are read.
            const py::tuple numbers =
                py::reinterpret_steal<py::tuple>(PySequence_Tuple(value.ptr()));
            if (!numbers) throw py::error_already_set();
            if (numbers.size() != option.count) {
                throw py::value_error(static_cast<std::string>(option.key) + " has " +
                                      std::to_string(numbers.size()) + " numbers; expected two");
            }
            for (std::size_t i = 0; i < option.count; ++i) {
                option.values[i] = as_double(PyTuple_GET_ITEM(numbers.ptr(), i));
            }
        }
        if (never_changes(value.ptr())) option.last = std::move(value);
        return true;
    };
    for (Option& option : options_) {
        if (!changed(option)) continue;
        for (std::size_t i = 0; i < option.fields.size(); ++i) {
            option.fields[i].set(group.options(), option.values[i]);
        }
    }
    if (changed(maximize_)) group.maximize = maximize_.values[0] != 0.0;
}

double OptionReader::number(const char* name) const {
    for (std::size_t k = 0; k < options_.size(); ++k) {
        if (std::string_view(record_->options[k].name) == name) return options_[k].values[0];
    }
    throw std::logic_error(std::string(record_->name) + " has no option " + name);
}

}  // namespace ranvier::bindings
