// The arrays of a tensor from an element on, piece by piece, with those to come on their way.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../isa/kernels.hpp"
#include "prefetch.hpp"

namespace ranvier {

struct OptimizerArrays {
    void* parameter;
    const void* gradient;
    void* state[max_states];

    OptimizerArrays from(std::size_t i, std::size_t item_size) const {
        const auto at = [&](const void* array) -> void* {
            char* bytes = static_cast<char*>(const_cast<void*>(array));
            return bytes == nullptr ? nullptr : bytes + i * item_size;
        };
        OptimizerArrays result{at(parameter), at(gradient), {}};
        for (std::size_t k = 0; k < max_states; ++k) result.state[k] = at(state[k]);
        return result;
    }
    void prefetch(std::size_t bytes) const {
        prefetch_to_write(parameter, bytes);
        // Read here, but written by the next backward pass, on whichever processor.
        prefetch_to_write(gradient, bytes);
        for (void* array : state) {
            if (array != nullptr) prefetch_to_write(array, bytes);
        }
    }
};

/// Calls body(arrays, n) over n = prefetch_block elements at a time, at the end fewer.
template <class Body>
void in_blocks(const OptimizerArrays& arrays, std::size_t count, std::size_t item_size, Body body) {
    for (std::size_t start = 0; start < count; start += prefetch_block) {
        const std::size_t ahead = std::min(count, start + prefetch_distance);
        arrays.from(ahead, item_size).prefetch(std::min(prefetch_block, count - ahead) * item_size);
        body(arrays.from(start, item_size), std::min(prefetch_block, count - start));
    }
}

}  // namespace ranvier
