"""The softmax family against exact rows, over every axis and layout."""

from __future__ import annotations

import itertools
import re
from functools import cache

import numpy as np
import pytest

import ranvier as rv
import reference
from checks import check_same_bits, check_silent

EACH_DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
MAPS = {"softmax": rv.softmax, "log_softmax": rv.log_softmax}
EACH_MAP = pytest.mark.parametrize("name", MAPS)


@cache
def rows(dtype):
    """Random rows of every length up to a few chunks, and adversarial ones."""
    rng = np.random.default_rng(7)
    lengths = (1, 2, 3, 7, 10, 15, 16, 17, 31, 33, 100)
    lists = [rng.normal(0, scale, n) for n in lengths for scale in (1e-3, 1, 10, 200)]
    # Few elements: what each is off by is not averaged away.
    lists += [rng.uniform(-4, 4, n) for n in (2, 2, 3, 5) for _ in range(250)]
    lists += [
        [20, 0],
        [0, 20],
        [0, -36.7],
        [0, -40, -45],
        [1e-30, 0, -1e-30],
        [5] * 40,
        [0] + [-14] * 99,
        [0] + [-17.5] * 200,
        [0] + [-38] * 300,
        np.linspace(-100, 0, 90),
        np.linspace(-87.5, 15, 50),
        np.linspace(-105, 0, 60),
        np.linspace(-745, 0, 100),
        [1e30, -1e30, 1e30],
        [np.finfo(dtype).max, -np.finfo(dtype).max, 0],
        [1e308 if dtype is np.float64 else 1e38] * 2,
        [np.finfo(dtype).smallest_subnormal, 0, 1],
        [-700.25, -701.5, -703.125],
        [88.1, 88.2, 3.7],
        rng.normal(0, 3, 5000),  # longer than a block: rescaled on the way
        np.sort(rng.normal(0, 30, 9000)),
    ]
    return [np.asarray(row, dtype) for row in lists]


def worst_error(results, exacts):
    errors = [
        float(e.ulp_error(np.atleast_1d(r)).max()) for r, e in zip(results, exacts, strict=True)
    ]
    at = int(np.argmax(errors))
    return errors[at], at


def check_rows(name, dtype, results, exacts, bound, capsys):
    worst, at = worst_error(results, exacts)
    with capsys.disabled():
        print(f"\n{name:28}{dtype.__name__:9}{worst:8.4f} ulp of {bound:.4f}", end=" ")
    row = rows(dtype)[at]
    assert worst <= bound, f"{name} in {dtype.__name__}: {worst:.4g} ulp off for the row {row!r}"


# What the docstrings say, in ulp.
BOUNDS = {
    ("softmax", np.float32): 2,
    ("softmax", np.float64): 4,
    ("log_softmax", np.float32): 2,
    ("log_softmax", np.float64): 2,
}


@EACH_MAP
@EACH_DTYPE
def test_error_is_within_the_bound(name, dtype, capsys):
    exacts = [getattr(reference, name)(row) for row in rows(dtype)]
    results = [MAPS[name](row) for row in rows(dtype)]
    check_rows(name, dtype, results, exacts, BOUNDS[name, dtype], capsys)
    for row, result, exact in zip(rows(dtype), results, exacts, strict=True):
        smallest = np.finfo(dtype).minexp - np.finfo(dtype).nmant
        flushed = (result == 0) & (exact.exponent - 1 >= smallest) & (exact.high != 0)
        assert not flushed.any(), f"{name} flushed to 0 for the row {row!r}"


