// Memory of the calling thread for as long as a scope lasts, without a request to the system each
// time: what was given back is used again.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace ranvier {

/// Aligned for every vector and cache line.
class Arena {
public:
    Arena() = default;
    explicit Arena(std::size_t bytes)
        : memory_(bytes == 0 ? nullptr : new (std::align_val_t{64}) std::byte[bytes]),
          bytes_(bytes) {}
    std::byte* data() const { return memory_.get(); }
    std::size_t size() const { return bytes_; }

private:
    struct Free {
        void operator()(std::byte* memory) const {
            operator delete[](memory, std::align_val_t{64});
        }
    };
    std::unique_ptr<std::byte[], Free> memory_;
    std::size_t bytes_ = 0;
};

/// Where an array of so many bytes begins in an arena, and the next one after it.
inline std::size_t aligned(std::size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/// `count` numbers, with whatever was in them. Scopes are nested as they end.
template <class T>
class Scratch {
public:
    explicit Scratch(std::size_t count) : kept_(free_arenas()) {
        const std::size_t bytes = aligned(count * sizeof(T));
        if (!kept_.empty()) {
            arena_ = std::move(kept_.back());
            kept_.pop_back();
        }
        if (arena_.size() < bytes) {
            arena_ = Arena();
            arena_ = Arena(bytes);
        }
        kept_.reserve(kept_.size() + 1);  // to give it back takes no memory
    }
    ~Scratch() { kept_.push_back(std::move(arena_)); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    T* data() const { return reinterpret_cast<T*>(arena_.data()); }

private:
    static std::vector<Arena>& free_arenas() {
        thread_local std::vector<Arena> arenas;
        return arenas;
    }

    std::vector<Arena>& kept_;
    Arena arena_;
};

}  // namespace ranvier
