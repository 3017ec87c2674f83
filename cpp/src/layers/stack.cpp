#include "stack.hpp"

#include <algorithm>
#include <cstring>

#include "../runtime/float_status.hpp"

namespace ranvier {
namespace {

/// Some 20 microseconds: less is lost where another process has the second processor.
constexpr std::size_t products_worth_a_thread = std::size_t{1} << 20;
/// Rows that pass through all layers at a time where nothing is kept.
constexpr std::size_t rows_at_once = 48;

std::size_t threads_worth(std::size_t products) {
    return std::max<std::size_t>(1, products / products_worth_a_thread);
}

template <class T>
void copy_rows(T* to, const T* from, const Part& rows, std::size_t columns) {
    std::memcpy(to + rows.begin * columns, from + rows.begin * columns,
                (rows.end - rows.begin) * columns * sizeof(T));
}

}  // namespace

template <class T>
Pass<T>::Pass(const Layers<T>& layers, std::size_t most_rows, std::size_t threads)
    : layers_(layers), most_rows_(most_rows), threads_(threads), slots_(layers.size()) {
    // Where layers work in place, an output has the memory of that before it, and its gradient
    // that of the one behind. The input is not ours to write to.
    std::size_t bytes = 0;
    const auto place = [&bytes](std::size_t count) {
        const std::size_t at = bytes;
        bytes += aligned(count);
        return at;
    };
    struct Offsets {
        std::size_t y, grad_y, shared, kept;
    };
    std::vector<Offsets> offsets(layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const Layer<T>& layer = *layers[i];
        const bool in_place = i > 0 && layer.forward_in_place() && !layers[i - 1]->needs_output();
        const std::size_t row_bytes = layer.outputs * sizeof(T);
        offsets[i].y = in_place ? offsets[i - 1].y : place(most_rows * row_bytes);
        const bool same_gradient = i > 0 && layer.backward_in_place();
        offsets[i].grad_y = same_gradient ? offsets[i - 1].grad_y : place(most_rows * row_bytes);
        // Few rows may need more of it than many.
        offsets[i].shared =
            place(std::max(layer.shared_bytes(most_rows, true), layer.shared_bytes(1, true)));
        offsets[i].kept = place(layer.kept_bytes(most_rows));
    }
    memory_ = Arena(bytes);
    std::size_t scratch = 0;
    for (std::size_t team = 1; team <= threads; ++team) {
        scratch = std::max(scratch, team * scratch_bytes(team));
    }
    scratch_ = Arena(scratch);
    first_ = layers.size();
    for (std::size_t i = layers.size(); i-- > 0;) {
        if (layers[i]->has_parameters()) first_ = i;
        const auto numbers = [&](std::size_t at) {
            return reinterpret_cast<T*>(memory_.data() + at);
        };
        slots_[i].y = numbers(offsets[i].y);
        slots_[i].grad_y = numbers(offsets[i].grad_y);
        slots_[i].shared = memory_.data() + offsets[i].shared;
        slots_[i].kept = memory_.data() + offsets[i].kept;
    }
}

template <class T>
std::size_t Pass<T>::scratch_bytes(std::size_t threads) const {
    std::size_t bytes = 0;
    for (const auto& layer : layers_) {
        bytes = std::max(bytes, aligned(layer->scratch_bytes(most_rows_, threads)));
    }
    return bytes;
}

template <class T>
void Pass<T>::begin(const T* x, std::size_t rows, T* grad_x) {
    rows_ = rows;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        slots_[i].rows = rows;
        slots_[i].x = i == 0 ? x : slots_[i - 1].y;
        // Layers before the first one with parameters need no gradient, unless the caller asks for
        // that of the input.
        slots_[i].grad_x = i == 0                            ? grad_x
                           : i > first_ || grad_x != nullptr ? slots_[i - 1].grad_y
                                                             : nullptr;
    }
}

template <class T>
void Pass<T>::prepare_forward(const Worker& worker) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) layers_[i]->prepare_forward(slots_[i], worker);
}

template <class T>
void Pass<T>::prepare_backward(const Worker& worker) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) layers_[i]->prepare_backward(slots_[i], worker);
}

template <class T>
void Pass<T>::forward(const Part& rows) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) layers_[i]->forward(slots_[i], rows);
}

template <class T>
void Pass<T>::backward(const Part& rows) const {
    for (std::size_t i = slots_.size(); i-- > 0;) {
        if (slots_[i].grad_x == nullptr) return;
        layers_[i]->backward(slots_[i], rows);
    }
}

