// A loss over a batch whose scores arrive a few rows at a time, as a training step has them.
#pragma once

#include <cstddef>
#include <memory>

namespace ranvier {

template <class T>
class BatchLoss {
public:
    virtual ~BatchLoss() = default;
    virtual double begin(const void* target, bool target_is_labels, const double* sample_weight,
                         std::size_t rows, std::size_t columns) = 0;
    virtual void run(std::size_t begin, std::size_t end, const T* scores, T* gradient) = 0;
    virtual double value() = 0;
};

}  // namespace ranvier
