"""Modules whose paths run side by side: the gradients of the input add up."""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ._quiet import quiet
from ._workspace import Array
from .containers import Container
from .module import Module, check_gradient


class Residual(Module):
    """x + f(x), for a module f whose output is like its input.

    Parameters
    ----------
    module : Module
        f; a Sequential where it has several layers.

    Raises
    ------
    TypeError
        If module is not a Module.
    ValueError
        In `forward`, if f(x) does not have the shape of x.

    References
    ----------
    He, Zhang, Ren and Sun, Deep residual learning for image recognition, arXiv 1512.03385 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.Residual(nn.ReLU())(np.array([[-1.0, 2.0]])).tolist()
    [[-1.0, 4.0]]
    """

    def __init__(self, module: Module) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise TypeError(f"module is a {type(module).__name__}; expected a Module")
        self.module = module

    def forward(self, x: Array) -> Array:
        """x plus what the module makes of it."""
        with quiet():
            branch = self.module(x)
            if branch.shape != x.shape:
                raise ValueError(
                    f"{self.module!r} made shape {branch.shape} of x; expected {x.shape}, as x has"
                )
            if branch.dtype != x.dtype:
                raise TypeError(
                    f"{self.module!r} made dtype {branch.dtype} of x; expected {x.dtype}, as x has"
                )
            self._workspace.saved = x.shape, x.dtype
            return np.add(x, branch, out=np.empty(x.shape, x.dtype))

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        shape, dtype = self._saved()
        check_gradient(grad_output, shape, dtype)
        with quiet():
            branch = self.module.backward(grad_output, accumulate)
            return np.add(grad_output, branch, out=np.empty(shape, dtype))

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        check_gradient(grad_output, *self._saved())
        self.module.backward_parameters(grad_output, accumulate)

    def __repr__(self) -> str:
        return f"Residual({self.module!r})"


class Concat(Container):
    """The outputs of several layers for the same input, joined along an axis.

    Parameters
    ----------
    *layers : Module
        At least one; each is there once.
    dim : int, default -1
        The axis along which the outputs are joined; along the others they have the same lengths.

    Raises
    ------
    TypeError
        If a layer is not a Module.
    ValueError
        If there is no layer, or one is there twice; in `forward`, if the outputs do not fit.

    References
    ----------
    Szegedy et al., Going deeper with convolutions, arXiv 1409.4842 (2014); Huang, Liu, van der
    Maaten and Weinberger, Densely connected convolutional networks, arXiv 1608.06993 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> wide_and_deep = nn.Concat(nn.Flatten(), nn.Sequential(nn.Linear(3, 8), nn.ReLU()))
    >>> wide_and_deep(np.ones((5, 3), np.float32)).shape
    (5, 11)
    """

    def __init__(self, *layers: Module, dim: int = -1) -> None:
        self.dim = dim
        super().__init__(*layers)
        if not layers:
            raise ValueError("layers is empty; expected at least one")

    def forward(self, x: Array) -> Array:
        """The outputs side by side, in the order of the layers."""
        with quiet():
            outputs = [layer(x) for layer in self._layers]
        first = outputs[0]
        dim = normalize_axis_index(self.dim, first.ndim)
        before, after = first.shape[:dim], first.shape[dim + 1 :]
        for i, output in enumerate(outputs):
            if (output.shape[:dim], output.shape[dim + 1 :]) != (before, after):
                raise ValueError(
                    f"layers[{i}] made shape {output.shape} of x; expected {first.shape} but for "
                    f"axis {self.dim}, as layers[0] made"
                )
            if output.dtype != first.dtype:
                raise TypeError(
                    f"layers[{i}] made dtype {output.dtype} of x; expected {first.dtype}, as "
                    "layers[0] made"
                )
        lengths = [output.shape[dim] for output in outputs]
        y = np.empty((*before, sum(lengths), *after), first.dtype)
        self._workspace.saved = dim, lengths, y.shape, y.dtype
        return np.concatenate(outputs, dim, out=y)

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        total: Array | None = None
        with quiet():
            for layer, part in zip(self._layers, self._parts(grad_output), strict=True):
                if total is None:
                    # A copy: the layer may have returned the part itself.
                    total = layer.backward(part, accumulate).copy()
                else:
                    total += layer.backward(part, accumulate)
        assert total is not None
        return total

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        with quiet():
            for layer, part in zip(self._layers, self._parts(grad_output), strict=True):
                layer.backward_parameters(part, accumulate)

    def _parts(self, grad_output: Array) -> list[Array]:
        """The gradient of each output, contiguous: layers would copy what is not."""
        dim, lengths, shape, dtype = self._saved()
        check_gradient(grad_output, shape, dtype)
        parts = []
        start = 0
        for i, length in enumerate(lengths):
            part_shape = (*shape[:dim], length, *shape[dim + 1 :])
            part = self._workspace.array(f"part {i}", part_shape, dtype)
            index = (slice(None),) * dim + (slice(start, start + length),)
            np.copyto(part, grad_output[index])
            parts.append(part)
            start += length
        return parts

    def __repr__(self) -> str:
        return f"Concat({', '.join([*map(repr, self._layers), f'dim={self.dim}'])})"
