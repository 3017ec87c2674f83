#include "row_losses.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "dispatch.hpp"
#include "loss_handle.hpp"
#include "sample_losses.hpp"
#include "strided.hpp"

namespace ranvier {
namespace {

/// Works out one sample after the other, on one thread.
template <class T>
class Samples {
public:
    /// `work` has room for 2 n numbers where the loss has lists of labels.
    Samples(RowLoss loss, const RowLossBatch& batch, double* work)
        : batch_(batch),
          kernel_(row_loss_kernels<T>().of[static_cast<int>(loss)]),
          work_(work),
          rows_{line(batch.arrays[0]), line(batch.arrays[1]), line(batch.arrays[2])},
          results_{line(batch.gradients[0]), line(batch.gradients[1]), line(batch.gradients[2])} {}

    /// The loss of sample i, times its weight. What gradients there are, are written.
    double run(std::size_t i) {
        RowLossSample<T> sample{};
        T* results[3] = {};
        for (int k = 0; k < batch_.rows; ++k) {
            sample.rows[k] = rows_[k].read(batch_.arrays[k].template at<char>(i, 0));
        }
        for (int k = 0; k < batch_.graded; ++k) results[k] = results_[k].target(place(k, i));
        if (batch_.labels != nullptr) sample.labels = batch_.labels + i * batch_.labels_per_sample;
        sample.weight = batch_.weight;
        sample.work = work_;
        sample.parameters = batch_.parameters;
        const double weight = batch_.sample_weight == nullptr ? 1.0 : batch_.sample_weight[i];
        const double loss = kernel_(sample, batch_.scale * weight, results, batch_.n);
        for (int k = 0; k < batch_.graded; ++k) {
            // What weighs nothing has no gradient, infinite or not.
            if (weight == 0.0) std::fill_n(results[k], batch_.n, T(0));
            results_[k].write_back(place(k, i));
        }
        return weighted(weight, loss);
    }

private:
    Line<T> line(const Rows& rows) const { return {rows.stride, batch_.n}; }
    char* place(int k, std::size_t i) const { return batch_.gradients[k].template at<char>(i, 0); }

    const RowLossBatch& batch_;
    RowLossKernel<T> kernel_;
    double* work_;
    Line<T> rows_[3], results_[3];
};

/// Throws unless every label is a class. Of a list, those from the first -1 on do not count.
void check_labels(const RowLossBatch& batch, bool list) {
    for (std::size_t i = 0; i < batch.samples; ++i) {
        for (std::size_t k = 0; k < batch.labels_per_sample; ++k) {
            const std::size_t at = i * batch.labels_per_sample + k;
            const std::int64_t label = batch.labels[at];
            if (list && label == -1) break;
            if (label < 0 || label >= static_cast<std::int64_t>(batch.n)) {
                throw std::out_of_range("target has the label " + std::to_string(label) +
                                        " at position " + std::to_string(at) +
                                        "; expected 0 <= label < " + std::to_string(batch.n) +
                                        (list ? ", or -1 behind the last one" : ""));
            }
        }
    }
}

class LossOfRows : public LossHandle {
public:
    LossOfRows(const LossRecord& record, const std::map<std::string, double>& parameters,
               const LossOptions& options)
        : LossHandle(record, parameters, options) {}

    double run(const LossArrays& arrays) const override {
        return arrays.dtype == DType::float32 ? run_as<float>(arrays) : run_as<double>(arrays);
    }

    /// The part of a batch that does not depend on its arrays.
    RowLossBatch described(std::size_t samples, std::size_t n) const {
        RowLossBatch batch{};
        batch.samples = samples;
        batch.n = n;
        batch.rows = static_cast<int>(record().operands.size());
        batch.labels_per_sample = record().labels == Labels::class_list ? n : 1;
        batch.parameters = parameters();
        return batch;
    }
    void require_labels(const RowLossBatch& batch) const {
        const Labels labels = record().labels;
        if (labels == Labels::one_class || labels == Labels::class_list) {
            check_labels(batch, labels == Labels::class_list);
        }
    }
    double divisor(const RowLossBatch& batch) const {
        return options().reduction == Reduction::mean
                   ? sum_of_sample_weights(batch.sample_weight, batch.samples)
                   : 1.0;
    }

private:
    /// A single row, or a row for each of the first axis.
    static Rows rows_of(const Array& array) {
        return {array.data, array.ndim > 1 ? array.strides[0] : 0, array.strides[array.ndim - 1]};
    }

