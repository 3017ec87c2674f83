#include "cross_entropy.hpp"

#include <algorithm>
#include <memory>
#include <vector>

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

/// The losses and gradients of the samples in [begin, end); the sum of the losses.
template <class T>
double run_samples(const CrossEntropyBatch& batch, CrossEntropyKernel<T> kernel, std::size_t begin,
                   std::size_t end) {
    Row<T> logits(batch.logits, batch);
    Row<T> probabilities(batch.probabilities, batch);
    Row<T> gradient(batch.gradient, batch);
    double total = 0.0;
    std::size_t i = begin / batch.inner;
    std::size_t j = begin % batch.inner;
    for (std::size_t s = begin; s < end; ++s) {
        T* result = gradient.target(i, j);
        double loss = 0.0;
        const std::int64_t label = batch.labels == nullptr ? 0 : batch.labels[s];
        // Labels were checked, but another thread may have written to them since.
        const bool ignored =
            label == batch.ignore_index || static_cast<std::uint64_t>(label) >= batch.classes;
        if (batch.labels != nullptr && ignored) {
            if (result != nullptr) std::fill_n(result, batch.classes, T(0));
        } else {
            const double weight = batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[i];
            const CrossEntropySample<T> sample{logits.read(i, j), probabilities.read(i, j),
                                               static_cast<const T*>(batch.weight),
                                               static_cast<std::ptrdiff_t>(label), batch.smoothing};
            loss = kernel(sample, batch.scale * weight, result, batch.classes);
            loss = weight == 0.0 ? 0.0 : weight * loss;
        }
        if (result != nullptr) gradient.write_back(i, j);
        if (batch.losses != nullptr) static_cast<T*>(batch.losses)[s] = static_cast<T>(loss);
        total += loss;
        if (++j == batch.inner) {
            j = 0;
            ++i;
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
