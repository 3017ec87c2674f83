"""Gates and maxout: errors, special values, and every axis, layout and size to the bit."""

from __future__ import annotations

import ast
import doctest
import inspect
import itertools
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ranvier as rv
import reference
from checks import check_lanes, check_same_bits, check_silent
from operations import BOUNDED_DTYPES, DTYPES
from points import every_half, stratified
from ranvier.gates import RECORDS
from test_elementwise import LAYOUTS

MODULES = {"value": rv, "derivative": rv.derivative, "vjp": rv.vjp}


@dataclass(frozen=True)
class Channelwise:
    """A function of x, or of g and x, along an axis; that of maxout with its number of pieces."""

    name: str
    form: str
    pieces: int | None = None

    def __call__(self, *arrays: Any, **keywords: Any) -> Any:
        pieces = () if self.pieces is None else (self.pieces,)
        return getattr(MODULES[self.form], self.name)(*arrays, *pieces, **keywords)

    def __str__(self) -> str:
        name = self.name if self.form == "value" else f"{self.form}.{self.name}"
        return name if self.pieces is None else f"{name} of {self.pieces}"

    @property
    def parts(self) -> int:
        """How many channels of the input go into one of the output."""
        return self.pieces or 2

    def arrays(self, shape: tuple[int, ...], dtype: Any, axis: int = -1) -> list[Any]:
        """Distinct operands for an output of a shape."""
        rng = np.random.default_rng(len(shape))
        longer = list(shape)
        longer[axis] *= self.parts
        x = rng.normal(0, 3, longer).astype(dtype)
        return [x] if self.form != "vjp" else [rng.normal(0, 3, shape).astype(dtype), x]


def functions(*forms: str) -> list[Channelwise]:
    return [
        Channelwise(name, form, pieces)
        for form in forms or MODULES
        for name, pieces in [*((name, None) for name in RECORDS), ("maxout", 2), ("maxout", 5)]
    ]


EACH = pytest.mark.parametrize("function", functions(), ids=str)
EACH_VJP = pytest.mark.parametrize("function", functions("vjp"), ids=str)
EACH_DTYPE = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
EACH_GATE = pytest.mark.parametrize("name", RECORDS)
# Of several processes that run the tests, one works out what is exact.
ON_ONE_WORKER = pytest.mark.xdist_group("gates")


def glued(a, b):
    return np.concatenate([a, b], axis=-1)


@cache
def gate_points(dtype):
    """g, a and b: b where activations are tried, the others of many magnitudes."""
    rng = np.random.default_rng(3)
    b = every_half() if dtype is np.float16 else stratified(dtype)[::2]
    if dtype is np.float64:
        b = b[np.abs(b) < 1e300]
    high = 5 if dtype is np.float16 else 60
    g, a = (rng.normal(0, 1, (2, len(b))) * 2.0 ** rng.integers(-high, high, (2, len(b)))).astype(
        dtype
    )
    return g, a, b


@cache
def gate_truth(name, dtype):
    g, a, b = gate_points(dtype)
    if dtype is not np.float16:
        return reference.gate(name, g, a, b)
    # A product of float16 numbers has 22 bits: in float64 it is as good as exact.
    gate = reference.GATES[name]
    f = reference.evaluate_in_double(gate.value, b)
    slope = reference.evaluate_in_double(gate.derivative, b)
    wide = g.astype(np.float64), a.astype(np.float64)
    exacts = []
    for product in (wide[1] * f, wide[0] * f, wide[0] * wide[1] * slope):
        mantissa, exponent = np.frexp(product)
        exacts.append(reference.Exact(mantissa, np.zeros_like(mantissa), exponent.astype(np.int64)))
    return tuple(exacts)


def is_normal(exact):
    """Not a subnormal number, nor beyond: what the bounds in float64 take for granted."""
    return (exact.high == 0) | ((exact.exponent - 1 >= -1022) & (exact.exponent < 1023))


