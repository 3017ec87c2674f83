// LAMB: the states and the norms of a tensor first, then the update, with a rate of its own for
// each tensor.
#include <cmath>
#include <cstddef>
#include <vector>

#include "../ops/optimizers/scalars.hpp"
#include "dispatch.hpp"
#include "optimizer.hpp"
#include "optimizer_range.hpp"

namespace ranvier {
namespace {

class LambPhases final : public OptimizerPhases {
public:
    explicit LambPhases(const OptimizerHandle& handle)
        : handle_(handle), squares_(handle.blocks().size()), own_(handle.tensors()) {}

    std::size_t count() const override { return 2; }
    std::size_t blocks(std::size_t) const override { return squares_.size(); }
    std::size_t block_size(std::size_t) const override {
        return squares_.empty() ? 0 : handle_.size() / squares_.size();
    }

    void run(std::size_t phase, std::size_t index, const void* const* gradients) override {
        const OptimizerBlock& block = handle_.blocks()[index];
        const OptimizerTensor& tensor = handle_.tensor(block.tensor);
        const std::size_t item_size = size_of(tensor.dtype), precision = precision_of(tensor.dtype);
        OptimizerArrays arrays{tensor.parameter, gradients[block.tensor], {}};
        std::copy_n(tensor.state, max_states, arrays.state);
        arrays = arrays.from(block.begin, item_size);
        const OptimizerKernels& table = kernels().optimizers;
        if (phase == 0) {
            const void* scalars = handle_.group(tensor.group).scalars(tensor.dtype);
            Squares total;
            in_blocks(arrays, block.count, item_size,
                      [&](const OptimizerArrays& at, std::size_t n) {
                          double sums[2];
                          table.sums[lamb][precision](at.parameter, at.gradient, at.state, scalars,
                                                      n, sums);
                          total.of_p += sums[0];
                          total.of_u += sums[1];
                      });
            squares_[index] = total;
        } else {
            const Scalars& own = own_[block.tensor];
            const void* scalars = tensor.dtype == DType::float32
                                      ? static_cast<const void*>(&own.of_float)
                                      : &own.of_double;
            in_blocks(
                arrays, block.count, item_size, [&](const OptimizerArrays& at, std::size_t n) {
                    table.update[lamb][precision](at.parameter, at.gradient, at.state, scalars, n);
                });
        }
    }

    /// The rate of each tensor, lr |p| / |u|.
    void end(std::size_t phase) override {
        if (phase != 0) return;
        for (std::size_t b = 0; b < squares_.size();) {
            const std::size_t index = handle_.blocks()[b].tensor;
            Squares sum;
            for (; b < squares_.size() && handle_.blocks()[b].tensor == index; ++b) {
                sum.of_p += squares_[b].of_p;
                sum.of_u += squares_[b].of_u;
            }
            const OptimizerGroup& group = handle_.group(handle_.tensor(index).group);
            const double lr = static_cast<const LAMB*>(group.options())->lr;
            const bool zero = sum.of_p == 0.0 || sum.of_u == 0.0;
            const double rate = zero ? lr : lr * std::sqrt(sum.of_p) / std::sqrt(sum.of_u);
            Scalars& own = own_[index];
            own.of_float = of_group<float>(group);
            own.of_double = of_group<double>(group);
            own.of_float.step_size = static_cast<float>(rate);
            own.of_double.step_size = rate;
        }
    }

private:
    static constexpr int lamb = static_cast<int>(Optimizer::lamb);
    struct Squares {
        double of_p = 0.0, of_u = 0.0;
    };
    struct Scalars {
        scalars::lamb<float> of_float;
        scalars::lamb<double> of_double;
    };
    template <class T>
    static const scalars::lamb<T>& of_group(const OptimizerGroup& group) {
        return *static_cast<const scalars::lamb<T>*>(group.scalars(dtype_of<T>));
    }

    const OptimizerHandle& handle_;
    std::vector<Squares> squares_;  // of the blocks
    std::vector<Scalars> own_;      // of the tensors
};

}  // namespace

std::unique_ptr<OptimizerPhases> make_optimizer_phases(const OptimizerHandle& handle) {
    if (handle.rule() == Optimizer::lamb) return std::make_unique<LambPhases>(handle);
    return nullptr;
}

}  // namespace ranvier