    template <class T>
    double run_as(const LossArrays& arrays) const {
        const Array& input = arrays.operands[0];
        RowLossBatch batch =
            described(input.ndim > 1 ? input.samples() : 1, input.extent(input.ndim - 1));
        for (int k = 0; k < batch.rows; ++k) batch.arrays[k] = rows_of(arrays.operands[k]);
        for (int k = 0; k < record().gradients() && arrays.gradients[k]; ++k, ++batch.graded) {
            batch.gradients[k] = rows_of(arrays.gradients[k]);
        }
        batch.labels = arrays.labels;
        batch.weight = reinterpret_cast<const double*>(arrays.weight.data);
        batch.sample_weight = arrays.sample_weight;
        batch.losses = arrays.losses;
        require_labels(batch);
        const double by = divisor(batch);
        batch.scale = 1.0 / by;
        return run_row_loss<T>(static_cast<RowLoss>(record().index), batch) / by;
    }
};

template <class T>
class BatchOfRows : public BatchLoss<T> {
public:
    BatchOfRows(std::shared_ptr<const LossOfRows> handle, BatchConstants<T> constants)
        : handle_(std::move(handle)), constants_(std::move(constants)) {}

    double begin(const void* target, bool target_is_labels, const double* sample_weight,
                 std::size_t rows, std::size_t columns) override {
        if (!target_is_labels) {
            throw std::invalid_argument("target holds numbers; " +
                                        std::string(handle_->record().name) +
                                        " expects class indices");
        }
        require_columns("weight", constants_.weight.size(), columns);
        if (constants_.operand.size() == 1)
            constants_.operand.resize(columns, constants_.operand[0]);
        if (!constants_.operand.empty()) {
            require_columns(handle_->record().operands[1].name, constants_.operand.size(), columns);
        }
        batch_ = handle_->described(rows, columns);
        batch_.labels = static_cast<const std::int64_t*>(target);
        batch_.weight = constants_.weight.empty() ? nullptr : constants_.weight.data();
        batch_.sample_weight = sample_weight;
        batch_.arrays[1] = {reinterpret_cast<char*>(constants_.operand.data()), 0, sizeof(T)};
        handle_->require_labels(batch_);
        const double by = handle_->divisor(batch_);
        batch_.scale = 1.0 / by;
        losses_.begin(rows, columns, by);
        if (handle_->record().labels == Labels::class_list) work_.resize(2 * rows * columns);
        return by;
    }

    void run(std::size_t begin, std::size_t end, const T* scores, T* gradient) override {
        const KeepFloatStatus flags;
        RowLossBatch batch = batch_;
        batch.arrays[0] = whole(scores);
        batch.gradients[0] = whole(gradient);
        batch.graded = gradient != nullptr ? 1 : 0;
        Samples<T> samples(static_cast<RowLoss>(handle_->record().index), batch,
                           work_.data() + (work_.empty() ? 0 : 2 * begin * batch.n));
        for (std::size_t i = begin; i < end; ++i) *losses_.from(i) = samples.run(i);
    }

    double value() override { return losses_.value(); }

private:
    Rows whole(const T* data) const {
        return {reinterpret_cast<char*>(const_cast<T*>(data)),
                static_cast<std::ptrdiff_t>(batch_.n * sizeof(T)), sizeof(T)};
    }

    std::shared_ptr<const LossOfRows> handle_;
    BatchConstants<T> constants_;
    RowLossBatch batch_{};
    KeptLosses losses_;
    std::vector<double> work_;
};

}  // namespace

template <class T>
double run_row_loss(RowLoss loss, const RowLossBatch& batch) {
    return sum_of_samples(batch.samples, batch.n, static_cast<T*>(batch.losses),
                          [&](std::size_t begin, std::size_t end, double* losses) {
                              std::unique_ptr<double[]> work;
                              if (batch.labels_per_sample == batch.n) {
                                  work = std::make_unique_for_overwrite<double[]>(2 * batch.n);
                              }
                              Samples<T> samples(loss, batch, work.get());
                              for (std::size_t i = begin; i < end; ++i) {
                                  losses[i - begin] = samples.run(i);
                              }
                          });
}

template double run_row_loss<float>(RowLoss, const RowLossBatch&);
template double run_row_loss<double>(RowLoss, const RowLossBatch&);

std::shared_ptr<const LossHandle> make_row_loss(const LossRecord& record,
                                                const std::map<std::string, double>& parameters,
                                                const LossOptions& options) {
    return std::make_shared<LossOfRows>(record, parameters, options);
}

template <class T>
std::unique_ptr<BatchLoss<T>> make_row_batch(std::shared_ptr<const LossHandle> loss,
                                             BatchConstants<T> constants) {
    if ((loss->record().operands.size() == 2) == constants.operand.empty()) return nullptr;
    return std::make_unique<BatchOfRows<T>>(
        std::static_pointer_cast<const LossOfRows>(std::move(loss)), std::move(constants));
}
template std::unique_ptr<BatchLoss<float>> make_row_batch(std::shared_ptr<const LossHandle>,
                                                          BatchConstants<float>);
template std::unique_ptr<BatchLoss<double>> make_row_batch(std::shared_ptr<const LossHandle>,
                                                           BatchConstants<double>);

}  // namespace ranvier
