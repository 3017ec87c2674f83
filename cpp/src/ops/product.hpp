// The matrix product, a tile of the result at a time: all that a tile needs of one factor lies in a
// panel, as wide as the tile, and of the other one number at a time meets a row of the panel.
//
// Each element is a sum of products in their order, `products_summed` at a time, and of those sums
// in their order. So its bits do not depend on where a tile begins, how wide it is, or which of the
// factors is the one in panels.
#pragma once

#include "../isa/kernels.hpp"
#include "../math/scalar.hpp"

namespace ranvier::RANVIER_ISA {

// A tile is two registers wide and has as many rows as leave a few registers for the factors.
#if defined(__AVX512F__)
inline constexpr std::size_t register_bytes = 64, tile_rows = 12;
#elif defined(__AVX2__)
inline constexpr std::size_t register_bytes = 32, tile_rows = 6;
#elif defined(__aarch64__)
inline constexpr std::size_t register_bytes = 16, tile_rows = 12;
#else
inline constexpr std::size_t register_bytes = 16, tile_rows = 6;
#endif
static_assert(tile_rows <= most_tile_rows);
template <class T>
inline constexpr std::size_t tile_columns = 2 * register_bytes / sizeof(T);

/// The sums of a row of a tile. Clang keeps in registers only what it knows as a register's vector.
template <class T, std::size_t columns>
class TileRow {
public:
    T operator[](std::size_t j) const {
#if defined(__clang__)
        return sums_[j / lanes][j % lanes];
#else
        return sums_[j];
#endif
    }
    void add_product(T number, const T* row) {
#if defined(__clang__)
        for (std::size_t r = 0; r < columns / lanes; ++r) {
            for (std::size_t j = 0; j < lanes; ++j) {
                sums_[r][j] = fma(number, row[r * lanes + j], sums_[r][j]);
            }
        }
#else
#pragma omp simd
        for (std::size_t j = 0; j < columns; ++j) sums_[j] = fma(number, row[j], sums_[j]);
#endif
    }

private:
#if defined(__clang__)
    static constexpr std::size_t lanes = register_bytes / sizeof(T);
    typedef T Register __attribute__((ext_vector_type(lanes)));
    Register sums_[columns / lanes] = {};
#else
    T sums_[columns] = {};
#endif
};

/// The products of `depth` numbers of each row of the factor and of the panel, summed and written,
/// or added, to rows of `columns` numbers.
template <std::size_t rows, std::size_t columns, class T>
inline void sum_products(const T* panel, Strided<const T> factor, std::size_t depth, bool add,
                         T* out, std::ptrdiff_t row_stride) {
    TileRow<T, columns> sum[rows];
    for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t i = 0; i < rows; ++i) {
            sum[i].add_product(*factor.at(i, k), panel + k * columns);
        }
    }
    for (std::size_t i = 0; i < rows; ++i) {
        T* const row = out + static_cast<std::ptrdiff_t>(i) * row_stride;
        if (add) {
            for (std::size_t j = 0; j < columns; ++j) row[j] += sum[i][j];
        } else {
            for (std::size_t j = 0; j < columns; ++j) row[j] = sum[i][j];
        }
    }
}

template <std::size_t rows, std::size_t columns, class T>
inline void product_tile(const T* panel, Strided<const T> factor, std::size_t depth,
                         Strided<T> result, std::size_t count, bool add) {
    T copy[rows * columns];
    const bool in_place = result.column_stride == 1 && count == columns;
    T* const out = in_place ? result.data : copy;
    const std::ptrdiff_t row_stride = in_place ? result.row_stride : columns;
    if (add && !in_place) {
        for (std::size_t j = 0; j < count; ++j) {
            for (std::size_t i = 0; i < rows; ++i) copy[i * columns + j] = *result.at(i, j);
        }
    }
    for (std::size_t k = 0; k < depth; k += products_summed) {
        const std::size_t n = depth - k < products_summed ? depth - k : products_summed;
        sum_products<rows, columns>(panel + k * columns, factor.from(0, k), n, add || k > 0, out,
                                    row_stride);
    }
    if (!in_place) {
        for (std::size_t j = 0; j < count; ++j) {
            for (std::size_t i = 0; i < rows; ++i) *result.at(i, j) = copy[i * columns + j];
        }
    }
}

