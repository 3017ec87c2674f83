"""Fully connected layers and the activations behind them, run by one native call each way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter, contains, is_
from typing import Any

from .._native import _core
from ._workspace import Array
from .activations import Elementwise
from .linear import Linear, native_layer
from .module import check_gradient

Pair = tuple[Linear, Elementwise | None]

# For map, as at each step a generator would take longer than a small layer.
_in_train_mode = attrgetter("training")
_saved_by = attrgetter("_workspace.saved")


class DenseStack:
    """Layers of a Sequential that follow each other; they stay what describes the model.

    The results have the same bits as one by one, and each layer is left as if it had run alone.

    Parameters
    ----------
    pairs : sequence of (Linear, activation or None)
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = pairs
        self._layers = [layer for pair in pairs for layer in pair if layer is not None]
        self._own = [vars(layer) for layer in self._layers]
        self._native = [native_layer(*pair, None, None) for pair in pairs]
        self._run: _Run | None = None

    def __call__(self, x: Array) -> Array:
        if self._has_other("forward"):
            for layer in self._layers:
                x = layer(x)
            return x
        x = self._pairs[0][0]._readable(x)
        training = all(map(_in_train_mode, self._layers))
        run = self._run
        if run is None or not training or not run.fits(x):
            run = self._run = _Run(self, x, training)
        return run.forward(x)

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        run = self._run
        if run is None or not run.is_last() or self._has_other("backward"):
            for layer in reversed(self._layers):
                grad_output = layer.backward(grad_output, accumulate)
            return grad_output
        return run.backward(grad_output, accumulate)

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        run = self._run
        if (
            run is None
            or not run.is_last()
            or self._has_other("backward")
            or self._has_other("backward_parameters")
        ):
            for layer in reversed(self._layers[1:]):
                grad_output = layer.backward(grad_output, accumulate)
            self._layers[0].backward_parameters(grad_output, accumulate)
        else:
            run.backward_parameters(grad_output, accumulate)

    def _has_other(self, method: str) -> bool:
        """Whether somebody has put another method in the place of that of a layer."""
        return any(map(contains, self._own, repeat(method)))

    def __reduce__(self) -> tuple[type[DenseStack], tuple[Sequence[Pair]]]:
        return DenseStack, (self._pairs,)


class _Run:
    """Where the passes for inputs of one shape read and write, as `_core` takes it.

    In train mode one serves all of them: results belong to the layers.
    """

    def __init__(self, stack: DenseStack, x: Array, training: bool) -> None:
        self._pairs, self._layers, self._native = stack._pairs, stack._layers, stack._native
        self._training = training
        if training:
            self._shape, self._dtype = x.shape, x.dtype
            self._native = [
                (*fixed, *self._memory(x, *pair))
                for pair, (*fixed, _, _) in zip(self._pairs, self._native, strict=True)
            ]
        self._saved: list[Any] = []  # of each layer
        self._gradients: list[Any] | None = None

    @staticmethod
    def _memory(x: Array, linear: Linear, activation: Elementwise | None) -> tuple[Array, Array]:
        """Of the layers, for the product and for what the activation makes of it."""
        shape = (*x.shape[:-1], linear.out_features)
        z = linear._result("output", shape, x.dtype)
        if activation is None or activation._from_output:
            return z, z
        return z, activation._result("output", shape, x.dtype)

    def fits(self, x: Array) -> bool:
        """Whether another pass in train mode, for x, reads and writes there."""
        return self._training and x.shape == self._shape and x.dtype == self._dtype

    def forward(self, x: Array) -> Array:
        self._native = _core.dense_forward(x, self._native)
        if self._saved:
            _, z = self._saved[0]
            self._saved[0] = x, z
        else:
            for (_, activation), (*_, z, y) in zip(self._pairs, self._native, strict=True):
                self._saved.append((x, z))
                if activation is not None:
                    self._saved.append(z)
                x = y
        for layer, saved in zip(self._layers, self._saved, strict=True):
            layer._workspace.saved = saved
        output: Array = self._native[-1][-1]
        return output

    def is_last(self) -> bool:
        """Whether the layers are as this has left them, and not as a pass of one alone has."""
        return bool(self._saved) and all(map(is_, map(_saved_by, self._layers), self._saved))

    def backward(self, grad_output: Array, accumulate: bool) -> Array:
        gradients = self._all_gradients()
        self._backward(grad_output, gradients, accumulate)
        result: Array = gradients[0][-1]
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool) -> None:
        first, *others = self._all_gradients()
        self._backward(grad_output, [(*first[:-1], None), *others], accumulate)

    def _backward(self, grad_output: Array, gradients: list[Any], accumulate: bool) -> None:
        y = self._native[-1][-1]
        check_gradient(grad_output, y.shape, y.dtype)
        g = self._pairs[-1][0]._contiguous("grad_output", grad_output)
        _core.dense_backward(self._saved[0][0], g, self._native, gradients, accumulate)

    def _all_gradients(self) -> list[Any]:
        if self._gradients is not None:
            return self._gradients
        gradients = []
        for (linear, activation), (*_, z, _) in zip(self._pairs, self._native, strict=True):
            of_z = None
            if activation is not None:
                of_z = activation._result("grad_input", z.shape, z.dtype)
            shape = (*z.shape[:-1], linear.in_features)
            of_x = linear._result("grad_input", shape, z.dtype)
            gradients.append((of_z, linear._gradients, of_x))
        if self._training:
            self._gradients = gradients
        return gradients
