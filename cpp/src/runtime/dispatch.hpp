// Which instruction set runs: chosen once, when the library is loaded.
#pragma once

#include <string>
#include <vector>

#include "../isa/kernels.hpp"

namespace ranvier {

/// The kernels in use. Throws std::runtime_error if RANVIER_ISA names an instruction set that is
/// unknown or that this machine does not have.
const KernelTable& kernels();

/// The instruction sets that were compiled in and that this machine has, best first.
std::vector<std::string> available_instruction_sets();

}  // namespace ranvier
