"""Parameters of every sign and size, alone and per channel: the bounds hold, and the limits."""

from __future__ import annotations

import numpy as np
import pytest

from checks import check_same_bits, check_silent
from operations import BOUNDED_DTYPES, operations
from reference import REFERENCES, evaluate

EXTREMES = (-3.0, -1.0, -0.3, 0.0, 1e-30, 1e-6, 0.37, 7.0, 37.0, 1e6, 1e30)
# Where the function itself is not defined: a division by zero, or the root of a negative number.
UNDEFINED = (ZeroDivisionError, TypeError, ValueError)
FLOATS = [dtype for dtype in BOUNDED_DTYPES if dtype is not np.float16]
WITH_PARAMETERS = [o for o in operations("value", "derivative") if o.record.parameters]
CASES = [
    pytest.param(operation, index, value, id=f"{operation}, {name}={value:g}")
    for operation in WITH_PARAMETERS
    for index, name in enumerate(operation.record.parameters)
    for value in EXTREMES
]


def points(dtype):
    rng = np.random.default_rng(7)
    # The least normal number, whose quotient by a parameter may be subnormal, and below it.
    least = np.finfo(dtype).tiny * rng.uniform(0, 2, 8)
    sizes = np.concatenate([10.0 ** rng.uniform(-30, 30, 24), least])
    ranges = [rng.uniform(-5, 5, 32), rng.uniform(-100, 100, 16), sizes, -sizes]
    return np.concatenate([*ranges, [0.0, 0.3, -0.3, 3.0, -3.0]]).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("operation", "index", "value"), CASES)
def test_error_is_within_the_bound(operation, index, value, dtype):
    parameters = [dtype(p) for p in operation.parameters]
    parameters[index] = dtype(value)
    x = points(dtype)
    got = operation.function(x, *parameters)
    formula = getattr(REFERENCES[operation.name], operation.form)
    undefined = 0
    for i in range(len(x)):
        try:
            exact = evaluate(formula, x[i : i + 1], parameters)
        except UNDEFINED:
            undefined += 1
            continue
        error = exact.ulp_error(got[i : i + 1])[0]
        assert error <= operation.bound(dtype), (
            f"{operation}({x[i]!r}, {parameters}) is {got[i]!r}, {error:.4g} ulp off; "
            f"{exact.rounded(dtype)[0]!r} is right"
        )
    assert undefined == 0 or value <= 0, f"{undefined} points have no value"


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize(("operation", "index", "value"), CASES)
def test_no_parameter_raises_a_warning(operation, index, value, dtype):
    parameters = [dtype(p) for p in operation.parameters]
    parameters[index] = dtype(value)
    special = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype)
    x = np.concatenate([points(dtype), special])
    check_silent(str(operation), lambda v: operation.function(v, *parameters), x)


@pytest.mark.parametrize("dtype", [np.float16, *FLOATS], ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("operation", WITH_PARAMETERS, ids=str)
def test_a_parameter_per_channel_gives_what_each_gives_alone(operation, dtype):
    x = np.linspace(-4, 4, 5 * 39).reshape(5, 39).astype(dtype)
    for index in range(len(operation.parameters)):
        given = [dtype(p) for p in operation.parameters]
        channels = np.linspace(-2, 2.5, 39).astype(dtype)
        given[index] = channels
        together = operation.function(x, *given)
        for c, channel in enumerate(channels):
            given[index] = channel
            alone = operation.function(np.ascontiguousarray(x[:, c]), *given)
            check_same_bits(together[:, c].copy(), alone, f"{operation}, channel {c}")


@pytest.mark.parametrize(
    ("name", "parameters", "x", "value", "derivative"),
    [
        ("squareplus", (-4.0,), 1.0, np.nan, np.nan),
        ("squareplus", (0.0,), 0.0, 0.0, 0.5),
        ("celu", (0.0,), -1.0, 0.0, 0.0),
        ("celu", (-1.0,), -1000.0, -np.inf, np.inf),
        ("softplus", (0.0,), 1.0, np.inf, 0.5),
        ("swish", (0.0,), 3.0, 1.5, 0.5),
        ("hardtanh", (2.0, 1.0), 5.0, 1.0, 0.0),
        ("hardshrink", (-1.0,), 0.5, 0.5, 1.0),
        ("softshrink", (-1.0,), 0.5, 1.5, 1.0),
    ],
)
def test_documented_limits(name, parameters, x, value, derivative):
    functions = {o.form: o.function for o in WITH_PARAMETERS if o.name == name}
    for dtype in (np.float32, np.float64):
        got = functions["value"](dtype(x), *map(dtype, parameters))
        np.testing.assert_array_equal(got, value)
        got = functions["derivative"](dtype(x), *map(dtype, parameters))
        np.testing.assert_array_equal(got, derivative)
