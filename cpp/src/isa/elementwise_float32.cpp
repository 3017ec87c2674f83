#include "elementwise.hpp"

namespace ranvier::RANVIER_ISA {
const ElementwiseKernels elementwise_float32 = elementwise_kernels<float>;
}
