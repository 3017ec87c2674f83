// What an instruction set provides: tables of functions, one for each family of operations, each
// filled by a translation unit of its own. Plain types only, so that a table is a constant and
// needs no code at start-up.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ranvier {

enum class Activation : int {
#define RV_ACTIVATION(name, ...) name,
#include "../ops/activations.def"
#undef RV_ACTIVATION
    count
};

/// What can be asked of an activation f with parameters p.
enum class Form : int {
    value,            // f(x, p)
    derivative,       // f'(x, p)
    vjp,              // g f'(x, p)
    vjp_from_output,  // g f'(x, p) as a function of y = f(x, p), where there is one
    count
};

enum class DType : int { float16, float32, float64, count };

template <class Index>
inline constexpr int count_of = static_cast<int>(Index::count);

/// IEEE binary16, as bits.
struct half {
    std::uint16_t bits;
};

/// The DType of a type of numbers; for a type that is not listed, nothing compiles.
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<half> {
    static constexpr DType value = DType::float16;
};
template <>
struct DTypeOf<float> {
    static constexpr DType value = DType::float32;
};
template <>
struct DTypeOf<double> {
    static constexpr DType value = DType::float64;
};
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

/// out[i] = form(in[0][i], in[1][i], ...), n elements of one type, each operand contiguous; out may
/// be one of the inputs. With `uniform`, a parameter (a trailing input) is one value, not n.
using ElementwiseKernel = void (*)(const void* const* in, void* out, std::size_t n, bool uniform);

/// z[i] += bias[i].
using AddBiasKernel = void (*)(void* z, const void* bias, std::size_t n);

/// Of one precision; float16 has no layers.
struct ElementwiseKernels {
    ElementwiseKernel forms[count_of<Activation>][count_of<Form>];
    AddBiasKernel add_bias;
};

/// One row of n elements; `keep` is null or n bytes, 0 where an element takes no part. Softmax and
/// its logarithm write n results to y, logsumexp one. The input is divided by `temperature` first.
template <class T>
using RowKernel = void (*)(const T* x, const std::uint8_t* keep, double temperature, T* y,
                           std::size_t n);

/// The same of 16 rows, unmasked and at temperature 1: element j of row l is at x + j x_step + l,
/// or, of short rows, at x + j x_step + offsets[l]; its result at y + j y_step + l, or the only one
/// of a row at y + l. False, and nothing written, if a row has to be worked out alone.
using RowsInLanesKernel = bool (*)(const float* x, const std::ptrdiff_t* offsets,
                                   std::ptrdiff_t x_step, float* y, std::ptrdiff_t y_step,
                                   std::size_t n);
/// Cross-entropy of 16 rows of scores, with a label each, in range. The losses; and, if it is not
/// null, the gradient, side by side, times the factor of each row.
using CrossEntropyInLanesKernel = bool (*)(const float* x, const std::ptrdiff_t* offsets,
                                           std::ptrdiff_t x_step, const std::int64_t* labels,
                                           const double* factor, double* loss, float* gradient,
                                           std::size_t n);

struct RowsInLanesKernels {
    RowsInLanesKernel softmax, log_softmax, logsumexp;
    CrossEntropyInLanesKernel cross_entropy;
};
inline constexpr std::size_t rows_side_by_side = 16;
inline constexpr std::size_t longest_row_in_lanes = 4096;
/// Longer rows are not worth turning so that 16 of them lie side by side.
inline constexpr std::size_t longest_turned_row = 48;

/// g and y are rows, the result may be either of them; `temperature` as in the forward direction.
template <class T>
using RowVjpKernel = void (*)(const T* g, const T* y, double temperature, T* out, std::size_t n);

/// A loss of a distribution over classes.
enum class ClassLoss : int {
#define RV_CLASS_LOSS(name, ...) name,
#include "../ops/class_losses.def"
#undef RV_CLASS_LOSS
    count
};

/// One sample of cross-entropy: n logits against a distribution that is either (1 - smoothing) at
/// `label`, or (1 - smoothing) times `probabilities`, plus smoothing / n everywhere; class weights
/// may be null.
template <class T>
struct CrossEntropySample {
    const T* logits;
    const T* probabilities;
    const T* weight;
    std::ptrdiff_t label;
    double smoothing;
};

