#include "elementwise.hpp"

namespace ranvier::RANVIER_ISA {
const ElementwiseKernels elementwise_float16 = elementwise_kernels<half>;
}
