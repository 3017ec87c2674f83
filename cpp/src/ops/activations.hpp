// The formula of every activation and, under it, its derivative.
//
// R is the type of argument and result, float or double. What is exact or rounds once is computed
// in R; all else in Working<R>, double for a float32 result and sums of two doubles for a float64
// one, and rounded once, by the caller. Each is branch-free: a select, never a jump, so that the
// loop around it vectorises. The derivative at a kink is torch's, and NaN gives NaN in both.
//
// `in_float32`, where there is one, is the same value in float32 arithmetic on twice the lanes,
// compensated to stay within the bound, for the arguments it covers.
#pragma once

#include "activations/exponential.hpp"
#include "activations/logistic.hpp"
#include "activations/piecewise.hpp"
#include "activations/rational.hpp"
