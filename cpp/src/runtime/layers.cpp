#include "layers.hpp"

#include <algorithm>
#include <cstring>

#include "float_status.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

/// About as many elements as are worth handing to another thread, in rows or columns of `length`.
std::size_t worth_a_thread(std::size_t length) {
    return std::max<std::size_t>(1, 131072 / std::max<std::size_t>(1, length));
}

/// Calls body(byte offset of the row) for every row.
template <class Body>
void for_rows(const Matrix& z, const Body& body) {
    const KeepFloatStatus flags;
    const std::size_t row_bytes = z.columns * z.item_size;
    parallel_for(z.rows, 1, worth_a_thread(z.columns), [&](std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row) body(row * row_bytes);
    });
}

}  // namespace

void run_add_bias(AddBiasKernel kernel, Matrix z, const void* bias) {
    for_rows(z, [&](std::size_t row) { kernel(z.data + row, bias, z.columns); });
}

void run_biased(BiasedKernel kernel, Matrix z, const void* bias, const void* const* parameters,
                char* y) {
    for_rows(z,
             [&](std::size_t row) { kernel(z.data + row, bias, parameters, y + row, z.columns); });
}

void run_column_sums(AddBiasKernel add, Matrix z, char* sums, bool accumulate) {
    constexpr std::size_t block = 64;  // rows
    constexpr std::size_t tile = 512;  // columns
    const KeepFloatStatus flags;
    const std::size_t item = z.item_size;
    const std::size_t worth = std::max(tile, worth_a_thread(z.rows));
    parallel_for(z.columns, 64, worth, [&](std::size_t begin, std::size_t end) {
        alignas(64) char partial[tile * 8];
        for (std::size_t column = begin; column < end; column += tile) {
            const std::size_t n = std::min(tile, end - column);
            char* total = sums + column * item;
            if (!accumulate) std::memset(total, 0, n * item);
            for (std::size_t start = 0; start < z.rows; start += block) {
                std::memset(partial, 0, n * item);
                for (std::size_t row = start; row < std::min(z.rows, start + block); ++row) {
                    add(partial, z.data + (row * z.columns + column) * item, n);
                }
                add(total, partial, n);
            }
        }
    });
}

}  // namespace ranvier
