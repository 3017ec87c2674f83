#include "gates.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "prefetch.hpp"
#include "registry.hpp"
#include "strided.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

constexpr std::size_t block = 512;     // elements handed to a kernel at a time
constexpr std::size_t long_row = 128;  // from here on a block ends with the row, to copy nothing
constexpr std::size_t item_sizes[count_of<DType>] = {2, 4, 8};

/// The elements of several operands of one shape, in an order that suits their strides: what is
/// elementwise does not care which of the two dimensions is the row.
class Traversal {
public:
    Traversal(std::size_t rows, std::size_t n, std::size_t item,
              std::initializer_list<Rows*> operands)
        : rows_(rows), n_(n) {
        const auto adjacent = static_cast<std::ptrdiff_t>(item);
        int along_rows = 0;
        for (const Rows* each : operands) {
            along_rows += (each->stride == adjacent) - (each->row_stride == adjacent);
        }
        if (along_rows < 0 || n == 1) {
            std::swap(rows_, n_);
            for (Rows* each : operands) std::swap(each->row_stride, each->stride);
        }
        const bool joined = std::all_of(operands.begin(), operands.end(), [&](const Rows* each) {
            return each->row_stride == static_cast<std::ptrdiff_t>(n_) * each->stride;
        });
        if (joined || rows_ == 1) {
            n_ *= rows_;
            rows_ = 1;
        }
    }

    std::size_t row_length() const { return n_; }

    /// Calls body(start, count) for blocks of all elements, counted through all rows. Where rows
    /// are long, a block lies within one.
    template <class Body>
    void each_block(std::size_t worth_a_thread, Body&& body) const {
        parallel_for(rows_ * n_, 64, worth_a_thread, [&](std::size_t begin, std::size_t end) {
            for (std::size_t start = begin; start < end;) {
                std::size_t count = std::min(block, end - start);
                if (n_ >= long_row) count = std::min(count, n_ - start % n_);
                body(start, count);
                start += count;
            }
        });
    }

private:
    std::size_t rows_, n_;
};

/// A block of an operand as contiguous memory: its own, or else a copy.
class Window {
public:
    Window(Rows operand, std::size_t n, std::size_t item, std::size_t start, std::size_t count)
        : operand_(operand), n_(n), item_(item), start_(start), count_(count) {
        const std::size_t column = start % n;
        const bool one_row = column + count <= n;
        place_ = one_row && operand.stride == static_cast<std::ptrdiff_t>(item)
                     ? at(start / n, column)
                     : nullptr;
    }

    const void* read() {
        if (place_ != nullptr) {
            prefetch(place_ + prefetch_distance * item_, count_ * item_);
            return place_;
        }
        each_run([this](char* mine, char* theirs, std::size_t count) {
            gather(mine, theirs, operand_.stride, item_, count);
        });
        return buffer_;
    }
    /// Where to write; `written` takes it to its place.
    void* target() {
        if (place_ == nullptr) return buffer_;
        prefetch_to_write(place_ + prefetch_distance * item_, count_ * item_);
        return place_;
    }
    void written() {
        if (place_ != nullptr) return;
        each_run([this](char* mine, char* theirs, std::size_t count) {
            scatter(theirs, operand_.stride, mine, item_, count);
        });
    }

private:
    char* at(std::size_t row, std::size_t column) const {
        return operand_.data + static_cast<std::ptrdiff_t>(row) * operand_.row_stride +
               static_cast<std::ptrdiff_t>(column) * operand_.stride;
    }
    /// Calls move(mine, theirs, count) for the part of the block that each row holds.
    template <class Move>
    void each_run(Move move) {
        std::size_t row = start_ / n_, column = start_ % n_;
        for (std::size_t done = 0; done < count_; ++row, column = 0) {
            const std::size_t count = std::min(n_ - column, count_ - done);
            move(buffer_ + done * item_, at(row, column), count);
            done += count;
        }
    }

    Rows operand_;
    std::size_t n_, item_, start_, count_;
    char* place_;
    alignas(64) char buffer_[block * 8];
};

/// The j-th elements of all groups.
Rows member(const Groups& groups, std::size_t j) {
    Rows result = groups.rows;
    result.data += static_cast<std::ptrdiff_t>(j) * groups.step;
    return result;
}

