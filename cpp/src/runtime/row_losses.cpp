#include "row_losses.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "panel.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

template <class T>
double run_samples(const RowLossBatch& batch, RowLossKernel<T> kernel, std::size_t begin,
                   std::size_t end) {
    const auto panel = [&](const Rows& array) { return Panel<T>(array, batch.n, 1); };
    Panel<T> rows[] = {panel(batch.arrays[0]), panel(batch.arrays[1]), panel(batch.arrays[2])};
    Panel<T> gradients[] = {panel(batch.gradients[0]), panel(batch.gradients[1]),
                            panel(batch.gradients[2])};
    const auto work = std::make_unique_for_overwrite<double[]>(2 * batch.n);
    double total = 0.0;
    for (std::size_t i = begin; i < end; ++i) {
        RowLossSample<T> sample{};
        T* results[3] = {};
        for (int k = 0; k < batch.rows; ++k) {
            rows[k].load(i, 1);
            sample.rows[k] = rows[k].row(i, 0);
        }
        for (int k = 0; k < batch.graded; ++k) results[k] = gradients[k].row(i, 0);
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
            gradients[k].store(i, 1);
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
    const RowLossKernel<T> kernel = row_loss_kernels<T>().of[static_cast<int>(loss)];
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