@EACH_DTYPE
def test_logsumexp_is_within_two_ulp_of_its_larger_part(dtype, capsys):
    # log sum exp = largest + log(sum): near 0 the two cancel, and no function of the rounded
    # inputs alone could do better than an ulp of the larger.
    exacts = [reference.logsumexp(row) for row in rows(dtype)]
    results = [rv.logsumexp(row) for row in rows(dtype)]
    worst = 0.0
    for row, result, exact in zip(rows(dtype), results, exacts, strict=True):
        error = exact.ulp_error(np.atleast_1d(result))[0]
        if abs(row.max()) < np.finfo(dtype).max:
            own, larger = np.spacing([abs(exact.rounded(dtype)[0]), abs(row.max())])
            error *= min(1, own / larger)
        worst = max(worst, float(error))
        assert error <= 2, f"logsumexp in {dtype.__name__}: {error:.4g} ulp off for {row!r}"
    with capsys.disabled():
        print(f"\n{'logsumexp':28}{dtype.__name__:9}{worst:8.4f} ulp of 2.0000", end=" ")


@pytest.mark.parametrize("temperature", [0.1, 0.5, 3.0, 1e3])
@EACH_MAP
@EACH_DTYPE
def test_temperature(name, dtype, temperature):
    for row in rows(dtype):
        if np.abs(row).max() > 1e30:
            continue  # test_huge_scores_at_a_huge_temperature
        exact = getattr(reference, name)(row, temperature=temperature)
        error = exact.ulp_error(MAPS[name](row, temperature=temperature)).max()
        # The exponent (x - largest) / T is the result of three roundings in float64, each of which
        # counts as often as the exponent is large.
        distance = min(float(row.max() - row.min()) / temperature, 745)
        bound = BOUNDS[name, dtype] + 3 * distance * np.finfo(np.float64).eps / np.finfo(dtype).eps
        assert error <= bound, f"{name}, T = {temperature:g}: {error:.4g} ulp off for {row!r}"


@EACH_DTYPE
def test_temperature_flattens_and_sharpens(dtype):
    x = np.array([1, 2, 4], dtype)
    assert np.allclose(rv.softmax(x, temperature=1e9), 1 / 3)
    assert np.array_equal(rv.softmax(x, temperature=1e-5), [0, 0, 1])
    assert np.array_equal(rv.softmax(x, temperature=1e-310), [0, 0, 1])
    entropies = [
        -(p * np.log(p)).sum() for p in (rv.softmax(x, temperature=t) for t in (0.5, 1, 2, 4))
    ]
    assert np.all(np.diff(entropies) > 0)


@EACH_DTYPE
def test_huge_scores_at_a_huge_temperature(dtype):
    huge = float(np.finfo(dtype).max)
    got = rv.softmax(np.array([huge, -huge], dtype), temperature=huge)
    expected = reference.softmax([1.0, -1.0]).rounded(np.float64)
    assert np.allclose(got, expected, rtol=8 * np.finfo(dtype).eps, atol=0)


def test_the_largest_of_two_keeps_its_logarithm():
    assert rv.log_softmax([20.0, 0.0])[0] == pytest.approx(-2.061153620314381e-09, rel=1e-15)
    single = rv.log_softmax(np.array([20, 0], np.float32))[0]
    assert single == np.float32(-2.061153620314381e-09)


ALL = {**MAPS, "logsumexp": rv.logsumexp}
EACH_OF_ALL = pytest.mark.parametrize("name", ALL)


def along_last(function, x, axis, **keywords):
    """The function of every row of a contiguous copy, one at a time; the axis is put last."""
    moved = np.moveaxis(x, axis, -1)
    mask = keywords.pop("mask", None)
    kept = None if mask is None else np.moveaxis(np.broadcast_to(mask, x.shape), axis, -1)
    one = function(np.zeros(2, x.dtype))
    result = np.empty(moved.shape if np.ndim(one) else moved.shape[:-1], x.dtype)
    for index in np.ndindex(moved.shape[:-1]):
        extra = {} if kept is None else {"mask": kept[index].copy()}
        result[index] = function(moved[index].copy(), **keywords, **extra)
    return np.moveaxis(result, -1, axis) if np.ndim(one) else result


