#include "cross_entropy.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

/// One sample's classes as a contiguous row: the array's own memory, or a copy.
template <class T>
class Row {
public:
    Row(const ClassArray& array, const CrossEntropyBatch& batch) : array_(array), batch_(batch) {
        const std::size_t n = batch.classes;
        direct_ = array.data == nullptr || array.class_stride == sizeof(T) || n == 1;
        if (!direct_) copy_ = std::make_unique_for_overwrite<T[]>(n);
    }

    T* read(std::size_t i, std::size_t j) {
        char* start = begin(i, j);
        if (direct_) return reinterpret_cast<T*>(start);
        for (std::size_t c = 0; c < batch_.classes; ++c) copy_[c] = at(start, c);
        return copy_.get();
    }
    T* target(std::size_t i, std::size_t j) {
        return direct_ ? reinterpret_cast<T*>(begin(i, j)) : copy_.get();
    }
    /// Where a sample begins.
    const float* start(std::size_t i, std::size_t j) const {
        return reinterpret_cast<const float*>(begin(i, j));
    }
    /// Copies a sample from every 16th place.
    void turn_from(std::size_t i, std::size_t j, const float* from) const {
        char* start = begin(i, j);
        for (std::size_t c = 0; c < batch_.classes; ++c) at(start, c) = from[c * rows_side_by_side];
    }
    void write_back(std::size_t i, std::size_t j) {
        if (direct_) return;
        char* start = begin(i, j);
        for (std::size_t c = 0; c < batch_.classes; ++c) at(start, c) = copy_[c];
    }

private:
    char* begin(std::size_t i, std::size_t j) const {
        if (array_.data == nullptr) return nullptr;
        char* start = array_.data + static_cast<std::ptrdiff_t>(i) * array_.outer_stride;
        auto rest = static_cast<std::ptrdiff_t>(j);
        for (std::size_t axis = batch_.inner_axes; axis-- > 0;) {
            start += rest % batch_.inner_shape[axis] * array_.inner_strides[axis];
            rest /= batch_.inner_shape[axis];
        }
        return start;
    }
    T& at(char* start, std::size_t c) const {
        return *reinterpret_cast<T*>(start + static_cast<std::ptrdiff_t>(c) * array_.class_stride);
    }

    const ClassArray& array_;
    const CrossEntropyBatch& batch_;
    bool direct_;
    std::unique_ptr<T[]> copy_;
};

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
};

/// Labels were checked, but another thread may have written to them since.
bool takes_part(const CrossEntropyBatch& batch, std::int64_t label) {
    return label != batch.ignore_index && static_cast<std::uint64_t>(label) < batch.classes;
}

double sample_weight(const CrossEntropyBatch& batch, std::size_t i) {
    return batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[i];
}

/// What does not count is 0, infinite or not.
double weighted(double weight, double loss) {
    return weight == 0.0 ? 0.0 : weight * loss;
}

/// Samples of few classes with a label each, in float32, 16 at a time: turned, so that they lie
/// side by side.
template <class T>
class SamplesInLanes {
public:
    SamplesInLanes(const CrossEntropyBatch& batch, const Row<T>& logits, const Row<T>& gradient)
        : batch_(batch),
          logits_(logits),
          gradient_(gradient),
          usable_(dtype_of<T> == DType::float32 && batch.labels != nullptr &&
                  batch.smoothing == 0.0 && batch.classes <= longest_turned_row &&
                  batch.logits.class_stride % size == 0 && batch.logits.outer_stride % size == 0) {
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
            factor[l] = batch_.scale * sample_weight(batch_, at.i) * weight[l];
            const float* row = logits_.start(at.i, at.j);
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
            gradient_.turn_from(at.i, at.j, g + l);
        }
        return true;
    }

private:
    static constexpr std::size_t width = rows_side_by_side;
    static constexpr std::ptrdiff_t size = sizeof(float);

    const CrossEntropyBatch& batch_;
    const Row<T>&logits_, &gradient_;
    bool usable_;
};

/// The losses and gradients of the samples in [begin, end); the sum of the losses.
template <class T>
double run_samples(const CrossEntropyBatch& batch, CrossEntropyKernel<T> kernel, std::size_t begin,
                   std::size_t end) {
    double total = 0.0;
    const auto add = [&](std::size_t s, double loss) {
        if (batch.losses != nullptr) static_cast<T*>(batch.losses)[s] = static_cast<T>(loss);
        total += loss;
    };
    Row<T> logits(batch.logits, batch);
    Row<T> probabilities(batch.probabilities, batch);
    Row<T> gradient(batch.gradient, batch);
    const auto alone = [&](std::size_t s) {
        const Position at(batch, s);
        T* result = gradient.target(at.i, at.j);
        double loss = 0.0;
        const std::int64_t label = batch.labels == nullptr ? 0 : batch.labels[s];
        if (batch.labels != nullptr && !takes_part(batch, label)) {
            if (result != nullptr) std::fill_n(result, batch.classes, T(0));
        } else {
            const double weight = sample_weight(batch, at.i);
            const CrossEntropySample<T> sample{logits.read(at.i, at.j),
                                               probabilities.read(at.i, at.j),
                                               static_cast<const T*>(batch.weight),
                                               static_cast<std::ptrdiff_t>(label), batch.smoothing};
            loss = weighted(weight, kernel(sample, batch.scale * weight, result, batch.classes));
        }
        if (result != nullptr) gradient.write_back(at.i, at.j);
        add(s, loss);
    };
    SamplesInLanes<T> together(batch, logits, gradient);
    double losses[rows_side_by_side];
    for (std::size_t first = begin; first < end; first += rows_side_by_side) {
        const std::size_t last = std::min(first + rows_side_by_side, end);
        const bool done = together.run(first, last - first, losses);
        for (std::size_t s = first; s < last; ++s) {
            if (done) {
                add(s, losses[s - first]);
            } else {
                alone(s);
            }
        }
    }
    return total;
}

}  // namespace

template <class T>
double run_cross_entropy(const CrossEntropyBatch& batch, CrossEntropyKernel<T> kernel) {
    const KeepFloatStatus flags;
    const std::size_t samples = batch.outer * batch.inner;
    // The logarithm of a sample and what else it costs once come to some hundred classes. One sum
    // for each block, and not for each thread: the additions are the same on any number of threads.
    const std::size_t block = std::max<std::size_t>(1, 8192 / (batch.classes + 100));
    const std::size_t worth_a_thread = std::max<std::size_t>(1, 32768 / (batch.classes + 100));
    std::vector<double> sums((samples + block - 1) / block);
    parallel_for(samples, block, worth_a_thread, [&](std::size_t begin, std::size_t end) {
        for (std::size_t first = begin; first < end; first += block) {
            sums[first / block] = run_samples(batch, kernel, first, std::min(first + block, end));
        }
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

template double run_cross_entropy(const CrossEntropyBatch&, CrossEntropyKernel<float>);
template double run_cross_entropy(const CrossEntropyBatch&, CrossEntropyKernel<double>);

}  // namespace ranvier
