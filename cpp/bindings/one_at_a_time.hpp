// Calls of one object, one after the other.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <mutex>
#include <stdexcept>

namespace ranvier::bindings {

class OneAtATime {
public:
    /// Waits, without the interpreter's lock, for the call of another thread; throws in a call that
    /// is made from within one, by a number that is an object of Python, say.
    class Turn {
    public:
        explicit Turn(OneAtATime& of) : of_(of) {
            const unsigned long self = PyThread_get_thread_ident();
            if (!of_.mutex_.try_lock()) {
                if (of_.owner_.load(std::memory_order_relaxed) == self) {
                    throw std::runtime_error("the optimizer is called from within its own step");
                }
                const pybind11::gil_scoped_release release;
                of_.mutex_.lock();
            }
            of_.owner_.store(self, std::memory_order_relaxed);
        }
        ~Turn() {
            of_.owner_.store(nobody, std::memory_order_relaxed);
            of_.mutex_.unlock();
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        OneAtATime& of_;
    };

private:
    static constexpr unsigned long nobody = PYTHREAD_INVALID_THREAD_ID;

    std::mutex mutex_;
    std::atomic<unsigned long> owner_{nobody};
};

}  // namespace ranvier::bindings
