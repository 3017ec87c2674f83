// Rows of an array, gathered: the mini-batches of a training run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier {

/// Row i of out is row indices[i] of data, for `count` rows of `row_bytes`; indices are in range.
void run_take_rows(const char* data, std::size_t row_bytes, const std::int64_t* indices,
                   std::size_t count, char* out);

}  // namespace ranvier
