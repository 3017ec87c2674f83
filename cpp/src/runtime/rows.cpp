#include "rows.hpp"

#include <algorithm>
#include <memory>

#include "float_status.hpp"
#include "prefetch.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

/// In rows; what a row costs once comes to some fifty elements.
std::size_t worth_a_thread(std::size_t n) {
    return std::max<std::size_t>(1, 32768 / (n + 50));
}

/// A strided operand, a few rows of it at a time as contiguous rows. Rows that lie side by side
/// (the columns of a C-ordered matrix) are copied together, so that memory is read in its order.
template <class T>
class Panel {
public:
    static constexpr std::size_t width = 16;

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
        return direct_ ? at(first + i, 0) : buffer_.get() + i * n_;
    }
    /// Asks for a row that comes later, or its beginning.
    void prefetch_row(std::size_t row) const {
        if (direct_ && rows_.data != nullptr) {
            prefetch(at(row, 0), std::min(n_, prefetch_distance) * sizeof(T));
        }
    }

private:
    T* at(std::size_t row, std::size_t column) const {
        if (rows_.data == nullptr) return nullptr;
        return reinterpret_cast<T*>(rows_.data +
                                    static_cast<std::ptrdiff_t>(row) * rows_.row_stride +
                                    static_cast<std::ptrdiff_t>(column) * rows_.stride);
    }
    template <class Move>
    void each(std::size_t first, std::size_t count, Move move) {
        if (direct_) return;
        for (std::size_t j = 0; j < n_; ++j) {
            for (std::size_t i = 0; i < count; ++i) {
                move(buffer_[i * n_ + j], *at(first + i, j));
            }
        }
    }

    Rows rows_;
    std::size_t n_;
    bool direct_;
    std::unique_ptr<T[]> buffer_;
};

double temperature_of(const Rows& temperature, std::size_t row) {
    return *reinterpret_cast<const double*>(temperature.data + static_cast<std::ptrdiff_t>(row) *
                                                                   temperature.row_stride);
}

}  // namespace

template <class T>
void run_rows(RowKernel<T> kernel, Rows x, Rows keep, Rows temperature, Rows y, std::size_t rows,
              std::size_t n, std::size_t outputs) {
    const KeepFloatStatus flags;
    parallel_for(rows, 1, worth_a_thread(n), [&](std::size_t begin, std::size_t end) {
        Panel<T> from(x, n, end - begin), to(y, outputs, end - begin);
        Panel<std::uint8_t> mask(keep, n, end - begin);
        constexpr std::size_t width = Panel<T>::width;
        for (std::size_t first = begin; first < end; first += width) {
            const std::size_t count = std::min(width, end - first);
            from.load(first, count);
            mask.load(first, count);
            for (std::size_t i = 0; i < count; ++i) {
                if (first + i + 1 < end) {
                    from.prefetch_row(first + i + 1);
                    to.prefetch_row(first + i + 1);
                }
                kernel(from.row(first, i), mask.row(first, i),
                       temperature_of(temperature, first + i), to.row(first, i), n);
            }
            to.store(first, count);
        }
    });
}

template <class T>
void run_rows_vjp(RowVjpKernel<T> kernel, Rows g, Rows y, Rows temperature, Rows out,
                  std::size_t rows, std::size_t n) {
    const KeepFloatStatus flags;
    parallel_for(rows, 1, worth_a_thread(n), [&](std::size_t begin, std::size_t end) {
        const std::size_t here = end - begin;
        Panel<T> gradient(g, n, here), output(y, n, here), result(out, n, here);
        constexpr std::size_t width = Panel<T>::width;
        for (std::size_t first = begin; first < end; first += width) {
            const std::size_t count = std::min(width, end - first);
            gradient.load(first, count);
            output.load(first, count);
            for (std::size_t i = 0; i < count; ++i) {
                kernel(gradient.row(first, i), output.row(first, i),
                       temperature_of(temperature, first + i), result.row(first, i), n);
            }
            result.store(first, count);
        }
    });
}

template void run_rows(RowKernel<float>, Rows, Rows, Rows, Rows, std::size_t, std::size_t,
                       std::size_t);
template void run_rows(RowKernel<double>, Rows, Rows, Rows, Rows, std::size_t, std::size_t,
                       std::size_t);
template void run_rows_vjp(RowVjpKernel<float>, Rows, Rows, Rows, Rows, std::size_t, std::size_t);
template void run_rows_vjp(RowVjpKernel<double>, Rows, Rows, Rows, Rows, std::size_t, std::size_t);

}  // namespace ranvier
