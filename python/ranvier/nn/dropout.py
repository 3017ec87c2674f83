"""Dropout: in train mode, some elements drawn at random are replaced by a constant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import activations
from .._checks import check_mapping, number
from ._quiet import quiet
from ._workspace import Array
from .module import Module, check_gradient, check_input

__all__ = ["AlphaDropout", "Dropout"]


class Random(Module):
    """A module that draws random numbers in its forward pass: a checkpoint holds its state.

    Parameters
    ----------
    rng : int or numpy.random.Generator, optional
        What it draws from, or a seed for it.
    """

    def __init__(self, rng: int | np.random.Generator | None = None) -> None:
        super().__init__()
        self._rng = np.random.default_rng(rng)

    def random_state(self) -> dict[str, Any]:
        """Where the generator is in its sequence: a dict that JSON can hold.

        Examples
        --------
        >>> import numpy as np
        >>> from ranvier import nn
        >>> layer, x = nn.Dropout(rng=0), np.ones(100, np.float32)
        >>> state = layer.random_state()
        >>> first = layer(x)
        >>> layer.set_random_state(state)
        >>> np.array_equal(layer(x), first)
        True
        """
        return dict(_plain(self._rng.bit_generator.state))

    def set_random_state(self, state: Mapping[str, Any]) -> None:
        """Go on from where `random_state` was called.

        Parameters
        ----------
        state : mapping
            What `random_state` returned, of a module with a generator of the same kind.

        Raises
        ------
        TypeError
            If state is not a mapping.
        ValueError
            If it is not the state of a generator of this kind. Nothing is changed then.
        """
        check_mapping(state, "state")
        bit_generator = self._rng.bit_generator
        kind = type(bit_generator).__name__
        before = bit_generator.state
        try:
            if state["bit_generator"] != kind:
                raise ValueError(state["bit_generator"])
            bit_generator.state = _like(state, before)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            bit_generator.state = before
            raise ValueError(f"state is {state!r}; expected one of {kind}") from error


def _plain(state: Any) -> Any:
    """The state with lists in the place of arrays."""
    if isinstance(state, Mapping):
        return {key: _plain(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state


def _like(state: Any, example: Any) -> Any:
    """The state with arrays where the example has them."""
    if isinstance(example, Mapping):
        return {key: _like(state[key], value) for key, value in example.items()}
    if not isinstance(example, np.ndarray):
        return state
    array = np.array(state, example.dtype)
    if array.shape != example.shape:
        raise ValueError(f"an array of it has shape {array.shape}; expected {example.shape}")
    return array


class _Dropout(Random):
    """scale x + shift, but `dropped` with probability p."""

    scale: float
    shift = 0.0
    dropped = 0.0

    def __init__(self, p: float, rng: int | np.random.Generator | None) -> None:
        super().__init__(rng)
        self.p = number("p", p)
        if not 0 <= self.p <= 1:
            raise ValueError(f"p is {p!r}; expected a number from 0 to 1")

    def forward(self, x: Array) -> Array:
        """x with elements dropped in train mode, x itself in eval mode: float32 or float64."""
        check_input(x, np.float32, np.float64)
        if not self.training or self.p == 0:
            self._workspace.saved = x.shape, x.dtype, None
            return x
        y = np.empty(x.shape, x.dtype)
        mask = self._workspace.array("mask", x.shape, np.bool_)
        # The uniform numbers are gone when the result is written over them.
        self._rng.random(dtype=x.dtype.type, out=y)
        np.less(y, self.p, out=mask)
        with quiet():
            np.multiply(x, self.scale, out=y)
            if self.shift:
                y += self.shift
        np.copyto(y, self.dropped, where=mask)
        self._workspace.saved = x.shape, x.dtype, mask
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        shape, dtype, mask = self._saved()
        check_gradient(grad_output, shape, dtype)
        if mask is None:
            return grad_output
        result = np.empty(shape, dtype)
        with quiet():
            np.multiply(grad_output, self.scale, out=result)
        np.copyto(result, 0, where=mask)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        shape, dtype, _ = self._saved()
        check_gradient(grad_output, shape, dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p:g})"


class Dropout(_Dropout):
    """0 with probability p, else x / (1 - p), in train mode; x itself in eval mode.

    Parameters
    ----------
    p : float, default 0.5
        The probability that an element is dropped, from 0 to 1.
    rng : int or numpy.random.Generator, optional
        What is drawn from, or a seed for it.

    Raises
    ------
    ValueError
        If p is not from 0 to 1.

    Notes
    -----
    What is dropped is 0 even where x is infinite or NaN.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent
    neural networks from overfitting, Journal of Machine Learning Research 15 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.Dropout(0.5, rng=0)
    >>> sorted(set(layer(np.ones(100, np.float32)).tolist()))
    [0.0, 2.0]
    >>> layer.eval()(np.ones(2, np.float32)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, *, rng: int | np.random.Generator | None = None) -> None:
        super().__init__(p, rng)
        self.scale = 1 / (1 - self.p) if self.p < 1 else 0.0


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for networks of SELU.

    What is dropped takes the limit of SELU at -inf; then all is scaled and shifted to the mean and
    variance that it had.

    Parameters
    ----------
    p : float, default 0.5
        The probability that an element is dropped, from 0 to 1. With 1, everything is 0.
    rng : int or numpy.random.Generator, optional
        What is drawn from, or a seed for it.

    Raises
    ------
    ValueError
        If p is not from 0 to 1.

    References
    ----------
    Klambauer, Unterthiner, Mayr and Hochreiter, Self-normalizing neural networks, arXiv 1706.02515
    (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> y = nn.AlphaDropout(0.2, rng=0)(np.random.default_rng(1).normal(size=100_000))
    >>> print(f"{abs(y.mean()):.1f} {y.std():.1f}")
    0.0 1.0
    """

    def __init__(self, p: float = 0.5, *, rng: int | np.random.Generator | None = None) -> None:
        super().__init__(p, rng)
        kept = 1 - self.p
        limit = float(activations.selu(-math.inf))
        self.scale = 1 / math.sqrt(kept + limit**2 * kept * self.p) if kept else 0.0
        self.shift = -self.scale * self.p * limit
        self.dropped = self.scale * limit + self.shift
