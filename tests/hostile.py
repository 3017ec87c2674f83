"""Arguments that nobody should pass, drawn by Hypothesis, and what has to come of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from layouts import empty_views, views

Array = npt.NDArray[Any]

FLOATS = ("f4", "f8")
REAL = ("f2", *FLOATS)
FOREIGN = ("?", "i1", "u2", "i8", "u8", ">f4", ">f8", ">i8", "c8", "c16", "g", "O", "U3", "M8[s]")
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-40)
# What a refusal is: one of these, and not what goes wrong on the way to one.
REFUSALS = (TypeError, ValueError, IndexError, KeyError, OverflowError, MemoryError)

sides = st.sampled_from((0, 1, 1, 2, 3, 4, 5, 17))
shapes = st.lists(sides, max_size=4).map(tuple)


@st.composite
def filled(draw: st.DrawFn, shape: tuple[int, ...], dtype: Any) -> Array:
    """A plain array with ordinary and special numbers in it."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    x = rng.normal(0, 3, shape)
    if draw(st.booleans()):
        x = np.where(rng.random(shape) < 0.2, rng.choice(SPECIAL, shape), x)
    if dtype.kind in "iub":
        x = rng.integers(-2 if dtype.kind == "i" else 0, 9, shape)
    if dtype.kind == "M":
        x = x.astype("i8")
    with np.errstate(all="ignore"):
        return np.asarray(x).astype(dtype)


@st.composite
def arrays(
    draw: st.DrawFn, shape: tuple[int, ...] | None = None, dtype: Any | None = None
) -> Array:
    """Of this shape and dtype mostly, in any layout, perhaps read-only."""
    if shape is None or draw(st.integers(0, 11)) == 0:
        shape = draw(shapes)
    if dtype is None or draw(st.integers(0, 11)) == 0:
        dtype = draw(st.sampled_from((*REAL, *FOREIGN)))
    x = draw(filled(shape, dtype))
    if x.dtype != object and draw(st.booleans()):
        x = draw(views(x))
    if draw(st.integers(0, 15)) == 0:
        x.flags.writeable = False
    return x


@st.composite
def outputs(
    draw: st.DrawFn, shape: tuple[int, ...], dtype: Any, inputs: tuple[Array, ...]
) -> Array:
    """Of this shape and dtype mostly; perhaps in the memory of an input."""
    if draw(st.integers(0, 7)) == 0:
        base = draw(st.sampled_from(inputs))
        kind = draw(st.sampled_from(("same", "reversed", "shifted", "repeated")))
        if kind == "same" or base.ndim == 0:
            return base
        if kind == "reversed":
            return base[::-1]
        if kind == "shifted" or not base.size:
            return base[1:]
        return np.lib.stride_tricks.as_strided(base, base.shape, (0,) * base.ndim)
    if draw(st.integers(0, 3)) == 0:
        return draw(arrays(shape, dtype))
    return draw(empty_views(shape, dtype, aligned=draw(st.booleans())))


def contents(arrays: list[Any]) -> list[bytes]:
    return [a.tobytes() for a in arrays if isinstance(a, np.ndarray) and a.dtype != object]


def refused(call: Callable[[], Any], written: list[Any]) -> tuple[bool, Any]:
    """Whether the call raises, and what it gives if not. If it does, nothing is written."""
    before = contents(written)
    refusal: Exception | None = None
    result = None
    try:
        result = call()
    except REFUSALS as raised:
        refusal = raised
    if refusal is not None:
        assert str(refusal), f"{type(refusal).__name__} without a word"
        assert contents(written) == before, f"half written, and then {refusal!r}"
    return refusal is not None, result


def plain(x: Any) -> Any:
    """A contiguous, aligned copy in the machine's byte order."""
    x = np.asarray(x)
    return np.array(x, x.dtype.newbyteorder("="), order="C", copy=True)
