// Softmax, its logarithm and log-sum-exp as native generalized ufuncs.
#include "numpy_api.hpp"

#include <pybind11/pybind11.h>

#include <new>
#include <vector>

#include "bindings.hpp"
#include "ranvier/ranvier.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/rows.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

const double one = 1.0;
const Rows no_mask{nullptr, 0, 0};
const Rows temperature_of_1{reinterpret_cast<char*>(const_cast<double*>(&one)), 0, 0};

/// No exception may pass through NumPy. A loop that runs out of memory leaves MemoryError behind.
template <class Run>
void guarded(const Run& run) {
    try {
        run();
    } catch (const std::bad_alloc&) {
        const py::gil_scoped_acquire acquire;
        PyErr_NoMemory();
    }
}

/// (n),()[,(n)]->(n): the input, the temperature, perhaps a mask.
template <class T, RowKernel<T> RowKernels<T>::* kernel,
          RowsInLanesKernel RowsInLanesKernels::* in_lanes, bool masked>
void scaled_rows(char** args, npy_intp const* dimensions, npy_intp const* steps, void*) {
    constexpr int operands = masked ? 4 : 3;
    const npy_intp* core = steps + operands;
    const Rows x{args[0], steps[0], core[0]};
    const Rows temperature{args[1], steps[1], 0};
    const Rows keep = masked ? Rows{args[2], steps[2], core[1]} : no_mask;
    const Rows y{args[operands - 1], steps[operands - 1], core[masked ? 2 : 1]};
    const auto n = static_cast<std::size_t>(dimensions[1]);
    guarded([&] {
        run_rows<T>(row_kernels<T>().*kernel, rows_in_lanes_kernel<T>(in_lanes), x, keep,
                    temperature, y, static_cast<std::size_t>(dimensions[0]), n, n);
    });
}

/// (n)[,(n)]->().
template <class T, bool masked>
void reduced_rows(char** args, npy_intp const* dimensions, npy_intp const* steps, void*) {
    constexpr int operands = masked ? 3 : 2;
    const npy_intp* core = steps + operands;
    const Rows x{args[0], steps[0], core[0]};
    const Rows keep = masked ? Rows{args[1], steps[1], core[1]} : no_mask;
    const Rows y{args[operands - 1], steps[operands - 1], sizeof(T)};
    guarded([&] {
        run_rows<T>(row_kernels<T>().logsumexp,
                    rows_in_lanes_kernel<T>(&RowsInLanesKernels::logsumexp), x, keep,
                    temperature_of_1, y, static_cast<std::size_t>(dimensions[0]),
                    static_cast<std::size_t>(dimensions[1]), 1);
    });
}

/// (n),(n),()->(n): the gradient, the output, the temperature.
template <class T, RowVjpKernel<T> RowKernels<T>::* kernel>
void vjp_rows(char** args, npy_intp const* dimensions, npy_intp const* steps, void*) {
    const npy_intp* core = steps + 4;
    guarded([&] {
        run_rows_vjp<T>(row_kernels<T>().*kernel, {args[0], steps[0], core[0]},
                        {args[1], steps[1], core[1]}, {args[2], steps[2], 0},
                        {args[3], steps[3], core[2]}, static_cast<std::size_t>(dimensions[0]),
                        static_cast<std::size_t>(dimensions[1]));
    });
}

struct Definition {
    const char* name;
    const char* signature;
    int inputs;
    PyUFuncGenericFunction loops[2];  // float32, float64
    std::vector<char> types;
};

#define RV_LOOPS(template_name, ...) \
    {template_name<float, __VA_ARGS__>, template_name<double, __VA_ARGS__>}
#define RV_ROWS(kernel, masked)                                                           \
    {scaled_rows<float, &RowKernels<float>::kernel, &RowsInLanesKernels::kernel, masked>, \
     scaled_rows<double, &RowKernels<double>::kernel, &RowsInLanesKernels::kernel, masked>}
#define RV_VJP(kernel) \
    {vjp_rows<float, &RowKernels<float>::kernel>, vjp_rows<double, &RowKernels<double>::kernel>}

constexpr char f = NPY_FLOAT, d = NPY_DOUBLE, b = NPY_BOOL;

