// Losses of rows over a batch: samples over threads, value and gradients from one visit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../isa/kernels.hpp"
#include "rows.hpp"

namespace ranvier {

struct RowLossBatch {
    std::size_t samples, n;
    int rows, graded;
    Rows arrays[3], gradients[3];  // of any strides, a row for each sample
    const std::int64_t* labels;    // contiguous, `labels_per_sample` each; or null
    std::size_t labels_per_sample;
    const double* weight;         // n, or null
    const double* sample_weight;  // samples, or null
    const double* parameters;     // in the order of the row
    double scale;                 // multiplies the gradients beside the sample's weight
    void* losses;                 // samples, or null: what each sample loses, times its weight
};

/// The sum of the losses, in a fixed order.
template <class T>
double run_row_loss(RowLoss loss, const RowLossBatch& batch);

}  // namespace ranvier
