#include "cross_entropy.hpp"

#include <algorithm>
#include <atomic>
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

/// Where a sample is along the outer and the inner axes.
struct Position {
    std::size_t i, j;

    Position(const CrossEntropyBatch& batch, std::size_t sample)
        : i(sample / batch.inner), j(sample % batch.inner) {}
    void next(const CrossEntropyBatch& batch) {
        if (++j == batch.inner) {
            j = 0;
            ++i;
        }
    }
    /// Where the sample's classes begin; null where there is no array.
    char* in(const ClassArray& array, const CrossEntropyBatch& batch) const {
        if (array.data == nullptr) return nullptr;
        char* start = array.data + static_cast<std::ptrdiff_t>(i) * array.outer_stride;
        auto rest = static_cast<std::ptrdiff_t>(j);
        for (std::size_t axis = batch.inner_axes; axis-- > 0;) {
            start += rest % batch.inner_shape[axis] * array.inner_strides[axis];
            rest /= batch.inner_shape[axis];
        }
        return start;
    }
};

/// Labels were checked, but another thread may have written to them since.
bool takes_part(const CrossEntropyBatch& batch, std::int64_t label) {
    return label != batch.ignore_index && static_cast<std::uint64_t>(label) < batch.classes;
}

double sample_weight(const CrossEntropyBatch& batch, std::size_t i) {
    return batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[i];
}

/// The factor of a sample's gradient. A weight of 0 has none, also where nothing counts and
/// the scale is infinite.
double factor_of(const CrossEntropyBatch& batch, double weight) {
    return weight == 0.0 ? 0.0 : batch.scale * weight;
}

/// Samples of few classes with a label each, in float32, 16 at a time: turned, so that they lie
/// side by side.
template <class T>
class SamplesInLanes {
public:
    SamplesInLanes(ClassLoss loss, const CrossEntropyBatch& batch)
        : batch_(batch),
          usable_(loss == ClassLoss::cross_entropy && dtype_of<T> == DType::float32 &&
                  batch.labels != nullptr && batch.smoothing == 0.0 &&
                  batch.classes <= longest_turned_row && batch.logits.class_stride % size == 0 &&
                  batch.logits.outer_stride % size == 0) {
        for (std::size_t axis = 0; axis < batch.inner_axes; ++axis) {
            usable_ = usable_ && batch.logits.inner_strides[axis] % size == 0;
        }
    }

    /// Whether `count` samples, at most 16, are done: then with their losses.
    bool run(std::size_t first, std::size_t count, double* losses) {
        if (!usable_) return false;
        const std::size_t n = batch_.classes;
        const bool graded = batch_.gradient.data != nullptr;
        float g[longest_turned_row * width];
        std::ptrdiff_t offsets[width];
        std::int64_t labels[width];
        double factor[width], weight[width];
        bool taken[width];
        const float* x = nullptr;
        Position at(batch_, first);
        for (std::size_t l = 0; l < width; ++l) {
            const std::int64_t label = l < count ? batch_.labels[first + l] : labels[0];
            taken[l] = takes_part(batch_, label);
            labels[l] = taken[l] ? label : 0;
            weight[l] =
                batch_.weight == nullptr
                    ? 1.0
                    : static_cast<double>(static_cast<const float*>(batch_.weight)[labels[l]]);
            factor[l] = factor_of(batch_, sample_weight(batch_, at.i)) * weight[l];
            const auto* row = reinterpret_cast<const float*>(at.in(batch_.logits, batch_));
            if (l == 0) x = row;
            offsets[l] = row - x;
            if (l + 1 < count) at.next(batch_);
        }
        const std::ptrdiff_t step = batch_.logits.class_stride / size;
        if (!kernels().rows_in_lanes.cross_entropy(x, offsets, step, labels, factor, losses,
                                                   graded ? g : nullptr, n)) {
            return false;
        }
        at = Position(batch_, first);
        for (std::size_t l = 0; l < count; ++l, at.next(batch_)) {
            const double own = sample_weight(batch_, at.i);
            losses[l] = taken[l] ? weighted(own, weighted(weight[l], losses[l])) : 0.0;
            if (!graded) continue;
            if (!taken[l]) {
                for (std::size_t c = 0; c < n; ++c) g[c * width + l] = 0.0f;
            }
            char* place = at.in(batch_.gradient, batch_);
            scatter_every(place, batch_.gradient.class_stride, g + l, n);
        }
        return true;
    }

private:
    static constexpr std::size_t width = rows_side_by_side;
    static constexpr std::ptrdiff_t size = sizeof(float);

    /// Copies a sample from every 16th place.
    static void scatter_every(char* place, std::ptrdiff_t stride, const float* from,
                              std::size_t n) {
        for (std::size_t c = 0; c < n; ++c, place += stride) {
            *reinterpret_cast<float*>(place) = from[c * width];
        }
    }

    const CrossEntropyBatch& batch_;
    bool usable_;
};

