#include "take_rows.hpp"

#include <algorithm>
#include <cstring>

#include "prefetch.hpp"
#include "threads.hpp"

namespace ranvier {

void run_take_rows(const char* data, std::size_t row_bytes, const std::int64_t* indices,
                   std::size_t count, char* out) {
    constexpr std::size_t bytes_worth_a_thread = 65536;
    const std::size_t worth = bytes_worth_a_thread / std::max<std::size_t>(1, row_bytes);
    const auto row = [&](std::size_t i) {
        return data + static_cast<std::size_t>(indices[i]) * row_bytes;
    };
    parallel_for(count, 1, std::max<std::size_t>(1, worth),
                 [&](std::size_t begin, std::size_t end) {
                     for (std::size_t i = begin; i < end; ++i) {
                         // The next row is anywhere in memory; the rest of it follows by itself.
                         if (i + 1 < end)
                             prefetch(row(i + 1), std::min<std::size_t>(row_bytes, 512));
                         std::memcpy(out + i * row_bytes, row(i), row_bytes);
                     }
                 });
}

}  // namespace ranvier
