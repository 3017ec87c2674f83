"""A state of nested dicts, lists, numbers and arrays as one safetensors file.

The arrays are the file's tensors, named by where they were; all else is JSON in its metadata. What
JSON does not have is a dict of one key: {"$array": name of the tensor}, {"$tuple": [...]}, and for
a dict whose keys are not all plain strings, {"$dict": [[key, value], ...]}.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import _safetensors
from ._safetensors import Array

_FORMAT = "ranvier checkpoint 1"
_KEY = "state"


def write(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write a state in the place of the file that may be there, at once.

    Raises
    ------
    TypeError
        If there is something else in it.
    OSError
        If the file cannot be written.
    """
    import json  # not for everybody who imports ranvier

    arrays: dict[str, Array] = {}
    text = json.dumps(_packed(state, "", arrays))
    _safetensors.write(path, arrays, {"format": _FORMAT, _KEY: text})


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The state in a file.

    Raises
    ------
    ValueError
        If it is not a file that `write` wrote.
    OSError
        If it cannot be read.
    """
    state = unpack(*_safetensors.read(path), path)
    if state is None:
        raise ValueError(
            f"{os.fspath(path)}: not a checkpoint; expected a file that Trainer.save wrote"
        )
    return state


def unpack(
    arrays: Mapping[str, Array], metadata: Mapping[str, str], path: str | os.PathLike[str]
) -> dict[str, Any] | None:
    """The state in what a safetensors file holds; None if that is no state."""
    if metadata.get("format") != _FORMAT:
        return None
    import json

    try:
        state = _unpacked(json.loads(metadata[_KEY]), arrays)
        if not isinstance(state, dict):
            raise TypeError(f"the state is a {type(state).__name__}")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)}: damaged: {error!r}") from error
    return state


def _packed(value: Any, place: str, arrays: dict[str, Array]) -> Any:
    """As JSON has it; arrays go to `arrays`."""
    if isinstance(value, np.ndarray):
        while place in arrays:  # {"a.b": ..., "a": {"b": ...}}
            place += "'"
        arrays[place] = value
        return {"$array": place}
    if isinstance(value, np.generic):
        return _packed(value.item(), place, arrays)
    if isinstance(value, Mapping):
        entries = [(key, _packed(v, _inside(place, key), arrays)) for key, v in value.items()]
        if all(type(key) is str and not key.startswith("$") for key, _ in entries):
            return dict(entries)
        return {"$dict": [[_packed(key, place, arrays), entry] for key, entry in entries]}
    if isinstance(value, (list, tuple)):
        parts = [_packed(v, _inside(place, i), arrays) for i, v in enumerate(value)]
        return {"$tuple": parts} if isinstance(value, tuple) else parts
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"{place} is a {type(value).__name__}; expected numbers, strings, None, arrays, or lists, "
        "tuples or dicts of them"
    )


def _unpacked(value: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(value, list):
        return [_unpacked(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return arrays[value["$array"]]
    if "$tuple" in value:
        return tuple([_unpacked(v, arrays) for v in value["$tuple"]])
    if "$dict" in value:
        return {_unpacked(k, arrays): _unpacked(v, arrays) for k, v in value["$dict"]}
    return {key: _unpacked(v, arrays) for key, v in value.items()}


def _inside(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)
