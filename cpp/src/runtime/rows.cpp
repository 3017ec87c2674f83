#include "rows.hpp"

#include <algorithm>

#include "float_status.hpp"
#include "panel.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

double temperature_of(const Rows& temperature, std::size_t row) {
    return *temperature.at<double>(row, 0);
}

/// Rows of float32 that go through a kernel for several rows at a time: those that lie side by
/// side, from where they are, and short ones, turned into such.
class RowsInLanes {
public:
    RowsInLanes(RowsInLanesKernel kernel, const Rows& x, const Rows& keep, const Rows& temperature,
                const Rows& y, std::size_t n, std::size_t outputs)
        : kernel_(kernel), x_(x), y_(y), n_(n), outputs_(outputs) {
        const bool plain = kernel != nullptr && keep.data == nullptr &&
                           temperature.row_stride == 0 && temperature_of(temperature, 0) == 1.0 &&
                           n >= 1 && n <= longest_row_in_lanes;
        const auto beside = [](const Rows& rows) {
            return rows.row_stride == size && rows.stride > 0 && rows.stride % size == 0;
        };
        direct_ = plain && beside(x) && (outputs == 1 ? y.row_stride == size : beside(y));
        const bool whole = x.stride % size == 0 && x.row_stride % size == 0 && y.stride % size == 0;
        turned_ = plain && n <= longest_turned_row && whole;
    }

    /// Whether the rows from `first` on are done.
    bool run(std::size_t first, std::size_t count) {
        if (direct_ && count == width) {
            return kernel_(x_.at<float>(first, 0), nullptr, step(x_), y_.at<float>(first, 0),
                           step(y_), n_);
        }
        if (!turned_) return false;
        float out[longest_turned_row * width];
        std::ptrdiff_t offsets[width];
        for (std::size_t i = 0; i < width; ++i) {
            offsets[i] = i < count ? static_cast<std::ptrdiff_t>(i) * (x_.row_stride / size) : 0;
        }
        if (!kernel_(x_.at<float>(first, 0), offsets, step(x_), out, width, n_)) return false;
        for (std::size_t i = 0; i < count; ++i) {
            float* row = y_.at<float>(first + i, 0);
            const std::ptrdiff_t step = y_.stride / size;
            for (std::size_t j = 0; j < outputs_; ++j, row += step) *row = out[j * width + i];
        }
        return true;
    }

private:
    static constexpr std::size_t width = rows_side_by_side;
    static constexpr std::ptrdiff_t size = sizeof(float);

    static std::ptrdiff_t step(const Rows& rows) { return rows.stride / size; }

    RowsInLanesKernel kernel_;
    const Rows &x_, &y_;
    std::size_t n_, outputs_;
    bool direct_, turned_;
};

}  // namespace

template <class T>
void run_rows(RowKernel<T> kernel, RowsInLanesKernel in_lanes, Rows x, Rows keep, Rows temperature,
              Rows y, std::size_t rows, std::size_t n, std::size_t outputs) {
    const KeepFloatStatus flags;
    parallel_for(rows, 1, rows_worth_a_thread(n), [&](std::size_t begin, std::size_t end) {
        Panel<T> from(x, n, end - begin), to(y, outputs, end - begin);
        Panel<std::uint8_t> mask(keep, n, end - begin);
        RowsInLanes together(in_lanes, x, keep, temperature, y, n, outputs);
        constexpr std::size_t width = rows_side_by_side;
        for (std::size_t first = begin; first < end; first += width) {
            const std::size_t count = std::min(width, end - first);
            if (together.run(first, count)) continue;
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
    parallel_for(rows, 1, rows_worth_a_thread(n), [&](std::size_t begin, std::size_t end) {
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

template void run_rows(RowKernel<float>, RowsInLanesKernel, Rows, Rows, Rows, Rows, std::size_t,
                       std::size_t, std::size_t);
template void run_rows(RowKernel<double>, RowsInLanesKernel, Rows, Rows, Rows, Rows, std::size_t,
                       std::size_t, std::size_t);
template void run_rows_vjp(RowVjpKernel<float>, Rows, Rows, Rows, Rows, std::size_t, std::size_t);
template void run_rows_vjp(RowVjpKernel<double>, Rows, Rows, Rows, Rows, std::size_t, std::size_t);

}  // namespace ranvier
