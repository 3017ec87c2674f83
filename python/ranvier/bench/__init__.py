"""ranvier beside its peers, in one process: what ``ranvier bench`` measures.

Each subject is a module of this package with a function ``rows(scope)``. None of them imports a
peer before it is asked for its rows: no peer is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SUBJECTS", "Subject"]


@dataclass(frozen=True)
class Subject:
    """What a table shows, the peers that have it, and whether it is measured unless asked for."""

    title: str
    peers: tuple[str, ...]
    usual: bool = False


SUBJECTS: Mapping[str, Subject] = {
    "activations": Subject("activations and their gradients", ("torch", "jax", "scipy"), True),
    "reductions": Subject("softmax and cross-entropy", ("torch", "jax", "scipy"), True),
    "optimizers": Subject("steps of the optimizers", ("torch",), True),
    "training": Subject(
        "an epoch of training a classifier", ("torch", "jax", "scikit-learn"), True
    ),
    "gates": Subject("gates and maxout, and their gradients", ("torch",)),
    "layers": Subject("normalisation, forward and backward", ("torch",)),
    "losses": Subject("losses with their gradients", ("torch",)),
    "layouts": Subject("strides and small sizes, beside NumPy's exp", ()),
}