template <class T>
void Pass<T>::gradients(bool accumulate, Update* update, const Worker& worker) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        layers_[i]->gradients(slots_[i], accumulate, update, worker);
    }
}

template <class T>
void Pass<T>::update(Update& update, const Worker& worker) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        layers_[i]->gradients(slots_[i], false, &update, worker);
        layers_[i]->prepare_forward(slots_[i], worker);
        layers_[i]->prepare_backward(slots_[i], worker);
    }
}

template <class T>
Stack<T>::Stack(Layers<T> layers) : layers_(std::move(layers)) {
    for (const auto& layer : layers_) {
        work_ += layer->work();
        widest_ = std::max(widest_, layer->outputs);
    }
}

template <class T>
std::size_t Stack<T>::threads_for(std::size_t rows) const {
    return std::min(threads_worth(3 * work_ * rows), static_cast<std::size_t>(num_threads()));
}

template <class T>
void Stack<T>::predict(const T* x, std::size_t rows, T* y) const {
    if (rows == 0) return;
    const KeepFloatStatus flags;
    const std::size_t threads = std::min(threads_worth(work_ * rows), rows);
    // The packed weights are one for all, what passes through the layers is each thread's own.
    const std::size_t at_once = std::min(rows, rows_at_once);
    const std::size_t row_bytes = aligned(at_once * widest_ * sizeof(T));
    std::size_t shared = 0, kept = 0;
    for (const auto& layer : layers_) {
        shared += aligned(layer->shared_bytes(rows, false));
        kept = std::max(kept, aligned(layer->kept_bytes(at_once)));
    }
    const std::size_t own = 2 * row_bytes + kept;
    const Scratch<std::byte> memory(shared + threads * own);
    std::byte* const first = memory.data();
    run_team(threads, [&](Team& team, std::size_t me) {
        const Worker worker{me, team.size(), nullptr};
        std::byte* const mine = first + shared + me * own;
        T* const buffers[] = {reinterpret_cast<T*>(mine), reinterpret_cast<T*>(mine + row_bytes)};
        Slot<T> at{};
        at.rows = rows;
        at.kept = mine + 2 * row_bytes;
        at.shared = first;
        for (const auto& layer : layers_) {
            layer->prepare_forward(at, worker);
            at.shared += aligned(layer->shared_bytes(rows, false));
        }
        team.wait();
        const Part part(rows, 1, me, team.size());
        for (std::size_t begin = part.begin; begin < part.end; begin += at_once) {
            const std::size_t count = std::min(at_once, part.end - begin);
            at.x = x + begin * inputs();
            at.shared = first;
            for (std::size_t i = 0; i < layers_.size(); ++i) {
                at.y = i + 1 == layers_.size() ? y + begin * outputs() : buffers[i % 2];
                layers_[i]->forward(at, {count, 1, 0, 1});
                at.shared += aligned(layers_[i]->shared_bytes(rows, false));
                at.x = at.y;
            }
        }
    });
}

template <class T>
void Stack<T>::forward(Pass<T>& pass, const T* x, std::size_t rows, T* y) const {
    const KeepFloatStatus flags;
    pass.begin(x, rows);
    if (rows == 0) return;
    run_team(pass.threads(), [&](Team& team, std::size_t me) {
        pass.prepare_forward(pass.worker(me, team.size()));
        team.wait();
        const Part part(rows, 1, me, team.size());
        pass.forward(part);
        if (y != nullptr) copy_rows(y, pass.y(), part, outputs());
    });
}

template <class T>
void Stack<T>::backward(Pass<T>& pass, const T* grad_y, T* grad_x, bool accumulate) const {
    const KeepFloatStatus flags;
    pass.begin(pass.x(), pass.rows(), grad_x);
    if (pass.rows() == 0 && accumulate) return;
    run_team(pass.threads(), [&](Team& team, std::size_t me) {
        const Worker worker = pass.worker(me, team.size());
        const Part part(pass.rows(), 1, me, team.size());
        pass.prepare_backward(worker);
        copy_rows(pass.grad_y(), grad_y, part, outputs());
        team.wait();
        pass.backward(part);
        team.wait();
        pass.gradients(accumulate, nullptr, worker);
    });
}

template class Pass<float>;
template class Pass<double>;
template class Stack<float>;
template class Stack<double>;

}  // namespace ranvier
