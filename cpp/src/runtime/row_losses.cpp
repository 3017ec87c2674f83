#include "row_losses.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "strided.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

/// A sample's row: the array's own memory, or a copy.
template <class T>
class SampleRow {
public:
    SampleRow(const RowArray& array, std::size_t n) : array_(array), n_(n) {
        direct_ = array.data == nullptr || array.stride == sizeof(T) || n <= 1;
        if (!direct_) copy_ = std::make_unique_for_overwrite<T[]>(n);
    }
    const T* read(std::size_t i) {
        if (direct_) return at(i);
        gather(reinterpret_cast<char*>(copy_.get()), start(i), array_.stride, sizeof(T), n_);
        return copy_.get();
    }
    T* target(std::size_t i) { return direct_ ? at(i) : copy_.get(); }
    void write_back(std::size_t i) {
        if (direct_) return;
        scatter(start(i), array_.stride, reinterpret_cast<const char*>(copy_.get()), sizeof(T), n_);
    }

private:
    char* start(std::size_t i) const {
        return array_.data + static_cast<std::ptrdiff_t>(i) * array_.row_stride;
    }
    T* at(std::size_t i) const {
        return array_.data == nullptr ? nullptr : reinterpret_cast<T*>(start(i));
    }

    const RowArray& array_;
    std::size_t n_;
    bool direct_;
    std::unique_ptr<T[]> copy_;
};

template <class T>
RowLossKernel<T> kernel_of(RowLoss loss) {
    if constexpr (dtype_of<T> == DType::float32) {
        return kernels().row_losses_float32[static_cast<int>(loss)];
    } else {
        return kernels().row_losses_float64[static_cast<int>(loss)];
    }
}

template <class T>
double run_samples(const RowLossBatch& batch, RowLossKernel<T> kernel, std::size_t begin,
                   std::size_t end) {
    SampleRow<T> rows[] = {
        {batch.arrays[0], batch.n}, {batch.arrays[1], batch.n}, {batch.arrays[2], batch.n}};
    SampleRow<T> gradients[] = {{batch.gradients[0], batch.n},
                                {batch.gradients[1], batch.n},
                                {batch.gradients[2], batch.n}};
    const auto work = std::make_unique_for_overwrite<double[]>(2 * batch.n);
    double total = 0.0;
    for (std::size_t i = begin; i < end; ++i) {
        RowLossSample<T> sample{};
        T* results[3] = {};
        for (int k = 0; k < batch.rows; ++k) sample.rows[k] = rows[k].read(i);
        for (int k = 0; k < batch.graded; ++k) results[k] = gradients[k].target(i);
        if (batch.labels != nullptr) sample.labels = batch.labels + i * batch.labels_per_sample;
        sample.weight = batch.weight;
        sample.work = work.get();
        sample.parameters = batch.parameters;
        const double weight = batch.sample_weight == nullptr ? 1.0 : batch.sample_weight[i];
        double loss = kernel(sample, batch.scale * weight, results, batch.n);
        loss = weight == 0.0 ? 0.0 : weight * loss;
        for (int k = 0; k < batch.graded; ++k) {
            // What weighs nothing has no gradient, infinite or not.
            if (weight == 0.0) std::fill_n(results[k], batch.n, T(0));
            gradients[k].write_back(i);
        }
        if (batch.losses != nullptr) static_cast<T*>(batch.losses)[i] = static_cast<T>(loss);
        total += loss;
    }
    return total;
}

}  // namespace

template <class T>
double run_row_loss(RowLoss loss, const RowLossBatch& batch) {
    const KeepFloatStatus flags;
    const RowLossKernel<T> kernel = kernel_of<T>(loss);
    const std::size_t block = std::max<std::size_t>(1, 8192 / (batch.n + 100));
    const std::size_t worth_a_thread = std::max<std::size_t>(1, 32768 / (batch.n + 100));
    std::vector<double> sums((batch.samples + block - 1) / block);
    parallel_for(batch.samples, block, worth_a_thread, [&](std::size_t begin, std::size_t end) {
        for (std::size_t first = begin; first < end; first += block) {
            sums[first / block] = run_samples(batch, kernel, first, std::min(first + block, end));
        }
    });
    double total = 0.0;
    for (const double sum : sums) total += sum;
    return total;
}

template double run_row_loss<float>(RowLoss, const RowLossBatch&);
template double run_row_loss<double>(RowLoss, const RowLossBatch&);

}  // namespace ranvier
