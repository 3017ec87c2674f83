// Steps of training, many in one parallel region.
//
// A thread takes its rows of the batch from the samples through all layers, the loss and back
// again; then, when all have done so, its part of every layer's parameters through gradient and
// update. So there are two waits a step, and a thread mostly reads what it has written itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "../runtime/batch_loss.hpp"
#include "../runtime/optimizer.hpp"
#include "samples.hpp"
#include "stack.hpp"

namespace ranvier {

/// The samples to train on, in the order in which they are taken.
struct Data {
    Samples inputs, targets;
    bool targets_are_labels;
    bool count_right;             // whether a target is the label of the row's largest score
    const double* sample_weight;  // by sample, or null
    const std::int64_t* order;    // the numbers of the samples, or null: one after the other
    std::size_t rows;             // in that order
    std::optional<std::int64_t> ignored;  // the label of a sample that does not count

    std::int64_t sample(std::size_t k) const {
        return order == nullptr ? static_cast<std::int64_t>(k) : order[k];
    }
};

/// Sums over batches.
struct Totals {
    double loss = 0.0, weight = 0.0;  // of the batches' means times their weights; of the weights
    double last_loss = std::numeric_limits<double>::quiet_NaN();
    std::size_t counted = 0, right = 0;  // labels, and those of them with the largest score
    std::size_t steps = 0;
};

/// How far one call may go.
struct Limit {
    std::chrono::steady_clock::time_point end;
    std::size_t steps;
};

/// A parameter that the optimizer updates, and its gradient.
template <class T>
struct Trained {
    const T* value;
    T* gradient;
    std::size_t size;
    bool penalised;
};

/// `factor` times the mean loss of a batch, and `penalty` / (2 n) times the sum of the squares of
/// the penalised parameters, where n is what the batch weighs.
struct Objective {
    double factor = 1.0, penalty = 0.0;
    double max_norm = 0.0;  // to which all gradients together are clipped; 0 for none
};

template <class T>
class Training {
public:
    /// `tensors` are in the optimizer's order.
    Training(const Stack<T>& stack, BatchLoss<T>& loss, const Objective& objective,
             OptimizerHandle& optimizer, std::vector<Trained<T>> tensors, std::size_t batch_rows);

    /// Trains on the batches from row `first` on, as far as the limit goes; returns the row to go
    /// on from. A batch in which nothing counts is passed over. What the loss throws is thrown
    /// before the step that it concerns has changed a parameter.
    std::size_t run(const Data& data, std::size_t first, const Limit& limit, Totals& totals);

private:
    struct Batch {
        std::size_t begin, rows;
        double weight;
        std::size_t counted;  // rows whose label is not ignored
        bool last;            // of those of one call
    };
    class Ahead;
    class FusedUpdate;

    Batch next_batch(const Data& data, std::size_t from);
    const T* inputs_of(const Data& data, const Batch& batch) const;
    void take_rows(const Data& data, const Batch& batch, const Part& rows);
    void rows_through(const Data& data, const Batch& batch, const Team& team, std::size_t me);
    std::size_t right_of(const Data& data, const Part& rows) const;
    Batch weighed(const Data& data, std::size_t begin) const;
    void add_penalty(const Batch& batch, const Trained<T>& tensor, std::size_t begin,
                     std::size_t count, T* gradient) const;
    double value(const Batch& batch) const;
    void count(const Batch& batch, Totals& totals);
    std::size_t run_fused(const Data& data, Batch first, const Limit& limit, Totals& totals);
    std::size_t run_apart(const Data& data, Batch first, const Limit& limit, Totals& totals);

    const Stack<T>& stack_;
    BatchLoss<T>& loss_;
    OptimizerHandle& optimizer_;
    const Objective objective_;
    const std::vector<Trained<T>> tensors_;
    const std::size_t batch_rows_;
    const std::size_t threads_;
    Pass<T> pass_;
    std::vector<T> x_, targets_;
    std::vector<std::int64_t> labels_;
    std::vector<double> weights_;
    std::vector<std::size_t> right_;  // by thread
    std::vector<double> squares_;     // by tensor
};

}  // namespace ranvier
