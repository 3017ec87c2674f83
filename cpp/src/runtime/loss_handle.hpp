// A loss with its parameters, prepared once and called often.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "array.hpp"
#include "batch_loss.hpp"
#include "loss_registry.hpp"
#include "ranvier/losses.hpp"

namespace ranvier {

/// The unit that counts as one loss where a mean is formed.
enum class Unit {
    element,
    row,       // the sum over the last axis
    row_mean,  // the mean over the last axis
    sample,    // the sum over all axes but the first
};

struct LossOptions {
    Reduction reduction = Reduction::mean;
    Unit unit = Unit::element;    // of an elementwise loss
    bool mean_by_weight = false;  // whether the weights of its elements count in the mean
    std::int64_t ignore_index = -100;
};

/// The arrays of one call, of shapes that fit each other. Operands, gradients and losses hold
/// numbers of one type.
struct LossArrays {
    DType dtype;  // float32 or float64
    Array operands[most_loss_operands];
    Array probabilities;                   // of classes, in the place of labels
    const std::int64_t* labels = nullptr;  // contiguous
    /// Of elements: float64, of the shape of the operands. Of classes: contiguous, float64 for a
    /// loss of rows, else of the type of the operands.
    Array weight;
    const double* sample_weight = nullptr;  // one for each of the first axis, or null
    Array gradients[most_loss_operands];    // of the operands that have one, in their order
    void* losses = nullptr;                 // contiguous, where the reduction is none
};

/// Checked when it is made; may be called by several threads at once.
class LossHandle {
public:
    virtual ~LossHandle() = default;

    const LossRecord& record() const { return record_; }
    const LossOptions& options() const { return options_; }
    const double* parameters() const { return parameters_; }
    double parameter(const std::string& name) const;

    /// The loss, reduced; 0, and the losses written, where the reduction is none. Throws
    /// std::out_of_range for a label that is none and std::invalid_argument for numbers that the
    /// loss is not defined for, before anything is written.
    virtual double run(const LossArrays& arrays) const = 0;

protected:
    LossHandle(const LossRecord& record, const std::map<std::string, double>& parameters,
               const LossOptions& options);

private:
    const LossRecord& record_;
    LossOptions options_;
    double parameters_[most_loss_parameters] = {};  // in the order of the row
};

/// Parameters that are not given have their defaults. Throws std::invalid_argument for an unknown
/// loss or parameter, or a value out of its range.
std::shared_ptr<const LossHandle> make_loss(const std::string& name,
                                            const std::map<std::string, double>& parameters = {},
                                            const LossOptions& options = {});

/// The makers of the three families, each defined in a file of its own.
std::shared_ptr<const LossHandle> make_elementwise_loss(const LossRecord&,
                                                        const std::map<std::string, double>&,
                                                        const LossOptions&);
std::shared_ptr<const LossHandle> make_row_loss(const LossRecord&,
                                                const std::map<std::string, double>&,
                                                const LossOptions&);
std::shared_ptr<const LossHandle> make_class_loss(const LossRecord&,
                                                  const std::map<std::string, double>&,
                                                  const LossOptions&);
template <class T>
std::unique_ptr<BatchLoss<T>> make_elementwise_batch(std::shared_ptr<const LossHandle>,
                                                     BatchConstants<T>);
template <class T>
std::unique_ptr<BatchLoss<T>> make_row_batch(std::shared_ptr<const LossHandle>, BatchConstants<T>);
template <class T>
std::unique_ptr<BatchLoss<T>> make_class_batch(std::shared_ptr<const LossHandle>,
                                               BatchConstants<T>);

/// Throws std::invalid_argument unless there are no numbers, or one for each column.
void require_columns(const char* name, std::size_t numbers, std::size_t columns);

/// The sum of the weights of so many samples, or their number.
double sum_of_sample_weights(const double* sample_weight, std::size_t samples);

}  // namespace ranvier
