"""Rows gathered into mini-batches."""

from __future__ import annotations

import numpy as np
import pytest

import ranvier as rv
from ranvier._native import _core


@pytest.mark.parametrize("dtype", ["u1", "<f4", ">f8", "i8", "?"])
@pytest.mark.parametrize("shape", [(50,), (50, 3), (50, 700, 2), (50, 0)])
def test_rows_are_those_that_numpy_takes(shape, dtype):
    array = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    for count in (0, 1, 40, 500):
        indices = np.random.default_rng(count).integers(0, 50, count)
        out = np.empty((count, *shape[1:]), dtype)
        for threads in (1, 2):
            with rv.num_threads(threads):
                _core.take_rows(array, indices, out)
            np.testing.assert_array_equal(out, array[indices])


ARRAY, OUT = np.zeros((5, 3)), np.full((2, 3), 7.0)
WRONG = {
    "negative": ((ARRAY, np.array([0, -1]), OUT), IndexError, r"indices\[1\] is -1"),
    "too large": ((ARRAY, np.array([5, 0]), OUT), IndexError, "expected one of 5 rows"),
    "index dtype": ((ARRAY, np.array([0.0, 1.0]), OUT), TypeError, "expected native, aligned"),
    "strided": ((ARRAY[:, ::2], np.array([0, 1]), OUT), TypeError, "C-contiguous"),
    "shape of out": ((ARRAY, np.array([0, 1, 2]), OUT), ValueError, r"out has shape \(2, 3\)"),
    "dtype of out": ((ARRAY, np.array([0, 1]), OUT.astype("f4")), ValueError, "out has"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_refused(case):
    arguments, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        _core.take_rows(*arguments)
    assert (OUT == 7).all()