@cache
def bounded(name, dtype):
    """Of the points of a gate, those at which a bound is stated."""
    _, _, b = gate_points(dtype)
    ones = np.ones(len(b), dtype)
    if dtype is not np.float64:
        return ones.astype(bool)
    f, _, slope = reference.gate(name, ones, ones, b)
    return is_normal(f) & is_normal(slope)


def check_gate(name, dtype, value, vjp):
    """The largest errors of value and gradient, in ulp, which keep the bounds."""
    g, a, b = gate_points(dtype)
    exacts = gate_truth(name, dtype)
    results = value(glued(a, b)), *np.split(vjp(g, glued(a, b)), 2)
    bounds = RECORDS[name].bounds[np.dtype(dtype).name]
    worst = []
    for what, got, exact, bound in zip(
        ("value", "gradient of a", "gradient of b"),
        results,
        exacts,
        (bounds.value, bounds.derivative, bounds.derivative),
        strict=True,
    ):
        assert got.dtype == dtype
        errors = np.where(bounded(name, dtype), exact.ulp_error(got), 0)
        at = int(np.argmax(errors))
        assert errors[at] <= bound, (
            f"{name} in {np.dtype(dtype)}, {what}: {errors[at]:.4g} ulp off at g = {g[at]!r}, "
            f"a = {a[at]!r}, b = {b[at]!r}: {got[at]!r}; the bound is {bound:g} ulp"
        )
        worst.append(float(errors[at]))
    return worst


@ON_ONE_WORKER
@EACH_GATE
@pytest.mark.parametrize("dtype", BOUNDED_DTYPES, ids=lambda dtype: dtype.__name__)
def test_error_is_within_the_bound(name, dtype, capsys):
    worst = check_gate(name, dtype, getattr(rv, name), getattr(rv.vjp, name))
    with capsys.disabled():
        print(f"\n{name:14}{dtype.__name__:9}" + " ".join(f"{w:8.4f}" for w in worst), end=" ulp ")