@pytest.mark.parametrize(("shape", "axis"), [
    ((5,), 0), ((4, 33), 0), ((4, 33), 1), ((3, 20, 7), 1), ((3, 20, 7), -3), ((2, 1, 40), -1),
])  # fmt: skip
@EACH_OF_ALL
@EACH_DTYPE
def test_any_axis(name, dtype, shape, axis):
    x = np.random.default_rng(1).normal(0, 4, shape).astype(dtype)
    got = ALL[name](x, axis=axis)
    check_same_bits(got, along_last(ALL[name], x, axis), f"{name} over axis {axis} of {shape}")
    mask = np.random.default_rng(2).random(shape) < 0.7
    got = ALL[name](x, axis=axis, mask=mask)
    expected = along_last(ALL[name], x, axis, mask=mask)
    check_same_bits(got, expected, f"{name}, masked, over axis {axis} of {shape}")


@EACH_OF_ALL
@EACH_DTYPE
def test_layouts(name, dtype):
    x = np.random.default_rng(3).normal(0, 4, (20, 18, 16)).astype(dtype)
    views = {
        "strided": x[::2, ::3, ::2],
        "reversed": x[::-1, :, ::-1],
        "transposed": x.transpose(2, 0, 1),
        "broadcast": np.broadcast_to(x[0], (5, 18, 16)),
        "byte-swapped": x.astype(x.dtype.newbyteorder()),
        "read-only": np.frombuffer(x.tobytes(), dtype).reshape(x.shape),
    }
    for layout, view in views.items():
        plain = np.array(view, dtype, order="C")
        for axis in range(3):
            got = ALL[name](view, axis=axis)
            check_same_bits(got, ALL[name](plain, axis=axis), f"{name}, {layout}, axis {axis}")


@EACH_MAP
@EACH_DTYPE
def test_out(name, dtype):
    x = np.random.default_rng(4).normal(0, 4, (9, 37)).astype(dtype)
    mask = np.random.default_rng(5).random(x.shape) < 0.5
    for axis, keywords in itertools.product((0, 1), ({}, {"mask": mask})):
        expected = MAPS[name](x, axis=axis, **keywords)
        for out in (
            np.full_like(x, 7),
            np.full((37, 9), 7, dtype).T,
            np.full((9, 74), 7, dtype)[:, ::2],
        ):
            assert MAPS[name](x, axis=axis, out=out, **keywords) is out
            check_same_bits(out.copy(), expected, f"{name} into out, axis {axis}")
        mine = x.copy()
        MAPS[name](mine, axis=axis, out=mine, **keywords)
        check_same_bits(mine, expected, f"{name} in place, axis {axis}")
    fixed = np.zeros_like(x)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        MAPS[name](x, out=fixed)
    with pytest.raises(ValueError, match=r"mismatch|shape|broadcast"):
        MAPS[name](x, out=np.zeros((9, 36), dtype))


@EACH_DTYPE
def test_logsumexp_over_several_axes(dtype):
    x = np.random.default_rng(6).normal(0, 4, (3, 4, 5)).astype(dtype)
    mask = np.random.default_rng(7).random(x.shape) < 0.6
    for axis in ((0,), (0, 1), (2, 0), (-1, -2), (0, 1, 2), None):
        axes = tuple(range(3)) if axis is None else tuple(sorted(a % 3 for a in axis))
        rest = tuple(a for a in range(3) if a not in axes)
        for keywords in ({}, {"mask": mask}):
            values = np.where(mask, x, -np.inf) if keywords else x
            wide = values.astype(np.float64).transpose(*rest, *axes)
            wide = wide.reshape(*(x.shape[a] for a in rest), -1)
            sums = np.exp(wide).sum(-1)
            expected = np.log(sums, out=np.full_like(sums, -np.inf), where=sums > 0)
            got = rv.logsumexp(x, axis=axis, **keywords)
            assert got.dtype == dtype
            assert np.allclose(got, expected, rtol=8 * np.finfo(dtype).eps)
            kept = rv.logsumexp(x, axis=axis, keepdims=True, **keywords)
            check_same_bits(np.squeeze(kept, axes), np.asarray(got), f"keepdims over {axis}")
            assert kept.shape == tuple(1 if a in axes else n for a, n in enumerate(x.shape))
            out = np.full(np.shape(expected), 7, dtype)
            assert rv.logsumexp(x, axis=axis, out=out, **keywords) is out
            check_same_bits(out, np.asarray(got), f"logsumexp over {axis} into out")
    with pytest.raises(ValueError, match="axis"):
        rv.logsumexp(x, axis=(0, 0))
    with pytest.raises(ValueError, match=r"axis|bounds"):
        rv.logsumexp(x, axis=(0, 3))