/// Tiles side by side, the last perhaps cut off. Not inlined: each has the registers for itself.
template <std::size_t rows, std::size_t columns, class T>
[[gnu::noinline]] void product_strip(const T* panels, Strided<const T> factor, std::size_t depth,
                                     Strided<T> result, std::size_t count, bool add) {
    for (std::size_t j = 0; j < count; j += columns) {
        const std::size_t n = count - j < columns ? count - j : columns;
        product_tile<rows, columns>(panels + j * depth, factor, depth, result.from(0, j), n, add);
    }
}

template <std::size_t columns, class T, std::size_t rows = tile_rows>
inline void product_strip_of(std::size_t count_of_rows, const T* panels, Strided<const T> factor,
                             std::size_t depth, Strided<T> result, std::size_t count, bool add) {
    if constexpr (rows > 1) {
        if (count_of_rows < rows) {
            return product_strip_of<columns, T, rows - 1>(count_of_rows, panels, factor, depth,
                                                          result, count, add);
        }
    }
    product_strip<rows, columns>(panels, factor, depth, result, count, add);
}

template <class T>
void multiply_strip(std::size_t columns, std::size_t rows, const T* panels, Strided<const T> factor,
                    std::size_t depth, Strided<T> result, std::size_t count, bool add) {
    if (columns == tile_columns<T>) {
        product_strip_of<tile_columns<T>>(rows, panels, factor, depth, result, count, add);
    } else {
        product_strip_of<tile_columns<T> / 2>(rows, panels, factor, depth, result, count, add);
    }
}

template <std::size_t columns, class T>
inline void copy_rows(Strided<const T> matrix, std::size_t depth, T* panel) {
    for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t j = 0; j < columns; ++j) panel[k * columns + j] = matrix.at(k, 0)[j];
    }
}

// Registers that every machine has.
typedef float FourFloats __attribute__((vector_size(16), aligned(4), may_alias));
typedef double TwoDoubles __attribute__((vector_size(16), aligned(8), may_alias));

/// a0 b0 a1 b1 ..., of the first halves of two rows or of the second.
inline FourFloats interleave_low(FourFloats a, FourFloats b) {
    return FourFloats{a[0], b[0], a[1], b[1]};
}
inline FourFloats interleave_high(FourFloats a, FourFloats b) {
    return FourFloats{a[2], b[2], a[3], b[3]};
}

/// A square block whose columns lie `column_stride` apart, as rows of a panel.
inline void transpose_block(const float* from, std::ptrdiff_t column_stride, float* to,
                            std::size_t row_stride) {
    const auto column = [&](int j) {
        return *reinterpret_cast<const FourFloats*>(from + j * column_stride);
    };
    const FourFloats c0 = column(0), c1 = column(1), c2 = column(2), c3 = column(3);
    const FourFloats even_low = interleave_low(c0, c2), even_high = interleave_high(c0, c2),
                     odd_low = interleave_low(c1, c3), odd_high = interleave_high(c1, c3);
    const auto write = [&](std::size_t k, FourFloats row) {
        *reinterpret_cast<FourFloats*>(to + k * row_stride) = row;
    };
    write(0, interleave_low(even_low, odd_low));
    write(1, interleave_high(even_low, odd_low));
    write(2, interleave_low(even_high, odd_high));
    write(3, interleave_high(even_high, odd_high));
}
inline void transpose_block(const double* from, std::ptrdiff_t column_stride, double* to,
                            std::size_t row_stride) {
    const auto a = *reinterpret_cast<const TwoDoubles*>(from);
    const auto b = *reinterpret_cast<const TwoDoubles*>(from + column_stride);
    *reinterpret_cast<TwoDoubles*>(to) = TwoDoubles{a[0], b[0]};
    *reinterpret_cast<TwoDoubles*>(to + row_stride) = TwoDoubles{a[1], b[1]};
}

