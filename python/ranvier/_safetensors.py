"""Named arrays and strings in a safetensors file; the package is imported when it is needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ._atomic import replace_file
from ._extras import require

Array = npt.NDArray[Any]


def check_installed() -> None:
    """Raise unless the package is there: before hours of training, not after them."""
    require("safetensors", "a file of parameters")


def write(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Array],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a file in the place of the one that may be there, at once.

    Raises
    ------
    TypeError
        If an array is not of bool, or of integers or floats of 8 bytes at most.
    OSError
        If the file cannot be written.
    """
    check_installed()
    from safetensors.numpy import save

    data = save(
        {name: _plain(name, array) for name, array in arrays.items()},
        metadata=None if metadata is None else dict(metadata),
    )
    replace_file(path, data)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays and the strings in a file.

    Raises
    ------
    ValueError
        If it is not a whole safetensors file, or has a dtype that NumPy does not know.
    OSError
        If it cannot be read.
    """
    check_installed()
    from safetensors import safe_open

    with open(path, "rb"):  # safetensors's own errors are of no kind, and name no path
        pass
    try:
        with safe_open(os.fspath(path), "np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return arrays, file.metadata() or {}
    except Exception as error:
        # What it raises depends on the version: an exception of its own, AttributeError for a
        # dtype that is not NumPy's.
        raise ValueError(
            f"{os.fspath(path)}: not a safetensors file that can be read: {error}"
        ) from error


def _plain(name: str, array: Array) -> Array:
    """In the order of the elements in the file, which the package does not look at."""
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(
            f"{name} has dtype {array.dtype}; expected bool, or integers or floats of at most "
            "8 bytes"
        )
    return np.asarray(array, order="C")
