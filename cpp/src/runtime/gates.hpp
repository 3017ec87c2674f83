// Runs the kernels of gates and maxout over rows of any strides, on as many threads as pay off.
#pragma once

#include "rows.hpp"

namespace ranvier {

/// A gate's kernel, or that of a step of maxout.
struct GateCall {
    GateKernel kernel;
    std::size_t item_size;
    std::size_t worth_a_thread;  // elements
};

GateCall gate_call(Gate gate, bool vjp, DType dtype);
GateCall maxout_call(bool vjp, DType dtype);

/// y = a f(b). A result may be an input only if it is the same element for element: ga may be a, gb
/// may be b, and gx may be x.
void run_gate(const GateCall& call, Rows a, Rows b, Rows y, std::size_t rows, std::size_t n);

void run_gate_vjp(const GateCall& call, Rows g, Rows a, Rows b, Rows ga, Rows gb, std::size_t rows,
                  std::size_t n);

/// Groups of `pieces` elements, from each of which the first is in `rows`; `step` bytes further is
/// the next of the group.
struct Groups {
    Rows rows;
    std::ptrdiff_t step;
    std::size_t pieces;
};

void run_maxout(const GateCall& call, Groups x, Rows y, std::size_t rows, std::size_t n);

/// `value` is the call of maxout itself.
void run_maxout_vjp(const GateCall& value, const GateCall& vjp, Rows g, Groups x, Groups gx,
                    std::size_t rows, std::size_t n);

}  // namespace ranvier
