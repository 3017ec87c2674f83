// An optimizer over tensors: described once, then a step at each call. And the norm of gradients.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "../isa/kernels.hpp"
#include "optimizer_group.hpp"
#include "optimizer_phases.hpp"
#include "optimizer_records.hpp"

namespace ranvier {

struct OptimizerTensor {
    std::size_t group;
    DType dtype;  // float32 or float64
    void* parameter;
    Shape shape;
    void* state[max_states] = {};  // in the order of the row; null while it is not there

    std::size_t size() const {
        std::size_t product = 1;
        for (const std::size_t side : shape) product *= side;
        return product;
    }
};

/// A part of a tensor over which sums are formed in one go.
struct OptimizerBlock {
    std::size_t tensor, begin, count;
};

/// 0 for float32, 1 for float64: where the tables of kernels have them.
constexpr std::size_t precision_of(DType dtype) {
    return dtype == DType::float32 ? 0 : 1;
}
constexpr std::size_t size_of(DType dtype) {
    return dtype == DType::float32 ? sizeof(float) : sizeof(double);
}

/// Holds pointers: whoever makes a handle keeps the arrays alive and in place. A state may be null
/// as long as the options do not need it.
class OptimizerHandle {
public:
    OptimizerHandle(Optimizer rule, std::size_t groups, std::vector<OptimizerTensor> tensors);
    OptimizerHandle(const OptimizerHandle&) = delete;
    OptimizerHandle& operator=(const OptimizerHandle&) = delete;

    Optimizer rule() const { return rule_; }
    const OptimizerRecord& record() const { return optimizers()[static_cast<std::size_t>(rule_)]; }
    std::size_t groups() const { return groups_.size(); }
    OptimizerGroup& group(std::size_t i) { return *groups_[i]; }
    const OptimizerGroup& group(std::size_t i) const { return *groups_[i]; }
    std::size_t tensors() const { return tensors_.size(); }
    const OptimizerTensor& tensor(std::size_t i) const { return tensors_[i]; }
    /// How many elements all tensors have.
    std::size_t size() const { return starts_.back(); }
    void set_state(std::size_t tensor, std::size_t state, void* array) {
        tensors_[tensor].state[state] = array;
    }

    /// Whether a step can be made of updates of ranges; if not, it is made of phases.
    bool elementwise() const { return phases_ == nullptr; }
    OptimizerPhases* phases() const { return phases_.get(); }

    /// Counts a step of every group and works out its scalars. `scale` multiplies the gradients,
    /// and -1 beside it in a group that goes up.
    void begin_step(double scale);

    /// The step that has begun, of the elements [begin, begin + count) of a tensor, on this thread;
    /// `gradient` points to the first of `count` numbers. For elementwise rules; threads may call
    /// it at once for different elements.
    void update(std::size_t tensor, std::size_t begin, std::size_t count,
                const void* gradient) const;

    /// Asks for what the update of these elements reads and writes, ahead of it.
    void prefetch(std::size_t tensor, std::size_t begin, std::size_t count) const;

    /// A whole step, on all threads: a gradient for each tensor. It cannot fail.
    void step(std::span<const void* const> gradients, double scale);

    /// The sum of the squares of all gradients, in a fixed order.
    double sum_of_squares(std::span<const void* const> gradients);

    /// The tensors cut in blocks, one tensor after the other: the same on any number of threads.
    std::span<const OptimizerBlock> blocks() const { return blocks_; }
    /// How many blocks are worth a thread.
    std::size_t blocks_worth_a_thread() const;

private:
    void update_all(std::span<const void* const> gradients) const;

    Optimizer rule_;
    std::vector<std::unique_ptr<OptimizerGroup>> groups_;
    std::vector<OptimizerTensor> tensors_;
    std::vector<std::size_t> starts_;  // of each tensor among all elements, and their number
    std::vector<OptimizerBlock> blocks_;
    std::vector<double> sums_;  // of the blocks
    std::unique_ptr<OptimizerPhases> phases_;
};

/// The sum of the squares of an array, in the order of OptimizerHandle::sum_of_squares.
double sum_of_squares(DType dtype, const void* array, std::size_t n);

}  // namespace ranvier
