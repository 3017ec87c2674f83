"""Modules made of modules, and the change of shape between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import overload

from ._stack import Stack, is_native
from ._workspace import Array
from .activations import Elementwise
from .linear import Linear
from .module import Module, check_gradient


class Container(Module):
    """Layers in an order, each of which is there once: the base of what is made of them."""

    def __init__(self, *layers: Module) -> None:
        super().__init__()
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(f"layers[{i}] is a {type(layer).__name__}; expected a Module")
        self._layers = layers
        self.takes_integers = bool(layers) and layers[0].takes_integers
        modules = [id(module) for layer in layers for module in layer.modules()]
        if len(set(modules)) < len(modules):
            raise ValueError(f"a module is there twice in {self!r}; expected each once")
        self._gather()

    def children(self) -> Iterator[tuple[str, Module]]:
        for i, layer in enumerate(self._layers):
            yield str(i), layer

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._layers)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._layers))})"


class Sequential(Container):
    """Layers one after the other.

    Linear layers that follow each other, and the activations behind them, run as one native call;
    the results have the same bits as those of the layers one by one.

    Parameters
    ----------
    *layers : Module
        Each is there once. Their parameters move into buffers of this model, unless somebody
        holds arrays of them: those stay where they are.

    Raises
    ------
    TypeError
        If a layer is not a Module.
    ValueError
        If a layer is there twice: it can only remember one forward pass.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.ReLU(), nn.Linear(3, 2, rng=1))
    >>> model(np.ones((5, 4), np.float32)).shape
    (5, 2)
    >>> model.flat_parameters.shape
    (23,)
    """

    _stages: Sequence[Module | Stack] = ()

    def __init__(self, *layers: Module) -> None:
        super().__init__(*layers)
        self._stages = _stages(layers)
        if all(isinstance(stage, Stack) for stage in self._stages):
            self._quiet = nullcontext
        # Where the backward pass may end: what stands before has no parameters.
        self._first = next(
            (i for i, s in enumerate(self._stages) if _has_parameters(s)), len(self._stages)
        )

    def forward(self, x: Array) -> Array:
        """The last layer's output."""
        with self._quiet():
            for stage in self._stages:
                x = stage(x)
        return x

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        with self._quiet():
            for stage in reversed(self._stages):
                grad_output = stage.backward(grad_output, accumulate)
        return grad_output

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        with self._quiet():
            for stage in reversed(self._stages[self._first + 1 :]):
                grad_output = stage.backward(grad_output, accumulate)
            if self._first < len(self._stages):
                self._stages[self._first].backward_parameters(grad_output, accumulate)

    def _forget(self) -> None:
        for stage in self._stages:
            if isinstance(stage, Stack):
                stage.forget()

    def _whole_stack(self, shape: tuple[int, ...]) -> Stack | None:
        return self._layers_stack(shape) if is_native(self, Sequential) else None

    def _layers_stack(self, shape: tuple[int, ...]) -> Stack | None:
        """The stack that does what all layers do."""
        flat = [stage for stage in self._stages if not _leaves_rows(stage, shape)]
        return flat[0] if len(flat) == 1 and isinstance(flat[0], Stack) else None

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        """A layer, or several as a Sequential that shares their parameters."""
        if isinstance(index, slice):
            return Sequential(*self._layers[index])
        return self._layers[index]


class Flatten(Module):
    """One axis of all axes from start_dim to end_dim; the result is a view where there is one.

    Parameters
    ----------
    start_dim : int, default 1
    end_dim : int, default -1

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.Flatten()(np.zeros((10, 28, 28))).shape
    (10, 784)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Array) -> Array:
        """x with fewer axes."""
        first, last = (d + x.ndim if d < 0 else d for d in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < x.ndim:
            raise ValueError(
                f"x has shape {x.shape}; expected axes {self.start_dim} to {self.end_dim} in it"
            )
        flat = (*x.shape[:first], math.prod(x.shape[first : last + 1]), *x.shape[last + 1 :])
        self._workspace.saved = x.shape, flat, x.dtype
        return x.reshape(flat)

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        shape, flat, dtype = self._saved()
        check_gradient(grad_output, flat, dtype)
        return grad_output.reshape(shape)

    def __repr__(self) -> str:
        return f"Flatten({self.start_dim}, {self.end_dim})"


def _leaves_rows(stage: Module | Stack, shape: tuple[int, ...]) -> bool:
    """Whether all that a stage does with rows of C-ordered numbers is to call them flat."""
    return type(stage) is Flatten and stage.start_dim == 1 and stage.end_dim in (-1, len(shape) - 1)


def _has_parameters(stage: Module | Stack) -> bool:
    return isinstance(stage, Stack) or any(m._parameters for m in stage.modules())


def _stages(layers: Sequence[Module]) -> list[Module | Stack]:
    """The layers in order, those together that run as one."""
    stages: list[Module | Stack] = []
    native: list[Module] = []

    def finish() -> None:
        if native:
            stages.append(Stack(tuple(native)))
        native.clear()

    for layer in layers:
        # An activation alone takes any shape; behind a Linear it has rows of a known width.
        if is_native(layer, Linear) or (native and is_native(layer, Elementwise)):
            native.append(layer)
        else:
            finish()
            stages.append(layer)
    finish()
    return stages
