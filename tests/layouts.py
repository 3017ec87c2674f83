"""Views, drawn by Hypothesis, that hold the same numbers as a plain array in another layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Array = npt.NDArray[Any]


@st.composite
def empty_views(
    draw: st.DrawFn, shape: tuple[int, ...], dtype: Any, aligned: bool = False
) -> Array:
    """An array of this shape in the midst of a larger buffer: axes in any order, steps of any sign.

    Its memory is filled with 0xA5; unless `aligned`, it may start at any byte.
    """
    dtype = np.dtype(dtype)
    order = draw(st.permutations(range(len(shape))))
    steps = draw(st.tuples(*[st.sampled_from((1, 1, -1, 2, -2, 3))] * len(shape)))
    wide = tuple(max(1, shape[axis] * abs(steps[axis])) for axis in order)
    shift = 0 if aligned else draw(st.integers(0, dtype.itemsize))
    buffer = np.full(int(np.prod(wide)) * dtype.itemsize + shift, 0xA5, np.uint8)
    laid_out = buffer[shift:].view(dtype).reshape(wide).transpose(np.argsort(order))
    whole = tuple(
        slice(None, None, step) if n else slice(0) for n, step in zip(shape, steps, strict=True)
    )
    view = laid_out[(*whole, ...)][(*(slice(0, n) for n in shape), ...)]
    assert view.shape == shape
    return view


@st.composite
def views(draw: st.DrawFn, x: Array, aligned: bool = False) -> Array:
    """The numbers of x in another layout."""
    view = draw(empty_views(x.shape, x.dtype, aligned))
    view[...] = x
    return view
