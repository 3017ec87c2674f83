#include "loss_handle.hpp"

#include <charconv>
#include <stdexcept>

#include "block_sums.hpp"

namespace ranvier {
namespace {

std::string text_of(double x) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof(digits), x).ptr};
}

std::size_t index_of(const LossRecord& record, const std::string& name) {
    for (std::size_t k = 0; k < record.parameters.size(); ++k) {
        if (record.parameters[k].name == name) return k;
    }
    throw std::invalid_argument(std::string(record.name) + " has no parameter '" + name + "'");
}

}  // namespace

LossHandle::LossHandle(const LossRecord& record, const std::map<std::string, double>& parameters,
                       const LossOptions& options)
    : record_(record), options_(options) {
    for (std::size_t k = 0; k < record.parameters.size(); ++k) {
        parameters_[k] = record.parameters[k].default_value;
    }
    for (const auto& [name, value] : parameters) {
        const std::size_t k = index_of(record, name);
        const Range& range = record.parameters[k].range;
        if (!range.holds(value)) {
            throw std::invalid_argument(name + " is " + text_of(value) + "; expected " +
                                        range.text);
        }
        parameters_[k] = value;
    }
}

double LossHandle::parameter(const std::string& name) const {
    return parameters_[index_of(record_, name)];
}

std::shared_ptr<const LossHandle> make_loss(const std::string& name,
                                            const std::map<std::string, double>& parameters,
                                            const LossOptions& options) {
    const LossRecord& record = loss_record(name);
    const auto make = record.family == LossFamily::elementwise ? make_elementwise_loss
                      : record.family == LossFamily::of_rows   ? make_row_loss
                                                               : make_class_loss;
    return make(record, parameters, options);
}

template <class T>
std::unique_ptr<BatchLoss<T>> make_batch_loss(std::shared_ptr<const LossHandle> loss,
                                              BatchConstants<T> constants) {
    if (loss->options().reduction != Reduction::mean || loss->record().gradients() != 1) {
        return nullptr;
    }
    const LossFamily family = loss->record().family;
    const auto make = family == LossFamily::elementwise ? make_elementwise_batch<T>
                      : family == LossFamily::of_rows   ? make_row_batch<T>
                                                        : make_class_batch<T>;
    return make(std::move(loss), std::move(constants));
}
template std::unique_ptr<BatchLoss<float>> make_batch_loss(std::shared_ptr<const LossHandle>,
                                                           BatchConstants<float>);
template std::unique_ptr<BatchLoss<double>> make_batch_loss(std::shared_ptr<const LossHandle>,
                                                            BatchConstants<double>);

void require_columns(const char* name, std::size_t numbers, std::size_t columns) {
    if (numbers != 0 && numbers != columns) {
        throw std::invalid_argument(std::string(name) + " has shape (" + std::to_string(numbers) +
                                    ",); expected (" + std::to_string(columns) + ",)");
    }
}

double sum_of_sample_weights(const double* sample_weight, std::size_t samples) {
    if (sample_weight == nullptr) return static_cast<double>(samples);
    return block_sums(samples, 4096, 65536, [=](std::size_t begin, std::size_t end) {
        double sum = 0.0;
        for (std::size_t i = begin; i < end; ++i) sum += sample_weight[i];
        return sum;
    });
}

}  // namespace ranvier
