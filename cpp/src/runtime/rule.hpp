// PROVISIONAL
#pragma once
#include <cstddef>
#include <span>
#include <vector>
#include "optimizer.hpp"
#include "optimizer_scalars.hpp"
#include "dispatch.hpp"
namespace ranvier {
class OptimizerHandle {
public:
    Optimizer rule; double options[max_scalars]; double scalars[max_scalars]; double t = 0;
    std::vector<OptimizerTensor> tensors; int type = 0;
    bool elementwise() const { return true; }
    void begin_step(double scale) { t += 1; double o[max_scalars]; for (std::size_t k = 0; k < max_scalars; ++k) o[k] = options[k]; optimizer_scalars(rule, o, t, scale, scalars); }
    void prefetch(std::size_t i, std::size_t begin, std::size_t count) const {
        const OptimizerTensor& at = tensors[i]; const std::size_t item = type == 0 ? 4 : 8;
        const auto ask = [&](const void* a) { if (!a) return; const char* f = static_cast<const char*>(a) + begin * item; for (std::size_t k = 0; k < count * item + 63; k += 64) __builtin_prefetch(f + k, 0, 2); };
        ask(at.parameter); for (auto* s : at.state) ask(s);
    }
    void update(std::size_t i, std::size_t begin, std::size_t count, const void* gradient) {
        const OptimizerTensor& at = tensors[i]; const std::size_t item = type == 0 ? 4 : 8;
        void* state[max_states];
        for (std::size_t k = 0; k < max_states; ++k) state[k] = at.state[k] ? static_cast<char*>(at.state[k]) + begin * item : nullptr;
        kernels().optimizers.step[static_cast<int>(rule)][type](static_cast<char*>(at.parameter) + begin * item, gradient, state, scalars, count);
    }
};
}
