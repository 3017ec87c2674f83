"""Arrays of more than 2^31 elements, and strides that reach as far.

Memory that nobody has written to takes no place: an input of zeros can be as large as one likes.
"""

from __future__ import annotations

import math
import mmap

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from operations import operations
from ranvier import losses, optim
from ranvier._native import _core

MANY = 2**31 + 77
NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)  # Linux's; Python names it since 3.13


def untouched(count, dtype):
    """An array of zeros, of which only what is written takes memory."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE
    memory = mmap.mmap(-1, count * np.dtype(dtype).itemsize, flags=flags)
    return np.frombuffer(memory, dtype)


def far_apart(values, step=2**30 + 3):
    """The values, each more than 2^32 bytes behind the one before."""
    result = untouched(step * (len(values) - 1) + 1, values.dtype)[::step]
    result[:] = values
    return result


VALUES = np.array([-2.0, -0.25, 0.5, 3.0], np.float32)


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_elements_far_apart(operation):
    x, out = far_apart(VALUES), far_apart(np.zeros_like(VALUES))
    result = operation(*[np.ones_like(x)] * (operation.arrays - 1), x, out=out)
    check_same_bits(result, operation.at(VALUES), str(operation))


def test_rows_far_apart():
    rows = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    step = 2**30 + 3
    x = np.lib.stride_tricks.as_strided(untouched(2 * step + 6, np.float32), (3, 6), (4 * step, 4))
    x[:] = rows
    labels = np.array([1, 0, 5])
    for name in ("softmax", "log_softmax", "logsumexp", "glu", "swiglu"):
        function = getattr(rv, name)
        check_same_bits(function(x), function(rows), name)
        check_same_bits(function(x.T, axis=0), function(rows.T, axis=0), name)
    for got, expected in zip(
        losses.cross_entropy.value_and_grad(x, labels),
        losses.cross_entropy.value_and_grad(rows, labels),
        strict=True,
    ):
        check_same_bits(np.asarray(got), np.asarray(expected), "cross_entropy")
    assert losses.mse_loss(x, rows) == 0
    out, expected = np.empty((3, 3), np.float32), np.empty((3, 3), np.float32)
    _core.product(x, x.T, out)
    _core.product(rows, np.ascontiguousarray(rows.T), expected)
    check_same_bits(out, expected, "product")
    table = untouched(3 * 2**29, np.float64).reshape(3, -1)[:, : 2**20]
    assert table.strides[0] > 2**31


def test_a_sum_of_more_elements_than_an_int_counts():
    x = np.broadcast_to(np.float32(0.5), (MANY,))
    assert losses.mse_loss(x[: 2**31 + 1], np.broadcast_to(np.float32(0), 2**31 + 1)) == 0.25


@pytest.mark.stress
def test_reductions_of_many_elements():
    x = untouched(MANY, np.float32)
    x[-1] = 3.0
    assert losses.l1_loss(x, np.broadcast_to(np.float32(0), x.shape), reduction="sum") == 3
    assert rv.logsumexp(x) == np.float32(np.logaddexp(math.log(MANY - 1), 3.0))
    assert optim.clip_grad_norm([x], math.inf) == 3.0
    two = x[: MANY - 1].reshape(2, -1)
    assert losses.cross_entropy(two, np.array([0, two.shape[1] - 1])) == pytest.approx(
        math.log(two.shape[1])
    )


@pytest.mark.stress
@pytest.mark.parametrize("name", ["gelu", "relu"])
def test_many_elements_in_half_precision(name):
    x = untouched(MANY, np.float16)
    ends = [0, 1, 2**31 - 1, 2**31, MANY - 1]
    x[ends] = [1, 2, 3, 4, 5]
    y = getattr(rv, name)(x)
    check_same_bits(y[ends], getattr(rv, name)(x[ends]), name)
    assert np.count_nonzero(y) == len(ends)
