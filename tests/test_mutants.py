"""The generic checks catch what they are for: each is given operations broken on purpose.

A check that passes a broken operation is a check that cannot fail.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from checks import (
    check_accuracy,
    check_lanes,
    check_not_flushed,
    check_same_bits,
    check_silent,
    check_special_values,
)
from operations import BOUNDED_DTYPES, DTYPES, operations
from oracle import ON_ONE_WORKER, truth
from points import distinct
from test_accuracy import expected_special_values

pytestmark = ON_ONE_WORKER

EACH_DTYPE = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
EACH_BOUNDED_DTYPE = pytest.mark.parametrize(
    "dtype", BOUNDED_DTYPES, ids=lambda dtype: dtype.__name__
)
EACH_OPERATION = pytest.mark.parametrize("operation", operations(), ids=str)
EACH_VALUE = pytest.mark.parametrize("operation", operations("value"), ids=str)


def broken(operation, fault):
    """The operation with a fault: a function that changes the result in place, given the input."""

    def function(*arrays, out=None):
        result = np.array(operation(*arrays))
        if result.ndim:
            fault(result, np.asarray(arrays[-1]))
        if out is None:
            return result[()]
        out[...] = result
        return out

    return function


def unary(operation, function):
    return lambda x: function(*[np.ones_like(x)] * (operation.arrays - 1), x)


def ulps_off(count, where=lambda x: np.isfinite(x)):
    def fault(y, x):
        chosen = where(x) & np.isfinite(y)
        smallest = np.finfo(y.dtype).smallest_subnormal
        with np.errstate(all="ignore"):
            step = np.maximum(np.spacing(np.abs(y[chosen])), smallest)
            y[chosen] += (count * step).astype(y.dtype)

    return fault


def check_points(operation, dtype):
    return truth(operation.name, operation.form, dtype, operation.parameters)


def must_fail_accuracy(operation, dtype, fault, message="ulp off at x ="):
    points, exact = check_points(operation, dtype)
    wrong = unary(operation, broken(operation, fault))
    with pytest.raises(AssertionError, match=message) as raised:
        check_accuracy(str(operation), wrong, points, exact, operation.bound(dtype))
    assert operation.name in str(raised.value)
    assert "the bound is" in str(raised.value)


@EACH_BOUNDED_DTYPE
@EACH_OPERATION
def test_accuracy_notices_8_ulp(operation, dtype):
    must_fail_accuracy(operation, dtype, ulps_off(8))


TO_ZERO = [
    operation
    for operation in operations("value", "derivative")
    if operation.record.special_values[-np.inf][operation.form == "derivative"] == 0
]


@EACH_BOUNDED_DTYPE
@pytest.mark.parametrize("operation", TO_ZERO, ids=str)
def test_accuracy_notices_8_ulp_where_the_tail_is_subnormal(operation, dtype):
    points, exact = check_points(operation, dtype)
    info = np.finfo(dtype)
    subnormal = (exact.exponent <= info.minexp) & (exact.exponent > info.minexp - info.nmant)
    tail = points[subnormal & (points < -1)]
    if not tail.size:
        return  # of straight pieces: it is 0 from some point on
    assert len(tail) >= 20, f"only {len(tail)} points of {operation} have a subnormal result"
    fault = ulps_off(8, lambda x: (x >= tail.min()) & (x <= tail.max()))
    must_fail_accuracy(operation, dtype, fault)


@EACH_BOUNDED_DTYPE
@EACH_OPERATION
def test_accuracy_notices_a_flipped_sign(operation, dtype):
    must_fail_accuracy(operation, dtype, lambda y, x: np.negative(y, out=y))


@EACH_BOUNDED_DTYPE
@EACH_OPERATION
def test_accuracy_notices_a_sign_flipped_below_zero(operation, dtype):
    points, exact = check_points(operation, dtype)
    if not np.any((points < 0) & (exact.high != 0)):
        return  # nothing but zeros there
    must_fail_accuracy(operation, dtype, lambda y, x: np.negative(y, out=y, where=x < 0))


@EACH_BOUNDED_DTYPE
@EACH_OPERATION
def test_accuracy_notices_a_nan_and_an_infinity(operation, dtype):
    for wrong in (np.nan, np.inf):

        def fault(y, x, wrong=wrong):
            y[len(y) // 2] = wrong

        must_fail_accuracy(operation, dtype, fault, "inf ulp off")


@EACH_BOUNDED_DTYPE
@EACH_OPERATION
def test_accuracy_notices_another_dtype(operation, dtype):
    points, exact = check_points(operation, dtype)
    other = np.float64 if dtype is not np.float64 else np.float32
    points, exact = points[np.abs(points) < 100], exact[np.abs(points) < 100]
    with pytest.raises(AssertionError, match=f"gave {np.dtype(other)}"):
        check_accuracy(str(operation), lambda x: x.astype(other), points, exact, 1.0)


@EACH_DTYPE
@EACH_VALUE
def test_flushing_of_small_results_is_noticed(operation, dtype):
    points, exact = check_points(operation, dtype)
    tiny = np.finfo(dtype).tiny
    nothing_small = operation.name == "threshold" and operation.form == "value"
    small = np.abs(exact.rounded(dtype)) < tiny
    assert nothing_small or np.any(small), "no point has a subnormal result"

    def fault(y, x):
        y[np.abs(y) < tiny] = 0

    wrong = unary(operation, broken(operation, fault))
    with np.errstate(all="ignore"):
        subnormal = (np.abs(exact.rounded(dtype)) < tiny) & (exact.rounded(dtype) != 0)
    if not subnormal.any():
        return
    with pytest.raises(AssertionError, match="flushed to 0"):
        check_not_flushed(str(operation), wrong, points, exact)


@EACH_DTYPE
@pytest.mark.parametrize("operation", operations("value", "derivative", "vjp"), ids=str)
def test_every_wrong_special_value_is_noticed(operation, dtype):
    expected = expected_special_values(operation)
    for x in expected:

        def fault(y, given, x=x):
            y[np.isnan(given) if np.isnan(x) else given == x] = 0.75

        wrong = unary(operation, broken(operation, fault))
        with pytest.raises(AssertionError, match="expected") as raised:
            check_special_values(str(operation), wrong, expected, dtype)
        assert f"at {x!r}" in str(raised.value)


@EACH_DTYPE
@EACH_OPERATION
def test_a_wrong_special_value_in_one_lane_is_noticed(operation, dtype):
    def fault(y, x):
        if y.size > 36 and not np.isfinite(x[36]):
            y[36] = 0.75

    wrong = unary(operation, broken(operation, fault))
    with pytest.raises(AssertionError, match="element 36"):
        check_special_values(str(operation), wrong, {np.nan: np.nan}, dtype)


def lanes_of(operation, dtype):
    arrays = tuple(distinct(200, dtype, seed) for seed in range(operation.arrays))
    return arrays, range(2 * 64 // np.dtype(dtype).itemsize + 2)


def must_fail_lanes(operation, dtype, function, message):
    arrays, sizes = lanes_of(operation, dtype)
    with pytest.raises(AssertionError, match=message) as raised:
        check_lanes(str(operation), function, arrays, sizes)
    assert "elements at offset" in str(raised.value)


@EACH_DTYPE
@EACH_OPERATION
def test_a_wrong_last_lane_is_noticed(operation, dtype):
    lanes = 64 // np.dtype(dtype).itemsize

    def fault(y, x):
        y[lanes - 1 :: lanes] = np.nextafter(y[lanes - 1 :: lanes], dtype(100))

    must_fail_lanes(operation, dtype, broken(operation, fault), f"first at element {lanes - 1}:")


@EACH_DTYPE
@EACH_OPERATION
def test_swapped_lanes_are_noticed(operation, dtype):
    def fault(y, x):
        y[:] = np.roll(y, 1)

    must_fail_lanes(operation, dtype, broken(operation, fault), "differ, first at element")


@EACH_DTYPE
@EACH_OPERATION
def test_an_unwritten_tail_is_noticed(operation, dtype):
    lanes = 64 // np.dtype(dtype).itemsize

    def function(*arrays, out=None):
        if out is None:
            return operation(*arrays)
        whole = len(out) // lanes * lanes
        operation(*(a[:whole] for a in arrays), out=out[:whole])
        return out

    must_fail_lanes(operation, dtype, function, "1 of 1 differ")


@EACH_DTYPE
@EACH_OPERATION
def test_writing_past_the_end_is_noticed(operation, dtype):
    def function(*arrays, out=None):
        if out is None or not out.size:
            return operation(*arrays, out=out)
        operation(*arrays, out=out)
        # One element more than asked for, as a loop over whole vectors would write.
        beyond = np.lib.stride_tricks.as_strided(out, (out.size + 1,), out.strides)
        beyond[-1] = 0
        return out

    must_fail_lanes(operation, dtype, function, "wrote past the end")


@EACH_DTYPE
@EACH_OPERATION
def test_warnings_are_noticed(operation, dtype):
    points = np.array([-1.0, 0.0, 1.0], dtype)

    def divides(x):
        np.ones_like(x) / np.zeros_like(x)
        return operation.at(x)

    def underflows(x):
        np.full_like(x, np.finfo(dtype).tiny) * np.full_like(x, np.finfo(dtype).tiny)
        return operation.at(x)

    def warns(x):
        warnings.warn("overflow encountered", RuntimeWarning, stacklevel=1)
        return operation.at(x)

    for wrong, message in (
        (divides, "divide by zero"),
        (underflows, "underflow"),
        (warns, "overflow"),
    ):
        with pytest.raises(AssertionError, match=f"warning was raised: {message}"):
            check_silent(str(operation), wrong, points)
    check_silent(str(operation), operation.at, points)


def test_other_bits_are_noticed():
    x = np.array([1.0, 0.0, np.nan])
    check_same_bits(x.copy(), x, "same")
    for wrong, message in (
        (np.array([np.nextafter(1.0, 2.0), 0.0, np.nan]), "1 of 3 differ, first at element 0"),
        (np.array([1.0, -0.0, np.nan]), "1 of 3 differ, first at element 1"),
        (x.astype(np.float32), "dtype float32"),
        (x.reshape(3, 1), "shape"),
    ):
        with pytest.raises(AssertionError, match=message):
            check_same_bits(wrong, x, "other")