/// Works out the samples in a range, on one thread.
template <class T>
class Samples {
public:
    Samples(ClassLoss loss, const CrossEntropyBatch& batch)
        : batch_(batch),
          kernel_(row_kernels<T>().class_losses[static_cast<int>(loss)]),
          together_(loss, batch),
          logits_(batch.logits.class_stride, batch.classes),
          probabilities_(batch.probabilities.class_stride, batch.classes),
          gradient_(batch.gradient.class_stride, batch.classes) {}

    /// The losses of the samples in [begin, end), times their weights. Gradients are written, if
    /// there is an array for them.
    void run(std::size_t begin, std::size_t end, double* losses) {
        double side_by_side[rows_side_by_side];
        for (std::size_t first = begin; first < end; first += rows_side_by_side) {
            const std::size_t count = std::min(rows_side_by_side, end - first);
            double* own = losses + (first - begin);
            if (together_.run(first, count, side_by_side)) {
                std::copy_n(side_by_side, count, own);
            } else {
                for (std::size_t k = 0; k < count; ++k) own[k] = alone(first + k);
            }
        }
    }

private:
    double alone(std::size_t s) {
        const Position at(batch_, s);
        char* place = at.in(batch_.gradient, batch_);
        T* result = gradient_.target(place);
        double loss = 0.0;
        const std::int64_t label = batch_.labels == nullptr ? 0 : batch_.labels[s];
        if (batch_.labels != nullptr && !takes_part(batch_, label)) {
            if (result != nullptr) std::fill_n(result, batch_.classes, T(0));
        } else {
            const double weight = sample_weight(batch_, at.i);
            const CrossEntropySample<T> sample{
                logits_.read(at.in(batch_.logits, batch_)),
                probabilities_.read(at.in(batch_.probabilities, batch_)),
                static_cast<const T*>(batch_.weight), static_cast<std::ptrdiff_t>(label),
                batch_.smoothing};
            loss = weighted(weight,
                            kernel_(sample, factor_of(batch_, weight), result, batch_.classes));
        }
        gradient_.write_back(place);
        return loss;
    }

    const CrossEntropyBatch& batch_;
    CrossEntropyKernel<T> kernel_;
    SamplesInLanes<T> together_;
    Line<T> logits_, probabilities_, gradient_;
};

/// Throws for the first label that is no class.
[[noreturn]] void refuse_label(const CrossEntropyBatch& batch) {
    for (std::size_t s = 0;; ++s) {
        const std::int64_t label = batch.labels[s];
        if (label == batch.ignore_index || takes_part(batch, label)) continue;
        throw std::out_of_range("target has the label " + std::to_string(label) + " at position " +
                                std::to_string(s) + "; expected 0 <= label < " +
                                std::to_string(batch.classes) +
                                " or ignore_index=" + std::to_string(batch.ignore_index));
    }
}

/// The sum of the weights of the samples that have a class, or probabilities. Throws if a label is
/// out of range.
template <class T>
double sum_of_weights(const CrossEntropyBatch& batch) {
    if (batch.labels == nullptr) {
        return sum_of_sample_weights(batch.sample_weight, batch.outer) *
               static_cast<double>(batch.inner);
    }
    const T* weight = static_cast<const T*>(batch.weight);
    std::atomic<bool> wrong = false;
    const double total =
        block_sums(batch.outer * batch.inner, 4096, 65536, [&](std::size_t begin, std::size_t end) {
            double sum = 0.0;
            bool strange = false;
            for (std::size_t s = begin; s < end; ++s) {
                const std::int64_t label = batch.labels[s];
                if (label == batch.ignore_index) continue;
                if (!takes_part(batch, label)) {
                    strange = true;
                    break;
                }
                const double of_sample =
                    batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[s / batch.inner];
                sum +=
                    weight == nullptr ? of_sample : static_cast<double>(weight[label]) * of_sample;
            }
            if (strange) wrong = true;
            return sum;
        });
    if (wrong) refuse_label(batch);
    return total;
}

class LossOfClasses : public LossHandle {
public:
    LossOfClasses(const LossRecord& record, const std::map<std::string, double>& parameters,
                  const LossOptions& options)
        : LossHandle(record, parameters, options),
          smoothing_(loss() == ClassLoss::cross_entropy ? parameter("label_smoothing") : 0.0) {}

    double run(const LossArrays& arrays) const override {
        return arrays.dtype == DType::float32 ? run_as<float>(arrays) : run_as<double>(arrays);
    }
    ClassLoss loss() const { return static_cast<ClassLoss>(record().index); }

    /// Throws unless the loss takes class probabilities in the place of labels.
    void require_probabilities_fit() const {
        if (loss() != ClassLoss::cross_entropy) {
            throw std::invalid_argument("target holds numbers; " + std::string(record().name) +
                                        " expects class indices");
        }
        if (options().ignore_index >= 0) {
            throw std::invalid_argument("ignore_index is " +
                                        std::to_string(options().ignore_index) +
                                        "; it has no meaning where target holds class "
                                        "probabilities");
        }
    }