std::vector<Definition>& definitions() {
    static std::vector<Definition> list = {
        {"softmax", "(n),()->(n)", 2, RV_ROWS(softmax, false), {f, d, f, d, d, d}},
        {"masked_softmax", "(n),(),(n)->(n)", 3, RV_ROWS(softmax, true), {f, d, b, f, d, d, b, d}},
        {"log_softmax", "(n),()->(n)", 2, RV_ROWS(log_softmax, false), {f, d, f, d, d, d}},
        {"masked_log_softmax",
         "(n),(),(n)->(n)",
         3,
         RV_ROWS(log_softmax, true),
         {f, d, b, f, d, d, b, d}},
        {"logsumexp", "(n)->()", 1, RV_LOOPS(reduced_rows, false), {f, f, d, d}},
        {"masked_logsumexp", "(n),(n)->()", 2, RV_LOOPS(reduced_rows, true), {f, b, f, d, b, d}},
        {"softmax_vjp", "(n),(n),()->(n)", 3, RV_VJP(softmax_vjp), {f, f, d, f, d, d, d, d}},
        {"log_softmax_vjp",
         "(n),(n),()->(n)",
         3,
         RV_VJP(log_softmax_vjp),
         {f, f, d, f, d, d, d, d}},
    };
    return list;
}

/// One of the above for an array whose rows are contiguous and lie one after the other, without a
/// mask and at temperature 1: NumPy's own way costs more than a small array's rows. None for
/// another array.
template <auto of_float32, auto of_float64, bool reduced>
py::object contiguous_rows(py::handle object) {
    auto* x = reinterpret_cast<PyArrayObject*>(object.ptr());
    const int ndim = PyArray_NDIM(x), type = PyArray_TYPE(x);
    if (ndim < 2 || PyArray_SIZE(x) == 0 || !PyArray_IS_C_CONTIGUOUS(x) || !PyArray_ISALIGNED(x)) {
        return py::none();
    }
    const npy_intp* shape = PyArray_DIMS(x);
    auto y = py::reinterpret_steal<py::object>(
        PyArray_SimpleNew(reduced ? ndim - 1 : ndim, shape, type));
    if (!y) throw py::error_already_set();
    const auto n = static_cast<std::size_t>(shape[ndim - 1]);
    const std::size_t rows = static_cast<std::size_t>(PyArray_SIZE(x)) / n;
    const void* from = PyArray_DATA(x);
    void* to = PyArray_DATA(reinterpret_cast<PyArrayObject*>(y.ptr()));
    const py::gil_scoped_release release;
    if (type == NPY_FLOAT) {
        of_float32(static_cast<const float*>(from), static_cast<float*>(to), rows, n);
    } else {
        of_float64(static_cast<const double*>(from), static_cast<double*>(to), rows, n);
    }
    return y;
}

template <class T>
void softmax_at_1(const T* x, T* y, std::size_t rows, std::size_t n) {
    softmax(x, y, rows, n);
}
template <class T>
void log_softmax_at_1(const T* x, T* y, std::size_t rows, std::size_t n) {
    log_softmax(x, y, rows, n);
}

}  // namespace

void register_gufuncs(py::module_& m) {
    m.def("contiguous_softmax", &contiguous_rows<softmax_at_1<float>, softmax_at_1<double>, false>,
          py::arg("x"));
    m.def("contiguous_log_softmax",
          &contiguous_rows<log_softmax_at_1<float>, log_softmax_at_1<double>, false>, py::arg("x"));
    m.def("contiguous_logsumexp", &contiguous_rows<logsumexp<float>, logsumexp<double>, true>,
          py::arg("x"));
    static void* no_data[2] = {nullptr, nullptr};
    for (Definition& each : definitions()) {
        PyObject* gufunc = PyUFunc_FromFuncAndDataAndSignature(
            each.loops, no_data, each.types.data(), 2, each.inputs, 1, PyUFunc_None, each.name, "",
            0, each.signature);
        if (gufunc == nullptr) throw py::error_already_set();
        m.attr(each.name) = py::reinterpret_steal<py::object>(gufunc);
    }
}

}  // namespace ranvier::bindings
