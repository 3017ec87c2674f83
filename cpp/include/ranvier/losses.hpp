// Losses for C++: the loss, and its gradient from the same pass over the data.
//
//     std::vector<float> gradient(rows * classes);
//     const double loss = ranvier::cross_entropy(scores, labels, gradient.data(), rows, classes);
//
// Arrays are contiguous; a gradient may not overlap another array, and is null where only the loss
// is wanted. T is float or double. A loss is the mean over the samples or elements, or their sum;
// it is summed in double in a fixed order, so that its bits do not depend on the number of threads.
// The mean of nothing is NaN. Formulas, kinks and defaults are those of the Python functions of the
// same names, which are torch's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier {

/// How the losses of samples or elements are combined. `none` leaves them as they are, which has no
/// place in the functions below: they throw std::invalid_argument.
enum class Reduction { mean, sum, none };

/// -log softmax(scores)[label] of each of `rows` rows of `classes` scores; 1 - label_smoothing of
/// the target is at the label, label_smoothing / classes everywhere. Throws std::out_of_range if a
/// label is not in [0, classes), and std::invalid_argument if label_smoothing is not in [0, 1],
/// before anything is written.
template <class T>
double cross_entropy(const T* scores, const std::int64_t* labels, T* gradient, std::size_t rows,
                     std::size_t classes, double label_smoothing = 0.0,
                     Reduction reduction = Reduction::mean);

/// (x - y)^2 of n elements x of `input` and y of `target`.
template <class T>
double mse_loss(const T* input, const T* target, T* gradient, std::size_t n,
                Reduction reduction = Reduction::mean);

/// |x - y|; 0 is the slope at the kink.
template <class T>
double l1_loss(const T* input, const T* target, T* gradient, std::size_t n,
               Reduction reduction = Reduction::mean);

/// d^2 / 2 for d = |x - y| <= delta, delta (d - delta / 2) otherwise. Throws std::invalid_argument
/// if delta is not positive.
template <class T>
double huber_loss(const T* input, const T* target, T* gradient, std::size_t n, double delta = 1.0,
                  Reduction reduction = Reduction::mean);

/// -y log s(x) - (1 - y) log s(-x) of logits x and probabilities y, s the logistic function.
template <class T>
double binary_cross_entropy_with_logits(const T* input, const T* target, T* gradient, std::size_t n,
                                        Reduction reduction = Reduction::mean);

}  // namespace ranvier
