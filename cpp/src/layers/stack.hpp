// Layers one behind the other, and the memory of a batch that passes through them.
#pragma once

#include <memory>
#include <vector>

#include "layer.hpp"
#include "scratch.hpp"

namespace ranvier {

template <class T>
using Layers = std::vector<std::unique_ptr<Layer<T>>>;

/// Where layers read and write for batches of up to so many rows, on so many threads.
template <class T>
class Pass {
public:
    Pass(const Layers<T>& layers, std::size_t most_rows, std::size_t threads);

    std::size_t most_rows() const { return most_rows_; }
    std::size_t threads() const { return threads_; }

    /// For a batch: its input and, or null, where the gradient of that goes.
    void begin(const T* x, std::size_t rows, T* grad_x = nullptr);
    std::size_t rows() const { return rows_; }
    const T* x() const { return slots_.front().x; }
    const T* y() const { return slots_.back().y; }
    T* grad_y() { return slots_.back().grad_y; }

    // Of one worker, who does them all in this order; `team.wait()` stands between two of them
    // where one worker needs what another has done in the one before.
    void prepare_forward(const Worker& worker) const;
    void prepare_backward(const Worker& worker) const;
    void forward(const Part& rows) const;
    void backward(const Part& rows) const;
    void gradients(bool accumulate, Update* update, const Worker& worker) const;
    /// The same, with the parameters updated and prepared for the next batch while they are in the
    /// cache.
    void update(Update& update, const Worker& worker) const;

    /// One of a team, which may be smaller than was planned: each has more to do then.
    Worker worker(std::size_t me, std::size_t threads) const {
        return {me, threads, scratch_.data() + me * scratch_bytes(threads)};
    }

private:
    /// Bytes for each worker of a team.
    std::size_t scratch_bytes(std::size_t threads) const;

    const Layers<T>& layers_;
    const std::size_t most_rows_, threads_;
    std::size_t rows_ = 0, first_ = 0;
    Arena memory_, scratch_;
    std::vector<Slot<T>> slots_;
};

template <class T>
class Stack {
public:
    explicit Stack(Layers<T> layers);

    std::size_t inputs() const { return layers_.front()->inputs; }
    std::size_t outputs() const { return layers_.back()->outputs; }
    const Layers<T>& layers() const { return layers_; }
    /// Multiplications for a row, about, in the forward direction.
    std::size_t work() const { return work_; }

    /// y of `rows` rows, in the forward direction alone. Several threads may call it at once.
    void predict(const T* x, std::size_t rows, T* y) const;

    // In both directions; `pass` is made for as many rows and threads as the calls ask for.
    std::size_t threads_for(std::size_t rows) const;
    /// y may be null.
    void forward(Pass<T>& pass, const T* x, std::size_t rows, T* y) const;
    /// grad_x may be null.
    void backward(Pass<T>& pass, const T* grad_y, T* grad_x, bool accumulate) const;

private:
    Layers<T> layers_;
    std::size_t work_ = 0, widest_ = 0;
};

}  // namespace ranvier
