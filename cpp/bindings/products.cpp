// The matrix product: the arguments checked, the work in runtime/.
#include "products.hpp"

#include "bindings.hpp"
#include "runtime/product.hpp"

namespace py = pybind11;

namespace ranvier::bindings {
namespace {

template <class T>
void run(const FloatArray& a, const FloatArray& b, const FloatArray& out) {
    run_product<T>(strided<const T>(a), strided<const T>(b), strided<T>(out), a.shape(0),
                   b.shape(1), a.shape(1));
}

void product(py::handle a_, py::handle b_, py::handle out_) {
    const FloatArray a(a_, "a"), b(b_, "b"), out(out_, "out");
    if (a.ndim() != 2 || b.ndim() != 2 || out.ndim() != 2 || a.shape(1) != b.shape(0) ||
        out.shape(0) != a.shape(0) || out.shape(1) != b.shape(1)) {
        throw py::value_error("a, b and out have shapes " + a.shape_text() + ", " + b.shape_text() +
                              " and " + out.shape_text() + "; expected (n, k), (k, m) and (n, m)");
    }
    if (!a.same_dtype(b) || !a.same_dtype(out)) {
        throw py::type_error("a, b and out have dtypes " + a.dtype_name() + ", " + b.dtype_name() +
                             " and " + out.dtype_name() + "; expected only one");
    }
    if (!out.writeable()) throw py::value_error("out is read-only; expected it writeable");
    if (overlap(out.array(), a.array()) || overlap(out.array(), b.array())) {
        throw py::value_error("out overlaps a or b in memory; expected an array of its own");
    }
    run_products(out.size() * a.shape(1),
                 [&] { a.is_float32() ? run<float>(a, b, out) : run<double>(a, b, out); });
}

}  // namespace

void register_products(py::module_& m) {
    m.def("product", &product, py::arg("a"), py::arg("b"), py::arg("out"));
}

}  // namespace ranvier::bindings