/// Returns the sample's loss; if `gradient` is not null, writes `scale` times its gradient there.
template <class T>
using CrossEntropyKernel = double (*)(const CrossEntropySample<T>& sample, double scale,
                                      T* gradient, std::size_t n);

/// The sum of a[i] b[i], in double.
template <class T>
using DotKernel = double (*)(const T* a, const T* b, std::size_t n);

template <class T>
struct RowKernels {
    RowKernel<T> softmax, log_softmax, logsumexp;
    RowVjpKernel<T> softmax_vjp, log_softmax_vjp;
    CrossEntropyKernel<T> class_losses[count_of<ClassLoss>];
    DotKernel<T> dot;
};

/// What splits its input in halves a and b and gives a f(b).
enum class Gate : int {
#define RV_GATE(name, ...) name,
#include "../ops/gates.def"
#undef RV_GATE
    count
};

/// Elementwise on n elements of one type, each operand contiguous; a result may be one of the
/// inputs, element for element. A gate takes a and b and gives a f(b); its vector-Jacobian product
/// takes g, a and b and gives the gradients of a and b. A step of maxout takes the next element of
/// each group and the largest so far; that of its vector-Jacobian product takes the element, the
/// largest and what is left of the gradient, and gives the gradient and what is then left.
using GateKernel = void (*)(const void* const* in, void* const* out, std::size_t n);

struct GateForms {
    GateKernel value[count_of<DType>], vjp[count_of<DType>];
};

struct GateKernels {
    GateForms gates[count_of<Gate>];
    GateForms maxout;
};

/// A loss that is the sum of what each element of the input loses.
enum class Loss : int {
#define RV_LOSS(name, ...) name,
#include "../ops/losses.def"
#undef RV_LOSS
    count
};

/// value[i] of n elements in double; with slopes, also the derivatives with respect to the operands
/// that have one. The operands are contiguous, `parameters` the loss's own in the order of its row.
using LossKernel = void (*)(const void* const* in, const double* parameters, double* value,
                            double* const* slopes, std::size_t n);

struct LossKernels {
    LossKernel points[count_of<Loss>][2];  // float32, float64
    /// Multiplies the values by the weights, if there are any, and adds them up.
    double (*weighted_sum)(double* value, const double* weight, std::size_t n);
    /// out[i] = scale slope[i], times the weight if there are weights.
    void (*scaled_slopes[2])(const double* slope, const double* weight, double scale, void* out,
                             std::size_t n);
};

/// A loss that a whole row of numbers has.
enum class RowLoss : int {
#define RV_ROW_LOSS(name, ...) name,
#include "../ops/row_losses.def"
#undef RV_ROW_LOSS
    count
};

/// One sample: contiguous rows of n, its labels (one, or n, or none), class weights or null, room
/// for 2 n numbers, and the loss's own parameters in the order of its row.
template <class T>
struct RowLossSample {
    const T* rows[3];
    const std::int64_t* labels;
    const double* weight;
    double* work;
    const double* parameters;
};

/// Returns the sample's loss; if gradients[0] is not null, writes `scale` times its gradients.
template <class T>
using RowLossKernel = double (*)(const RowLossSample<T>& sample, double scale, T* const* gradients,
                                 std::size_t n);
template <class T>
struct RowLossKernels {
    RowLossKernel<T> of[count_of<RowLoss>];
};

/// Normalisation of `rows` rows of n elements, one behind the other: y = (x - mean) scale weight +
/// bias. What is subtracted from each row, which only LayerNorm has, and what it is multiplied by
/// are written as well. The bias may be null, or weight and bias; y may be x.
template <class T>
using RowNormKernel = void (*)(const T* x, const T* weight, const T* bias, double eps, double* mean,
                               double* scale, T* y, std::size_t rows, std::size_t n);

/// Its gradient with respect to x, which may be written to g or x. That of the weight, where there
/// is one, is added to, that of the bias unless it is null.
template <class T>
using RowNormBackwardKernel = void (*)(const T* g, const T* x, const T* weight, const double* mean,
                                       const double* scale, T* grad_x, double* grad_weight,
                                       double* grad_bias, std::size_t rows, std::size_t n);

