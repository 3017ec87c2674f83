"""The matrix product: against sums that Python adds up without rounding, for any layout."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from ranvier._native import _core

SIZES = (1, 2, 3, 5, 6, 7, 8, 12, 13, 16, 17, 24, 33, 49)
DEPTHS = (0, 1, 2, 255, 256, 257, 700, 1500)
DTYPES = (np.float32, np.float64)


def c_ordered(matrix):
    return np.ascontiguousarray(matrix)


def fortran_ordered(matrix):
    return np.asfortranarray(matrix)


def backwards(matrix):
    return np.ascontiguousarray(matrix[::-1, ::-1])[::-1, ::-1]


def every_other(matrix):
    wide = np.full((2 * matrix.shape[0], 3 * matrix.shape[1]), np.nan, matrix.dtype)
    wide[::2, 1::3] = matrix
    return wide[::2, 1::3]


LAYOUTS = (c_ordered, fortran_ordered, backwards, every_other)


def product(a, b, out=None):
    out = np.full((len(a), b.shape[1]), np.nan, a.dtype) if out is None else out
    _core.product(a, b, out)
    return out


def factors(rows, columns, depth, dtype, seed=0):
    rng = np.random.default_rng([seed, rows, columns, depth])
    a, b = rng.normal(size=(rows, depth)), rng.normal(size=(depth, columns))
    return a.astype(dtype), b.astype(dtype)


def check_close(got, a, b):
    """Within the bound of so many roundings: half an ulp of the sizes that are added, for each."""
    for i, j in itertools.product(range(got.shape[0]), range(got.shape[1])):
        terms = [float(x) * float(y) for x, y in zip(a[i], b[:, j], strict=True)]
        size = math.fsum(map(abs, terms))
        longest = min(len(terms), 256) + len(terms) // 256
        bound = longest * float(np.finfo(got.dtype).eps) / 2 * size
        assert abs(float(got[i, j]) - math.fsum(terms)) <= bound, (i, j)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("depth", DEPTHS)
def test_close_to_the_exact_sums(depth, dtype):
    for rows, columns in ((1, 1), (3, 17), (17, 3), (13, 20)):
        a, b = factors(rows, columns, depth, dtype)
        check_close(product(a, b), a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_integers_are_exact_whatever_the_shape(dtype):
    rng = np.random.default_rng(0)
    for rows, columns, depth in itertools.product(SIZES, SIZES, (1, 19, 300)):
        a = rng.integers(-9, 10, (rows, depth))
        b = rng.integers(-9, 10, (depth, columns))
        np.testing.assert_array_equal(product(a.astype(dtype), b.astype(dtype)), a @ b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40, 50, 600), (300, 20, 90), (5, 900, 70), (700, 700, 1100)])
def test_bits_are_those_of_the_row_and_the_column_alone(shape, dtype):
    rows, columns, depth = shape
    a, b = factors(rows, columns, depth, dtype)
    whole = product(a, b)
    for threads in (1, 2, 3, 8):
        with rv.num_threads(threads):
            check_same_bits(product(a, b), whole, f"{threads} threads")
    check_same_bits(product(b.T, a.T).T, whole, "the transposed product")
    check_same_bits(product(a[7 % rows :][:1], b), whole[7 % rows :][:1], "a row alone")
    check_same_bits(product(a, b[:, 11:12]), whole[:, 11:12], "a column alone")
    check_same_bits(product(a[: rows // 3], b[:, : columns // 3]),
                    whole[: rows // 3, : columns // 3], "a corner alone")  # fmt: skip


@pytest.mark.parametrize("layout_of_out", LAYOUTS)
@pytest.mark.parametrize("layout_of_b", LAYOUTS)
@pytest.mark.parametrize("layout_of_a", LAYOUTS)
def test_bits_do_not_depend_on_strides(layout_of_a, layout_of_b, layout_of_out):
    for rows, columns in ((3, 40), (40, 3), (30, 41)):
        a, b = factors(rows, columns, 300, np.float32)
        out = layout_of_out(np.zeros((rows, columns), np.float32))
        product(layout_of_a(a), layout_of_b(b), out)
        check_same_bits(np.ascontiguousarray(out), product(a, b), "strides")


@pytest.mark.parametrize("dtype", DTYPES)
def test_infinities_and_nan_stay_in_their_row_and_column(dtype):
    a, b = factors(20, 30, 40, dtype)
    a[3, 5], b[7, 11] = np.inf, np.nan
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        result = product(a, b)
    assert np.isinf(np.delete(result[3], 11)).all()
    assert np.isnan(result[:, 11]).all()
    np.testing.assert_array_equal(np.isfinite(np.delete(np.delete(result, 3, 0), 11, 1)), True)


def test_nothing_beside_the_result_is_written():
    a, b = factors(7, 9, 20, np.float32)
    canvas = np.full((11, 13), np.float32(7.5))
    product(a, b, canvas[2:9, 3:12])
    inside = np.zeros(canvas.shape, bool)
    inside[2:9, 3:12] = True
    assert (canvas[~inside] == 7.5).all()


def test_a_product_of_nothing():
    assert product(np.ones((0, 4), np.float32), np.ones((4, 3), np.float32)).shape == (0, 3)
    assert product(np.ones((2, 4), np.float32), np.ones((4, 0), np.float32)).shape == (2, 0)
    assert not product(np.ones((2, 0)), np.ones((0, 3))).any()


A, B = np.ones((2, 3), np.float32), np.ones((3, 4), np.float32)
OUT = np.zeros((2, 4), np.float32)
SHARED = np.zeros((8, 3), np.float32)
WRONG = {
    "inner size": ((A, A, OUT), ValueError, r"\(2, 3\), \(2, 3\) and \(2, 4\)"),
    "shape of out": ((A, B, OUT.T), ValueError, r"expected \(n, k\), \(k, m\) and \(n, m\)"),
    "axes": ((A[0], B, OUT), ValueError, "shapes"),
    "dtypes": ((A, B.astype(np.float64), OUT), TypeError, "float32, float64 and float32"),
    "integers": ((A.astype(int), B, OUT), TypeError, "a has dtype int64"),
    "read-only": ((A, B, np.broadcast_to(OUT, (2, 4))), ValueError, "out is read-only"),
    "overlap": ((SHARED[:3], SHARED[:3].T[:, :3], SHARED[2:5]), ValueError, "out overlaps"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused(case):
    arguments, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        _core.product(*arguments)
    assert not OUT.any() and not SHARED.any()
