// Sums that do not depend on the number of threads: of fixed blocks, added in their order.
#pragma once

#include <algorithm>
#include <vector>

#include "threads.hpp"

namespace ranvier {

/// The sum of f(begin, end) over the blocks of [0, n), on as many threads as have `worth_a_thread`.
template <class F>
double block_sums(std::size_t n, std::size_t block, std::size_t worth_a_thread, F f) {
    if (n <= block) return n == 0 ? 0.0 : 0.0 + f(std::size_t{0}, n);
    std::vector<double> sums((n + block - 1) / block);
    parallel_for(n, block, worth_a_thread, [&](std::size_t begin, std::size_t end) {
        for (std::size_t first = begin; first < end; first += block) {
            sums[first / block] = f(first, std::min(first + block, end));
        }
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

}  // namespace ranvier
