"""The generic checks: plain functions of the operation under test.

test_mutants.py feeds each of them broken operations: a check that cannot fail is not here.
"""

from __future__ import annotations

import tracemalloc
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from reference import Exact

Array = npt.NDArray[Any]
_CANARY = 0xA5


def bits(x: Array) -> Array:
    """The array's bytes as unsigned integers of its item size."""
    return np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}")


def allocated(call: Callable[[], Any]) -> int:
    """Bytes that a call allocates at most at once, in the steady state."""
    for _ in range(3):
        call()
    tracemalloc.start()
    try:
        call()
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def check_same_bits(got: Array, expected: Array, context: str) -> None:
    """Same dtype, same shape, same bits."""
    assert got.dtype == expected.dtype, f"{context}: dtype {got.dtype}, not {expected.dtype}"
    assert got.shape == expected.shape, f"{context}: shape {got.shape}, not {expected.shape}"
    different = np.flatnonzero(bits(got).ravel() != bits(expected).ravel())
    if different.size:
        i = different[0]
        raise AssertionError(
            f"{context}: {different.size} of {got.size} differ, first at element {i}: "
            f"{got.ravel()[i]!r} where {expected.ravel()[i]!r} was expected"
        )


def check_accuracy(
    name: str, f: Callable[[Array], Array], points: Array, exact: Exact, bound: float
) -> float:
    """No error over the bound; returns the largest, in ulp."""
    got = np.asarray(f(points))
    assert got.dtype == points.dtype, f"{name}: {points.dtype} gave {got.dtype}"
    errors = exact.ulp_error(got)
    worst = int(np.argmax(errors))
    assert errors[worst] <= bound, (
        f"{name} in {points.dtype}: {errors[worst]:.4g} ulp off at x = {points[worst]!r} "
        f"({float(points[worst]).hex()}): {got[worst]!r} where {exact.rounded(got.dtype)[worst]!r} "
        f"is right; the bound is {bound:g} ulp, exceeded at {np.sum(errors > bound)} of "
        f"{len(points)} points"
    )
    return float(errors[worst])


def check_not_flushed(name: str, f: Callable[[Array], Array], points: Array, exact: Exact) -> None:
    """What is at least the smallest subnormal number is not 0, and what is not 0 has its sign."""
    got = np.asarray(f(points))
    smallest = np.finfo(points.dtype).minexp - np.finfo(points.dtype).nmant
    flushed = (exact.exponent - 1 >= smallest) & (exact.high != 0) & (got == 0)
    signed = (got != 0) & (np.signbit(got) != np.signbit(exact.high))
    for what, wrong in (("flushed to 0", flushed), ("of the wrong sign", signed)):
        if wrong.any():
            i = int(np.argmax(wrong))
            raise AssertionError(
                f"{name} in {points.dtype}: {what} at x = {points[i]!r}: {got[i]!r} where "
                f"{exact.rounded(got.dtype)[i]!r} is right ({np.sum(wrong)} points)"
            )


def check_special_values(
    name: str, f: Callable[[Array], Array], expected: Mapping[float, float], dtype: Any
) -> None:
    """The values at infinities, zero and NaN, alone and in the midst of ordinary numbers."""
    for x, y in expected.items():
        wanted = np.asarray(y, dtype)
        for lane in (0, 5, 36):
            vector = np.linspace(-3, 3, 37).astype(dtype)
            vector[lane] = x
            got = np.asarray(f(vector))[lane]
            right = np.isnan(got) if np.isnan(wanted) else got == wanted
            assert right, (
                f"{name} in {np.dtype(dtype)}: {got!r} at {x!r} (element {lane}); "
                f"expected {wanted[()]!r}"
            )


def check_silent(name: str, f: Callable[[Array], Array], points: Array) -> None:
    """No floating-point warning, whether NumPy is set to warn or to raise."""
    try:
        with np.errstate(all="raise"):
            f(points)
        with np.errstate(all="warn"), warnings.catch_warnings():
            warnings.simplefilter("error")
            f(points)
    except (FloatingPointError, Warning) as raised:
        raise AssertionError(
            f"{name} in {points.dtype}: a floating-point warning was raised: {raised}"
        ) from raised


def check_lanes(
    name: str,
    f: Callable[..., Array],
    operands: tuple[Array, ...],
    sizes: Iterable[int],
    offsets: Iterable[int] = range(4),
) -> None:
    """At every length and offset what each element gives alone, and nothing beyond the end."""
    dtype = operands[0].dtype
    alone = np.array([f(*one) for one in zip(*operands, strict=True)], dtype)
    margin = 64 // dtype.itemsize
    for n in sizes:
        for offset in offsets:
            part = slice(offset, offset + n)
            buffer = np.empty(margin + offset + n + margin, dtype)
            buffer.view(np.uint8)[:] = _CANARY
            out = buffer[margin + offset : margin + offset + n]
            f(*(operand[part] for operand in operands), out=out)
            context = f"{name} in {dtype}, {n} elements at offset {offset}"
            check_same_bits(out, alone[part], context)
            around = np.concatenate([buffer[: margin + offset], buffer[margin + offset + n :]])
            assert np.all(around.view(np.uint8) == _CANARY), f"{context}: wrote past the end"
