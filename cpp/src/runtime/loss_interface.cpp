// The public C++ interface to losses: contiguous arrays over the same runtime that Python calls.
#include <cmath>
#include <stdexcept>
#include <string>

#include "cross_entropy.hpp"
#include "dispatch.hpp"
#include "losses.hpp"
#include "ranvier/losses.hpp"

namespace ranvier {
namespace {

/// What the sum of the losses of `count` samples is divided by.
double divisor(Reduction reduction, std::size_t count) {
    return reduction == Reduction::mean ? static_cast<double>(count) : 1.0;
}

template <class T>
double run(Loss loss, const T* input, const T* target, T* gradient, std::size_t n,
           const double* parameters, Reduction reduction) {
    const auto array = [](const T* data) {
        return LossArray{reinterpret_cast<char*>(const_cast<T*>(data)), nullptr, true};
    };
    const auto shape = static_cast<std::ptrdiff_t>(n);
    LossBatch batch{};
    batch.size = n;
    batch.ndim = 1;
    batch.shape = &shape;
    batch.operands[0] = array(input);
    batch.operands[1] = array(target);
    batch.parameters = parameters;
    batch.scale = 1.0 / divisor(reduction, n);
    batch.gradients[0] = array(gradient);
    return run_loss<T>(loss, batch) / divisor(reduction, n);
}

void require_labels(const std::int64_t* labels, std::size_t rows, std::size_t classes) {
    for (std::size_t i = 0; i < rows; ++i) {
        if (labels[i] < 0 || static_cast<std::uint64_t>(labels[i]) >= classes) {
            throw std::out_of_range("labels[" + std::to_string(i) + "] is " +
                                    std::to_string(labels[i]) + "; expected 0 <= label < " +
                                    std::to_string(classes));
        }
    }
}

}  // namespace

template <class T>
double cross_entropy(const T* scores, const std::int64_t* labels, T* gradient, std::size_t rows,
                     std::size_t classes, double label_smoothing, Reduction reduction) {
    if (!(label_smoothing >= 0.0 && label_smoothing <= 1.0)) {
        throw std::invalid_argument("label_smoothing is " + std::to_string(label_smoothing) +
                                    "; expected a number from 0 to 1");
    }
    require_labels(labels, rows, classes);
    const auto array = [&](const T* data) {
        constexpr std::ptrdiff_t item = sizeof(T);
        return ClassArray{reinterpret_cast<char*>(const_cast<T*>(data)),
                          static_cast<std::ptrdiff_t>(classes) * item, item, nullptr};
    };
    CrossEntropyBatch batch{};
    batch.outer = rows;
    batch.classes = classes;
    batch.inner = 1;
    batch.logits = array(scores);
    batch.gradient = array(gradient);
    batch.labels = labels;
    batch.ignore_index = -1;  // which no label is
    batch.smoothing = label_smoothing;
    batch.scale = 1.0 / divisor(reduction, rows);
    return run_cross_entropy<T>(batch, row_kernels<T>().cross_entropy) / divisor(reduction, rows);
}

template <class T>
double mse_loss(const T* input, const T* target, T* gradient, std::size_t n, Reduction reduction) {
    return run(Loss::mse_loss, input, target, gradient, n, nullptr, reduction);
}

template <class T>
double l1_loss(const T* input, const T* target, T* gradient, std::size_t n, Reduction reduction) {
    return run(Loss::l1_loss, input, target, gradient, n, nullptr, reduction);
}

template <class T>
double huber_loss(const T* input, const T* target, T* gradient, std::size_t n, double delta,
                  Reduction reduction) {
    if (!(delta > 0.0) || std::isinf(delta)) {
        throw std::invalid_argument("delta is " + std::to_string(delta) +
                                    "; expected a positive, finite number");
    }
    return run(Loss::huber_loss, input, target, gradient, n, &delta, reduction);
}

template <class T>
double binary_cross_entropy_with_logits(const T* input, const T* target, T* gradient, std::size_t n,
                                        Reduction reduction) {
    return run(Loss::binary_cross_entropy_with_logits, input, target, gradient, n, nullptr,
               reduction);
}

#define RV_INSTANTIATE(T)                                                                      \
    template double cross_entropy(const T*, const std::int64_t*, T*, std::size_t, std::size_t, \
                                  double, Reduction);                                          \
    template double mse_loss(const T*, const T*, T*, std::size_t, Reduction);                  \
    template double l1_loss(const T*, const T*, T*, std::size_t, Reduction);                   \
    template double huber_loss(const T*, const T*, T*, std::size_t, double, Reduction);        \
    template double binary_cross_entropy_with_logits(const T*, const T*, T*, std::size_t,      \
                                                     Reduction);
RV_INSTANTIATE(float)
RV_INSTANTIATE(double)
#undef RV_INSTANTIATE

}  // namespace ranvier
