// Threads and instruction sets. Results depend on neither, but for baseline x86-64, which has no
// fused multiply-add.
#pragma once

#include <string>
#include <vector>

namespace ranvier {

/// How many threads a call may use: what set_num_threads said, else RANVIER_NUM_THREADS, else what
/// OpenMP would use (OMP_NUM_THREADS, processor affinity), within the control group's quota. 1 in a
/// child of fork() and in a build without OpenMP. Throws std::invalid_argument if
/// RANVIER_NUM_THREADS is not an integer from 1 to 1024.
int num_threads();

/// Sets it for the process; 0 goes back to the default. Throws std::invalid_argument if `count` is
/// negative or above 1024.
void set_num_threads(int count);

/// The instruction set in use, "avx512", "avx2", "baseline" or "neon": the best that was compiled
/// in and that this machine has, or the one that the environment variable RANVIER_ISA names. Chosen
/// at the first call of anything; throws std::runtime_error if RANVIER_ISA names one that is
/// unknown or not available.
std::string instruction_set();

/// Those that were compiled in and that this machine has, best first.
std::vector<std::string> available_instruction_sets();

}  // namespace ranvier
