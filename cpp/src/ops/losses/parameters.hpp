// The facts of a loss's row that its kernel needs: a struct of its parameters by name, and how many
// operands and gradients it has.
#pragma once

#include <cstddef>

namespace ranvier::RANVIER_ISA {

#define OPERANDS(...) __VA_ARGS__
#define PARAMETERS(...) __VA_ARGS__

namespace parameters {
#define PARAMETER(name, ...) double name;
#define RV_LOSS(name, operands, parameters, ...) \
    struct name {                                \
        parameters                               \
    };
#include "../losses.def"
#undef RV_LOSS
#define RV_ROW_LOSS(name, operands, labels, parameters, ...) \
    struct name {                                            \
        parameters                                           \
    };
#include "../row_losses.def"
#undef RV_ROW_LOSS
#undef PARAMETER
}  // namespace parameters

namespace operand_count {
#define GRADED(...) +1
#define GIVEN(...) +1
#define RV_LOSS(name, operands, ...) inline constexpr int name = operands;
#include "../losses.def"
#undef RV_LOSS
#undef GIVEN
}  // namespace operand_count

namespace gradient_count {
#define GIVEN(...)
#define RV_LOSS(name, operands, ...) inline constexpr int name = operands;
#include "../losses.def"
#undef RV_LOSS
#undef GIVEN
#undef GRADED
}  // namespace gradient_count

#undef OPERANDS
#undef PARAMETERS

/// The parameters of a row, in its order, as the struct of their names.
template <class Parameters>
inline Parameters named(const double* numbers) {
    Parameters result;
    if constexpr (!__is_empty(Parameters)) __builtin_memcpy(&result, numbers, sizeof(result));
    return result;
}

}  // namespace ranvier::RANVIER_ISA
