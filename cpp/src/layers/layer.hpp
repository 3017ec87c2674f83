// A layer as a stack runs it. Each thread takes rows of the batch through all layers, and then its
// part of every layer's parameters; a phase ends where a thread needs what others have made.
#pragma once

#include <cstddef>

#include "../isa/kernels.hpp"
#include "../runtime/threads.hpp"

namespace ranvier {

/// Makes use of a gradient as soon as it is there, while it is in the cache.
class Update {
public:
    virtual ~Update() = default;
    /// `gradient` has elements [begin, begin + count) of the gradient that belongs at `home`, and
    /// may be written over.
    virtual void operator()(const void* home, std::size_t begin, std::size_t count,
                            void* gradient) = 0;
    /// Asks for what the update of these elements will read.
    virtual void prefetch(const void* home, std::size_t begin, std::size_t count) const = 0;
    /// Whether gradients are wanted at home too.
    virtual bool keeps() const = 0;
};

/// One of the threads that a pass runs on, with memory of its own.
struct Worker {
    std::size_t me, threads;
    std::byte* scratch;
};

/// Where a layer reads and writes in a pass over `rows` rows. All arrays are C-ordered.
template <class T>
struct Slot {
    std::size_t rows;
    const T* x;
    T* y;               // it may be x
    T* grad_y;          // may be overwritten in the backward direction
    T* grad_x;          // it may be grad_y; null where nobody needs it
    std::byte* shared;  // of shared_bytes
    std::byte* kept;    // of kept_bytes
};

template <class T>
class Layer {
public:
    Layer(std::size_t inputs_, std::size_t outputs_) : inputs(inputs_), outputs(outputs_) {}
    virtual ~Layer() = default;
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;

    const std::size_t inputs, outputs;  // numbers a row

    /// Whether y may be written over x, and grad_x over grad_y.
    virtual bool forward_in_place() const { return false; }
    virtual bool backward_in_place() const { return false; }
    /// Whether the backward direction reads y.
    virtual bool needs_output() const { return false; }
    virtual bool has_parameters() const { return false; }
    /// Bytes that do not depend on the number of rows, but whether there are few of them, and
    /// whether there is a backward direction.
    virtual std::size_t shared_bytes(std::size_t, bool) const { return 0; }
    /// Bytes that the backward direction needs beside x and y.
    virtual std::size_t kept_bytes(std::size_t) const { return 0; }
    /// Bytes of memory for each worker.
    virtual std::size_t scratch_bytes(std::size_t, std::size_t) const { return 0; }
    /// Multiplications for a row, about, in the forward direction.
    virtual std::size_t work() const { return 4 * outputs; }

    /// The part of a worker in what either direction needs done once the parameters have changed.
    virtual void prepare_forward(const Slot<T>&, const Worker&) const {}
    virtual void prepare_backward(const Slot<T>&, const Worker&) const {}
    /// y of the rows of a part.
    virtual void forward(const Slot<T>& at, const Part& rows) const = 0;
    /// grad_x of the rows of a part.
    virtual void backward(const Slot<T>& at, const Part& rows) const = 0;
    /// The gradients of the parameters that belong to a worker, those for which it prepares;
    /// written or added to, and handed to `update`, which may be null.
    virtual void gradients(const Slot<T>&, bool, Update*, const Worker&) const {}
};

}  // namespace ranvier
