"""What the functions of an array promise of all numbers, over numbers that Hypothesis chooses.

    pytest tests/test_properties.py --hypothesis-profile=nightly

tries many more of them, other ones each time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import ranvier as rv
from checks import check_same_bits
from layouts import empty_views, views
from operations import DTYPES, operations

EACH_DTYPE = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
EACH_FLOAT = pytest.mark.parametrize("dtype", DTYPES[1:], ids=lambda dtype: dtype.__name__)
VALUES = {operation.name: operation for operation in operations("value")}

ODD = ("tanh", "tanhshrink", "softsign", "hardtanh", "hardshrink", "softshrink")
EVEN = ("gaussian",)
MONOTONE = (
    *("sigmoid", "logsigmoid", "tanh", "tanhshrink", "relu", "relu6", "leaky_relu", "prelu"),
    *("threshold", "hardtanh", "hardsigmoid", "hardshrink", "softshrink", "softsign", "softplus"),
    *("squareplus", "elu", "celu", "selu", "sparse_plus", "sparse_sigmoid"),
)
# Where a function or its slope jumps, with the parameters of `operations`.
KINKS = np.array([-3, -1, -0.5, 0, 0.25, 0.5, 1, 3, 6])
# The largest relative error of an element, as the docstring says.
SOFTMAX_ULPS = {np.float32: 2, np.float64: 4}


def numbers(dtype: Any, **limits: Any) -> st.SearchStrategy[Any]:
    """A vector of finite numbers."""
    elements = arrays.from_dtype(np.dtype(dtype), allow_nan=False, allow_infinity=False, **limits)
    return arrays.arrays(dtype, st.integers(1, 24), elements=elements)


def matrices(dtype: Any, largest: float) -> st.SearchStrategy[Any]:
    elements = st.floats(-largest, largest, width=32)
    return arrays.arrays(dtype, st.tuples(st.integers(1, 5), st.integers(1, 9)), elements=elements)


def neighbours(x: float, dtype: Any, count: int = 64) -> Any:
    """Numbers that follow one another, x in the midst of them."""
    signed = np.dtype(dtype).str.replace("f", "i")
    limits = np.finfo(dtype)
    bits = int(np.asarray(abs(x), dtype).view(signed)) * (-1 if x < 0 else 1)
    largest = int(np.asarray(limits.max, dtype).view(signed))
    around = np.arange(bits - count // 2, bits + count // 2)
    around = around[np.abs(around) <= largest]
    return np.copysign(np.abs(around).astype(signed).view(dtype), np.sign(around).astype(dtype))


@EACH_DTYPE
@pytest.mark.parametrize("name", ODD)
@given(data=st.data())
def test_odd(name, dtype, data):
    x = data.draw(numbers(dtype))
    np.testing.assert_array_equal(VALUES[name](-x), -VALUES[name](x))
    slope = getattr(rv.derivative, name)
    np.testing.assert_array_equal(slope(-x), slope(x))


@EACH_DTYPE
@pytest.mark.parametrize("name", EVEN)
@given(data=st.data())
def test_even(name, dtype, data):
    x = data.draw(numbers(dtype))
    np.testing.assert_array_equal(VALUES[name](-x), VALUES[name](x))
    slope = getattr(rv.derivative, name)
    np.testing.assert_array_equal(slope(-x), -slope(x))


@EACH_DTYPE
@given(data=st.data())
def test_the_two_halves_of_x(dtype, data):
    x = data.draw(numbers(dtype))
    np.testing.assert_array_equal(rv.relu(x) - rv.relu(-x), x)


@EACH_DTYPE
@pytest.mark.parametrize("name", MONOTONE)
@given(data=st.data())
def test_monotone_over_neighbouring_numbers(name, dtype, data):
    f = VALUES[name]
    largest = float(np.finfo(dtype).max) / 4
    x = data.draw(st.floats(-40, 40) | st.floats(-largest, largest))
    for centre in (x, _step_near(f, dtype(x))):
        at = neighbours(float(centre), dtype)
        y = f(at)
        assert np.all(y[1:] >= y[:-1]), (
            f"{name} falls after x = {at[:-1][y[1:] < y[:-1]][0]!r}: {y[1:][y[1:] < y[:-1]][0]!r}"
        )


def _step_near(f: Any, x: Any) -> Any:
    """A number above x from which on f gives something else, found by halving: where it is flat."""
    low, high = x, x + np.abs(x) + type(x)(1)
    if not np.isfinite(high) or f(low) == f(high):
        return x
    while True:
        middle = low + (high - low) / 2
        if middle in (low, high):
            return middle
        if f(middle) == f(x):
            low = middle
        else:
            high = middle


@pytest.mark.parametrize("operation", operations("vjp", "vjp_from_output"), ids=str)
@given(data=st.data())
def test_vjp_is_linear_in_the_gradient(operation, data):
    """Exactly, for a power of two and for the sign, where nothing is subnormal or infinite."""
    dtype = data.draw(st.sampled_from(DTYPES))
    x = data.draw(numbers(dtype, min_value=-30, max_value=30))
    g = data.draw(arrays.arrays(dtype, x.shape, elements=st.floats(-8, 8, width=16)))
    factor = dtype(2.0 ** data.draw(st.integers(-3, 3)))
    once, scaled = operation(g, x), operation(-factor * g, x)
    limits = np.finfo(dtype)
    sizes = np.abs(np.stack([once, scaled, factor * g, g]))
    plain = np.all((sizes == 0) | ((sizes >= 64 * limits.tiny) & (sizes < limits.max / 64)), axis=0)
    plain &= (once != 0) | (scaled == 0)
    np.testing.assert_array_equal(scaled[plain], (-factor * once)[plain])


@pytest.mark.parametrize("operation", operations("derivative"), ids=str)
@given(x=numbers(np.float64, min_value=-25, max_value=25))
def test_derivative_is_the_limit_of_differences(operation, x):
    h = 2.0**-17
    x = x[np.min(np.abs(x[:, np.newaxis] - KINKS), axis=1) > 2 * h]
    assume(x.size)
    f = VALUES[operation.name]
    x = (x + h) - h  # so that x + h and x - h are half of 2 h away
    difference = (f(x + h) - f(x - h)) / ((x + h) - (x - h))
    np.testing.assert_allclose(operation(x), difference, rtol=1e-8, atol=1e-9)


@EACH_FLOAT
@pytest.mark.parametrize("operation", operations("vjp_from_output"), ids=str)
@given(data=st.data())
def test_gradient_from_output_is_that_from_input(operation, dtype, data):
    """As far as a rounded output tells the slope: that changes by twice the error at most."""
    x = data.draw(numbers(dtype, min_value=-25, max_value=25))
    x = x[np.min(np.abs(x[:, np.newaxis] - KINKS), axis=1) > 1e-3]
    g = np.full_like(x, 0.75)
    given_input = getattr(rv.vjp, operation.name)(g, x)
    np.testing.assert_allclose(
        operation(g, VALUES[operation.name](x)), given_input, rtol=0, atol=4 * np.finfo(dtype).eps
    )


@pytest.mark.parametrize("operation", operations(), ids=str)
@given(data=st.data())
def test_layout_changes_no_bit(operation, data):
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(arrays.array_shapes(min_dims=0, max_dims=3, max_side=7, min_side=0))
    elements = st.floats(-9, 9, width=16)
    plain = [data.draw(arrays.arrays(dtype, shape, elements=elements, fill=st.nothing()))
             for _ in range(operation.arrays)]  # fmt: skip
    expected = np.asarray(operation(*plain))
    out = data.draw(empty_views(shape, dtype))
    got = operation(*(data.draw(views(x)) for x in plain), out=out)
    assert got is out
    check_same_bits(np.array(got), expected, str(operation))


GATES = ("glu", "swiglu", "geglu", "reglu", "bilinear_glu")


@EACH_DTYPE
@pytest.mark.parametrize("name", [*GATES, "softmax", "log_softmax", "softmin"])
@given(data=st.data())
def test_layout_and_axis_change_no_bit(name, dtype, data):
    f = getattr(rv, name)
    shape = data.draw(arrays.array_shapes(min_dims=1, max_dims=3, max_side=6))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    if name in GATES:
        shape = tuple(n + n % 2 if i == axis % len(shape) else n for i, n in enumerate(shape))
    x = data.draw(arrays.arrays(dtype, shape, elements=st.floats(-9, 9, width=16)))
    expected = np.moveaxis(f(np.ascontiguousarray(np.moveaxis(x, axis, -1))), -1, axis)
    out = data.draw(empty_views(expected.shape, dtype))
    f(data.draw(views(x)), axis, out=out)
    check_same_bits(np.array(out), np.array(expected), name)


@EACH_FLOAT
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@given(data=st.data())
def test_softmax_of_shifted_rows(name, dtype, data):
    """A shift that adds no rounding of its own: both results are within the bound of one truth."""
    steps = arrays.arrays(np.int64, st.integers(1, 40), elements=st.integers(-4000, 4000))
    x = data.draw(steps).astype(dtype) / 256
    shift = dtype(2.0 ** data.draw(st.integers(-8, 14)) * data.draw(st.sampled_from((-1, 1))))
    assert np.all((x + shift) - shift == x)
    f = getattr(rv, name)
    bound = SOFTMAX_ULPS[dtype] if name == "softmax" else 2
    np.testing.assert_array_max_ulp(f(x + shift), f(x), 2 * bound, dtype)


@EACH_FLOAT
@given(data=st.data())
def test_rows_of_softmax_sum_to_one(dtype, data):
    x = data.draw(matrices(dtype, 1e4))
    for row in rv.softmax(x):
        assert np.all(row >= 0)
        total = math.fsum(row.tolist())
        assert abs(total - 1) <= SOFTMAX_ULPS[dtype] * np.finfo(dtype).eps


@EACH_FLOAT
@given(data=st.data())
def test_log_softmax_is_x_less_logsumexp(dtype, data):
    x = data.draw(matrices(dtype, 1e4))
    total = rv.logsumexp(x, keepdims=True)
    unit = np.finfo(dtype).eps * np.maximum(np.abs(x), np.abs(total))
    assert np.all(np.abs(rv.log_softmax(x) - (x - total)) <= 3 * unit)


@EACH_FLOAT
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@given(data=st.data())
def test_vjp_of_softmax_is_linear_in_the_gradient(name, dtype, data):
    y = getattr(rv, name)(data.draw(matrices(dtype, 16)))
    g = data.draw(arrays.arrays(dtype, y.shape, elements=st.floats(-8, 8, width=16)))
    factor = dtype(2.0 ** data.draw(st.integers(-3, 3)))
    vjp = getattr(rv.vjp, name)
    once, scaled = vjp(g, y), vjp(-factor * g, y)
    plain = np.abs(once) >= 64 * np.finfo(dtype).tiny
    np.testing.assert_array_equal(scaled[plain], (-factor * once)[plain])
