// Elementwise operations as native NumPy ufuncs, and the registry they come from.
#include "numpy_api.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/elementwise.hpp"
#include "runtime/registry.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// What a ufunc needs for as long as it lives, which is as long as the process.
struct UfuncData {
    ElementwiseCall calls[count_of<DType>];
    void* data[count_of<DType>];
    PyUFuncGenericFunction loops[count_of<DType>];
    std::vector<char> types;
    std::string name, doc;
};

/// Whether an element of the output is an input of a later one, as in reduce and accumulate: the
/// output is one element, or lies beside an input of the same step.
bool is_recurrence(const ElementwiseCall& call, char** args, npy_intp const* steps, npy_intp n) {
    const int inputs = call.arrays + call.parameters;
    if (n <= 1) return false;
    if (steps[inputs] == 0) return true;
    for (int k = 0; k < inputs; ++k) {
        const npy_intp reach = steps[k] * (n - 1);
        const npy_intp ahead = args[inputs] - args[k];
        if (ahead != 0 && steps[k] == steps[inputs] && ahead % steps[k] == 0 &&
            std::abs(ahead) <= std::abs(reach)) {
            return true;
        }
    }
    return false;
}

void loop(char** args, npy_intp const* dimensions, npy_intp const* steps, void* data) {
    const auto& call = *static_cast<const ElementwiseCall*>(data);
    const npy_intp n = dimensions[0];
    if (!is_recurrence(call, args, steps, n)) {
        run_elementwise(call, args, steps, static_cast<std::size_t>(n));
        return;
    }
    char* at[5];
    for (npy_intp i = 0; i < n; ++i) {
        for (int k = 0; k <= call.arrays + call.parameters; ++k) at[k] = args[k] + i * steps[k];
        run_elementwise(call, at, steps, 1);
    }
}

constexpr const char* forms[count_of<Form>] = {"value", "derivative", "vjp", "vjp_from_output"};

int index_of_activation(const std::string& name) {
    const auto records = activations();
    for (std::size_t i = 0; i < records.size(); ++i) {
        if (name == records[i].name) return static_cast<int>(i);
    }
    throw py::key_error(name);
}

int index_of_form(const std::string& name) {
    for (int i = 0; i < count_of<Form>; ++i) {
        if (name == forms[i]) return i;
    }
    throw py::key_error(name);
}

py::object make_ufunc(const std::string& activation, const std::string& form,
                      const std::string& doc) {
    static const int numbers[count_of<DType>] = {NPY_HALF, NPY_FLOAT, NPY_DOUBLE};
    const int a = index_of_activation(activation);
    const int f = index_of_form(form);
    const auto call = [&](int dtype) {
        return elementwise_call(static_cast<Activation>(a), static_cast<Form>(f),
                                static_cast<DType>(dtype));
    };
    const ElementwiseCall first = call(0);
    if (first.kernel == nullptr) return py::none();

    auto data = std::make_unique<UfuncData>();
    data->name = activation;
    data->doc = doc;
    const int inputs = first.arrays + first.parameters;
    for (int t = 0; t < count_of<DType>; ++t) {
        data->calls[t] = call(t);
        data->data[t] = &data->calls[t];
        data->loops[t] = loop;
        data->types.insert(data->types.end(), static_cast<std::size_t>(inputs) + 1,
                           static_cast<char>(numbers[t]));
    }
    // NumPy keeps pointers into all of this and never frees them: a ufunc lives for ever.
    UfuncData* kept = data.release();
    PyObject* ufunc =
        PyUFunc_FromFuncAndData(kept->loops, kept->data, kept->types.data(), count_of<DType>,
                                inputs, 1, PyUFunc_None, kept->name.c_str(), kept->doc.c_str(), 0);
    if (ufunc == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(ufunc);
}

py::list activation_records() {
    py::list result;
    for (const ActivationRecord& record : activations()) {
        py::dict parameters, meanings;
        for (const ParameterRecord& p : record.parameters) {
            meanings[p.name] = p.meaning;
            parameters[p.name] =
                std::isnan(p.default_value) ? py::object(py::none()) : py::float_(p.default_value);
        }
        const auto tuple = [](const double* v, int n) {
            py::tuple t(n);
            for (int i = 0; i < n; ++i) t[i] = v[i];
            return t;
        };
        py::dict entry;
        entry["name"] = record.name;
        entry["module"] = record.module;
        entry["parameters"] = parameters;
        entry["meanings"] = meanings;
        entry["limits"] = tuple(record.limits, 3);
        entry["slopes"] = tuple(record.slopes, 3);
        entry["bounds"] = tuple(record.bounds, 4);
        entry["formula"] = record.formula;
        entry["derivative"] = record.derivative;
        entry["reference"] = record.reference;
        result.append(entry);
    }
    return result;
}

}  // namespace

void register_ufuncs(py::module_& m) {
    m.def("make_ufunc", &make_ufunc, py::arg("activation"), py::arg("form"), py::arg("doc"));
    m.def("activation_records", &activation_records);
    m.def("activation_index", &index_of_activation);
}

}  // namespace ranvier::bindings