@EACH_DTYPE
def test_axes_of_logsumexp(dtype):
    x = np.random.default_rng(6).normal(0, 4, (3, 4, 5)).astype(dtype)
    mask = np.random.default_rng(7).random((2, 1, 4, 5)) < 0.6  # with an axis more than x
    for axis, axes in (
        (np.int64(1), (1,)),
        ((np.int8(0), np.int64(-1)), (0, 2)),
        ((), ()),
        (None, (0, 1, 2)),
    ):
        expected = np.asarray(rv.logsumexp(x, axis=axes))
        check_same_bits(np.asarray(rv.logsumexp(x, axis=axis)), expected, f"axis {axis}")
        out = np.full([1 if i in axes else n for i, n in enumerate(x.shape)], 7, dtype)
        assert rv.logsumexp(x, axis=axis, keepdims=True, out=out) is out
        check_same_bits(np.squeeze(out, axes), expected, f"axis {axis}, keepdims, into out")
    check_same_bits(rv.logsumexp(x, axis=()), x, "no axis")
    masked = rv.logsumexp(x, axis=(), mask=mask)
    check_same_bits(masked, np.where(mask, x, dtype(-np.inf)), "no axis, masked")
    out = np.empty((2, 3, 1, 5), dtype)
    rv.logsumexp(x, axis=2, mask=mask, keepdims=True, out=out)
    check_same_bits(out[:, :, 0], rv.logsumexp(x, axis=2, mask=mask), "keepdims, masked, into out")
    with pytest.raises(ValueError, match=r"out has shape \(3, 5\); expected \(3, 1, 5\)"):
        rv.logsumexp(x, axis=1, keepdims=True, out=np.empty((3, 5), dtype))
    with pytest.raises(TypeError, match="out is a list"):
        rv.logsumexp(x, axis=1, keepdims=True, out=[1.0])
    for axis in True, (1, False):
        with pytest.raises(TypeError, match=re.escape(f"axis is {axis!r}; expected an integer")):
            rv.logsumexp(x, axis=axis)
    for out in np.empty((2, 3, 5), dtype), np.empty((3, 1), dtype), np.empty((), dtype):
        with pytest.raises(ValueError, match=r"out has shape .*; expected \(3, 5\)"):
            rv.logsumexp(x, axis=1, out=out)
    out = np.empty((3, 5), dtype)
    assert rv.logsumexp(x, axis=1, out=(out,)) is out  # as ufuncs take it
    check_same_bits(out, rv.logsumexp(x, axis=1), "into a tuple's array")


