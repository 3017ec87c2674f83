"""Entropy, cross-entropy and Kullback-Leibler divergence of distributions, in any base."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import number

__all__ = ["cross_entropy", "entropy", "kl_divergence"]

Array = npt.NDArray[Any]


def _distribution(name: str, values: npt.ArrayLike) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    if array.size and array.min() < 0:
        raise ValueError(f"{name} has the value {array.min()}; expected probabilities")
    return array


def _scale(base: float) -> float:
    """The natural logarithm of the base."""
    value = number("base", base)
    if not 0 < value < math.inf or value == 1:
        raise ValueError(f"base is {base!r}; expected a positive, finite number other than 1")
    return math.log(value)


def _total(terms: Array, axis: int, base: float, dtype: Any) -> Any:
    """Summed in float64, in the precision of what was given."""
    with np.errstate(all="ignore"):
        return (terms.sum(axis) / _scale(base)).astype(dtype)[()]


def entropy(p: npt.ArrayLike, *, axis: int = -1, base: float = np.e) -> Any:
    """Entropy of a distribution, -sum p log p.

    Parameters
    ----------
    p : array_like
        Probabilities along the axis; they are not normalised.
    axis : int, default -1
    base : float, default e
        Of the logarithm: 2 for bits, e for nats, 10 for hartleys.

    Returns
    -------
    ndarray or scalar
        In the dtype of p; float64 for integers. 0 log 0 is 0.

    Raises
    ------
    ValueError
        If a probability is negative, or base not positive, finite and other than 1.
    TypeError
        If p is not of real numbers.

    References
    ----------
    Shannon, A mathematical theory of communication, 1948.

    Examples
    --------
    >>> import ranvier as rv
    >>> float(rv.info.entropy([0.5, 0.25, 0.25], base=2))
    1.5
    """
    return _cross(_distribution("p", p), None, axis, base)


def cross_entropy(p: npt.ArrayLike, q: npt.ArrayLike, *, axis: int = -1, base: float = np.e) -> Any:
    """Cross-entropy of q relative to p, -sum p log q.

    Parameters
    ----------
    p, q : array_like
        Probabilities along the axis, broadcast against one another.
    axis : int, default -1
    base : float, default e
        Of the logarithm.

    Returns
    -------
    ndarray or scalar
        Infinite where q is 0 and p is not; 0 log 0 is 0.

    Raises
    ------
    ValueError
        If a probability is negative, or base not positive, finite and other than 1.
    TypeError
        If p or q is not of real numbers.

    Examples
    --------
    The surprise of three outcomes of which a model gives 0.8, 0.15 and 0.05, in bits:

    >>> import numpy as np
    >>> import ranvier as rv
    >>> rv.info.cross_entropy(np.eye(3), [0.8, 0.15, 0.05], base=2).round(2)
    array([0.32, 2.74, 4.32])
    """
    return _cross(_distribution("p", p), _distribution("q", q), axis, base)


def _cross(p: Array, q: Array | None, axis: int, base: float) -> Any:
    other = p if q is None else q
    with np.errstate(all="ignore"):
        terms = np.where(p == 0, 0.0, -p.astype(np.float64) * np.log(other.astype(np.float64)))
    return _total(terms, axis, base, _dtype(p, other))


def _dtype(*arrays: Array) -> Any:
    found = np.result_type(*arrays)
    return found if found.kind == "f" else np.float64


def kl_divergence(p: npt.ArrayLike, q: npt.ArrayLike, *, axis: int = -1, base: float = np.e) -> Any:
    """Kullback-Leibler divergence of p from q, sum p log(p / q).

    Parameters
    ----------
    p, q : array_like
        Probabilities along the axis, broadcast against one another.
    axis : int, default -1
    base : float, default e
        Of the logarithm.

    Returns
    -------
    ndarray or scalar
        Infinite where q is 0 and p is not; what has no probability in p adds nothing.

    Raises
    ------
    ValueError
        If a probability is negative, or base not positive, finite and other than 1.
    TypeError
        If p or q is not of real numbers.

    References
    ----------
    Kullback and Leibler, On information and sufficiency, 1951.

    Examples
    --------
    >>> import ranvier as rv
    >>> float(rv.info.kl_divergence([1.0, 0.0], [0.5, 0.5], base=2))
    1.0
    """
    first, second = _distribution("p", p), _distribution("q", q)
    wide, other = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(all="ignore"):
        # Near 1, the quotient's logarithm from the difference: what log p - log q would lose.
        excess = (wide - other) / other
        ratio = np.where(np.abs(excess) < 0.5, np.log1p(excess), np.log(wide) - np.log(other))
        terms = np.where(first == 0, 0.0, wide * ratio)
    return _total(terms, axis, base, _dtype(first, second))