@ON_ONE_WORKER
@EACH_GATE
@pytest.mark.parametrize("dtype", BOUNDED_DTYPES, ids=lambda dtype: dtype.__name__)
def test_the_check_of_errors_notices_faults(name, dtype):
    value, vjp = getattr(rv, name), getattr(rv.vjp, name)

    def scaled(function, part, factor):
        def wrong(*arrays):
            result = function(*arrays)
            with np.errstate(all="ignore"):
                result[part] = (result[part].astype(np.float64) * factor).astype(dtype)
            return result

        return wrong

    def halves_exchanged(x):
        return value(np.roll(x, len(x) // 2))

    off = 1 + 4 * float(np.finfo(dtype).eps)
    half = len(gate_points(dtype)[0])
    for wrong_value, wrong_vjp in (
        (scaled(value, slice(None), off), vjp),
        (value, scaled(vjp, slice(half), off)),
        (value, scaled(vjp, slice(half, None), off)),
        (value, scaled(vjp, slice(half, None), -1)),
        (halves_exchanged, vjp),
        (value, lambda g, x: np.roll(vjp(g, x), half)),
    ):
        if name == "bilinear_glu" and halves_exchanged in (wrong_value, wrong_vjp):
            continue  # a b is b a
        with pytest.raises(AssertionError, match="ulp off"):
            check_gate(name, dtype, wrong_value, wrong_vjp)


@EACH_GATE
@EACH_DTYPE
def test_derivative_is_the_product_with_ones(name, dtype):
    g, a, b = gate_points(dtype)
    x = glued(a, b)
    got = getattr(rv.derivative, name)(x)
    check_same_bits(got, getattr(rv.vjp, name)(np.ones_like(g), x), f"derivative.{name}")
    check_same_bits(got, getattr(rv.vjp, name)(1.0, x), f"derivative.{name}")
    first = getattr(rv, {"glu": "sigmoid", "swiglu": "silu", "geglu": "gelu"}.get(name, "relu"))(b)
    eps = float(np.finfo(dtype).eps)
    assert np.allclose(got[: len(b)], b if name == "bilinear_glu" else first, rtol=2 * eps)


inf, nan = np.inf, np.nan
# f and f' at -inf, at 0 and at inf.
LIMITS = {
    "glu": ((0, 0.5, 1), (0, 0.25, 0)),
    "swiglu": ((0, 0, inf), (0, 0.5, 1)),
    "geglu": ((0, 0, inf), (0, 0.5, 1)),
    "reglu": ((0, 0, inf), (0, 0, 1)),
    "bilinear_glu": ((-inf, 0, inf), (1, 1, 1)),
}


@EACH_GATE
@EACH_DTYPE
def test_special_values(name, dtype):
    assert set(LIMITS) == set(RECORDS)
    points = np.array([-inf, 0, inf])
    numbers = np.array([inf, -inf, nan, 0, 2, -3])
    at_nan = 1 if name == "bilinear_glu" else nan
    # Padding takes them through full vectors as well.
    for pad in (0, 100):
        for (b, f, slope), a, g in itertools.product(
            zip((*points, nan), (*LIMITS[name][0], nan), (*LIMITS[name][1], at_nan), strict=True),
            numbers,
            (1.0, inf, 0.0, nan, -2.0),
        ):
            x = np.concatenate([[a], np.ones(pad), [b], np.ones(pad)]).astype(dtype)
            gs = np.concatenate([[g], np.ones(pad)]).astype(dtype)
            with np.errstate(invalid="ignore"):
                expected = (
                    np.multiply(a, f),
                    np.multiply(g, f),
                    np.multiply(np.multiply(g, a), slope),
                )
            gradient = getattr(rv.vjp, name)(gs, x)
            got = getattr(rv, name)(x)[0], gradient[0], gradient[pad + 1]
            assert np.array_equal(got, expected, equal_nan=True), f"g = {g}, a = {a}, b = {b}"


@EACH
@EACH_DTYPE
def test_no_input_raises_a_warning(function, dtype):
    info = np.finfo(dtype)
    values = [inf, -inf, nan, 0, -0.0, 1, -1, 6e4, -88, -105, -710, -746, info.max, info.min,
              info.tiny, info.smallest_subnormal]  # fmt: skip
    with np.errstate(over="ignore"):
        values = np.array(values).astype(dtype)
    grid = np.stack(np.meshgrid(values, values), -1).reshape(-1, 2)
    x = np.repeat(grid, function.parts, axis=0).reshape(-1, 2 * function.parts)
    for g in values if function.form == "vjp" else [None]:
        given = () if g is None else (np.full((len(x), 2 * function.parts // function.parts), g),)
        shaped = x.reshape(len(x), -1)
        call = function
        if function.pieces is None:
            shaped = np.concatenate([x, x[:, ::-1]], axis=1)[:, :4]
            given = () if g is None else (np.full((len(x), 2), g, dtype),)
        check_silent(str(function), lambda v, f=call, g=given: f(*g, v), shaped)


@EACH_GATE
def test_no_product_overflows_or_underflows_on_the_way_in_float32(name):
    x = np.array([3e38, 1e-40, -90.0, 3.0], np.float32)
    f = [reference.GATES[name].value(reference.EXACT, float(v)) for v in x[2:]]
    exact = reference.Exact.of([float(a) * v for a, v in zip(x[:2], f, strict=True)])
    assert np.all(exact.ulp_error(getattr(rv, name)(x)) <= RECORDS[name].bounds["float32"].value)
    gradient = getattr(rv.vjp, name)(np.array([3e38, 1e-38], np.float32), x[[0, 1, 2, 2]])
    slope = reference.GATES[name].derivative(reference.EXACT, float(x[2]))
    exact = reference.Exact.of([slope * float(np.float32(3e38)) ** 2])
    assert exact.ulp_error(gradient[2:3])[0] <= 1


# -- every size, axis and layout -------------------------------------------------------------------


def line_by_line(function, arrays, axis):
    """The function of every line of contiguous copies, one at a time."""
    moved = [np.moveaxis(a, axis, -1) for a in arrays]
    lines = {
        index: function(*(np.array(a[index], order="C") for a in moved))
        for index in np.ndindex(moved[0].shape[:-1])
    }
    one = function(*(np.zeros(a.shape[-1], a.dtype) for a in moved))
    result = np.empty((*moved[0].shape[:-1], len(one)), one.dtype)
    for index, line in lines.items():
        result[index] = line
    return np.moveaxis(result, -1, axis)


@EACH
@EACH_DTYPE
def test_every_length_and_offset(function, dtype):
    lanes = 64 // np.dtype(dtype).itemsize
    # Blocks: float16 is widened 256 at a time, operands are copied 512 at a time.
    sizes = [*range(2 * lanes + 2), 127, 128, 129, 255, 256, 257, 511, 512, 513, 1025]
    n = 1029
    stack = [a.reshape(n, -1).T for a in function.arrays((n, 1), dtype)]
    rows = [part for array in stack for part in array]
    given = 1 if function.form == "vjp" else 0

    def along(*parts, out=None):
        x = np.stack(parts[given:])
        alone = x.ndim == 1
        x = x.reshape(len(x), -1)
        g = [np.reshape(parts[0], (1, -1))] if given else []
        whole = function(*g, x, axis=0)
        row = whole[-1]
        if alone:
            return row[0]
        if out is None:
            return row
        target = np.empty_like(whole)
        target[...] = 7
        # The last row of the result lies where the canaries are.
        if len(whole) == 1:
            function(*g, x, axis=0, out=out[np.newaxis])
        else:
            function(*g, x, axis=0, out=target)
            out[...] = target[-1]
        return out

    check_lanes(str(function), along, tuple(rows), sizes, (0, 1, 3))


SHAPES = [
    ((5,), 0), ((7, 33), 0), ((7, 33), 1), ((600, 3), 1), ((3, 600), 0), ((3, 5, 7), 1),
    ((3, 20, 7), -3), ((2, 1, 40), -1), ((2, 3, 4, 5), 1), ((2, 3, 13, 13), 1), ((1, 700), 0),
    ((40, 150), 1),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "axis"), SHAPES, ids=str)
@EACH
@EACH_DTYPE
def test_any_axis_and_memory_order(function, dtype, shape, axis):
    arrays = function.arrays(shape, dtype, axis)
    expected = line_by_line(function, arrays, axis)
    for orders in itertools.product("CF", repeat=len(arrays)):
        given = [np.array(a, order=o) for a, o in zip(arrays, orders, strict=True)]
        got = function(*given, axis=axis)
        check_same_bits(np.array(got), expected, f"{function} over axis {axis} of {shape}")
        for order in "CF":
            out = np.full_like(expected, 7, order=order)
            assert function(*given, axis=axis, out=out) is out
            check_same_bits(np.array(out), expected, f"{function} into out, axis {axis}")
    fortran = function(*(np.array(a, order="F") for a in arrays), axis=axis)
    assert fortran.flags.f_contiguous, "the result is laid out as the input"
    assert function(*arrays, axis=axis).flags.c_contiguous


@pytest.mark.parametrize("layout", LAYOUTS)
@EACH
@EACH_DTYPE
def test_layouts(function, dtype, layout):
    for shape, axis in (((3, 170), 1), ((170, 3), 0), ((6, 4), 1)):
        arrays = function.arrays(shape, dtype, axis)
        expected = function(*arrays, axis=axis)
        got = function(*(LAYOUTS[layout](a) for a in arrays), axis=axis)
        check_same_bits(np.array(got), expected, f"{function}, {layout}")
        if layout == "read-only":
            continue
        out = LAYOUTS[layout](np.full(expected.shape, 7, dtype))
        assert function(*arrays, axis=axis, out=out) is out
        check_same_bits(out.astype(dtype), expected, f"{function}, {layout} out")


@EACH
@EACH_DTYPE
def test_reversed_and_broadcast_operands(function, dtype):
    arrays = function.arrays((9, 30), dtype)
    for view in (lambda a: a[::-1, ::-1], lambda a: np.broadcast_to(a[:1], (5, a.shape[1]))):
        views = [view(a) for a in arrays]
        expected = function(*(v.copy() for v in views))
        check_same_bits(np.array(function(*views)), expected, f"{function}")


@EACH
@EACH_DTYPE
def test_gap_of_a_strided_output_stays(function, dtype):
    arrays = function.arrays((6, 200), dtype)
    expected = function(*arrays)
    wide = np.full((6, 2 * expected.shape[1]), 7, dtype)
    function(*arrays, out=wide[:, ::2])
    assert np.all(wide[:, 1::2] == 7)
    check_same_bits(wide[:, ::2].copy(), expected, f"{function}")


@EACH
@EACH_DTYPE
def test_out_that_overlaps_an_input(function, dtype):
    arrays = function.arrays((6, 200), dtype)
    expected = function(*arrays)
    x = arrays[-1].copy()
    out = x if function.form != "value" else x[:, 3 : 3 + expected.shape[1]]
    function(*arrays[:-1], x, out=out)
    check_same_bits(out.copy(), expected, f"{function} into its input")
    buffer = np.zeros(x.size + expected.size, dtype)
    x = buffer[: x.size].reshape(x.shape)
    x[...] = arrays[-1]
    out = buffer[17 : 17 + expected.size].reshape(expected.shape)
    function(*arrays[:-1], x, out=out)
    check_same_bits(out.copy(), expected, f"{function} over a part of its input")
    if function.form == "vjp":
        x = arrays[-1].copy()
        g = np.zeros_like(x).ravel()[: arrays[0].size].reshape(arrays[0].shape)
        g[...] = arrays[0]
        base = g.base.reshape(x.shape)
        function(g, x, out=base)
        check_same_bits(base.copy(), expected, f"{function} over its gradient")


@EACH
@EACH_DTYPE
def test_same_bits_on_any_number_of_threads(function, dtype):
    for shape, axis in (((1003, 60), -1), ((150_001,), 0), ((37, 3001), 0), ((7, 5, 1009), 1)):
        arrays = function.arrays(shape, dtype, axis)
        with rv.num_threads(1):
            expected = function(*arrays, axis=axis)
        for threads in (2, 4, 7):
            with rv.num_threads(threads):
                got = function(*arrays, axis=axis)
            check_same_bits(got, expected, f"{function} of {shape} on {threads} threads")


@EACH
@EACH_DTYPE
def test_empty(function, dtype):
    for shape, axis in (((0,), 0), ((3, 0), 1), ((0, 4), 1), ((0, 4), 0), ((2, 0, 3), -1)):
        arrays = function.arrays(shape, dtype, axis)
        got = function(*arrays, axis=axis)
        assert got.dtype == dtype
        assert got.shape == (shape if function.form == "value" else arrays[-1].shape)
        assert function(*arrays, axis=axis, out=np.empty_like(got)).shape == got.shape


# -- dtypes and errors -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["?", "b", "B", "h", "H", "i", "I", "l", "L"])
@EACH
def test_integers_are_promoted_as_by_numpy(function, code):
    x = (np.arange(20).reshape(2, 10) % 2).astype(code)
    arrays = [x] if function.form != "vjp" else [x[:, : 10 // function.parts], x]
    expected = np.exp(x).dtype
    got = function(*arrays)
    assert got.dtype == expected
    check_same_bits(got, function(*(a.astype(expected) for a in arrays)), f"{function} of {code}")


@pytest.mark.parametrize("code", ["F", "D", "O", "U4", "M8[s]", "m8[s]", "g"])
@pytest.mark.parametrize("axis", [0, 1])
@EACH
def test_other_dtypes_are_refused(function, code, axis):
    shape = (10, 10)
    x = np.zeros(shape, np.int64).astype(code)
    g = [np.ones(1)] if function.form == "vjp" else []
    with pytest.raises(TypeError):
        function(*g, x, axis=axis)


@EACH_VJP
def test_dtypes_of_gradient_and_input(function):
    g, x = function.arrays((3, 4), np.float32)
    assert function(g, x.astype(np.float64)).dtype == np.float64
    assert function(g.astype(np.float64), x).dtype == np.float64
    assert function(g.astype(np.float16), x).dtype == np.float32
    for number in (2, 2.0, True):
        assert function(number, x).dtype == np.float32
    check_same_bits(
        function(2.0, x), function(np.full_like(g, 2), x), f"{function} with one number"
    )
    check_same_bits(
        function(g[0], x), function(np.broadcast_to(g[0], g.shape).copy(), x), f"{function}, a row"
    )


@EACH
def test_other_array_types_are_respected(function):
    class Labelled(np.ndarray):
        pass

    arrays = function.arrays((3, 4), np.float32)
    for order in "CF":
        got = function(*arrays[:-1], np.array(arrays[-1], order=order).view(Labelled))
        assert type(got) is Labelled
    assert np.shape(function(*([1.0] * (len(arrays) - 1)), [1.0] * 10))


@EACH
def test_output_that_does_not_fit(function):
    arrays = function.arrays((4, 5), np.float32)
    shape = function(*arrays).shape
    fixed = np.full(shape, 7, np.float32)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        function(*arrays, out=fixed)
    for wrong in ((4, shape[1] + 1), (3, *shape), shape[:1], (4, shape[1] - 1)):
        out = np.full(wrong, 7, np.float32)
        with pytest.raises(ValueError, match=re.escape(f"out has shape {wrong}; expected {shape}")):
            function(*arrays, out=out)
        assert np.all(out == 7)
    integers = np.full(shape, 7)
    with pytest.raises(TypeError):
        function(*arrays, out=integers)
    assert np.all(integers == 7)
    with pytest.raises(TypeError, match="out is a list"):
        function(*arrays, out=[0.0] * 4)
    single = np.empty(shape, np.float64)
    check_same_bits(
        function(*arrays, out=(single,)).astype(np.float32), function(*arrays), f"{function}"
    )


@EACH
def test_wrong_axes(function):
    arrays = function.arrays((4, 5), np.float32)
    for axis in (2, -3, 10**6):
        with pytest.raises(np.exceptions.AxisError, match=rf"axis {axis} .*dimension 2"):
            function(*arrays, axis=axis)
    with pytest.raises(np.exceptions.AxisError, match=r"axis -1 .*dimension 0"):
        function(*arrays[:-1], np.float32(1))
    for axis in (None, 1.0, (0, 1), "0"):
        with pytest.raises(TypeError, match=r"axis is .*; expected an integer"):
            function(*arrays, axis=axis)
    given = [np.ones(1), np.ones((3, 7))] if function.form == "vjp" else [np.ones((3, 7))]
    message = (
        "x has length 7 along axis 1; expected an even length"
        if function.pieces is None
        else f"pieces is {function.pieces}; expected a divisor of 7, the length of axis 1 of x"
    )
    with pytest.raises(ValueError, match=message):
        function(*given, axis=1)


@EACH_VJP
def test_wrong_gradients(function):
    g, x = function.arrays((4, 5), np.float32)
    for wrong in ((4, 6), (2, 4, 5), (3, 5)):
        message = f"g has shape {wrong}; expected {g.shape}, that of the output"
        with pytest.raises(ValueError, match=re.escape(message)):
            function(np.ones(wrong), x)
    for code in "DO":
        with pytest.raises(TypeError):
            function(g.astype(code), x)


@pytest.mark.parametrize("form", MODULES)
def test_wrong_pieces(form):
    g = [1.0] if form == "vjp" else []
    maxout = MODULES[form].maxout
    for pieces in (0, -1, -(10**30)):
        with pytest.raises(ValueError, match=f"pieces is {pieces}; expected at least 1"):
            maxout(*g, np.ones(6), pieces)
    for pieces in (4, 7, 10**30):
        with pytest.raises(ValueError, match=f"pieces is {pieces}; expected a divisor of 6"):
            maxout(*g, np.ones(6), pieces)
    for pieces in (2.0, "2", None, [2]):
        with pytest.raises(TypeError, match=r"pieces is .*; expected an integer"):
            maxout(*g, np.ones(6), pieces)
    assert np.shape(maxout(*g, np.ones(6), np.int8(2))) == ((3,) if form == "value" else (6,))


# -- gradients -------------------------------------------------------------------------------------


def central_differences(function, g, x, step=1e-4):
    """Of fourth order."""
    result = np.empty_like(x)
    for index in np.ndindex(x.shape):
        total = 0.0
        for k, weight in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            moved = x.copy()
            moved[index] += k * step
            total += weight * np.sum(g * function(moved))
        result[index] = total / (12 * step)
    return result


@pytest.mark.parametrize("axis", [0, 1])
@EACH_VJP
def test_vjp_equals_central_differences(function, axis):
    g, x = function.arrays((4, 6), np.float64, axis)
    x = np.where(np.abs(x) < 1e-2, 0.5, x)  # off the kink of relu
    value = Channelwise(function.name, "value", function.pieces)
    expected = central_differences(lambda v: value(v, axis=axis), g, x)
    got = function(g, x, axis=axis)
    assert np.allclose(got, expected, rtol=1e-8, atol=1e-9)
    for wrong in (-got, np.roll(got, 1), function(g, x + 0.01, axis=axis)):
        same = np.allclose(wrong, expected, rtol=1e-8, atol=1e-9)
        assert not same or (function.name == "maxout" and wrong is not got)


# -- maxout ----------------------------------------------------------------------------------------


def check_maxout(x, pieces, value, derivative, vjp):
    winners = np.array(reference.maxout(x, pieces), int)
    check_same_bits(value(x, pieces), x[winners], f"maxout of {x!r}")
    right = np.zeros_like(x)
    right[winners] = 1
    check_same_bits(derivative(x, pieces), right, f"derivative.maxout of {x!r}")
    g = np.random.default_rng(5).normal(0, 3, len(winners)).astype(x.dtype)
    right[winners] = g
    check_same_bits(vjp(g, x, pieces), right, f"vjp.maxout of {x!r}")


MAXOUT = (rv.maxout, rv.derivative.maxout, rv.vjp.maxout)


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 16, 100])
@EACH_DTYPE
def test_maxout_against_the_reference(dtype, pieces):
    rng = np.random.default_rng(pieces)
    for groups in (1, 5, 130, 700):
        n = groups * pieces
        ordinary = rng.normal(0, 3, n)
        ties = rng.integers(0, 3, n)
        special = rng.choice([nan, inf, -inf, 0.0, -0.0, 1.0], n)
        for x in (ordinary, ties, special, -np.abs(special), np.full(n, -inf), np.full(n, nan)):
            check_maxout(x.astype(dtype), pieces, *MAXOUT)


def test_maxout_of_zeros_and_nans_of_both_signs():
    zeros = np.array([-0.0, 0.0, 0.0, -0.0])
    assert np.array_equal(np.signbit(rv.maxout(zeros, 2)), [True, False])
    payload = np.array([0x7FC00001, 0x7FC00002, 0x3F800000, 0xFFC00003], np.uint32)
    got = rv.maxout(payload.view(np.float32), 2)
    assert np.array_equal(got.view(np.uint32), payload[[0, 3]])


def test_the_check_of_maxout_notices_faults():
    x = np.array([1, 1, nan, nan, 2, 3, -0.0, 0.0], np.float32)

    def last(x, pieces):
        return rv.maxout(x[::-1], pieces)[::-1]

    def last_derivative(x, pieces):
        return rv.derivative.maxout(x[::-1].copy(), pieces)[::-1].copy()

    def ignores_nan(x, pieces):
        return np.fmax.reduce(x.reshape(-1, pieces), axis=1)

    value, derivative, vjp = MAXOUT
    for wrong in (
        (last, derivative, vjp),
        (ignores_nan, derivative, vjp),
        (value, last_derivative, vjp),
        (value, derivative, lambda g, x, p: np.repeat(g, p)),
    ):
        with pytest.raises(AssertionError, match="differ"):
            check_maxout(np.concatenate([x, [nan, 1, 1, nan]]).astype(np.float32), 2, *wrong)


# -- rows == exports == references == stubs == documentation == benchmarks -------------------------


def same_names(found, expected, where):
    missing, unknown = sorted(expected - found), sorted(found - expected)
    assert not missing, f"{where} lacks {', '.join(missing)}"
    assert not unknown, f"{where} has {', '.join(unknown)}, of which there is no row"


def test_registry(checkout):
    rows = set(RECORDS)
    text = (checkout / "cpp/src/ops/gates.def").read_text()
    same_names(set(re.findall(r"^RV_GATE\(\s*(\w+)", text, re.MULTILINE)), rows, "gates.def")
    same_names(set(reference.GATES), rows, "GATES in reference.py")
    same_names(set(rv.gates.__all__), rows, "ranvier.gates")
    both = rows | {"maxout"}
    assert both <= set(rv.__all__)
    activations = {record.name for record in rv.registry()}
    for module in (rv.derivative, rv.vjp):
        others = activations | {"softmax", "log_softmax", "softmin"}
        same_names(set(module.__all__) - others, both, module.__name__)
    page = (checkout / "docs/gates.md").read_text()
    same_names(set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)), rows, "docs/gates.md")
    assert "rv.maxout(x, pieces" in page
    tree = ast.parse((checkout / "python/ranvier/bench/gates.py").read_text())
    (table,) = (
        node.body[-1].value
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == "in_torch"
    )
    keys = {ast.literal_eval(key) for key in table.keys}
    same_names(keys, both, "in_torch in bench/gates.py")


@pytest.mark.parametrize("form", MODULES)
def test_functions_are_what_their_rows_say(form):
    module = rv.gates if form == "value" else MODULES[form]
    stub = ast.parse(Path(module.__file__).with_suffix(".pyi").read_text())
    declared = {node.name: node for node in stub.body if isinstance(node, ast.FunctionDef)}
    g = ["g"] if form == "vjp" else []
    for name, record in RECORDS.items():
        function = getattr(module, name)
        assert function.__name__ == name
        assert function.__module__ == module.__name__
        assert list(inspect.signature(function).parameters) == [*g, "x", "axis", "out"]
        arguments = declared[name].args
        assert [a.arg for a in arguments.args] == [*g, "x", "axis"]
        assert [a.arg for a in arguments.kwonlyargs] == ["out"]
        assert re.search(r"\b(19|20)\d\d\b", record.reference)
        assert record.reference in " ".join(function.__doc__.split())
        assert record.formula in function.__doc__
        example = doctest.DocTestParser().get_doctest(function.__doc__, {}, name, None, None)
        assert example.examples
        assert doctest.DocTestRunner().run(example).failed == 0
        assert set(record.bounds) == {"float16", "float32", "float64"}
        for dtype, most in (("float16", 0.51), ("float32", 1), ("float64", 2)):
            assert 0 < record.bounds[dtype].value <= most
            assert 0 < record.bounds[dtype].derivative <= most
    parameters = list(inspect.signature(MODULES[form].maxout).parameters)
    assert parameters == [*g, "x", "pieces", "axis", "out"]
