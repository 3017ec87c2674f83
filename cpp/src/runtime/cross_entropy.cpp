#include "cross_entropy.hpp"

#include <algorithm>
#include <memory>

#include "float_status.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

/// One sample's classes as a contiguous row: the array's own memory, or a copy.
template <class T>
class Row {
public:
    Row(const char* data, const std::ptrdiff_t (&stride)[3], std::size_t n)
        : data_(const_cast<char*>(data)), stride_(stride), n_(n) {
        direct_ = data == nullptr || stride[1] == sizeof(T) || n == 1;
        if (!direct_) copy_ = std::make_unique_for_overwrite<T[]>(n);
    }

    T* read(std::size_t i, std::size_t j) {
        char* start = begin(i, j);
        if (direct_) return reinterpret_cast<T*>(start);
        for (std::size_t c = 0; c < n_; ++c) copy_[c] = at(start, c);
        return copy_.get();
    }
    T* target(std::size_t i, std::size_t j) {
        return direct_ ? reinterpret_cast<T*>(begin(i, j)) : copy_.get();
    }
    void write_back(std::size_t i, std::size_t j) {
        if (direct_) return;
        char* start = begin(i, j);
        for (std::size_t c = 0; c < n_; ++c) at(start, c) = copy_[c];
    }

private:
    char* begin(std::size_t i, std::size_t j) const {
        if (data_ == nullptr) return nullptr;
        return data_ + static_cast<std::ptrdiff_t>(i) * stride_[0] +
               static_cast<std::ptrdiff_t>(j) * stride_[2];
    }
    T& at(char* start, std::size_t c) const {
        return *reinterpret_cast<T*>(start + static_cast<std::ptrdiff_t>(c) * stride_[1]);
    }

    char* data_;
    const std::ptrdiff_t (&stride_)[3];
    std::size_t n_;
    bool direct_;
    std::unique_ptr<T[]> copy_;
};

}  // namespace

template <class T>
void run_cross_entropy(const CrossEntropyBatch& batch, CrossEntropyKernel<T> kernel) {
    const KeepFloatStatus flags;
    const std::size_t n = batch.classes;
    const std::size_t samples = batch.outer * batch.inner;
    const std::size_t block = std::max<std::size_t>(1, 8192 / std::max<std::size_t>(n, 1));
    parallel_for(samples, block, [&](std::size_t begin, std::size_t end) {
        Row<T> logits(batch.logits, batch.logits_stride, n);
        Row<T> probabilities(batch.probabilities, batch.probabilities_stride, n);
        Row<T> gradient(batch.gradient, batch.gradient_stride, n);
        for (std::size_t s = begin; s < end; ++s) {
            const std::size_t i = s / batch.inner;
            const std::size_t j = s % batch.inner;
            T* result = gradient.target(i, j);
            const double weight = batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[i];
            const std::int64_t label = batch.labels == nullptr ? 0 : batch.labels[s];
            if (batch.labels != nullptr && label == batch.ignore_index) {
                batch.losses[s] = 0.0;
                if (result != nullptr) std::fill_n(result, n, T(0));
            } else {
                const CrossEntropySample<T> sample{logits.read(i, j), probabilities.read(i, j),
                                                   static_cast<const T*>(batch.weight),
                                                   static_cast<std::ptrdiff_t>(label),
                                                   batch.smoothing};
                const double loss = kernel(sample, batch.scale * weight, result, n);
                batch.losses[s] = weight == 0.0 ? 0.0 : weight * loss;
            }
            if (result != nullptr) gradient.write_back(i, j);
        }
    });
}

template void run_cross_entropy(const CrossEntropyBatch&, CrossEntropyKernel<float>);
template void run_cross_entropy(const CrossEntropyBatch&, CrossEntropyKernel<double>);

}  // namespace ranvier