/// A part of a batch: rows of n elements, `stride` elements from each to the next. Kernels for it
/// come twice: each column is a channel, or all elements are of one, in a single row.
struct BatchPart {
    std::size_t rows, n, stride;
};

/// For each channel the sum, and that of the squared differences from the mean of this part.
template <class T>
using BatchMomentsKernel = void (*)(const T* x, BatchPart part, double* sum, double* squares);

/// For each channel the sums of g and of g (x - mean).
template <class T>
using BatchSumsKernel = void (*)(const T* g, const T* x, const double* mean, BatchPart part,
                                 double* sum, double* products);

/// y = (x - mean) scale + shift; y may be x. What belongs to a channel are five numbers, `stride`
/// apart: mean and scale in two parts each, the shift.
template <class T>
using BatchNormKernel = void (*)(const T* x, const T* of_channel, std::size_t stride,
                                 BatchPart part, T* y);

/// grad_x = of_g (g - mean of g) + of_x (x - mean), or of_g g where x is null; it may be g or x. Of
/// a channel: of_g, the mean of g, of_x, and the mean in two parts.
template <class T>
using BatchGradientKernel = void (*)(const T* g, const T* x, const T* of_channel,
                                     std::size_t stride, BatchPart part, T* grad_x);

/// Mean and variance of n channels from those of `pieces` parts, which lie `stride` apart; each is
/// of `size` elements, the last of what is left of `count`.
using JoinMomentsKernel = void (*)(const double* sum, const double* squares, std::size_t pieces,
                                   std::size_t stride, double size, double count, double* mean,
                                   double* variance, std::size_t n);

/// running += share (value factor - running).
template <class T>
using FollowKernel = void (*)(T* running, const double* value, double factor, double share,
                              std::size_t n);

/// scale = 1 / sqrt(variance + eps) and, with weight and bias or null, what BatchNormKernel takes.
template <class T>
using BatchScaleKernel = void (*)(const double* mean, const double* variance, const T* weight,
                                  const T* bias, double eps, double* scale, T* of_channel,
                                  std::size_t stride, std::size_t n);

/// What BatchGradientKernel takes, from the sums over `count` elements, and the gradient of the
/// weight in the place of the products.
template <class T>
using BatchSlopesKernel = void (*)(const double* sum, double* products, const double* mean,
                                   const double* scale, const T* weight, double count,
                                   T* of_channel, std::size_t stride, std::size_t n);

/// Adds to the first of `pieces` rows of n sums, `stride` apart, all the others.
using AddPiecesKernel = void (*)(double* sums, std::size_t pieces, std::size_t stride,
                                 std::size_t n);

/// gradient = sum, or is added to.
template <class T>
using WriteGradientKernel = void (*)(const double* sum, T* gradient, bool accumulate,
                                     std::size_t n);

template <class T>
struct NormKernels {
    RowNormKernel<T> layer_norm, rms_norm;
    RowNormBackwardKernel<T> layer_norm_backward, rms_norm_backward;
    // The columns are channels; all is of one channel.
    BatchMomentsKernel<T> batch_moments[2];
    BatchSumsKernel<T> batch_sums[2];
    BatchNormKernel<T> batch_norm[2];
    BatchGradientKernel<T> batch_gradient[2];
    JoinMomentsKernel join_moments;
    FollowKernel<T> follow;
    BatchScaleKernel<T> batch_scale;
    BatchSlopesKernel<T> batch_slopes;
    AddPiecesKernel add_pieces;
    WriteGradientKernel<T> write_gradient;
};

/// A matrix whose element (i, j) is at data + i row_stride + j column_stride.
template <class T>
struct Strided {
    T* data;
    std::ptrdiff_t row_stride, column_stride;

    T* at(std::size_t i, std::size_t j) const {
        return data + static_cast<std::ptrdiff_t>(i) * row_stride +
               static_cast<std::ptrdiff_t>(j) * column_stride;
    }
    Strided from(std::size_t i, std::size_t j) const {
        return {at(i, j), row_stride, column_stride};
    }
    Strided transposed() const { return {data, column_stride, row_stride}; }
};

/// How many products in a row are summed before their sum joins that of those before.
inline constexpr std::size_t products_summed = 256;

