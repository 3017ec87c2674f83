// A rule that is not elementwise: its step is made of phases.
#pragma once

#include <cstddef>
#include <memory>

namespace ranvier {

class OptimizerHandle;

/// A phase consists of blocks, which are the same on any number of threads. Whoever makes a step
/// runs the blocks of a phase in any order, on as many threads as there are, then ends it on one,
/// and goes on to the next. All memory is taken when the handle is made.
class OptimizerPhases {
public:
    virtual ~OptimizerPhases() = default;
    virtual std::size_t count() const = 0;
    virtual std::size_t blocks(std::size_t phase) const = 0;
    /// About how many elements a block has: whether it is worth a thread.
    virtual std::size_t block_size(std::size_t phase) const = 0;
    virtual void run(std::size_t phase, std::size_t block, const void* const* gradients) = 0;
    virtual void end(std::size_t phase) = 0;
};

/// The phases of the handle's rule; null if it is elementwise.
std::unique_ptr<OptimizerPhases> make_optimizer_phases(const OptimizerHandle& handle);

}  // namespace ranvier
