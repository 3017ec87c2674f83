// One register function a subject; module.cpp calls them.
#pragma once

#include <pybind11/pybind11.h>

namespace ranvier::bindings {

void register_ufuncs(pybind11::module_& m);
void register_functions(pybind11::module_& m);
void register_gufuncs(pybind11::module_& m);
void register_gates(pybind11::module_& m);
void register_batch_losses(pybind11::module_& m);
void register_losses(pybind11::module_& m);
void register_optimizers(pybind11::module_& m);
void register_optimizer_records(pybind11::module_& m);
void register_norms(pybind11::module_& m);
void register_products(pybind11::module_& m);
void register_runtime(pybind11::module_& m);
void register_stack(pybind11::module_& m);
void register_take_rows(pybind11::module_& m);
void register_training(pybind11::module_& m);

}  // namespace ranvier::bindings
