#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <exception>

#include "float_status.hpp"

namespace ranvier {

/// The rows that a thread will take next, on their way from memory while it works on others.
template <class T>
class Training<T>::Ahead {
public:
    /// Those rows of the batch that begins at `begin`; they are to be there after `turns` turns.
    void begin(const Data& data, std::size_t begin, const Part& rows, std::size_t turns) {
        data_ = &data;
        next_ = std::min(begin + rows.begin, data.rows);
        end_ = std::min(begin + rows.end, data.rows);
        lines_ = (data.inputs.row_bytes + line_bytes - 1) / line_bytes;
        line_ = 0;
        at_once_ = (end_ - next_) * lines_ / std::max<std::size_t>(1, turns) + 1;
    }
    void turn() {
        for (std::size_t k = 0; k < at_once_ && next_ < end_; ++k) {
            const char* const row = data_->inputs.row(data_->sample(next_));
            __builtin_prefetch(row + line_bytes * line_, 0, 2);  // to the second cache
            if (++line_ == lines_) {
                line_ = 0;
                ++next_;
            }
        }
    }

private:
    static constexpr std::size_t line_bytes = 64;

    const Data* data_ = nullptr;
    std::size_t next_ = 0, end_ = 0, lines_ = 0, line_ = 0, at_once_ = 0;
};

template <class T>
class Training<T>::FusedUpdate : public Update {
public:
    explicit FusedUpdate(Training& training) : training_(training) {}

    void operator()(const void* home, std::size_t begin, std::size_t count,
                    const void* gradient) override {
        ahead.turn();
        if (const TrainedTensor* found = find(home)) {
            training_.optimizer_.update(found->tensor, begin, count, gradient);
        }
    }
    void prefetch(const void* home, std::size_t begin, std::size_t count) const override {
        if (const TrainedTensor* found = find(home)) {
            training_.optimizer_.prefetch(found->tensor, begin, count);
        }
    }
    bool keeps() const override { return keep; }

    bool keep = false;
    Ahead ahead;

private:
    /// Null for a parameter that is not trained.
    const TrainedTensor* find(const void* home) const {
        for (const TrainedTensor& tensor : training_.tensors_) {
            if (tensor.gradient == home) return &tensor;
        }
        return nullptr;
    }

