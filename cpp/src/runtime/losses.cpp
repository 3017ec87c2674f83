#include "losses.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "block.hpp"
#include "block_sums.hpp"
#include "dispatch.hpp"
#include "float_status.hpp"
#include "loss_handle.hpp"

namespace ranvier {
namespace {

constexpr std::size_t sum_block = 4096;  // what is summed by itself, on any number of threads
constexpr std::size_t worth_a_thread = 16384;

/// The weights of a block of elements: those given, times that of the sample.
class Weights {
public:
    explicit Weights(const LossBatch& batch)
        : given_(batch.weight),
          of_samples_(batch.sample_weight),
          per_sample_(batch.operands[0].size() /
                      std::max<std::size_t>(1, batch.operands[0].samples())) {}

    /// Null where every element weighs 1.
    const double* read(std::size_t start, std::size_t n) {
        const double* given = given_.read(start, n);
        if (of_samples_ == nullptr) return given;
        for (std::size_t done = 0; done < n;) {
            const std::size_t sample = (start + done) / per_sample_;
            const std::size_t end = std::min(n, (sample + 1) * per_sample_ - start);
            const double weight = of_samples_[sample];
            for (; done < end; ++done) product_[done] = given ? given[done] * weight : weight;
        }
        return product_;
    }

private:
    Block<double> given_;
    const double* of_samples_;
    std::size_t per_sample_;
    alignas(64) double product_[block_elements];
};

/// Works out blocks of elements, one after the other, on one thread.
template <class T>
class Elements {
public:
    Elements(Loss loss, const LossBatch& batch)
        : batch_(batch),
          points_(kernels().losses.points[static_cast<int>(loss)][type]),
          first_(batch.operands[0]),
          second_(batch.operands[1]),
          third_(batch.operands[2]),
          weights_(batch),
          gradient_(batch.gradients[0]),
          other_(batch.gradients[1]) {}

    /// The losses of the n elements from `start` on, times their weights, and the sum of them. What
    /// gradients there are, are written.
    double run(std::size_t start, std::size_t n, double* losses) {
        const LossKernels& own = kernels().losses;
        double* const slopes[] = {batch_.gradients[0] ? slope_ : nullptr, other_slope_};
        const void* const in[] = {first_.read(start, n), second_.read(start, n),
                                  third_.read(start, n)};
        const double* weight = weights_.read(start, n);
        points_(in, batch_.parameters, losses, slopes, n);
        const double sum = own.weighted_sum(losses, weight, n);
        if (batch_.gradients[0]) write(gradient_, slope_, weight, start, n);
        if (batch_.gradients[1]) write(other_, other_slope_, weight, start, n);
        return sum;
    }

private:
    static constexpr int type = dtype_of<T> == DType::float32 ? 0 : 1;

    void write(Block<T>& gradient, const double* slope, const double* weight, std::size_t start,
               std::size_t n) {
        kernels().losses.scaled_slopes[type](slope, weight, batch_.scale, gradient.target(start),
                                             n);
        gradient.write_back(start, n);
    }

    const LossBatch& batch_;
    LossKernel points_;
    Block<T> first_, second_, third_;
    Weights weights_;
    Block<T> gradient_, other_;
    alignas(64) double slope_[block_elements], other_slope_[block_elements];
};

/// Calls f(start, n) for the blocks of [begin, end).
template <class F>
void for_each_block(std::size_t begin, std::size_t end, F f) {
    for (std::size_t start = begin; start < end; start += block_elements) {
        f(start, std::min(block_elements, end - start));
    }
}

/// The sum of the weights of all elements.
double sum_of_weights(const LossBatch& batch) {
    return block_sums(batch.operands[0].size(), sum_block, 65536,
                      [&](std::size_t begin, std::size_t end) {
                          Weights weights(batch);
                          double sum = 0.0;
                          for_each_block(begin, end, [&](std::size_t start, std::size_t n) {
                              const double* weight = weights.read(start, n);
                              for (std::size_t i = 0; i < n; ++i) sum += weight[i];
                          });
                          return sum;
                      });
}

/// The number that the sum of the losses is divided by.
double divisor(const LossBatch& batch, const LossOptions& options) {
    const Array& input = batch.operands[0];
    const auto elements = static_cast<double>(input.size());
    const auto last = static_cast<double>(
        input.ndim > 0 ? std::max<std::size_t>(1, input.extent(input.ndim - 1)) : 1);
    if (options.reduction != Reduction::mean) return options.unit == Unit::row_mean ? last : 1.0;
    const auto samples = static_cast<double>(std::max<std::size_t>(1, input.samples()));
    const double weight =
        options.mean_by_weight && batch.weight ? sum_of_weights(batch)
        : batch.sample_weight != nullptr
            ? sum_of_sample_weights(batch.sample_weight, input.samples()) * (elements / samples)
            : elements;
    double of_unit = 1.0;
    if (options.unit == Unit::row) of_unit = last;
    if (options.unit == Unit::sample) {
        for (int axis = 1; axis < input.ndim; ++axis) {
            of_unit *= static_cast<double>(input.extent(axis));
        }
    }
    return of_unit == 0.0 ? std::numeric_limits<double>::infinity() : weight / of_unit;
}

/// The numbers that an operand may hold; NaN passes, and makes the result NaN.
struct Domain {
    double least, most;
    const char* text;

