"""Layouts: what strides and small sizes cost beside contiguous arrays and NumPy's own exp."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

import ranvier as rv

from .timing import Row, Scope, interleave

__all__ = ["rows"]

_NAMES = ("sigmoid", "relu", "gelu", "softplus")


def _layouts() -> dict[str, npt.NDArray[np.float32]]:
    x = 2 * np.random.default_rng(0).standard_normal((1000, 2000), dtype=np.float32)
    half = x[:, :1000]
    return {
        "contiguous, 10^6": half.copy(),
        "transposed, 10^6": half.copy().T,
        "every second column, 10^6": x[:, ::2],
        "rows of 10 of a wider array, 10^6": np.ascontiguousarray(x.reshape(100_000, 20))[:, :10],
        "1 element": x[0, :1].copy(),
        "0-d": x[0, 0].reshape(()),
    }


def rows(scope: Scope) -> Iterator[Row]:
    """Each function in each layout; the ratio is that of numpy.exp in the same layout."""
    for name in scope.choose(_NAMES[:1], _NAMES):
        for layout, x in _layouts().items():
            function = getattr(rv, name)
            runs = {"ranvier": partial(function, x), "numpy exp": partial(np.exp, x)}
            yield Row(name, layout, interleave(runs, scope.seconds))
