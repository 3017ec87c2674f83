// Fills the table of the gates.
#include "../ops/gates.hpp"

#include "kernels.hpp"

namespace ranvier::RANVIER_ISA {

template <class Op>
inline constexpr GateForms gate_forms = {
    {gated<Op, half>, gated<Op, float>, gated<Op, double>},
    {gated_vjp<Op, half>, gated_vjp<Op, float>, gated_vjp<Op, double>},
};

const GateKernels gate_table = {
    {
#define RV_GATE(name, module, activation, ...) gate_forms<activations::activation>,
#include "../ops/gates.def"
#undef RV_GATE
    },
    {{larger<half>, larger<float>, larger<double>},
     {larger_vjp<half>, larger_vjp<float>, larger_vjp<double>}},
};

}  // namespace ranvier::RANVIER_ISA
