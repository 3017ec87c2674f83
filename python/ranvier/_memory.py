"""Memory that arrays share, and how a copy or a pickle keeps it shared."""

from __future__ import annotations

import math
import weakref
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# The length of a cache line, and of the widest vector.
_ALIGNMENT = 64


class Memory:
    """A buffer in which parameters lie, each array a view of it.

    An array leads to the memory that it lies in by its chain of bases. So a model and an optimizer
    that are copied or pickled together are over one memory again, even where arrays are not told
    apart from equal ones, as joblib does. The copy of a memory has its size, but only the numbers
    of the arrays that were copied with it: those of one layer do not bring the whole model along.

    Parameters
    ----------
    size : int
        How many numbers it holds, 0 at first.
    dtype : dtype
    """

    def __init__(self, size: int, dtype: npt.DTypeLike) -> None:
        length = size * np.dtype(dtype).itemsize
        room = np.zeros(length + _ALIGNMENT, np.uint8)
        start = -_address(room) % _ALIGNMENT
        self._numbers: Array = room[start : start + length].view(dtype)
        self._places: weakref.WeakValueDictionary[Any, Place] = weakref.WeakValueDictionary()

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._numbers.__array_interface__

    def array(self, offset: int, shape: tuple[int, ...]) -> Array:
        """The numbers from an offset on, as an array of this shape."""
        # An array made from an object has the object as its base, and so have all views of it.
        return np.asarray(self)[offset : offset + math.prod(shape)].reshape(shape)

    def offset(self, array: Array) -> int:
        """Where an array that lies in this memory begins."""
        return (_address(array) - _address(self)) // self._numbers.itemsize

    def place(self, offset: int, shape: tuple[int, ...]) -> Place:
        """The place of an array: one object while it is in use, so that a pickle has it once."""
        place = self._places.get((offset, shape))
        if place is None:
            place = self._places[offset, shape] = Place(self, offset, shape)
        return place

    def __reduce__(self) -> tuple[type[Memory], tuple[int, np.dtype[Any]]]:
        return Memory, (self._numbers.size, self._numbers.dtype)


class Place:
    """An array that lies in a memory, in the state of an object that is copied or pickled.

    A pickle or a deep copy of it is the array itself, in the copy of the memory.
    """

    def __init__(self, memory: Memory, offset: int, shape: tuple[int, ...]) -> None:
        self._memory, self._offset, self._shape = memory, offset, shape

    def array(self) -> Array:
        """The array, in this very memory."""
        return self._memory.array(self._offset, self._shape)

    def __reduce__(self) -> tuple[Any, tuple[Memory, int, Array]]:
        return _filled, (self._memory, self._offset, self.array())


def _filled(memory: Memory, offset: int, values: Array) -> Array:
    array = memory.array(offset, values.shape)
    array[...] = values
    return array


def memory_of(array: Array) -> Memory | None:
    """The memory that an array lies in, if it is one."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, Memory) else None


def in_memory(value: Array) -> Array:
    """A copy of an array in a memory of its own."""
    return _filled(Memory(value.size, value.dtype), 0, value)


def location(array: Array) -> Hashable:
    """The same for all arrays of one shape over the same numbers, however each was made."""
    memory = memory_of(array)
    return id(array) if memory is None else (memory, memory.offset(array), array.shape)


def to_state(array: Array) -> Array | Place:
    """An array as it belongs into the state of an object that is copied or pickled."""
    memory = memory_of(array)
    if memory is None or not array.flags.c_contiguous:
        return array
    return memory.place(memory.offset(array), array.shape)


def from_state(value: Array | Place) -> Array:
    """The array that `to_state` was given: of a shallow copy, the same memory again."""
    return value.array() if isinstance(value, Place) else value


def as_one(arrays: Sequence[Array]) -> Array | None:
    """The arrays as one of one axis, if they lie side by side, in this order, in one memory."""
    memory = memory_of(arrays[0])
    if memory is None:
        return None
    begin = end = memory.offset(arrays[0])
    for array in arrays:
        if memory_of(array) is not memory or memory.offset(array) != end:
            return None
        end += array.size
    return memory.array(begin, (end - begin,))


def bring_together(owners: Sequence[dict[str, Array]]) -> None:
    """Move the arrays of these dictionaries into one new memory, in their order.

    An array stays if anybody else uses its memory: an optimizer over it, for instance, whose
    updates would be lost. Somebody does if the memory outlives the arrays of the dictionaries.
    """
    names = [(arrays, name) for arrays in owners for name in arrays]
    found = [arrays[name] for arrays, name in names]
    if not found or as_one(found) is not None:
        return
    together = Memory(sum(array.size for array in found), found[0].dtype)
    homes = []
    offset = 0
    for arrays, name in names:
        array = arrays[name]
        home = memory_of(array)
        assert home is not None, f"{name} does not lie in a memory"
        homes.append((weakref.ref(array), weakref.ref(home), home.offset(array), array.shape))
        arrays[name] = _filled(together, offset, array)
        offset += array.size
    del array, home, found
    for (arrays, name), (array_then, home_then, at, shape) in zip(names, homes, strict=True):
        held_array, held = array_then(), home_then()
        if held_array is not None:
            arrays[name] = held_array
        elif held is not None:
            arrays[name] = held.array(at, shape)


def _address(holder: Any) -> int:
    address: int = holder.__array_interface__["data"][0]
    return address