    Training& training_;
};

template <class T>
Training<T>::Training(const Stack<T>& stack, BatchLoss<T>& loss, OptimizerHandle& optimizer,
                      std::vector<TrainedTensor> tensors, std::size_t batch_rows, double max_norm)
    : stack_(stack),
      loss_(loss),
      optimizer_(optimizer),
      tensors_(std::move(tensors)),
      batch_rows_(batch_rows),
      max_norm_(max_norm),
      threads_(stack.threads_for(batch_rows)),
      pass_(stack.layers(), batch_rows, threads_),
      x_(batch_rows * stack.inputs()),
      targets_(batch_rows * stack.outputs()),
      labels_(batch_rows * stack.outputs()),
      weights_(batch_rows),
      right_(threads_) {}

/// The sum of the weights of the rows whose label is not ignored.
template <class T>
double Training<T>::weight_of(const Data& data, std::size_t rows) const {
    double sum = 0.0;
    for (std::size_t k = 0; k < rows; ++k) {
        if (data.ignored && labels_[k] == *data.ignored) continue;
        sum += data.sample_weight == nullptr ? 1.0 : weights_[k];
    }
    return sum;
}

/// The first batch from a row on in which something counts; of no rows if there is none.
template <class T>
typename Training<T>::Batch Training<T>::next_batch(const Data& data, std::size_t from) {
    const std::size_t columns = data.targets.columns;
    for (std::size_t begin = from; begin < data.rows; begin += batch_rows_) {
        const std::size_t rows = std::min(batch_rows_, data.rows - begin);
        for (std::size_t k = 0; k < rows; ++k) {
            const std::int64_t sample = data.sample(begin + k);
            if (data.targets_are_labels) {
                take_row(data.targets, sample, labels_.data() + k * columns);
            } else {
                take_row(data.targets, sample, targets_.data() + k * columns);
            }
            if (data.sample_weight != nullptr) weights_[k] = data.sample_weight[sample];
        }
        const double weight = weight_of(data, rows);
        if (weight == 0.0) continue;
        loss_.begin(
            data.targets_are_labels ? static_cast<const void*>(labels_.data()) : targets_.data(),
            data.targets_are_labels, data.sample_weight == nullptr ? nullptr : weights_.data(),
            rows, stack_.outputs());
        return {begin, rows, weight, begin + rows == data.rows};
    }
    return {data.rows, 0, 0.0, true};
}

/// Where the inputs of a batch are or, gathered, will be.
template <class T>
const T* Training<T>::inputs_of(const Data& data, const Batch& batch) const {
    const bool as_they_lie = data.order == nullptr && data.inputs.number == number_of<T> &&
                             data.inputs.row_bytes == data.inputs.columns * sizeof(T);
    return as_they_lie ? reinterpret_cast<const T*>(data.inputs.row(data.sample(batch.begin)))
                       : x_.data();
}

template <class T>
void Training<T>::take_rows(const Data& data, const Batch& batch, const Part& rows) {
    if (pass_.x() != x_.data()) return;
    for (std::size_t k = rows.begin; k < rows.end; ++k) {
        take_row(data.inputs, data.sample(batch.begin + k), x_.data() + k * data.inputs.columns);
    }
}

/// How many labels of the rows of a part have the largest score, or the first of several such.
template <class T>
std::size_t Training<T>::right_of(const Data& data, const Part& rows) const {
    const std::size_t n = stack_.outputs();
    std::size_t count = 0;
    for (std::size_t k = rows.begin; k < rows.end; ++k) {
        const T* const y = pass_.y() + k * n;
        // NaN is the largest of all, as for numpy.argmax.
        std::size_t best = 0;
        for (std::size_t j = 1; j < n && y[best] == y[best]; ++j) {
            if (!(y[j] <= y[best])) best = j;
        }
        const bool counts = !data.ignored || labels_[k] != *data.ignored;
        count += counts && static_cast<std::int64_t>(best) == labels_[k];
    }
    return count;
}

/// All that a thread does with its rows of a batch.
template <class T>
void Training<T>::rows_through(const Data& data, const Batch& batch, const Part& rows,
                               std::size_t& right) {
    take_rows(data, batch, rows);
    pass_.forward(rows);
    loss_.run(rows.begin, rows.end, pass_.y(), pass_.grad_y());
    if (data.targets_are_labels && data.targets.columns == 1) right += right_of(data, rows);
    pass_.backward(rows);
}

template <class T>
void Training<T>::count(const Batch& batch, Totals& totals) {
    totals.last_loss = loss_.value();
    totals.loss += totals.last_loss * batch.weight;
    totals.weight += batch.weight;
    ++totals.steps;
}

/// Each gradient is used up while it is in the cache: for rules that update number by number.
template <class T>
std::size_t Training<T>::run_fused(const Data& data, Batch next, const Limit& limit,
                                   Totals& totals) {
    // With such weights or labels no step knows whether it is the last: all keep their gradients.
    const bool may_skip = data.sample_weight != nullptr || data.ignored;
    std::size_t reached = data.rows, left = limit.steps;
    next.last |= left == 1;
    std::exception_ptr error;
    run_team(threads_, [&](Team& team, std::size_t me) {
        const Worker worker = pass_.worker(me, team.size());
        FusedUpdate update(*this);
        pass_.prepare_forward(worker);
        pass_.prepare_backward(worker);
        team.wait();
        while (true) {
            const Batch batch = next;
            const Part part(batch.rows, 1, me, team.size());
            rows_through(data, batch, part, right_[me]);
            if (loss_.can_fail()) {
                team.wait();
                if (loss_.failed()) break;
            }
            if (me == 0) optimizer_.begin_step(1.0);
            team.wait();
            // The losses and targets of this batch have been used; gradients need neither.
            if (me == 0) {
                try {
                    count(batch, totals);
                    reached = std::min(batch.begin + batch_rows_, data.rows);
                    if (!batch.last) next = next_batch(data, reached);
                    next.last |= --left <= 1 || std::chrono::steady_clock::now() > limit.end;
                } catch (...) {
                    error = std::current_exception();
                    next.rows = 0;
                }
            }
            update.keep = batch.last || may_skip;
            update.ahead.begin(data, batch.begin + batch_rows_, part, stack_.outputs());
            pass_.update(update, worker);
            team.wait();
            if (batch.last || next.rows == 0) break;
            if (next.rows != batch.rows || pass_.x() != x_.data()) {
                if (me == 0) pass_.begin(inputs_of(data, next), next.rows);
                team.wait();
            }
        }
    });
    if (error) std::rethrow_exception(error);
    if (loss_.failed()) loss_.value();  // throws
    return reached;
}

/// Gradients first and then the step: where a rule, or a clipped norm, needs all of them.
template <class T>
std::size_t Training<T>::run_apart(const Data& data, Batch batch, const Limit& limit,
                                   Totals& totals) {
    std::vector<const void*> gradients;
    for (const TrainedTensor& tensor : tensors_) gradients.push_back(tensor.gradient);
    std::size_t left = limit.steps;
    while (true) {
        run_team(threads_, [&](Team& team, std::size_t me) {
            const Worker worker = pass_.worker(me, team.size());
            pass_.prepare_forward(worker);
            pass_.prepare_backward(worker);
            team.wait();
            rows_through(data, batch, {batch.rows, 1, me, team.size()}, right_[me]);
            team.wait();
            pass_.gradients(false, nullptr, worker);
        });
        count(batch, totals);
        double scale = 1.0;
        if (max_norm_ > 0.0) {
            const double norm = std::sqrt(optimizer_.sum_of_squares(gradients));
            scale = std::min(1.0, max_norm_ / (norm + 1e-6));
        }
        optimizer_.step(gradients, scale);
        const std::size_t reached = std::min(batch.begin + batch_rows_, data.rows);
        if (--left == 0 || std::chrono::steady_clock::now() > limit.end) return reached;
        batch = next_batch(data, reached);
        if (batch.rows == 0) return data.rows;
        pass_.begin(inputs_of(data, batch), batch.rows);
    }
}

template <class T>
std::size_t Training<T>::run(const Data& data, std::size_t first, const Limit& limit,
                             Totals& totals) {
    const KeepFloatStatus flags;
    const Batch batch = next_batch(data, first);
    if (batch.rows == 0) return data.rows;
    pass_.begin(inputs_of(data, batch), batch.rows);
    std::fill(right_.begin(), right_.end(), 0);
    const bool fused = optimizer_.elementwise() && max_norm_ == 0.0;
    const std::size_t reached = fused ? run_fused(data, batch, limit, totals)
                                      : run_apart(data, batch, limit, totals);
    for (const std::size_t count : right_) totals.right += count;
    return reached;
}

template class Training<float>;
template class Training<double>;

}  // namespace ranvier
