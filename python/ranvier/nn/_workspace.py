"""Memory that a module works with, call after call: nobody else sees it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Workspace:
    """Named arrays that are allocated once, and what the last forward pass saved for the backward.

    An array grows to the largest size asked for; a smaller one is a view of its beginning. A copy
    of a workspace, pickled or not, is empty: nothing in it is worth keeping.
    """

    def __init__(self) -> None:
        self._memory: dict[str, Array] = {}
        self._arrays: dict[str, Array] = {}
        self.saved: Any = None

    def array(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """The array of this name, with whatever it held last."""
        array = self._arrays.get(name)
        if array is not None and array.shape == shape and array.dtype == dtype:
            return array
        size = math.prod(shape)
        memory = self._memory.get(name)
        if memory is None or memory.size < size or memory.dtype != dtype:
            memory = self._memory[name] = np.empty(size, dtype)
        array = self._arrays[name] = memory[:size].reshape(shape)
        return array

    def __reduce__(self) -> tuple[type[Workspace], tuple[()]]:
        return Workspace, ()
