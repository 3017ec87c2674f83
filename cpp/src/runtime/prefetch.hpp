// Asking for memory before it is needed.
#pragma once

#include <cstddef>

#if defined(__x86_64__)
// Older than AVX, and nothing happens where a processor lacks it.
#define RANVIER_PREFETCH_TO_WRITE __attribute__((target("prfchw")))
#else
#define RANVIER_PREFETCH_TO_WRITE
#endif

namespace ranvier {

/// How many elements ahead of a loop, and how many at a time: behind a long formula the processor
/// by itself looks ahead no further than a few lines, and never past a page.
inline constexpr std::size_t prefetch_distance = 1024;
inline constexpr std::size_t prefetch_block = 256;

inline void prefetch(const void* data, std::size_t bytes) {
    const char* first = static_cast<const char*>(data);
    for (std::size_t line = 0; line < bytes; line += 64) __builtin_prefetch(first + line, 0);
}

/// Into the second cache: for what is needed only after some work that fills the first.
inline void prefetch_near(const void* data, std::size_t bytes) {
    const char* first = static_cast<const char*>(data);
    for (std::size_t line = 0; line < bytes; line += 64) __builtin_prefetch(first + line, 0, 2);
}

/// For memory that will be written: another processor's copy is given up at once. After a matrix
/// product on several threads half of the weights lie in another cache, and an optimizer's step
/// that has to ask for each line when it is stored takes half as long again.
RANVIER_PREFETCH_TO_WRITE inline void prefetch_to_write(const void* data, std::size_t bytes) {
    const char* first = static_cast<const char*>(data);
    for (std::size_t line = 0; line < bytes; line += 64) __builtin_prefetch(first + line, 1);
}

}  // namespace ranvier
