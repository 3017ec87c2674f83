// A few rows at a time, contiguous: where they are, or copied.
#pragma once

#include <algorithm>
#include <memory>

#include "prefetch.hpp"
#include "rows.hpp"

namespace ranvier {

/// A strided operand, a few rows of it at a time as contiguous rows. Rows that lie side by side
/// (the columns of a C-ordered matrix) are copied together, so that memory is read in its order.
template <class T>
class Panel {
public:
    static constexpr std::size_t width = rows_side_by_side;

    Panel(Rows rows, std::size_t n, std::size_t count) : rows_(rows), n_(n) {
        direct_ = rows.data == nullptr || n <= 1 || rows.stride == sizeof(T);
        if (!direct_) buffer_ = std::make_unique_for_overwrite<T[]>(n * std::min(width, count));
    }

    void load(std::size_t first, std::size_t count) {
        each(first, count, [](T& mine, T& theirs) { mine = theirs; });
    }
    void store(std::size_t first, std::size_t count) {
        each(first, count, [](T& mine, T& theirs) { theirs = mine; });
    }
    T* row(std::size_t first, std::size_t i) {
        if (rows_.data == nullptr) return nullptr;
        return direct_ ? rows_.template at<T>(first + i, 0) : buffer_.get() + i * n_;
    }
    /// Asks for a row that comes later, or its beginning.
    void prefetch_row(std::size_t row) const {
        if (direct_ && rows_.data != nullptr) {
            prefetch(rows_.template at<T>(row, 0), std::min(n_, prefetch_distance) * sizeof(T));
        }
    }

private:
    template <class Move>
    void each(std::size_t first, std::size_t count, Move move) {
        if (direct_) return;
        for (std::size_t j = 0; j < n_; ++j) {
            for (std::size_t i = 0; i < count; ++i) {
                move(buffer_[i * n_ + j], *rows_.template at<T>(first + i, j));
            }
        }
    }

    Rows rows_;
    std::size_t n_;
    bool direct_;
    std::unique_ptr<T[]> buffer_;
};

}  // namespace ranvier