inf, nan = np.inf, np.nan
LN2 = float(np.log(2))
# row, softmax, log_softmax, logsumexp
SPECIAL_ROWS = [
    ([inf], [1], [0], inf),
    ([inf, 0], [1, 0], [0, -inf], inf),
    ([inf, 0, inf], [0.5, 0, 0.5], [-LN2, -inf, -LN2], inf),
    ([inf, -inf], [1, 0], [0, -inf], inf),
    ([-inf], [0], [-inf], -inf),
    ([-inf] * 20, [0] * 20, [-inf] * 20, -inf),
    ([-inf, 0], [0, 1], [-inf, 0], 0),
    ([nan], [nan], [nan], nan),
    ([nan, 0], [nan] * 2, [nan] * 2, nan),
    ([nan, inf], [nan] * 2, [nan] * 2, nan),
    ([nan, -inf], [nan] * 2, [nan] * 2, nan),
    ([0] * 30 + [nan], [nan] * 31, [nan] * 31, nan),
    ([-3.25], [1], [0], -3.25),
    ([1e308], [1], [0], 1e308),
    ([1e308, -1e308], [1, 0], [0, -inf], 1e308),
    ([-1e308], [1], [0], -1e308),
    ([1e308, 1e308], [0.5, 0.5], [-LN2, -LN2], 1e308),
]


@pytest.mark.parametrize("case", SPECIAL_ROWS, ids=lambda case: str(case[0])[:30])
@pytest.mark.parametrize("fill", [0, 5000, 70000], ids=lambda n: f"{n} more")
@EACH_DTYPE
def test_special_rows(case, fill, dtype):
    # Padding with -inf changes nothing but takes the row through another pass over memory.
    row, *expected = case
    with np.errstate(over="ignore"):
        x = np.asarray([-inf] * fill + row, np.float64).astype(dtype)
        softmax, log_softmax, logsumexp = (
            np.asarray(e, np.float64).astype(dtype) for e in expected
        )
    if dtype is np.float32 and 1e308 in np.abs(row):
        x = np.clip(x, np.finfo(dtype).min, np.finfo(dtype).max)
        x[:fill] = -inf
        logsumexp = np.clip(logsumexp, np.finfo(dtype).min, np.finfo(dtype).max)
        log_softmax = np.where(np.isneginf(log_softmax), -inf, log_softmax).astype(dtype)
    got = rv.softmax(x)
    assert np.array_equal(got[fill:], softmax, equal_nan=True)
    assert np.all(np.isnan(got[:fill]) if np.isnan(softmax).any() else got[:fill] == 0)
    assert np.allclose(rv.log_softmax(x)[fill:], log_softmax, rtol=1e-7, atol=0, equal_nan=True)
    assert np.array_equal(rv.logsumexp(x), logsumexp, equal_nan=True)


@EACH_DTYPE
def test_mask(dtype):
    x = np.array([[1.0, nan, 3.0, inf], [5.0, 6.0, 7.0, 8.0]], dtype)
    mask = np.array([[True, False, True, False], [False] * 4])
    kept = np.array([1.0, 3.0], dtype)
    p = rv.softmax(x, mask=mask)
    assert np.array_equal(p[0, [1, 3]], [0, 0])
    # Not the same bits: with a mask, float32 rows are worked out in float64.
    np.testing.assert_array_max_ulp(p[0, [0, 2]], rv.softmax(kept), 2)
    assert np.array_equal(p[1], [0] * 4)
    log_p = rv.log_softmax(x, mask=mask)
    np.testing.assert_array_max_ulp(log_p[0, [0, 2]], rv.log_softmax(kept), 2)
    assert np.all(np.isneginf(log_p[0, [1, 3]]))
    assert np.all(np.isneginf(log_p[1]))
    total = rv.logsumexp(x, mask=mask)
    np.testing.assert_array_max_ulp(total[:1], rv.logsumexp(kept[np.newaxis]), 1)
    assert total[1] == -inf


@EACH_DTYPE
def test_mask_is_broadcast(dtype):
    x = np.random.default_rng(8).normal(0, 3, (4, 6, 9)).astype(dtype)
    for shape in ((9,), (6, 1), (4, 1, 9), (1, 1, 1)):
        mask = np.random.default_rng(9).random(shape) < 0.6
        full = np.broadcast_to(mask, x.shape).copy()
        for (name, function), axis in itertools.product(ALL.items(), range(3)):
            got = function(x, axis=axis, mask=mask)
            expected = function(x, axis=axis, mask=full)
            check_same_bits(got, expected, f"{name} with a mask of {shape} over axis {axis}")


