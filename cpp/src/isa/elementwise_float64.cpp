#include "elementwise.hpp"

namespace ranvier::RANVIER_ISA {
const ElementwiseKernels elementwise_float64 = elementwise_kernels<double>;
}
