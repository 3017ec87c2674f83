// The public C++ interface to losses: contiguous arrays over the same runtime that Python calls.
#include <stdexcept>
#include <string>

#include "loss_handle.hpp"
#include "ranvier/losses.hpp"

namespace ranvier {
namespace {

/// A loss that is written to no array of losses.
std::shared_ptr<const LossHandle> prepared(const char* name, Reduction reduction,
                                           const std::map<std::string, double>& parameters = {}) {
    if (reduction == Reduction::none) {
        throw std::invalid_argument("reduction is none; expected mean or sum");
    }
    LossOptions options;
    options.reduction = reduction;
    return make_loss(name, parameters, options);
}

/// A contiguous array of this shape, whose strides stand behind it.
template <class T>
class Contiguous {
public:
    Contiguous(std::size_t rows, std::size_t columns, int ndim)
        : shape_{static_cast<std::ptrdiff_t>(ndim == 1 ? columns : rows),
                 static_cast<std::ptrdiff_t>(columns)},
          strides_{static_cast<std::ptrdiff_t>((ndim == 1 ? 1 : columns) * sizeof(T)), sizeof(T)},
          ndim_(ndim) {}

    Array at(const T* data) const {
        return {reinterpret_cast<char*>(const_cast<T*>(data)), ndim_, shape_, strides_, true};
    }

private:
    std::ptrdiff_t shape_[2], strides_[2];
    int ndim_;
};

template <class T>
double run(const LossHandle& loss, const T* input, const T* target, T* gradient, std::size_t n) {
    const Contiguous<T> array(1, n, 1);
    LossArrays arrays{};
    arrays.dtype = dtype_of<T>;
    arrays.operands[0] = array.at(input);
    arrays.operands[1] = array.at(target);
    arrays.gradients[0] = array.at(gradient);
    return loss.run(arrays);
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
    const auto loss = prepared("cross_entropy", reduction, {{"label_smoothing", label_smoothing}});
    require_labels(labels, rows, classes);
    const Contiguous<T> array(rows, classes, 2);
    LossArrays arrays{};
    arrays.dtype = dtype_of<T>;
    arrays.operands[0] = array.at(scores);
    arrays.labels = labels;
    arrays.gradients[0] = array.at(gradient);
    return loss->run(arrays);
}

template <class T>
double mse_loss(const T* input, const T* target, T* gradient, std::size_t n, Reduction reduction) {
    return run(*prepared("mse_loss", reduction), input, target, gradient, n);
}

template <class T>
double l1_loss(const T* input, const T* target, T* gradient, std::size_t n, Reduction reduction) {
    return run(*prepared("l1_loss", reduction), input, target, gradient, n);
}

template <class T>
double huber_loss(const T* input, const T* target, T* gradient, std::size_t n, double delta,
                  Reduction reduction) {
    return run(*prepared("huber_loss", reduction, {{"delta", delta}}), input, target, gradient, n);
}

template <class T>
double binary_cross_entropy_with_logits(const T* input, const T* target, T* gradient, std::size_t n,
                                        Reduction reduction) {
    return run(*prepared("binary_cross_entropy_with_logits", reduction), input, target, gradient,
               n);
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