/// Some columns of some rows, and zeros up to `columns`, one number at a time. Down the columns, a
/// few rows at a time: they lie in a line of the cache each.
template <class T>
inline void pack_numbers(Strided<const T> matrix, std::size_t depth, std::size_t columns,
                         std::size_t count, T* panel) {
    constexpr std::size_t at_once = 16;
    for (std::size_t begin = 0; begin < depth; begin += at_once) {
        const std::size_t end = depth - begin < at_once ? depth : begin + at_once;
        for (std::size_t j = 0; j < count; ++j) {
            for (std::size_t k = begin; k < end; ++k) panel[k * columns + j] = *matrix.at(k, j);
        }
        for (std::size_t j = count; j < columns; ++j) {
            for (std::size_t k = begin; k < end; ++k) panel[k * columns + j] = T(0);
        }
    }
}

/// The first `count` columns of `depth` rows of a matrix, and zeros up to `columns`, row by row.
template <class T>
void pack_panel(Strided<const T> matrix, std::size_t depth, std::size_t columns, std::size_t count,
                T* panel) {
    if (matrix.column_stride == 1 && count == columns) {
        if (columns == tile_columns<T>) return copy_rows<tile_columns<T>>(matrix, depth, panel);
        if (columns == tile_rows) return copy_rows<tile_rows>(matrix, depth, panel);
        if (columns == tile_rows - 1) return copy_rows<tile_rows - 1>(matrix, depth, panel);
    }
    constexpr std::size_t size = 16 / sizeof(T);  // of a block
    std::size_t packed = 0;
    if (matrix.row_stride == 1 && count == columns && columns % size == 0) {
        packed = depth / size * size;
        for (std::size_t k = 0; k < packed; k += size) {
            for (std::size_t j = 0; j < columns; j += size) {
                transpose_block(matrix.at(k, j), matrix.column_stride, panel + k * columns + j,
                                columns);
            }
        }
    }
    pack_numbers(matrix.from(packed, 0), depth - packed, columns, count, panel + packed * columns);
}

template <std::size_t rows, class T>
inline void column_tile(Strided<const T> factor, std::size_t depth, Strided<const T> column,
                        Strided<T> result, bool add) {
    for (std::size_t begin = 0; begin < depth; begin += products_summed) {
        const std::size_t end = depth - begin < products_summed ? depth : begin + products_summed;
        T sum[rows] = {};
        for (std::size_t k = begin; k < end; ++k) {
            const T number = *column.at(k, 0);
            for (std::size_t i = 0; i < rows; ++i) sum[i] = fma(*factor.at(i, k), number, sum[i]);
        }
        for (std::size_t i = 0; i < rows; ++i) {
            T* const out = result.at(i, 0);
            *out = add || begin > 0 ? *out + sum[i] : sum[i];
        }
    }
}

/// Rows of a factor times a column: there is nothing that a panel would be used again for. As many
/// rows at a time as it takes to hide how long an fma is under way.
template <class T>
void multiply_column(std::size_t rows, Strided<const T> factor, std::size_t depth,
                     Strided<const T> column, Strided<T> result, bool add) {
    constexpr std::size_t at_once = 8;
    std::size_t i = 0;
    for (; i + at_once <= rows; i += at_once) {
        column_tile<at_once>(factor.from(i, 0), depth, column, result.from(i, 0), add);
    }
    for (; i < rows; ++i) column_tile<1>(factor.from(i, 0), depth, column, result.from(i, 0), add);
}

}  // namespace ranvier::RANVIER_ISA
