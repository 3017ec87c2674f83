#include "product.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

/// What is packed at a time stays in the cache while the rows of the other factor pass by.
template <class T>
constexpr std::size_t packed_at_once = (std::size_t{1} << 19) / sizeof(T);
constexpr std::size_t deepest = 4 * products_summed;

constexpr std::size_t products_worth_a_thread = std::size_t{1} << 19;
constexpr std::size_t packing_worth_a_thread = std::size_t{1} << 15;  // numbers

/// Memory of the calling thread, for as long as it lives: one for each count.
template <class T, std::size_t count>
T* own_memory() {
    thread_local const auto memory = std::make_unique_for_overwrite<T[]>(count);
    return memory.get();
}

std::size_t pieces(std::size_t n, std::size_t piece) {
    return (n + piece - 1) / piece;
}

/// Whether to work out the transposed product instead, in which the factors change places. The rows
/// of the first meet panels of the second: a panel is full where there are enough columns, and
/// cheap to fill where they lie side by side; else there is less to fill of the smaller factor.
template <class T>
bool better_transposed(Strided<const T> a, Strided<const T> b, std::size_t rows,
                       std::size_t columns, std::size_t full) {
    if (b.column_stride == 1) return columns < full && columns < rows;
    if (a.row_stride == 1) return rows >= full || rows >= columns;
    return rows < columns;
}

template <class T>
class Product {
public:
    Product(Strided<const T> a, Strided<const T> b, Strided<T> result, std::size_t rows,
            std::size_t columns, std::size_t depth)
        : a_(a), b_(b), result_(result), rows_(rows), columns_(columns), depth_(depth) {
        if (better_transposed(a, b, rows, columns, kernels_.tile_columns)) {
            std::swap(rows_, columns_);
            a_ = b.transposed();
            b_ = a.transposed();
            result_ = result.transposed();
        }
        const std::size_t full = kernels_.tile_columns;
        width_ = columns_ > full / 2 ? full : full / 2;
    }

    void run(bool accumulate) const {
        if (columns_ == 1 && a_.column_stride == 1) return multiply_column(accumulate);
        const bool fits = depth_ <= std::min(packed_at_once<T> / (columns_ + width_), deepest);
        const std::size_t deep = fits ? depth_ : std::min(depth_, deepest / 2);
        const std::size_t wide = packed_at_once<T> / deep / width_ * width_;
        for (std::size_t column = 0; column < columns_; column += wide) {
            for (std::size_t k = 0; k < depth_; k += deep) {
                const Panels panels(width_, std::min(wide, columns_ - column),
                                    std::min(deep, depth_ - k));
                pack(b_.from(k, column), panels);
                multiply(a_.from(0, k), panels, result_.from(0, column), accumulate || k > 0);
            }
        }
    }

private:
    /// One behind the other, the last perhaps not full.
    struct Panels {
        std::size_t width, columns, depth, count;
        T* memory = own_memory<T, packed_at_once<T>>();

        Panels(std::size_t width_, std::size_t columns_, std::size_t depth_)
            : width(width_), columns(columns_), depth(depth_), count(pieces(columns_, width_)) {}
        std::size_t columns_of(std::size_t p) const { return std::min(width, columns - p * width); }
        T* at(std::size_t p) const { return memory + p * depth * width; }
    };

    void pack(Strided<const T> b, const Panels& panels) const {
        parallel_for(panels.count, 1, pieces(packing_worth_a_thread, panels.depth * width_),
                     [&](std::size_t begin, std::size_t end) {
                         for (std::size_t p = begin; p < end; ++p) {
                             kernels_.pack(b.from(0, p * width_), panels.depth, width_,
                                           panels.columns_of(p), panels.at(p));
                         }
                     });
    }

    void multiply_column(bool add) const {
        parallel_for(rows_, 8, products_worth_a_thread / depth_ + 1,
                     [&](std::size_t begin, std::size_t end) {
                         kernels_.multiply_column(end - begin, a_.from(begin, 0), depth_, b_,
                                                  result_.from(begin, 0), add);
                     });
    }

    /// Tiles are numbered along the rows of the result, and about as high as each other.
    void multiply(Strided<const T> a, const Panels& panels, Strided<T> result, bool add) const {
        const std::size_t strips = pieces(rows_, kernels_.tile_rows);
        const std::size_t worth = products_worth_a_thread * strips / rows_ / width_ / panels.depth;
        parallel_for(strips * panels.count, 1, worth + 1, [&](std::size_t begin, std::size_t end) {
            T* const copy = own_memory<T, most_tile_rows * deepest>();
            for (std::size_t tile = begin; tile < end;) {
                const std::size_t strip = tile / panels.count;
                const std::size_t p = tile % panels.count;
                const std::size_t tiles = std::min(panels.count - p, end - tile);
                const std::size_t row = strip * rows_ / strips;
                const std::size_t rows = (strip + 1) * rows_ / strips - row;
                Strided<const T> factor = a.from(row, 0);
                if (a.column_stride != 1) {  // each step would go to another line of the cache
                    kernels_.pack(factor.transposed(), panels.depth, rows, rows, copy);
                    factor = {copy, 1, static_cast<std::ptrdiff_t>(rows)};
                }
                const std::size_t column = p * width_;
                kernels_.multiply_strip(width_, rows, panels.at(p), factor, panels.depth,
                                        result.from(row, column),
                                        std::min(tiles * width_, panels.columns - column), add);
                tile += tiles;
            }
        });
    }

    const ProductKernels<T>& kernels_ = product_kernels<T>();
    Strided<const T> a_, b_;
    Strided<T> result_;
    std::size_t rows_, columns_, depth_, width_;
};

}  // namespace

template <class T>
void run_product(Strided<const T> a, Strided<const T> b, Strided<T> result, std::size_t rows,
                 std::size_t columns, std::size_t depth, bool accumulate) {
    if (rows == 0 || columns == 0) return;
    if (depth == 0) {
        if (accumulate) return;
        for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) *result.at(i, j) = T(0);
        }
        return;
    }
    const KeepFloatStatus flags;
    Product<T>(a, b, result, rows, columns, depth).run(accumulate);
}

template void run_product(Strided<const float>, Strided<const float>, Strided<float>, std::size_t,
                          std::size_t, std::size_t, bool);
template void run_product(Strided<const double>, Strided<const double>, Strided<double>,
                          std::size_t, std::size_t, std::size_t, bool);

}  // namespace ranvier
