#define RANVIER_IMPORTS_NUMPY
#include "numpy_api.hpp"

#include <pybind11/pybind11.h>

#include "bindings.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/threads.hpp"

PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
    if (_import_array() < 0 || _import_umath() < 0) throw pybind11::error_already_set();
    try {
        ranvier::start_threads();
        ranvier::kernels();
    } catch (const std::exception& error) {
        throw pybind11::import_error(error.what());
    }
    ranvier::bindings::register_ufuncs(m);
    ranvier::bindings::register_functions(m);
    ranvier::bindings::register_gufuncs(m);
    ranvier::bindings::register_gates(m);
    ranvier::bindings::register_batch_losses(m);
    ranvier::bindings::register_losses(m);
    ranvier::bindings::register_optimizers(m);
    ranvier::bindings::register_optimizer_records(m);
    ranvier::bindings::register_norms(m);
    ranvier::bindings::register_products(m);
    ranvier::bindings::register_runtime(m);
    ranvier::bindings::register_stack(m);
    ranvier::bindings::register_take_rows(m);
    ranvier::bindings::register_training(m);
}
