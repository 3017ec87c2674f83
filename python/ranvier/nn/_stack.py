"""Layers that follow each other and run as one native call each way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._native import _core
from ._workspace import Array
from .module import Module


class Stack:
    """Native layers one after the other, described and checked once.

    What describes the model stays the layers themselves. The results have the same bits as those
    of the layers one by one.

    Parameters
    ----------
    layers : sequence of Module
        Each has a `_describe()`; the first knows how many features it takes.
    """

    def __init__(self, layers: Sequence[Module]) -> None:
        self.layers = layers
        self._handle: Any = None

    def handle(self) -> Any:
        """The `_core.Stack`, over the memory in which the parameters are now."""
        if self._handle is None:
            descriptions = [layer._describe() for layer in self.layers]
            self._handle = _core.Stack(descriptions, self.dtype == np.float32)
        return self._handle

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of parameters, input and output."""
        return self.layers[0].parameters()[0].dtype

    def forget(self) -> None:
        """Describe the layers anew at the next call, as their parameters have moved."""
        self._handle = None

    def __call__(self, x: Array) -> Array:
        y: Array = self.handle().forward(x, self.layers[0].training)
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        grad_input: Array = self._begun().backward(grad_output, accumulate, True)
        return grad_input

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        self._begun().backward(grad_output, accumulate, False)

    def _begun(self) -> Any:
        if self._handle is None:
            name = self.layers[-1].__class__.__name__  # also of a proxy of a layer
            raise RuntimeError(f"{name}.backward was called before forward")
        return self._handle

    def __reduce__(self) -> tuple[type[Stack], tuple[Sequence[Module]]]:
        return Stack, (self.layers,)


def is_native(layer: Module, base: type[Module]) -> bool:
    """Whether a module does both passes as its base does, which has a native form."""
    return isinstance(layer, base) and all(
        getattr(type(layer), method) is getattr(base, method)
        for method in ("forward", "backward", "backward_parameters", "__call__")
    )
