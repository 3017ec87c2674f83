#include "training.hpp"

#include <algorithm>
#include <cmath>
#include <exception>

#include "../runtime/float_status.hpp"

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
                    void* gradient) override {
        ahead.turn();
        const std::size_t tensor = find(home);
        if (tensor == training_.tensors_.size()) return;
        training_.add_penalty(batch, training_.tensors_[tensor], begin, count,
                              static_cast<T*>(gradient));
        training_.optimizer_.update(tensor, begin, count, gradient);
    }
    void prefetch(const void* home, std::size_t begin, std::size_t count) const override {
        const std::size_t tensor = find(home);
        if (tensor < training_.tensors_.size()) {
            training_.optimizer_.prefetch(tensor, begin, count);
        }
    }
    bool keeps() const override { return keep; }

    Batch batch{};
    bool keep = false;
    Ahead ahead;

private:
    /// The number of the tensor with this gradient; their count for one that is not trained.
    std::size_t find(const void* home) const {
        std::size_t k = 0;
        while (k < training_.tensors_.size() && training_.tensors_[k].gradient != home) ++k;
        return k;
    }

    Training& training_;
};

template <class T>
Training<T>::Training(const Stack<T>& stack, BatchLoss<T>& loss, const Objective& objective,
                      OptimizerHandle& optimizer, std::vector<Trained<T>> tensors,
                      std::size_t batch_rows)
    : stack_(stack),
      loss_(loss),
      optimizer_(optimizer),
      objective_(objective),
      tensors_(std::move(tensors)),
      batch_rows_(batch_rows),
      threads_(stack.threads_for(batch_rows)),
      pass_(stack.layers(), batch_rows, threads_),
      x_(batch_rows * stack.inputs()),
      targets_(batch_rows * stack.outputs()),
      labels_(batch_rows * stack.outputs()),
      weights_(batch_rows),
      right_(threads_),
      squares_(tensors_.size()) {}

/// A batch whose targets have been taken, and what counts in it.
template <class T>
typename Training<T>::Batch Training<T>::weighed(const Data& data, std::size_t begin) const {
    Batch batch{begin, std::min(batch_rows_, data.rows - begin), 0.0, 0, false};
    batch.last = begin + batch.rows == data.rows;
    for (std::size_t k = 0; k < batch.rows; ++k) {
        if (data.ignored && labels_[k] == *data.ignored) continue;
        batch.weight += data.sample_weight == nullptr ? 1.0 : weights_[k];
        if (data.count_right) ++batch.counted;
    }
    return batch;
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
        const Batch batch = weighed(data, begin);
        if (batch.weight == 0.0) continue;
        loss_.begin(
            data.targets_are_labels ? static_cast<const void*>(labels_.data()) : targets_.data(),
            data.targets_are_labels, data.sample_weight == nullptr ? nullptr : weights_.data(),
            rows, stack_.outputs());
        return batch;
    }
    return {data.rows, 0, 0.0, 0, true};
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
void Training<T>::rows_through(const Data& data, const Batch& batch, const Team& team,
                               std::size_t me) {
    const Part rows(batch.rows, 1, me, team.size());
    take_rows(data, batch, rows);
    pass_.forward(rows);
    loss_.run(rows.begin, rows.end, pass_.y(), pass_.grad_y());
    if (objective_.factor != 1.0) {
        const std::size_t n = stack_.outputs();
        for (std::size_t k = rows.begin * n; k < rows.end * n; ++k) {
            pass_.grad_y()[k] *= static_cast<T>(objective_.factor);
        }
    }
    if (data.count_right) right_[me] += right_of(data, rows);
    pass_.backward(rows);
    if (objective_.penalty == 0.0) return;
    for (std::size_t k = me; k < tensors_.size(); k += team.size()) {
        const Trained<T>& tensor = tensors_[k];
        squares_[k] =
            tensor.penalised ? sum_of_squares(dtype_of<T>, tensor.value, tensor.size) : 0.0;
    }
}

/// The gradient of the penalty, added to elements of that of a tensor.
template <class T>
void Training<T>::add_penalty(const Batch& batch, const Trained<T>& tensor, std::size_t begin,
                              std::size_t count, T* gradient) const {
    if (!tensor.penalised || objective_.penalty == 0.0) return;
    const T decay = static_cast<T>(objective_.penalty / batch.weight);
    for (std::size_t k = 0; k < count; ++k) gradient[k] += tensor.value[begin + k] * decay;
}

template <class T>
double Training<T>::value(const Batch& batch) const {
    const double loss = loss_.value();
    if (objective_.factor == 1.0 && objective_.penalty == 0.0) return loss;
    double total = 0.0;
    for (const double squares : squares_) total += squares;
    const double norm = std::sqrt(total), decay = objective_.penalty / batch.weight;
    return objective_.factor * loss + 0.5 * decay * norm * norm;
}

template <class T>
void Training<T>::count(const Batch& batch, Totals& totals) {
    totals.last_loss = value(batch);
    totals.loss += totals.last_loss * batch.weight;
    totals.weight += batch.weight;
    totals.counted += batch.counted;
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
            rows_through(data, batch, team, me);
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
            update.batch = batch;
            update.keep = batch.last || may_skip;
            update.ahead.begin(data, batch.begin + batch_rows_, {batch.rows, 1, me, team.size()},
                               stack_.outputs());
            pass_.update(update, worker);
            team.wait();
            if (batch.last || next.rows == 0) break;
            if (next.rows != batch.rows || pass_.x() != x_.data()) {
                if (me == 0) pass_.begin(inputs_of(data, next), next.rows);
                team.wait();
            }
            if (next.rows != batch.rows) {  // few rows need less to be prepared
                pass_.prepare_forward(worker);
                pass_.prepare_backward(worker);
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
    for (const Trained<T>& tensor : tensors_) gradients.push_back(tensor.gradient);
    std::size_t left = limit.steps;
    while (true) {
        run_team(threads_, [&](Team& team, std::size_t me) {
            const Worker worker = pass_.worker(me, team.size());
            pass_.prepare_forward(worker);
            pass_.prepare_backward(worker);
            team.wait();
            rows_through(data, batch, team, me);
            team.wait();
            pass_.gradients(false, nullptr, worker);
        });
        for (const Trained<T>& tensor : tensors_) {
            add_penalty(batch, tensor, 0, tensor.size, tensor.gradient);
        }
        count(batch, totals);
        double scale = 1.0;
        if (objective_.max_norm > 0.0) {
            const double norm = std::sqrt(optimizer_.sum_of_squares(gradients));
            scale = std::min(1.0, objective_.max_norm / (norm + 1e-6));
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
    const bool fused = optimizer_.elementwise() && objective_.max_norm == 0.0;
    const std::size_t reached =
        fused ? run_fused(data, batch, limit, totals) : run_apart(data, batch, limit, totals);
    for (const std::size_t count : right_) totals.right += count;
    return reached;
}

template class Training<float>;
template class Training<double>;

}  // namespace ranvier
