"""The model of an estimator: linear layers with activations, and the penalty on their weights."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import activations, nn
from .._elementwise import RECORDS
from ..nn._quiet import quiet
from ..nn._stack import Stack
from ._parameters import check_interval

Array = npt.NDArray[Any]

_SCIKIT_LEARN = {"logistic": "sigmoid"}
# Rows of a sparse matrix that are dense at a time.
_ROWS = 1024


class Perceptron(nn.Sequential):
    """Layers whose weights have a penalty, decay / 2 times the sum of their squares.

    The penalty is a part of the gradient, whatever the optimizer then does with it: many have a
    weight decay that is something else, or none. Biases have no penalty.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.linears = [layer for layer in layers if isinstance(layer, nn.Linear)]
        self.decay = 0.0

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        super().backward_parameters(grad_output, accumulate)
        if self.decay == 0:
            return
        with quiet():
            for i, linear in enumerate(self.linears):
                weight = linear.weight
                step = self._workspace.array(f"penalty {i}", weight.shape, weight.dtype)
                np.multiply(weight, self.decay, out=step)
                linear.write_gradient("weight", step, accumulate=True)

    def _whole_stack(self, shape: tuple[int, ...]) -> Stack | None:
        """The layers; the penalty is a part of the objective."""
        return self._layers_stack(shape)

    def scores(self, X: Any) -> Array:
        """The output for every row of a matrix, dense or sparse, in eval mode."""
        dtype = self.linears[0].weight.dtype
        if not hasattr(X, "tocsr"):
            with quiet():
                return self(X.astype(dtype, copy=False))
        rows = X.tocsr()
        result = np.empty((rows.shape[0], self.linears[-1].out_features), dtype)
        for start in range(0, len(result), _ROWS):
            part = rows[start : start + _ROWS].toarray()
            with quiet():
                result[start : start + _ROWS] = self(part.astype(dtype, copy=False))
        return result


def build(
    widths: Sequence[int],
    between: Sequence[Any],
    dropout: Sequence[float],
    dtype: npt.DTypeLike,
    random: np.random.RandomState,
) -> Perceptron:
    """A perceptron with these numbers of units.

    Parameters
    ----------
    widths : sequence of int
        Of the input, the hidden layers and the output.
    between, dropout : sequence
        An activation and a probability for each hidden layer.
    dtype : dtype
    random : RandomState
        Weights and biases are uniform in ±sqrt(6 / (inputs + outputs)), or ±sqrt(2 / (inputs +
        outputs)) where the activation is the sigmoid, drawn in the order of scikit-learn.

    References
    ----------
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010.
    """
    for p in dropout:
        check_interval("dropout", p, "[0, 1)")
    hidden = [_activation(spec, dtype) for spec in between]
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        # The output layer is drawn like the one before it.
        activation = hidden[min(i, len(hidden) - 1)] if hidden else None
        variance = 2 if isinstance(activation, nn.activations.Elementwise) and (
            activation.record.name == "sigmoid"
        ) else 6  # fmt: skip
        bound = math.sqrt(variance / (inputs + outputs))
        linear = nn.Linear(inputs, outputs, dtype=dtype, rng=0)
        linear.weight = random.uniform(-bound, bound, (inputs, outputs)).T
        linear.bias = random.uniform(-bound, bound, outputs)
        layers.append(linear)
        if i < len(hidden):
            if activation is not None:
                layers.append(activation)
            if dropout[i] > 0:
                layers.append(_dropout(dropout[i], random))
    return Perceptron(*layers)


def _dropout(p: float, random: np.random.RandomState) -> nn.Module:
    return nn.Dropout(p, rng=random.randint(2**31 - 1))


def _activation(spec: Any, dtype: npt.DTypeLike) -> nn.Module | None:
    """The layer that a name, a function of ranvier or a module stands for; None for identity."""
    if isinstance(spec, str) and spec == "identity":
        return None
    if isinstance(spec, nn.Module):
        return copy.deepcopy(spec)
    if isinstance(spec, type) and issubclass(spec, nn.Module):
        return _module(spec, spec, dtype)
    name = spec if isinstance(spec, str) else str(getattr(spec, "__name__", ""))
    name = _SCIKIT_LEARN.get(name, name)
    if name not in RECORDS or not (isinstance(spec, str) or spec is getattr(activations, name)):
        raise ValueError(
            f"activation is {spec!r}; expected a function of ranvier, a module, or one of "
            f"{', '.join(['identity', *_SCIKIT_LEARN, *RECORDS])}"
        )
    return _module(getattr(nn, RECORDS[name].module), spec, dtype)


def _module(cls: type[nn.Module], spec: Any, dtype: npt.DTypeLike) -> nn.Module:
    parameters = inspect.signature(cls).parameters
    required = [name for name, p in parameters.items() if p.default is inspect.Parameter.empty]
    if required:
        raise ValueError(
            f"activation is {spec!r}, which needs {' and '.join(required)}; expected a module, "
            f"nn.{cls.__name__}({', '.join(f'{name}=...' for name in required)})"
        )
    return cls(**({"dtype": dtype} if "dtype" in parameters else {}))
