#include "linear.hpp"

#include <algorithm>
#include <cstring>

#include "../runtime/dispatch.hpp"
#include "scratch.hpp"

namespace ranvier {
namespace {

/// Rows of the batch whose products are packed and summed at a time: a multiple of
/// products_summed, so that the sums are the same however many there are.
constexpr std::size_t deepest = 4 * products_summed;
/// So few rows are not worth packing the weights for.
constexpr std::size_t rows_worth_packing = 3;

std::size_t pieces(std::size_t n, std::size_t piece) {
    return (n + piece - 1) / piece;
}

/// Calls body(row, count) for strips of about the same height that cover a part.
template <class Body>
void in_strips(const Part& part, std::size_t most, Body body) {
    const std::size_t rows = part.end - part.begin;
    const std::size_t strips = pieces(rows, most);
    for (std::size_t s = 0; s < strips; ++s) {
        const std::size_t begin = s * rows / strips;
        body(part.begin + begin, (s + 1) * rows / strips - begin);
    }
}

template <class T>
Strided<T> c_ordered(T* data, std::size_t columns) {
    return {data, static_cast<std::ptrdiff_t>(columns), 1};
}

}  // namespace

template <class T>
std::size_t Linear<T>::Packed::columns_of(std::size_t panel) const {
    return std::min(width, columns - panel * width);
}

template <class T>
typename Linear<T>::Packed Linear<T>::packed(std::size_t columns, std::size_t depth) const {
    const std::size_t full = kernels_.tile_columns;
    return {columns > full / 2 ? full : full / 2, columns, depth};
}

template <class T>
Linear<T>::Linear(std::size_t inputs, std::size_t outputs, Learned<T> weight, Learned<T> bias)
    : Layer<T>(inputs, outputs),
      kernels_(product_kernels<T>()),
      add_(kernels().elementwise[static_cast<int>(dtype_of<T>)]->add_bias),
      weight_(weight),
      bias_(bias),
      weight_transposed_(packed(outputs, inputs)),
      weight_panels_(packed(inputs, outputs)) {}

template <class T>
std::size_t Linear<T>::shared_bytes(std::size_t rows, bool backward) const {
    const std::size_t forward = rows < rows_worth_packing ? 0 : weight_transposed_.size();
    return aligned(forward * sizeof(T)) + (backward ? weight_panels_.size() * sizeof(T) : 0);
}

template <class T>
std::size_t Linear<T>::scratch_bytes(std::size_t rows, std::size_t threads) const {
    const std::size_t width = weight_panels_.width;
    const std::size_t columns = pieces(pieces(this->inputs, width), threads) * width;
    const std::size_t packed = (columns + most_tile_rows) * std::min(rows, deepest);
    return (packed + most_tile_rows * columns) * sizeof(T);
}

template <class T>
T* Linear<T>::backward_panels(const Slot<T>& at) const {
    return reinterpret_cast<T*>(at.shared + shared_bytes(at.rows, false));
}

template <class T>
Part Linear<T>::columns(const Worker& worker) const {
    return {this->inputs, weight_panels_.width, worker.me, worker.threads};
}

template <class T>
void Linear<T>::prepare_forward(const Slot<T>& at, const Worker& worker) const {
    const Part mine = columns(worker);
    if (mine.empty() || at.rows < rows_worth_packing) return;
    const auto transposed = c_ordered(weight_.value, this->inputs).transposed();
    const Packed& to = weight_transposed_;
    for (std::size_t p = 0; p < to.panels(); ++p) {
        kernels_.pack(transposed.from(mine.begin, p * to.width), mine.end - mine.begin, to.width,
                      to.columns_of(p),
                      forward_panels(at) + (p * to.depth + mine.begin) * to.width);
    }
}

template <class T>
void Linear<T>::prepare_backward(const Slot<T>& at, const Worker& worker) const {
    if (at.grad_x == nullptr) return;
    const Part mine = columns(worker);
    const auto weight = c_ordered(weight_.value, this->inputs);
    const Packed& to = weight_panels_;
    for (std::size_t p = mine.begin / to.width; p * to.width < mine.end; ++p) {
        kernels_.pack(weight.from(0, p * to.width), to.depth, to.width, to.columns_of(p),
                      backward_panels(at) + p * to.depth * to.width);
    }
}

/// Rows of a factor times a packed one: a piece of a panel that fits in the first cache meets all
/// rows before the next does.
template <class T>
void Linear<T>::multiply(const Packed& packed, const T* panels, Strided<const T> factor,
                         Strided<T> result, const Part& rows) const {
    for (std::size_t k = 0; k < packed.depth; k += products_summed) {
        const std::size_t depth = std::min(products_summed, packed.depth - k);
        for (std::size_t p = 0; p < packed.panels(); ++p) {
            const std::size_t column = p * packed.width;
            const T* const piece = panels + (p * packed.depth + k) * packed.width;
            in_strips(rows, kernels_.tile_rows, [&](std::size_t row, std::size_t count) {
                kernels_.multiply_strip(packed.width, count, piece, factor.from(row, k), depth,
                                        result.from(row, column), packed.columns_of(p), k > 0);
            });
        }
    }
}

template <class T>
void Linear<T>::forward(const Slot<T>& at, const Part& rows) const {
    const auto x = c_ordered(at.x, this->inputs);
    const auto y = c_ordered(at.y, this->outputs);
    if (at.rows < rows_worth_packing) {
        for (std::size_t row = rows.begin; row < rows.end; ++row) {
            kernels_.multiply_column(this->outputs, c_ordered(weight_.value, this->inputs),
                                     this->inputs, x.from(row, 0).transposed(),
                                     y.from(row, 0).transposed(), false);
        }
    } else {
        multiply(weight_transposed_, forward_panels(at), x, y, rows);
    }
    if (bias_.value == nullptr) return;
    for (std::size_t row = rows.begin; row < rows.end; ++row) {
        add_(y.at(row, 0), bias_.value, this->outputs);
    }
}

template <class T>
void Linear<T>::backward(const Slot<T>& at, const Part& rows) const {
    if (at.grad_x == nullptr) return;
    const auto g = c_ordered<const T>(at.grad_y, this->outputs);
    const auto to = c_ordered(at.grad_x, this->inputs);
    multiply(weight_panels_, backward_panels(at), g, to, rows);
}

template <class T>
void Linear<T>::gradients(const Slot<T>& at, bool accumulate, Update* update,
                          const Worker& worker) const {
    const Part mine = columns(worker);
    const std::size_t inputs = this->inputs, outputs = this->outputs, width = weight_panels_.width;
    const auto x = c_ordered(at.x, inputs);
    const auto g = c_ordered<const T>(at.grad_y, outputs);
    const auto to = c_ordered(weight_.gradient, inputs);
    const std::size_t count = mine.end - mine.begin;
    // A gradient that is used up at once stays in the first cache.
    const bool at_home = update == nullptr || update->keeps() || at.rows > deepest;
    if (at.rows == 0 && !accumulate) {
        for (std::size_t o = 0; o < outputs; ++o) std::fill_n(to.at(o, mine.begin), count, T(0));
    }
    for (std::size_t first = 0; first < at.rows && count > 0; first += deepest) {
        const std::size_t depth = std::min(deepest, at.rows - first);
        const bool last = first + depth == at.rows;
        T* const panels = reinterpret_cast<T*>(worker.scratch);
        T* const strip = panels + pieces(count, width) * width * depth;
        T* const sums = strip + most_tile_rows * depth;
        for (std::size_t c = 0; c < count; c += width) {
            kernels_.pack(x.from(first, mine.begin + c), depth, width, std::min(width, count - c),
                          panels + c * depth);
        }
        in_strips({outputs, 1, 0, 1}, kernels_.tile_rows, [&](std::size_t o, std::size_t rows) {
            kernels_.pack(g.from(first, o), depth, rows, rows, strip);
            const Strided<const T> factor{strip, 1, static_cast<std::ptrdiff_t>(rows)};
            if (update != nullptr && last) {
                for (std::size_t i = o; i < o + rows; ++i) {
                    update->prefetch(weight_.gradient, i * inputs + mine.begin, count);
                }
            }
            const Strided<T> result = at_home ? to.from(o, mine.begin) : c_ordered(sums, count);
            kernels_.multiply_strip(width, rows, panels, factor, depth, result, count,
                                    accumulate || first > 0);
            if (update == nullptr || !last) return;
            if (count == inputs) {
                return (*update)(weight_.gradient, o * inputs, rows * inputs, result.data);
            }
            for (std::size_t i = 0; i < rows; ++i) {
                (*update)(weight_.gradient, (o + i) * inputs + mine.begin, count, result.at(i, 0));
            }
        });
    }
    if (bias_.value != nullptr) {
        const Part part(outputs, kernels_.tile_columns, worker.me, worker.threads);
        bias_gradient(at, accumulate, update, part);
    }
}

/// The sum of grad_y over its rows. Blocks of rows are summed on their own, so that the rounding
/// errors grow with the number of blocks, and the order is always the same.
template <class T>
void Linear<T>::bias_gradient(const Slot<T>& at, bool accumulate, Update* update,
                              const Part& part) const {
    constexpr std::size_t block = 64;  // rows
    constexpr std::size_t tile = 512;  // columns
    for (std::size_t column = part.begin; column < part.end; column += tile) {
        const std::size_t n = std::min(tile, part.end - column);
        alignas(64) T partial[tile];
        T* const total = bias_.gradient + column;
        if (!accumulate) std::fill_n(total, n, T(0));
        for (std::size_t start = 0; start < at.rows; start += block) {
            std::fill_n(partial, n, T(0));
            for (std::size_t row = start; row < std::min(at.rows, start + block); ++row) {
                add_(partial, at.grad_y + row * this->outputs + column, n);
            }
            add_(total, partial, n);
        }
    }
    if (update != nullptr && !part.empty()) {
        (*update)(bias_.gradient, part.begin, part.end - part.begin, bias_.gradient + part.begin);
    }
}

template class Linear<float>;
template class Linear<double>;

}  // namespace ranvier
