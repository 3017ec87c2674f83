// Asking for memory before it is needed.
#pragma once

#include <cstddef>

namespace ranvier {

/// How many elements ahead of a loop, and how many at a time: behind a long formula the processor
/// by itself looks ahead no further than a few lines, and never past a page.
inline constexpr std::size_t prefetch_distance = 1024;
inline constexpr std::size_t prefetch_block = 256;

inline void prefetch(const void* data, std::size_t bytes) {
    const char* first = static_cast<const char*>(data);
    for (std::size_t line = 0; line < bytes; line += 64) __builtin_prefetch(first + line);
}

}  // namespace ranvier
