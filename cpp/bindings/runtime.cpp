// Threads and configuration.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "runtime/dispatch.hpp"
#include "runtime/threads.hpp"

namespace py = pybind11;

namespace ranvier::bindings {

void register_runtime(py::module_& m) {
    m.def("num_threads", &num_threads);
    m.def("set_num_threads", &set_num_threads);
    m.def("requested_threads", &requested_threads);
    m.def("instruction_set", &instruction_set);
    m.def("available_instruction_sets", &available_instruction_sets);
    m.attr("openmp") = openmp_version();
    m.attr("compiler") = RANVIER_COMPILER;
    m.attr("version") = RANVIER_VERSION;
}

}  // namespace ranvier::bindings