    static Domain of(OperandKind kind) {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        if (kind == OperandKind::probabilities) return {0, 1, "probabilities from 0 to 1"};
        if (kind == OperandKind::variances) return {0, infinity, "no negative variance"};
        return {-infinity, infinity, ""};
    }
    bool everything() const { return *text == '\0'; }
    /// The first of n numbers that is outside, or null.
    template <class T>
    const T* outside(const T* x, std::size_t n) const {
        const T low = static_cast<T>(least), high = static_cast<T>(most);
        bool found = false;
        for (std::size_t i = 0; i < n; ++i) found |= (x[i] < low) | (x[i] > high);
        if (!found) return nullptr;
        return std::find_if(x, x + n, [=](T v) { return v < low || v > high; });
    }
};

template <class T>
[[noreturn]] void refuse(const char* name, T value, const Domain& domain) {
    char digits[32];
    throw std::invalid_argument(
        std::string(name) + " has the value " +
        std::string(digits, std::to_chars(digits, digits + sizeof(digits), value).ptr) +
        "; expected " + domain.text);
}

template <class T>
void require_domain(const OperandRecord& operand, const Array& array) {
    const Domain domain = Domain::of(operand.kind);
    if (domain.everything()) return;
    Block<T> block(array);
    for_each_block(0, array.size(), [&](std::size_t start, std::size_t n) {
        const T* wrong = domain.outside(block.read(start, n), n);
        if (wrong != nullptr) refuse(operand.name, *wrong, domain);
    });
}

class ElementwiseLoss : public LossHandle {
public:
    ElementwiseLoss(const LossRecord& record, const std::map<std::string, double>& parameters,
                    const LossOptions& options)
        : LossHandle(record, parameters, options) {}

    double run(const LossArrays& arrays) const override {
        return arrays.dtype == DType::float32 ? run_as<float>(arrays) : run_as<double>(arrays);
    }
    Loss loss() const { return static_cast<Loss>(record().index); }

private:
    template <class T>
    double run_as(const LossArrays& arrays) const {
        LossBatch batch{};
        for (std::size_t k = 0; k < record().operands.size(); ++k) {
            require_domain<T>(record().operands[k], arrays.operands[k]);
            batch.operands[k] = arrays.operands[k];
        }
        batch.weight = arrays.weight;
        batch.sample_weight = arrays.sample_weight;
        batch.parameters = parameters();
        const double by = divisor(batch, options());
        batch.scale = 1.0 / by;
        std::copy_n(arrays.gradients, 2, batch.gradients);
        batch.losses = arrays.losses;
        return run_loss<T>(loss(), batch) / by;
    }
};

template <class T>
class ElementwiseBatch : public BatchLoss<T> {
public:
    ElementwiseBatch(std::shared_ptr<const LossHandle> handle, BatchConstants<T> constants)
        : handle_(std::move(handle)),
          loss_(static_cast<Loss>(handle_->record().index)),
          constants_(std::move(constants)),
          domain_(Domain::of(handle_->record().operands[0].kind)) {}

    double begin(const void* target, bool target_is_labels, const double* sample_weight,
                 std::size_t rows, std::size_t columns) override {
        const std::size_t weights = constants_.weight.size(), others = constants_.operand.size();
        if (weights > 1) require_columns("weight", weights, columns);
        if (others > 1) require_columns(handle_->record().operands[2].name, others, columns);
        shape_ = {static_cast<std::ptrdiff_t>(rows), static_cast<std::ptrdiff_t>(columns)};
        own_strides_ = {static_cast<std::ptrdiff_t>(columns * sizeof(T)), sizeof(T)};
        const std::size_t elements = rows * columns;
        losses_.resize(elements);
        wrong_ = false;
        if (target_is_labels) {
            const auto* labels = static_cast<const std::int64_t*>(target);
            numbers_.resize(elements);
            std::transform(labels, labels + elements, numbers_.begin(),
                           [](std::int64_t label) { return static_cast<T>(label); });
            target = numbers_.data();
        }
        batch_ = {};
        batch_.operands[0] = whole(nullptr);
        batch_.operands[1] = whole(target);
        batch_.operands[2] = repeated(constants_.operand, operand_strides_);
        batch_.weight = repeated(constants_.weight, weight_strides_);
        batch_.sample_weight = sample_weight;
        batch_.parameters = handle_->parameters();
        divisor_ = divisor(batch_, handle_->options());
        batch_.scale = 1.0 / divisor_;
        return divisor_;
    }

