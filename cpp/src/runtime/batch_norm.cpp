#include "batch_norm.hpp"

#include <algorithm>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

/// A batch in parts: of some rows and columns that a cache holds, where a channel is a column, else
/// the positions of one channel in one sample. The parts that hold the same channels are pieces of
/// those, whose sums are kept apart and added in their order.
class Parts {
public:
    explicit Parts(BatchShape shape)
        : shape_(shape),
          columns_(shape.length == 1 || shape.samples == 0),
          across_(columns_ ? ceiling(shape.channels, columns) : shape.channels) {}

    /// Which of two kernels.
    std::size_t kernel() const { return columns_ ? 0 : 1; }
    /// At least one, of no rows if there are no samples.
    std::size_t pieces() const {
        return columns_ ? std::max<std::size_t>(1, ceiling(shape_.samples, rows)) : shape_.samples;
    }
    /// Elements of a channel in each piece but the last.
    double piece_size() const { return static_cast<double>(columns_ ? rows : shape_.length); }
    double channel_size() const { return static_cast<double>(shape_.samples * shape_.length); }

    /// Calls body(part, where it begins, its first channel, the place of that among all sums).
    template <class Body>
    void for_each(const Body& body) const {
        const std::size_t size =
            columns_ ? rows * std::min(columns, shape_.channels) : shape_.length;
        parallel_for(pieces() * across_, 1, rows_worth_a_thread(size),
                     [&](std::size_t begin, std::size_t end) {
                         for (std::size_t k = begin; k < end; ++k)
                             run(k / across_, k % across_, body);
                     });
    }

    /// Calls body(first, count) for ranges of channels, of which each piece is looked at.
    template <class Body>
    void for_channels(const Body& body) const {
        parallel_for(shape_.channels, 64, rows_worth_a_thread(2 * pieces()),
                     [&](std::size_t begin, std::size_t end) { body(begin, end - begin); });
    }

private:
    // Memory is fast along long runs, and a part is read twice.
    static constexpr std::size_t rows = 32, columns = 1024;

    static std::size_t ceiling(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

    template <class Body>
    void run(std::size_t piece, std::size_t k, const Body& body) const {
        const std::size_t channel = columns_ ? k * columns : k;
        const std::size_t place = piece * shape_.channels + channel;
        if (columns_) {
            const BatchPart part = {std::min(rows, shape_.samples - piece * rows),
                                    std::min(columns, shape_.channels - channel), shape_.channels};
            body(part, piece * rows * shape_.channels + channel, channel, place);
        } else {
            body(BatchPart{1, shape_.length, shape_.length}, place * shape_.length, channel, place);
        }
    }

    BatchShape shape_;
    bool columns_;
    std::size_t across_;
};

/// What is in `work`: two sums of each piece, a variance of each channel, and what a kernel takes,
/// which are five numbers of each.
template <class T>
struct Work {
    double *first_sums, *second_sums, *variance;
    T* of_channel;

    Work(double* work, std::size_t pieces, std::size_t channels)
        : first_sums(work),
          second_sums(work + pieces * channels),
          variance(second_sums + pieces * channels),
          of_channel(reinterpret_cast<T*>(variance + channels)) {}
};

template <class T>
T* at(T* data, std::size_t index) {
    return data == nullptr ? nullptr : data + index;
}

}  // namespace

std::size_t batch_norm_work(BatchShape shape) {
    return (2 * Parts(shape).pieces() + 6) * shape.channels;
}

template <class T>
void run_batch_norm(const BatchNorm<T>& norm, const T* bias, double eps, bool of_batch,
                    const RunningStatistics<T>& running, T* y) {
    const KeepFloatStatus flags;
    const NormKernels<T>& kernels = norm_kernels<T>();
    const Parts parts(norm.shape);
    const std::size_t channels = norm.shape.channels, pieces = parts.pieces();
    const Work<T> work(norm.work, pieces, channels);
    if (of_batch) {
        parts.for_each([&](BatchPart part, std::size_t begin, std::size_t, std::size_t place) {
            kernels.batch_moments[parts.kernel()](norm.x + begin, part, work.first_sums + place,
                                                  work.second_sums + place);
        });
    }
    parts.for_channels([&](std::size_t first, std::size_t count) {
        double *mean = norm.mean + first, *variance = work.variance + first;
        if (of_batch) {
            const double size = parts.channel_size();
            kernels.join_moments(work.first_sums + first, work.second_sums + first, pieces,
                                 channels, parts.piece_size(), size, mean, variance, count);
            if (running.mean != nullptr) {
                const double unbiased = size / (size - 1.0);
                kernels.follow(running.mean + first, mean, 1.0, running.share, count);
                kernels.follow(running.variance + first, variance, unbiased, running.share, count);
            }
        } else {
            std::copy_n(running.mean + first, count, mean);
            std::copy_n(running.variance + first, count, variance);
        }
        kernels.batch_scale(mean, variance, at(norm.weight, first), at(bias, first), eps,
                            norm.scale + first, work.of_channel + first, channels, count);
    });
    parts.for_each([&](BatchPart part, std::size_t begin, std::size_t channel, std::size_t) {
        kernels.batch_norm[parts.kernel()](norm.x + begin, work.of_channel + channel, channels,
                                           part, y + begin);
    });
}

template <class T>
void run_batch_norm_backward(const BatchNorm<T>& norm, const T* g, bool of_batch, T* grad_x,
                             T* grad_weight, T* grad_bias, bool accumulate) {
    const KeepFloatStatus flags;
    const NormKernels<T>& kernels = norm_kernels<T>();
    const Parts parts(norm.shape);
    const std::size_t channels = norm.shape.channels, pieces = parts.pieces();
    const Work<T> work(norm.work, pieces, channels);
    parts.for_each([&](BatchPart part, std::size_t begin, std::size_t channel, std::size_t place) {
        kernels.batch_sums[parts.kernel()](g + begin, norm.x + begin, norm.mean + channel, part,
                                           work.first_sums + place, work.second_sums + place);
    });
    parts.for_channels([&](std::size_t first, std::size_t count) {
        double *sums = work.first_sums + first, *products = work.second_sums + first;
        kernels.add_pieces(sums, pieces, channels, count);
        kernels.add_pieces(products, pieces, channels, count);
        kernels.batch_slopes(sums, products, norm.mean + first, norm.scale + first,
                             at(norm.weight, first), parts.channel_size(), work.of_channel + first,
                             channels, count);
        if (grad_weight != nullptr) {
            kernels.write_gradient(products, grad_weight + first, accumulate, count);
        }
        if (grad_bias != nullptr) {
            kernels.write_gradient(sums, grad_bias + first, accumulate, count);
        }
    });
    parts.for_each([&](BatchPart part, std::size_t begin, std::size_t channel, std::size_t) {
        kernels.batch_gradient[parts.kernel()](g + begin, of_batch ? norm.x + begin : nullptr,
                                               work.of_channel + channel, channels, part,
                                               grad_x + begin);
    });
}

template void run_batch_norm(const BatchNorm<float>&, const float*, double, bool,
                             const RunningStatistics<float>&, float*);
template void run_batch_norm(const BatchNorm<double>&, const double*, double, bool,
                             const RunningStatistics<double>&, double*);
template void run_batch_norm_backward(const BatchNorm<float>&, const float*, bool, float*, float*,
                                      float*, bool);
template void run_batch_norm_backward(const BatchNorm<double>&, const double*, bool, double*,
                                      double*, double*, bool);

}  // namespace ranvier