    /// The part of a batch that does not depend on its arrays.
    CrossEntropyBatch described() const {
        CrossEntropyBatch batch{};
        batch.inner = 1;
        batch.ignore_index = options().ignore_index;
        batch.smoothing = smoothing_;
        return batch;
    }

private:
    /// Classes along the only axis, or the second one.
    static ClassArray class_array(const Array& array) {
        if (!array) return {};
        const bool batched = array.ndim > 1;
        return {array.data, batched ? array.strides[0] : 0, array.strides[batched ? 1 : 0],
                batched ? array.strides + 2 : nullptr};
    }

    template <class T>
    double run_as(const LossArrays& arrays) const {
        const Array& input = arrays.operands[0];
        const bool batched = input.ndim > 1;
        if (arrays.probabilities) require_probabilities_fit();
        CrossEntropyBatch batch = described();
        batch.outer = batched ? input.samples() : 1;
        batch.classes = input.extent(batched ? 1 : 0);
        batch.inner_axes = batched ? static_cast<std::size_t>(input.ndim) - 2 : 0;
        batch.inner_shape = batched ? input.shape + 2 : nullptr;
        for (int axis = 2; axis < input.ndim; ++axis) batch.inner *= input.extent(axis);
        batch.logits = class_array(input);
        batch.probabilities = class_array(arrays.probabilities);
        batch.gradient = class_array(arrays.gradients[0]);
        batch.labels = arrays.labels;
        batch.weight = arrays.weight.data;
        batch.sample_weight = arrays.sample_weight;
        batch.losses = arrays.losses;
        const double weights = sum_of_weights<T>(batch);
        const double by = options().reduction == Reduction::mean ? weights : 1.0;
        batch.scale = 1.0 / by;
        // NaN, as in torch, where no sample has a weight.
        return run_cross_entropy<T>(loss(), batch) / by;
    }

    double smoothing_;
};

template <class T>
class BatchOfClasses : public BatchLoss<T> {
public:
    BatchOfClasses(std::shared_ptr<const LossOfClasses> handle, BatchConstants<T> constants)
        : handle_(std::move(handle)), weight_(constants.weight.begin(), constants.weight.end()) {}

    double begin(const void* target, bool target_is_labels, const double* sample_weight,
                 std::size_t rows, std::size_t columns) override {
        require_columns("weight", weight_.size(), columns);
        batch_ = handle_->described();
        batch_.outer = rows;
        batch_.classes = columns;
        if (target_is_labels) {
            batch_.labels = static_cast<const std::int64_t*>(target);
        } else {
            handle_->require_probabilities_fit();
            batch_.probabilities = whole(target);
        }
        batch_.weight = weight_.empty() ? nullptr : weight_.data();
        batch_.sample_weight = sample_weight;
        const double by = sum_of_weights<T>(batch_);
        batch_.scale = 1.0 / by;
        losses_.begin(rows, columns, by);
        return by;
    }

    void run(std::size_t begin, std::size_t end, const T* scores, T* gradient) override {
        const KeepFloatStatus flags;
        CrossEntropyBatch batch = batch_;
        batch.logits = whole(scores);
        batch.gradient = whole(gradient);
        Samples<T>(handle_->loss(), batch).run(begin, end, losses_.from(begin));
    }

    double value() override { return losses_.value(); }

private:
    ClassArray whole(const void* data) const {
        return {static_cast<char*>(const_cast<void*>(data)),
                static_cast<std::ptrdiff_t>(batch_.classes * sizeof(T)), sizeof(T), nullptr};
    }

    std::shared_ptr<const LossOfClasses> handle_;
    std::vector<T> weight_;
    CrossEntropyBatch batch_{};
    KeptLosses losses_;
};

}  // namespace

template <class T>
double run_cross_entropy(ClassLoss loss, const CrossEntropyBatch& batch) {
    return sum_of_samples(batch.outer * batch.inner, batch.classes, static_cast<T*>(batch.losses),
                          [&](std::size_t begin, std::size_t end, double* losses) {
                              Samples<T>(loss, batch).run(begin, end, losses);
                          });
}

template double run_cross_entropy<float>(ClassLoss, const CrossEntropyBatch&);
template double run_cross_entropy<double>(ClassLoss, const CrossEntropyBatch&);

std::shared_ptr<const LossHandle> make_class_loss(const LossRecord& record,
                                                  const std::map<std::string, double>& parameters,
                                                  const LossOptions& options) {
    return std::make_shared<LossOfClasses>(record, parameters, options);
}

template <class T>
std::unique_ptr<BatchLoss<T>> make_class_batch(std::shared_ptr<const LossHandle> loss,
                                               BatchConstants<T> constants) {
    return std::make_unique<BatchOfClasses<T>>(
        std::static_pointer_cast<const LossOfClasses>(std::move(loss)), std::move(constants));
}
template std::unique_ptr<BatchLoss<float>> make_class_batch(std::shared_ptr<const LossHandle>,
                                                            BatchConstants<float>);
template std::unique_ptr<BatchLoss<double>> make_class_batch(std::shared_ptr<const LossHandle>,
                                                             BatchConstants<double>);

}  // namespace ranvier