@EACH_DTYPE
def test_empty_and_single_columns(dtype):
    empty = np.zeros((3, 0), dtype)
    assert rv.softmax(empty).shape == (3, 0)
    assert rv.log_softmax(empty).shape == (3, 0)
    assert np.array_equal(rv.logsumexp(empty), [-inf] * 3)
    no_rows = np.zeros((0, 4), dtype)
    assert rv.softmax(no_rows).shape == (0, 4)
    assert rv.logsumexp(no_rows).shape == (0,)
    one = np.array([[-3.0], [7.0]], dtype)
    assert np.array_equal(rv.softmax(one), [[1], [1]])
    assert np.array_equal(rv.log_softmax(one), [[0], [0]])
    assert np.array_equal(rv.logsumexp(one), [-3, 7])


@EACH_DTYPE
def test_a_million_columns(dtype):
    x = np.random.default_rng(10).normal(0, 5, 10**6).astype(dtype)
    wide = x.astype(np.longdouble)
    e = np.exp(wide - wide.max())
    total = e.sum()
    # NumPy's pairwise sum in extended precision is far better than an ulp of either dtype.
    eps = np.finfo(dtype).eps
    spread = 16 if dtype is np.float64 else 1
    assert np.allclose(rv.softmax(x), (e / total).astype(dtype), rtol=2 * spread * eps, atol=0)
    log_sum = np.log(total) + wide.max()
    assert rv.logsumexp(x) == pytest.approx(float(log_sum), rel=2 * float(eps))
    log_p = (wide - log_sum).astype(dtype)
    assert np.allclose(rv.log_softmax(x), log_p, rtol=2 * eps, atol=0)


@EACH_OF_ALL
@EACH_DTYPE
def test_same_bits_on_any_number_of_threads(name, dtype):
    for shape in ((1003, 10), (37, 1000), (5, 100_003), (7, 70_001)):
        x = np.random.default_rng(11).normal(0, 5, shape).astype(dtype)
        with rv.num_threads(1):
            expected = ALL[name](x)
            one_by_one = np.stack([ALL[name](row) for row in x[:3]])
        check_same_bits(expected[:3], one_by_one, f"{name} of {shape}, row by row")
        for threads in (2, 4, 7):
            with rv.num_threads(threads):
                check_same_bits(ALL[name](x), expected, f"{name} of {shape} on {threads} threads")


VJPS = {
    "softmax": (rv.softmax, rv.vjp.softmax),
    "log_softmax": (rv.log_softmax, rv.vjp.log_softmax),
}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("axis", [0, 1, -1])
@EACH_MAP
def test_vjp_equals_finite_differences(name, axis, temperature):
    function, vjp = VJPS[name]
    rng = np.random.default_rng(12)
    x, g = rng.normal(0, 2, (2, 5, 21))
    y = function(x, axis=axis, temperature=temperature)
    got = vjp(g, y, axis=axis, temperature=temperature)
    expected = np.empty_like(x)
    step = 1e-4
    for index in np.ndindex(x.shape):
        # Fourth-order central differences.
        shifted = [
            np.sum(g * function(x + k * step * (np.indices(x.shape) == np.reshape(index, (2, 1, 1)))
                                .all(axis=0), axis=axis, temperature=temperature))
            for k in (-2, -1, 1, 2)
        ]  # fmt: skip
        expected[index] = (shifted[0] - 8 * shifted[1] + 8 * shifted[2] - shifted[3]) / (12 * step)
    assert np.allclose(got, expected, rtol=1e-8, atol=1e-10)


