// Arguments in blocks, over the threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "runtime/threads.hpp"

namespace accuracy {

inline constexpr std::size_t block = 4096;

/// Calls body()(first, n, result) on blocks of [0, count) and adds the results up: whoever is free
/// takes the next one, because arguments differ in what they cost.
template <class Result, class Body>
Result over_blocks(std::uint64_t count, Body body) {
    const std::uint64_t blocks = (count + block - 1) / block;
    std::atomic<std::uint64_t> next{0};
    std::mutex lock;
    Result all;
    const auto threads = static_cast<std::size_t>(ranvier::num_threads());
    ranvier::parallel_for(threads, 1, 1, [&](std::size_t, std::size_t) {
        Result mine;
        auto run = body();
        for (std::uint64_t b = next++; b < blocks; b = next++) {
            const std::uint64_t first = b * block;
            run(first, static_cast<std::size_t>(std::min<std::uint64_t>(block, count - first)),
                mine);
        }
        const std::lock_guard guard(lock);
        all.add(mine);
    });
    return all;
}

}  // namespace accuracy