/// Writes the first `count` columns of `depth` rows of a matrix, and zeros up to `columns`.
template <class T>
using PackPanelKernel = void (*)(Strided<const T> matrix, std::size_t depth, std::size_t columns,
                                 std::size_t count, T* panel);
/// `rows` rows of a factor, no more than a tile has, times the first `count` columns of panels, one
/// behind the other, are written to the result, or added to it. All but the last call for an
/// element of the result have a depth that is a multiple of `products_summed`.
template <class T>
using MultiplyStripKernel = void (*)(std::size_t columns, std::size_t rows, const T* panels,
                                     Strided<const T> factor, std::size_t depth, Strided<T> result,
                                     std::size_t count, bool add);

/// `rows` rows of a factor times a column of `depth` numbers are written to a column of the result,
/// or added to it.
template <class T>
using MultiplyColumnKernel = void (*)(std::size_t rows, Strided<const T> factor, std::size_t depth,
                                      Strided<const T> column, Strided<T> result, bool add);

inline constexpr std::size_t most_tile_rows = 12;

template <class T>
struct ProductKernels {
    std::size_t tile_columns;  // a panel has as many, or half
    std::size_t tile_rows;
    PackPanelKernel<T> pack;
    MultiplyStripKernel<T> multiply_strip;
    MultiplyColumnKernel<T> multiply_column;
};

enum class Optimizer : int {
#define RV_OPTIMIZER(name, ...) name,
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
    count
};

inline constexpr std::size_t max_states = 3;

/// parameter[i] and state[k][i] are updated from gradient[i]; `scalars` is the rule's struct of
/// ops/optimizers/scalars.hpp, in the parameter's precision.
using OptimizerKernel = void (*)(void* parameter, const void* gradient, void* const* state,
                                 const void* scalars, std::size_t n);

/// The pass before it of a rule that looks at a whole tensor: updates the states, and writes two
/// sums over these elements, of which the scalars of the update are made.
using OptimizerSumsKernel = void (*)(const void* parameter, const void* gradient,
                                     void* const* state, const void* scalars, std::size_t n,
                                     double* sums);

struct OptimizerKernels {
    OptimizerKernel update[count_of<Optimizer>][2];    // float32, float64
    OptimizerSumsKernel sums[count_of<Optimizer>][2];  // null for an elementwise rule
};

struct KernelTable {
    const char* name;
    const ElementwiseKernels* elementwise[count_of<DType>];
    const GateKernels& gates;
    const RowKernels<float>& rows_float32;
    const RowKernels<double>& rows_float64;
    const RowsInLanesKernels& rows_in_lanes;
    const LossKernels& losses;
    const RowLossKernels<float>& row_losses_float32;
    const RowLossKernels<double>& row_losses_float64;
    const NormKernels<float>& norms_float32;
    const NormKernels<double>& norms_float64;
    const ProductKernels<float>& products_float32;
    const ProductKernels<double>& products_float64;
    const OptimizerKernels& optimizers;
};

#define RV_INSTRUCTION_SET(isa)                                 \
    namespace isa {                                             \
    extern const ElementwiseKernels elementwise_float16;        \
    extern const ElementwiseKernels elementwise_float32;        \
    extern const ElementwiseKernels elementwise_float64;        \
    extern const GateKernels gate_table;                        \
    extern const RowKernels<float> row_table_float32;           \
    extern const RowKernels<double> row_table_float64;          \
    extern const RowsInLanesKernels rows_in_lanes_table;        \
    extern const LossKernels loss_table;                        \
    extern const RowLossKernels<float> row_loss_table_float32;  \
    extern const RowLossKernels<double> row_loss_table_float64; \
    extern const NormKernels<float> norm_table_float32;         \
    extern const NormKernels<double> norm_table_float64;        \
    extern const ProductKernels<float> product_table_float32;   \
    extern const ProductKernels<double> product_table_float64;  \
    extern const OptimizerKernels optimizer_table;              \
    }
RV_INSTRUCTION_SET(baseline)
RV_INSTRUCTION_SET(avx2)
RV_INSTRUCTION_SET(avx512)
RV_INSTRUCTION_SET(neon)
#undef RV_INSTRUCTION_SET

}  // namespace ranvier
