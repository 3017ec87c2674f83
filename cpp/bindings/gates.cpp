// Gates and maxout as native generalized ufuncs: the axis of the channels comes as two.
#include "numpy_api.hpp"

#include <pybind11/pybind11.h>

#include <deque>
#include <string>
#include <utility>

#include "bindings.hpp"
#include "runtime/gates.hpp"
#include "runtime/registry.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

/// What a loop needs: the call of its dtype; for maxout's gradient, that of maxout before it.
struct LoopData {
    GateCall call, vjp;
};

/// What NumPy keeps pointers into and never frees: a ufunc lives for ever.
struct GufuncData {
    std::string name;
    LoopData each[count_of<DType>];
    void* pointers[count_of<DType>];
    PyUFuncGenericFunction loops[count_of<DType>];
};

const LoopData& data_of(void* data) {
    return *static_cast<const LoopData*>(data);
}
std::size_t size(npy_intp n) {
    return static_cast<std::size_t>(n);
}

/// The halves of operand k, whose core strides start at `core`: from half to half, and along each.
std::pair<Rows, Rows> halves(char** args, npy_intp const* steps, int k, npy_intp const* core) {
    return {{args[k], steps[k], core[1]}, {args[k] + core[0], steps[k], core[1]}};
}

/// (2,n)->(n).
void gate(char** args, npy_intp const* dimensions, npy_intp const* steps, void* data) {
    const npy_intp* core = steps + 2;
    const auto [a, b] = halves(args, steps, 0, core);
    run_gate(data_of(data).call, a, b, {args[1], steps[1], core[2]}, size(dimensions[0]),
             size(dimensions[2]));
}

/// (n),(2,n)->(2,n).
void gate_vjp(char** args, npy_intp const* dimensions, npy_intp const* steps, void* data) {
    const npy_intp* core = steps + 3;
    const auto [a, b] = halves(args, steps, 1, core + 1);
    const auto [ga, gb] = halves(args, steps, 2, core + 3);
    run_gate_vjp(data_of(data).vjp, {args[0], steps[0], core[0]}, a, b, ga, gb, size(dimensions[0]),
                 size(dimensions[1]));
}

/// The groups of operand k, whose core strides start at `core`: from group to group, within one.
Groups groups(char** args, npy_intp const* steps, int k, npy_intp const* core, npy_intp pieces) {
    return {{args[k], steps[k], core[0]}, core[1], size(pieces)};
}

/// (n,p)->(n).
void maxout(char** args, npy_intp const* dimensions, npy_intp const* steps, void* data) {
    const npy_intp* core = steps + 2;
    run_maxout(data_of(data).call, groups(args, steps, 0, core, dimensions[2]),
               {args[1], steps[1], core[2]}, size(dimensions[0]), size(dimensions[1]));
}

/// (n),(n,p)->(n,p).
void maxout_vjp(char** args, npy_intp const* dimensions, npy_intp const* steps, void* data) {
    const npy_intp* core = steps + 3;
    const auto& [value, vjp] = data_of(data);
    run_maxout_vjp(
        value, vjp, {args[0], steps[0], core[0]}, groups(args, steps, 1, core + 1, dimensions[2]),
        groups(args, steps, 2, core + 3, dimensions[2]), size(dimensions[0]), size(dimensions[1]));
}

template <class Calls>
void add(py::module_& m, const std::string& name, const char* signature,
         PyUFuncGenericFunction loop, int inputs, const Calls& calls) {
    static const char types[] = {
        NPY_HALF,  NPY_HALF,   NPY_HALF,   NPY_FLOAT,  NPY_FLOAT,
        NPY_FLOAT, NPY_DOUBLE, NPY_DOUBLE, NPY_DOUBLE,
    };
    static const char types_of_one[] = {
        NPY_HALF, NPY_HALF, NPY_FLOAT, NPY_FLOAT, NPY_DOUBLE, NPY_DOUBLE,
    };
    static auto& all = *new std::deque<GufuncData>;
    GufuncData& kept = all.emplace_back();
    kept.name = name;
    for (int t = 0; t < count_of<DType>; ++t) {
        kept.each[t] = calls(static_cast<DType>(t));
        kept.pointers[t] = &kept.each[t];
        kept.loops[t] = loop;
    }
    PyObject* gufunc = PyUFunc_FromFuncAndDataAndSignature(
        kept.loops, kept.pointers, inputs == 1 ? types_of_one : types, count_of<DType>, inputs, 1,
        PyUFunc_None, kept.name.c_str(), "", 0, signature);
    if (gufunc == nullptr) throw py::error_already_set();
    m.attr(name.c_str()) = py::reinterpret_steal<py::object>(gufunc);
}

py::list gate_records() {
    py::list result;
    for (const GateRecord& record : gates()) {
        py::dict entry;
        entry["name"] = record.name;
        entry["module"] = record.module;
        entry["activation"] = record.activation;
        const double* bounds = record.bounds;
        entry["bounds"] = py::make_tuple(bounds[0], bounds[1], bounds[2], bounds[3]);
        entry["formula"] = record.formula;
        entry["reference"] = record.reference;
        result.append(entry);
    }
    return result;
}

}  // namespace

void register_gates(py::module_& m) {
    m.def("gate_records", &gate_records);
    for (int i = 0; i < count_of<Gate>; ++i) {
        const std::string name = gates()[static_cast<std::size_t>(i)].name;
        const auto calls = [i](DType dtype) {
            const auto which = static_cast<Gate>(i);
            return LoopData{gate_call(which, false, dtype), gate_call(which, true, dtype)};
        };
        add(m, name, "(2,n)->(n)", gate, 1, calls);
        add(m, name + "_vjp", "(n),(2,n)->(2,n)", gate_vjp, 2, calls);
    }
    const auto calls = [](DType dtype) {
        return LoopData{maxout_call(false, dtype), maxout_call(true, dtype)};
    };
    add(m, "maxout", "(n,p)->(n)", maxout, 1, calls);
    add(m, "maxout_vjp", "(n),(n,p)->(n,p)", maxout_vjp, 2, calls);
}

}  // namespace ranvier::bindings
