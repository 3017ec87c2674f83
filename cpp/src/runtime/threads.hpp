// Threads. Only threads.cpp opens a parallel region; kernels are single-threaded functions of
// pointers and counts, and never learn how a range was split.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ranvier/runtime.hpp"

namespace ranvier {

/// What set_num_threads or RANVIER_NUM_THREADS said; 0 for the default.
int requested_threads();

/// Reads the environment and prepares for fork(), once: what asks for threads begins with it.
/// Throws std::invalid_argument if RANVIER_NUM_THREADS is not a positive integer.
void start_threads();

/// The OpenMP version the library was built with, as yyyymm; 0 without OpenMP.
int openmp_version();

/// Threads that work on something together, phase by phase.
class Team {
public:
    explicit Team(std::size_t size) : size_(size) {}
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    std::size_t size() const { return size_; }

    /// Returns when every thread of the team has called it. Spins for some tens of microseconds and
    /// sleeps then: phases are shorter than it takes to wake a thread.
    void wait();

private:
    const std::size_t size_;
    std::atomic<std::uint32_t> arrived_{0};
    alignas(64) std::atomic<std::uint32_t> phase_{0};
};

/// The part of [0, n) that belongs to one of so many threads: parts are multiples of `block`, but
/// for the last, and of about the same size.
struct Part {
    std::size_t begin, end;

    Part(std::size_t n, std::size_t block, std::size_t me, std::size_t threads);
    bool empty() const { return begin == end; }
};

namespace detail {
void run_team(std::size_t threads, void (*body)(void* context, Team& team, std::size_t me),
              void* context);
}

/// Calls body(team, me) on `threads` threads, or as many as can be had, for me from 0 on. Where one
/// of them throws between two waits, the others would wait for ever: body throws nothing.
template <class Body>
void run_team(std::size_t threads, Body&& body) {
    detail::run_team(
        threads,
        [](void* context, Team& team, std::size_t me) { (*static_cast<Body*>(context))(team, me); },
        &body);
}

namespace detail {
void parallel_for(std::size_t n, std::size_t block, std::size_t threads,
                  void (*body)(void* context, std::size_t begin, std::size_t end), void* context);
}

/// Calls body(begin, end) over [0, n), in pieces of one size whose bounds are multiples of `block`,
/// on as many threads as have `worth_a_thread` each. For one thread it is a plain call.
///
/// A second thread costs some microseconds, more where it has to take a processor from another
/// library's, and what a kernel reads may be in the first one's cache: about 20 microseconds of
/// work are worth one.
template <class Body>
void parallel_for(std::size_t n, std::size_t block, std::size_t worth_a_thread, Body&& body) {
    const std::size_t threads = n / worth_a_thread;
    if (threads <= 1) {
        if (n > 0) body(std::size_t{0}, n);
        return;
    }
    detail::parallel_for(
        n, block, threads,
        [](void* context, std::size_t begin, std::size_t end) {
            (*static_cast<Body*>(context))(begin, end);
        },
        &body);
}

/// How many rows of n elements are worth a thread, at half a nanosecond for each element; what a
/// row costs once comes to some fifty elements.
inline std::size_t rows_worth_a_thread(std::size_t n) {
    const std::size_t rows = 32768 / (n + 50);
    return rows > 0 ? rows : 1;
}

}  // namespace ranvier
