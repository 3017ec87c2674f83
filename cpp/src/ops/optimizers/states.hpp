// The states of each rule: their places in a list of arrays, by the names that the rows give them.
#pragma once

namespace ranvier::states {

#define STATES(...) __VA_ARGS__
#define STATE(name) name,
#define STATE_FROM(name, option) name,
#define STATE_WITH(name, option) name,
#define RV_OPTIMIZER(rule, Options, steps, options, states, ...) \
    struct rule {                                                \
        enum : int { states count };                             \
    };
#include "../optimizers.def"
#undef RV_OPTIMIZER
#undef STATE_WITH
#undef STATE_FROM
#undef STATE
#undef STATES

}  // namespace ranvier::states
