// A loss over a batch whose scores arrive a few rows at a time, as a training step has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ranvier {

/// Begun by one thread, run by any number of them, and asked for its value by one again. Value and
/// gradient have the bits of the loss function called on the whole batch with reduction "mean",
/// however the rows were split.
template <class T>
class BatchLoss {
public:
    virtual ~BatchLoss() = default;

    /// Describes the next batch: `rows` samples of `columns` outputs each.
    ///
    /// `target` holds int64 labels or T numbers, C-ordered; it and the weights, one a row or null,
    /// have to stay until the value is asked for. A loss of classes takes a label a row or, of T,
    /// class probabilities; one of lists of classes takes labels of the shape of the scores; one of
    /// elements takes either, of the shape of the scores.
    ///
    /// Returns what the sum of the losses is divided by; 0 if nothing counts. Throws
    /// std::out_of_range for a label that is none, std::invalid_argument for a number of columns
    /// that does not fit the options; nothing may be run then.
    virtual double begin(const void* target, bool target_is_labels, const double* sample_weight,
                         std::size_t rows, std::size_t columns) = 0;

    /// Works out the losses of rows [begin, end) and, unless `gradient` is null, writes their
    /// gradients. Both pointers are to row 0 of the batch, C-ordered. On the calling thread alone;
    /// others may run other rows meanwhile. Does not throw, and allocates nothing.
    virtual void run(std::size_t begin, std::size_t end, const T* scores, T* gradient) = 0;

    /// Whether a row that was run had a score outside of what the loss is defined for: value()
    /// throws then. Where there is no such score for any batch, it cannot fail.
    virtual bool can_fail() const { return false; }
    virtual bool failed() const { return false; }

    /// The loss of the batch, when all of its rows have been run. Throws std::invalid_argument if a
    /// score was outside of what the loss is defined for, as for binary_cross_entropy.
    virtual double value() = 0;
};

/// The arrays that stay the same from batch to batch; empty where there is none.
template <class T>
struct BatchConstants {
    /// Of elements or classes: one number, or one a column.
    std::vector<double> weight;
    /// The third operand of a loss of elements, the second of one of rows: likewise.
    std::vector<T> operand;
};

class LossHandle;

/// Null where the loss cannot be run so: one of several inputs, or with another reduction.
template <class T>
std::unique_ptr<BatchLoss<T>> make_batch_loss(std::shared_ptr<const LossHandle> loss,
                                              BatchConstants<T> constants);

}  // namespace ranvier
