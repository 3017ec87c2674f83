"""A table of vectors, looked up by integers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._checks import integer, positive
from ._quiet import quiet
from ._workspace import Array
from .module import Module, Parameter, check_gradient

__all__ = ["Embedding"]


class Embedding(Module):
    """Row x of a table, for each integer of the input.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table, at least 1.
    padding_idx : int, optional
        A row that is 0 at first and has no gradient. A negative one counts from the end.
    dtype : dtype, default float32
    rng : int or numpy.random.Generator, optional
        What the initial values are drawn from, or a seed for it.

    Attributes
    ----------
    weight : ndarray of shape (num_embeddings, embedding_dim)
        Normal with variance 1 at first.

    Raises
    ------
    ValueError
        If a size is not positive, or padding_idx is not one of the rows.
    IndexError
        In `forward`, if an index is out of range.
    TypeError
        In `forward`, if x is not of integers.

    Notes
    -----
    The gradients of a row add up in the order of the input. `backward` returns 0 for the input:
    integers have no gradient.

    References
    ----------
    Bengio, Ducharme, Vincent and Jauvin, A neural probabilistic language model, Journal of Machine
    Learning Research 3 (2003).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.Embedding(10, 3, padding_idx=0)
    >>> layer(np.array([[1, 2, 4, 5], [4, 3, 2, 0]])).shape
    (2, 4, 3)
    >>> layer(np.array([0])).tolist()
    [[0.0, 0.0, 0.0]]
    """

    takes_integers = True
    weight = Parameter()

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        dtype: npt.DTypeLike = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = positive("num_embeddings", num_embeddings)
        self.embedding_dim = positive("embedding_dim", embedding_dim)
        self.padding_idx: int | None = None
        weight = np.random.default_rng(rng).normal(size=(num_embeddings, embedding_dim))
        if padding_idx is not None:
            row = integer("padding_idx", padding_idx)
            if not -num_embeddings <= row < num_embeddings:
                raise ValueError(
                    f"padding_idx is {padding_idx}; expected one of {num_embeddings} rows"
                )
            self.padding_idx = row % num_embeddings
            weight[self.padding_idx] = 0
        self.add_parameter("weight", weight.astype(dtype))

    def forward(self, x: Array) -> Array:
        """The rows, of shape (..., embedding_dim), for x of any shape and any dtype of integers."""
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "iu":
            raise TypeError(
                f"x is of {getattr(x, 'dtype', type(x))}; expected an array of integers"
            )
        for extreme in (x.min(), x.max()) if x.size else ():
            if not 0 <= extreme < self.num_embeddings:
                raise IndexError(
                    f"x has the index {extreme}; expected 0 to {self.num_embeddings - 1}"
                )
        weight = self._parameters["weight"]
        indices = self._scratch("indices", x.shape, np.intp)
        np.copyto(indices, x, casting="unsafe")
        y = np.empty((*x.shape, self.embedding_dim), weight.dtype)
        # With mode "raise", take would write to a copy of y first.
        np.take(weight, indices, axis=0, out=y, mode="clip")
        self._workspace.saved = indices
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        self.backward_parameters(grad_output, accumulate)
        return np.zeros(self._saved().shape, grad_output.dtype)

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        indices: Array = self._saved()
        gradient = self._gradients["weight"]
        check_gradient(grad_output, (*indices.shape, self.embedding_dim), gradient.dtype)
        padding = None if self.padding_idx is None else gradient[self.padding_idx]
        before = None if padding is None or not accumulate else padding.copy()
        if not accumulate:
            gradient.fill(0)
        with quiet():
            np.add.at(gradient, indices, grad_output)
        if padding is not None:
            padding[...] = 0 if before is None else before

    def __repr__(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"Embedding({self.num_embeddings}, {self.embedding_dim}{padding})"
