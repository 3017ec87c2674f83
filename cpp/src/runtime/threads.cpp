#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <latch>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace ranvier {
namespace {

constexpr int most_threads = 1024;

std::atomic<int> requested{0};  // by set_num_threads or RANVIER_NUM_THREADS; 0 for the default
std::atomic<int> quota{std::numeric_limits<int>::max()};
// GNU OpenMP's workers do not survive fork(), and the child waits for them for ever.
std::atomic<bool> forked{false};

/// Processors' worth of time that the control group grants, rounded up; no limit if none is found.
int control_group_quota() {
    const int none = std::numeric_limits<int>::max();
    double limit = none;
    const auto lower = [&](double quota_us, double period_us) {
        if (quota_us > 0 && period_us > 0) limit = std::min(limit, quota_us / period_us);
    };
    // The group's own path and every one above it may set a limit.
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        std::string path = line.substr(second + 1);
        while (true) {
            if (controllers.empty()) {
                std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
                std::string max;
                double period = 0;
                if (file >> max >> period && max != "max") lower(std::atof(max.c_str()), period);
            } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
                const std::string folder = "/sys/fs/cgroup/" + controllers + path;
                std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
                std::ifstream period_file(folder + "/cpu.cfs_period_us");
                double quota_us = 0, period_us = 0;
                if (quota_file >> quota_us && period_file >> period_us) lower(quota_us, period_us);
            }
            if (path.empty() || path == "/") break;
            path.erase(path.find_last_of('/'));
        }
    }
    return limit >= none ? none : std::max(1, static_cast<int>(std::ceil(limit)));
}

int from_environment() {
    const char* text = std::getenv("RANVIER_NUM_THREADS");
    if (text == nullptr || *text == '\0') return 0;
    char* end = nullptr;
    const long count = std::strtol(text, &end, 10);
    if (*end != '\0' || count < 1 || count > most_threads) {
        throw std::invalid_argument("RANVIER_NUM_THREADS is '" + std::string(text) +
                                    "'; expected an integer from 1 to " +
                                    std::to_string(most_threads));
    }
    return static_cast<int>(count);
}

#ifdef _OPENMP
/// How many threads this thread's team has: `wanted`, or as many as before, so that no worker ends;
/// never more than `granted`. GNU OpenMP ends those that a smaller team leaves out, and the next
/// larger one has to start them again, untried.
///
/// Fewer if so many cannot be had: for lack of memory, or by a limit on processes. OpenMP would end
/// the process then, so a team that grows is tried first.
int team_size(int wanted, int granted) {
    thread_local int team = 1;
    const int count = std::min(granted, std::max(wanted, team));
    if (count <= team) return team = count;
    std::latch tried(1);
    std::vector<std::jthread> others;
    try {
        others.reserve(static_cast<std::size_t>(count) - 1);
        for (int k = 1; k < count; ++k) others.emplace_back([&tried] { tried.wait(); });
        team = count;
    } catch (const std::exception&) {  // std::system_error or std::bad_alloc
    }
    tried.count_down();
    return team;
}
#endif

}  // namespace

int openmp_version() {
#ifdef _OPENMP
    return _OPENMP;
#else
    return 0;
#endif
}

int num_threads() {
    start_threads();
#ifdef _OPENMP
    if (forked.load(std::memory_order_relaxed)) return 1;
    const int wanted = requested.load(std::memory_order_relaxed);
    return wanted > 0 ? wanted : std::min(omp_get_max_threads(), quota.load());
#else
    return 1;
#endif
}

int requested_threads() {
    start_threads();
    return requested;
}

void set_num_threads(int count) {
    if (count < 0 || count > most_threads) {
        throw std::invalid_argument("num_threads is " + std::to_string(count) +
                                    "; expected an integer from 1 to " +
                                    std::to_string(most_threads) + ", or 0 for the default");
    }
    start_threads();
    requested = count;
}

void start_threads() {
    static const bool started = [] {
        requested = from_environment();
        quota = control_group_quota();
#if defined(__unix__) || defined(__APPLE__)
        pthread_atfork(nullptr, nullptr, [] { forked = true; });
#endif
        return true;
    }();
    (void)started;
}

void Team::wait() {
    if (size_ == 1) return;
    constexpr int spins = 4000;
    const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
        arrived_.store(0, std::memory_order_relaxed);
        phase_.store(phase + 1, std::memory_order_release);
        phase_.notify_all();
        return;
    }
    for (int spin = 0; spin < spins; ++spin) {
        if (phase_.load(std::memory_order_acquire) != phase) return;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
    phase_.wait(phase, std::memory_order_acquire);
}

Part::Part(std::size_t n, std::size_t block, std::size_t me, std::size_t threads) {
    const std::size_t blocks = n / block + (n % block != 0);
    begin = std::min(n, blocks * me / threads * block);
    end = std::min(n, blocks * (me + 1) / threads * block);
}

void detail::run_team(std::size_t threads, void (*body)(void*, Team&, std::size_t), void* context) {
    const std::size_t granted = static_cast<std::size_t>(num_threads());
    const std::size_t wanted = std::min(threads, granted);
#ifdef _OPENMP
    if (wanted > 1 && !omp_in_parallel()) {
        const int started = team_size(static_cast<int>(wanted), static_cast<int>(granted));
        // OpenMP may give fewer than were asked for, and only says so inside.
        std::optional<Team> team;
#pragma omp parallel num_threads(started)
        {
#pragma omp single
            team.emplace(std::min(wanted, static_cast<std::size_t>(omp_get_num_threads())));
            const std::size_t me = static_cast<std::size_t>(omp_get_thread_num());
            if (me < team->size()) body(context, *team, me);
        }
        return;
    }
#endif
    (void)wanted;
    Team alone(1);
    body(context, alone, 0);
}

void detail::parallel_for(std::size_t n, std::size_t block, std::size_t wanted,
                          void (*body)(void*, std::size_t, std::size_t), void* context) {
    const std::size_t blocks = n / block + (n % block != 0);
    const std::size_t granted = static_cast<std::size_t>(num_threads());
    const std::size_t threads = std::min({wanted, granted, blocks});
#ifdef _OPENMP
    if (threads > 1 && !omp_in_parallel()) {
        std::exception_ptr error;
        std::atomic_flag thrown = ATOMIC_FLAG_INIT;
        const int team = team_size(static_cast<int>(threads), static_cast<int>(granted));
#pragma omp parallel num_threads(team)
        {
            // No exception may leave the region; the first one is thrown again after it.
            // The team may be smaller than asked for, and larger than what has work: from `pieces`
            // on, there is none.
            const std::size_t pieces =
                std::min(threads, static_cast<std::size_t>(omp_get_num_threads()));
            const std::size_t me = static_cast<std::size_t>(omp_get_thread_num());
            try {
                if (me < pieces) {
                    const Part part(n, block, me, pieces);
                    if (!part.empty()) body(context, part.begin, part.end);
                }
            } catch (...) {
                if (!thrown.test_and_set()) error = std::current_exception();
            }
        }
        if (error) std::rethrow_exception(error);
        return;
    }
#endif
    (void)threads;
    body(context, 0, n);
}

}  // namespace ranvier