    void run(std::size_t begin, std::size_t end, const T* scores, T* gradient) override {
        const KeepFloatStatus flags;
        LossBatch batch = batch_;
        batch.operands[0] = whole(scores);
        batch.gradients[0] = whole(gradient);
        Elements<T> elements(loss_, batch);
        const auto columns = static_cast<std::size_t>(shape_[1]);
        for_each_block(begin * columns, end * columns, [&](std::size_t start, std::size_t n) {
            elements.run(start, n, losses_.data() + start);
            if (!domain_.everything()) note(domain_.outside(scores + start, n));
        });
    }

    bool can_fail() const override { return !domain_.everything(); }
    bool failed() const override { return wrong_; }

    double value() override {
        if (wrong_) refuse(handle_->record().operands[0].name, wrong_value_, domain_);
        const LossKernels& own = kernels().losses;
        const auto sum = [&](std::size_t begin, std::size_t end) {
            double total = 0.0;
            for_each_block(begin, end, [&](std::size_t start, std::size_t n) {
                total += own.weighted_sum(losses_.data() + start, nullptr, n);
            });
            return total;
        };
        const std::size_t n = losses_.size();
        double total = 0.0;
        for (std::size_t first = 0; first < n; first += sum_block) {
            total += sum(first, std::min(first + sum_block, n));
        }
        return total / divisor_;
    }

private:
    Array whole(const void* data) const {
        return {static_cast<char*>(const_cast<void*>(data)), 2, shape_.data(), own_strides_.data(),
                true};
    }
    /// One number, or one a column, as an array of the batch's shape.
    template <class Number>
    Array repeated(std::vector<Number>& numbers, std::array<std::ptrdiff_t, 2>& strides) {
        if (numbers.empty()) return {};
        strides = {0, numbers.size() == 1 ? 0 : std::ptrdiff_t{sizeof(Number)}};
        return {reinterpret_cast<char*>(numbers.data()), 2, shape_.data(), strides.data(), false};
    }
    void note(const T* wrong) {
        if (wrong != nullptr && !wrong_.exchange(true)) wrong_value_ = *wrong;
    }

    std::shared_ptr<const LossHandle> handle_;
    Loss loss_;
    BatchConstants<T> constants_;
    Domain domain_;
    std::array<std::ptrdiff_t, 2> shape_{}, own_strides_{}, operand_strides_{}, weight_strides_{};
    LossBatch batch_;
    std::vector<T> numbers_;  // a target of integers
    std::vector<double> losses_;
    double divisor_ = 0.0;
    std::atomic<bool> wrong_ = false;
    T wrong_value_ = 0;
};

}  // namespace

template <class T>
double run_loss(Loss loss, const LossBatch& batch) {
    const KeepFloatStatus flags;
    const auto store = kernels().losses.scaled_slopes[dtype_of<T> == DType::float32 ? 0 : 1];
    return block_sums(batch.operands[0].size(), sum_block, worth_a_thread,
                      [&](std::size_t begin, std::size_t end) {
                          Elements<T> elements(loss, batch);
                          alignas(64) double losses[block_elements];
                          double sum = 0.0;
                          for_each_block(begin, end, [&](std::size_t start, std::size_t n) {
                              sum += elements.run(start, n, losses);
                              if (batch.losses != nullptr) {
                                  store(losses, nullptr, 1.0, static_cast<T*>(batch.losses) + start,
                                        n);
                              }
                          });
                          return sum;
                      });
}

template double run_loss<float>(Loss, const LossBatch&);
template double run_loss<double>(Loss, const LossBatch&);

std::shared_ptr<const LossHandle> make_elementwise_loss(
    const LossRecord& record, const std::map<std::string, double>& parameters,
    const LossOptions& options) {
    return std::make_shared<ElementwiseLoss>(record, parameters, options);
}

template <class T>
std::unique_ptr<BatchLoss<T>> make_elementwise_batch(std::shared_ptr<const LossHandle> loss,
                                                     BatchConstants<T> constants) {
    if ((loss->record().operands.size() == 3) == constants.operand.empty()) return nullptr;
    return std::make_unique<ElementwiseBatch<T>>(std::move(loss), std::move(constants));
}
template std::unique_ptr<BatchLoss<float>> make_elementwise_batch(std::shared_ptr<const LossHandle>,
                                                                  BatchConstants<float>);
template std::unique_ptr<BatchLoss<double>> make_elementwise_batch(
    std::shared_ptr<const LossHandle>, BatchConstants<double>);

}  // namespace ranvier
