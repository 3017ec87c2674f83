"""Losses of the distances of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import as_array
from ._call import Call
from ._loss import loss


@loss("cosine_embedding")
def cosine_embedding_loss(
    call: Call,
    input1: npt.ArrayLike,
    input2: npt.ArrayLike,
    target: npt.ArrayLike,
    margin: float = 0.0,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Of the cosine c of two vectors: 1 - c for y = 1, max(0, c - margin) for y = -1.

    `value_and_grad` gives the gradients of input1 and input2.

    Parameters
    ----------
    input1, input2 : array_like, shape (N, D) or (D,)
        Vectors. Their squared lengths have 1e-12 added, as in torch.
    target : array_like, shape (N,) or ()
        y, 1 for vectors that belong together and -1 for others; another one gives 0.
    margin : float, default 0.0
    {samples}

    Examples
    --------
    >>> from ranvier import losses
    >>> round(losses.cosine_embedding_loss([[1.0, 0.0]], [[0.0, 1.0]], [1]), 6)
    1.0
    """
    first = as_array(input1)
    given = as_array(target)
    if given.dtype.kind not in "iuf":
        raise TypeError(f"target has dtype {given.dtype}; expected 1 or -1")
    if given.shape != first.shape[:-1]:
        raise ValueError(f"target has shape {given.shape}; expected {first.shape[:-1]}")
    signs = (given == 1).astype(np.int64) - (given == -1)
    return call.rows(
        "cosine_embedding",
        first,
        input2,
        target=signs,
        margin=margin,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("triplet_margin")
def triplet_margin_loss(
    call: Call,
    anchor: npt.ArrayLike,
    positive: npt.ArrayLike,
    negative: npt.ArrayLike,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Of the distances of a vector to one of its kind and to another, max(0, near - far + margin).

    A distance is ||x - y + eps||_p. `value_and_grad` gives the gradients of all three.

    Parameters
    ----------
    anchor, positive, negative : array_like, shape (N, D) or (D,)
        Vectors.
    margin : float, default 1.0
    p : float, default 2.0
        Of the norm, positive; may be infinite.
    eps : float, default 1e-6
        Keeps the gradient finite where two vectors are equal.
    swap : bool, default False
        Take the distance of positive to negative where it is less than that of anchor to negative.
    {samples}

    References
    ----------
    Balntas, Riba, Ponsa and Mikolajczyk, Learning local feature descriptors with triplets and
    shallow convolutional neural networks, BMVC 2016.

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.triplet_margin_loss([[0.0, 0.0]], [[3.0, 4.0]], [[1.0, 0.0]], eps=0.0)
    5.0
    """
    return call.rows(
        "triplet_margin",
        anchor,
        positive,
        negative,
        target=None,
        margin=margin,
        p=p,
        eps=eps,
        swap=swap,
        reduction=reduction,
        sample_weight=sample_weight,
    )
