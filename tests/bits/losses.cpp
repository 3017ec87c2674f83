#include "runtime/losses.hpp"

#include <vector>

#include "inputs.hpp"
#include "report.hpp"
#include "runtime/loss_registry.hpp"
#include "runtime/row_losses.hpp"
#include "subjects.hpp"

namespace bits {
namespace {

/// The rows of a family, in the order of its enumeration.
std::vector<ranvier::LossRecord> rows_of(ranvier::LossFamily family) {
    std::vector<ranvier::LossRecord> rows;
    for (const ranvier::LossRecord& record : ranvier::losses()) {
        if (record.family == family) rows.push_back(record);
    }
    return rows;
}

template <class T>
void elementwise_losses() {
    constexpr std::size_t n = 9001;
    const std::ptrdiff_t shape[] = {n}, item[] = {sizeof(T)};
    // Any parameters will do for bits: an exponent, a threshold, a share.
    const double parameters[] = {1.25, 0.75, 0.5, 0.25};
    for (const ranvier::LossRecord& record : rows_of(ranvier::LossFamily::elementwise)) {
        const std::size_t operands = record.operands.size();
        const auto graded = static_cast<std::size_t>(record.gradients());
        // Inputs of probabilities and their logarithms too: some losses ask for shares.
        for (const bool share : {false, true}) {
            std::vector<T> x[] = {share ? shares<T>(n, 1) : numbers<T>(n, 9.0, 1), shares<T>(n, 2),
                                  shares<T>(n, 3)};
            std::vector<T> gradients[] = {std::vector<T>(n), std::vector<T>(n)}, losses(n);
            const auto array = [&](std::vector<T>& data) {
                return ranvier::Array{reinterpret_cast<char*>(data.data()), 1, shape, item, true};
            };
            ranvier::LossBatch batch{};
            for (std::size_t i = 0; i < operands; ++i) batch.operands[i] = array(x[i]);
            for (std::size_t i = 0; i < graded; ++i) batch.gradients[i] = array(gradients[i]);
            batch.parameters = parameters;
            batch.scale = 0.3;
            batch.losses = losses.data();
            const double sum =
                ranvier::run_loss<T>(static_cast<ranvier::Loss>(record.index), batch);
            const std::string name = record.name + std::string(share ? ", shares" : "");
            report(name, losses);
            report(name + ", sum of " + suffix<T>, std::vector{sum});
            for (std::size_t i = 0; i < graded; ++i) {
                report(name + ", gradient " + std::to_string(i), gradients[i]);
            }
        }
    }
}

/// Parameters that each loss of a row takes, in the order of its row; of the last, p is 2, 1,
/// infinite and another.
constexpr double row_parameters[][4] = {{0.5, 1.0, 29.0, 0.0},
                                        {0.5, 2.0, 1e-6, 1.0},
                                        {0.5, 1.0, 1e-6, 0.0},
                                        {0.5, __builtin_inf(), 1e-6, 0.0},
                                        {0.5, 2.5, 1e-6, 1.0}};

template <class T>
void row_losses() {
    constexpr std::size_t samples = 61, n = 29;
    std::vector<T> x[] = {numbers<T>(samples * n, 4.0, 1), numbers<T>(samples * n, 4.0, 2),
                          numbers<T>(samples * n, 4.0, 3)};
    const auto array = [&](std::vector<T>& data) {
        return ranvier::Rows{reinterpret_cast<char*>(data.data()), n * sizeof(T), sizeof(T)};
    };
    for (const ranvier::LossRecord& record : rows_of(ranvier::LossFamily::of_rows)) {
        const auto loss = static_cast<ranvier::RowLoss>(record.index);
        const bool several = record.labels == ranvier::Labels::class_list;
        const bool signs = record.labels == ranvier::Labels::sign;
        std::vector<std::int64_t> label = labels(several ? samples * n : samples, n);
        for (std::size_t i = 0; i < label.size(); ++i) {
            if (signs) label[i] = i % 2 == 0 ? 1 : -1;
            if (several && i % n >= 5) label[i] = -1;
        }
        for (std::size_t which = 0; which < std::size(row_parameters); ++which) {
            std::vector<T> gradients[3], losses(samples);
            ranvier::RowLossBatch batch{};
            batch.samples = samples;
            batch.n = n;
            batch.rows = static_cast<int>(record.operands.size());
            batch.graded = record.gradients();
            for (int i = 0; i < batch.rows; ++i) batch.arrays[i] = array(x[i]);
            for (int i = 0; i < batch.graded; ++i) {
                gradients[i].resize(samples * n);
                batch.gradients[i] = array(gradients[i]);
            }
            batch.labels = label.data();
            batch.labels_per_sample = several ? n : 1;
            batch.parameters = row_parameters[which];
            batch.scale = 0.3;
            batch.losses = losses.data();
            const double sum = ranvier::run_row_loss<T>(loss, batch);
            const std::string name =
                std::string(record.name) + ", parameters " + std::to_string(which);
            report(name, losses);
            report(name + ", sum of " + suffix<T>, std::vector{sum});
            for (int i = 0; i < batch.graded; ++i) {
                report(name + ", gradient " + std::to_string(i), gradients[i]);
            }
        }
    }
}

}  // namespace

void losses() {
    elementwise_losses<float>();
    elementwise_losses<double>();
    row_losses<float>();
    row_losses<double>();
}

}  // namespace bits