@EACH_MAP
@EACH_DTYPE
def test_vjp_layouts_threads_and_out(name, dtype):
    function, vjp = VJPS[name]
    x = np.random.default_rng(13).normal(0, 3, (517, 33)).astype(dtype)
    g = np.random.default_rng(14).normal(0, 3, x.shape).astype(dtype)
    for axis in (0, 1):
        y = function(x, axis=axis)
        with rv.num_threads(1):
            expected = vjp(g, y, axis=axis)
        for threads in (2, 4, 7):
            with rv.num_threads(threads):
                check_same_bits(vjp(g, y, axis=axis), expected, f"vjp.{name} on {threads} threads")
        fortran = vjp(np.asfortranarray(g), np.asfortranarray(y), axis=axis)
        check_same_bits(np.ascontiguousarray(fortran), expected, f"vjp.{name}, Fortran order")
        for k in range(2):
            mine = [g.copy(), y.copy()]
            assert vjp(*mine, axis=axis, out=mine[k]) is mine[k]
            check_same_bits(mine[k], expected, f"vjp.{name} into operand {k}")


@EACH_DTYPE
def test_no_input_raises_a_warning(dtype):
    values = np.array([inf, -inf, nan, 0, 1, -1, np.finfo(dtype).max, np.finfo(dtype).min,
                       np.finfo(dtype).tiny, np.finfo(dtype).smallest_subnormal, 88, -105, 710,
                       -746], dtype)  # fmt: skip
    pairs = np.stack(np.meshgrid(values, values), -1).reshape(-1, 2)
    for x in (pairs, np.repeat(pairs, 20, axis=1), *(row for row in rows(dtype)[-12:])):
        for name, function in ALL.items():
            check_silent(name, function, x)
            check_silent(f"{name}, masked", lambda v, f=function: f(v, mask=v != 1), x)
        for name, (function, vjp) in VJPS.items():
            y = function(x)
            check_silent(f"vjp.{name}", lambda v, f=vjp, y=y: f(v, y), x)


def test_other_dtypes():
    for code in ("?", "b", "i", "l", "e"):
        x = np.array([0, 1, 1], code)
        for name, function in ALL.items():
            got = function(x)
            computed = np.float64 if code in "il" else np.float32
            expected = np.float16 if code == "e" else computed
            assert got.dtype == expected, f"{name} of {x.dtype} gave {got.dtype}"
            right = function(x.astype(computed)).astype(expected)
            check_same_bits(got, right, f"{name} of {x.dtype}")
    for code in ("D", "O", "U3"):
        for function in ALL.values():
            with pytest.raises(TypeError):
                function(np.array([0, 1], np.int64).astype(code))


@EACH_MAP
def test_other_array_types_are_respected(name):
    class Deferring:
        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            return ufunc.__name__, method

    assert MAPS[name](Deferring()) == (name, "__call__")


@pytest.mark.parametrize("temperature", [0, -1, nan, inf])
@EACH_MAP
def test_wrong_temperature(name, temperature):
    with pytest.raises(ValueError, match="temperature"):
        MAPS[name]([1.0, 2.0], temperature=temperature)


@pytest.mark.parametrize("temperature", ["1", None, 1j, np.ones(2)], ids=repr)
@EACH_MAP
def test_a_temperature_that_is_no_number(name, temperature):
    function, vjp = VJPS[name]
    for call in (lambda **o: function([1.0, 2.0], **o), lambda **o: vjp([1.0], [1.0], **o)):
        with pytest.raises(TypeError, match=r"temperature is .*; expected a number"):
            call(temperature=temperature)
    with pytest.raises(ValueError, match=r"temperature is 1000.*; expected a positive, finite"):
        function([1.0, 2.0], temperature=10**400)


@EACH_OF_ALL
def test_wrong_arguments(name):
    function = ALL[name]
    x = np.zeros((2, 3))
    with pytest.raises(TypeError, match="mask"):
        function(x, mask=np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"broadcast|shape|mismatch"):
        function(x, mask=np.ones((2, 4), bool))
    with pytest.raises(ValueError, match="axis"):
        function(x, axis=2)
    with pytest.raises((TypeError, ValueError)):
        function(np.float64(1.0))