/// The largest of each group in a block of groups, into `best`.
void largest(const GateCall& call, const Groups& x, std::size_t n, std::size_t start,
             std::size_t count, void* best) {
    std::memcpy(best, Window(x.rows, n, call.item_size, start, count).read(),
                count * call.item_size);
    for (std::size_t j = 1; j < x.pieces; ++j) {
        Window next(member(x, j), n, call.item_size, start, count);
        const void* in[] = {next.read(), best};
        call.kernel(in, &best, count);
    }
}

}  // namespace

GateCall gate_call(Gate gate, bool vjp, DType dtype) {
    const auto g = static_cast<int>(gate);
    const auto d = static_cast<int>(dtype);
    const GateForms& gate_kernels = kernels().gates.gates[g];
    const bool heavy = gates()[static_cast<std::size_t>(g)].heavy;
    return {(vjp ? gate_kernels.vjp : gate_kernels.value)[d], item_sizes[d],
            heavy ? std::size_t{12288} : std::size_t{65536}};
}

GateCall maxout_call(bool vjp, DType dtype) {
    const auto d = static_cast<int>(dtype);
    const GateForms& maxout = kernels().gates.maxout;
    return {(vjp ? maxout.vjp : maxout.value)[d], item_sizes[d], 32768};
}

void run_gate(const GateCall& call, Rows a, Rows b, Rows y, std::size_t rows, std::size_t n) {
    const KeepFloatStatus flags;
    const std::size_t item = call.item_size;
    const Traversal traversal(rows, n, item, {&a, &b, &y});
    const std::size_t length = traversal.row_length();
    traversal.each_block(call.worth_a_thread, [&](std::size_t start, std::size_t count) {
        Window wa(a, length, item, start, count), wb(b, length, item, start, count);
        Window wy(y, length, item, start, count);
        const void* in[] = {wa.read(), wb.read()};
        void* out[] = {wy.target()};
        call.kernel(in, out, count);
        wy.written();
    });
}

void run_gate_vjp(const GateCall& call, Rows g, Rows a, Rows b, Rows ga, Rows gb, std::size_t rows,
                  std::size_t n) {
    const KeepFloatStatus flags;
    const std::size_t item = call.item_size;
    const Traversal traversal(rows, n, item, {&g, &a, &b, &ga, &gb});
    const std::size_t length = traversal.row_length();
    traversal.each_block(call.worth_a_thread, [&](std::size_t start, std::size_t count) {
        Window wg(g, length, item, start, count), wa(a, length, item, start, count);
        Window wb(b, length, item, start, count);
        Window wga(ga, length, item, start, count), wgb(gb, length, item, start, count);
        const void* in[] = {wg.read(), wa.read(), wb.read()};
        void* out[] = {wga.target(), wgb.target()};
        call.kernel(in, out, count);
        wga.written();
        wgb.written();
    });
}

void run_maxout(const GateCall& call, Groups x, Rows y, std::size_t rows, std::size_t n) {
    const KeepFloatStatus flags;
    const std::size_t item = call.item_size;
    const Traversal traversal(rows, n, item, {&x.rows, &y});
    const std::size_t length = traversal.row_length();
    const std::size_t worth = call.worth_a_thread / x.pieces + 1;
    traversal.each_block(worth, [&](std::size_t start, std::size_t count) {
        Window wy(y, length, item, start, count);
        largest(call, x, length, start, count, wy.target());
        wy.written();
    });
}

void run_maxout_vjp(const GateCall& value, const GateCall& vjp, Rows g, Groups x, Groups gx,
                    std::size_t rows, std::size_t n) {
    const KeepFloatStatus flags;
    const std::size_t item = vjp.item_size;
    const Traversal traversal(rows, n, item, {&g, &x.rows, &gx.rows});
    const std::size_t length = traversal.row_length();
    const std::size_t worth = vjp.worth_a_thread / x.pieces + 1;
    traversal.each_block(worth, [&](std::size_t start, std::size_t count) {
        alignas(64) char best[block * 8], left[block * 8];
        largest(value, x, length, start, count, best);
        std::memcpy(left, Window(g, length, item, start, count).read(), count * item);
        for (std::size_t j = 0; j < x.pieces; ++j) {
            Window from(member(x, j), length, item, start, count);
            Window to(member(gx, j), length, item, start, count);
            const void* in[] = {from.read(), best, left};
            void* out[] = {to.target(), left};
            vjp.kernel(in, out, count);
            to.written();
        }
    });
}

}  // namespace ranvier
