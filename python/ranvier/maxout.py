"""Maxout: the maximum over groups of channels."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from . import _channels
from ._checks import integer
from ._native import _core

__all__ = ["maxout"]


def _groups(pieces: int) -> _channels.Parts:
    count = integer("pieces", pieces)
    if count < 1:
        raise ValueError(f"pieces is {pieces}; expected at least 1")

    def parts(length: int, axis: int) -> tuple[tuple[int, int], int]:
        if length % count:
            raise ValueError(
                f"pieces is {pieces}; expected a divisor of {length}, the length of axis {axis} "
                f"of x"
            )
        return (length // count, count), length // count

    return parts


def maxout(
    x: npt.ArrayLike, pieces: int, axis: int = -1, *, out: npt.NDArray[Any] | None = None
) -> Any:
    """Maximum over groups of `pieces` consecutive channels along an axis.

    Parameters
    ----------
    x : array_like
        float16, float32 or float64, of any shape; integers are promoted as by NumPy's ufuncs.
    pieces : int
        How many channels make a group; a divisor of the length of the axis.
    axis : int, default -1
        The axis of the channels.
    out : ndarray, optional
        Where to write the result; it may overlap x.

    Returns
    -------
    ndarray
        Of the shape of x, with 1 / `pieces` of the length along `axis`: channel c is the maximum of
        the channels from c * pieces up to (c + 1) * pieces. A group with NaN gives NaN.

    Raises
    ------
    ValueError
        If pieces is less than 1 or does not divide the length of the axis, or out has another shape
        or is read-only.
    numpy.exceptions.AxisError
        If x does not have the axis.
    TypeError
        If x is complex, an object, or of another dtype that does not fit in float64.

    Notes
    -----
    Exact: the result is one of the inputs. Of equal ones (0 and -0, or several NaNs) it is the
    first.

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout networks, arXiv 1302.4389 (2013).

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.maxout([1.0, 4.0, 3.0, 2.0], 2)
    array([4., 3.])
    """
    return _channels.value(_core.maxout, x, axis, _groups(pieces), out)


def maxout_derivative(
    x: npt.ArrayLike, pieces: int, axis: int = -1, *, out: npt.NDArray[Any] | None = None
) -> Any:
    """Derivatives of maxout with respect to each element of x: 1 for a group's maximum, else 0.

    Parameters
    ----------
    x : array_like
        float16, float32 or float64, of any shape; integers are promoted as by NumPy's ufuncs.
    pieces : int
        How many channels make a group; a divisor of the length of the axis.
    axis : int, default -1
        The axis of the channels.
    out : ndarray, optional
        Where to write the result; it may overlap x.

    Returns
    -------
    ndarray
        Of the shape of x. Of several equal maxima the first has the 1; of a group with NaN, the
        first NaN.

    Raises
    ------
    ValueError
        If pieces is less than 1 or does not divide the length of the axis, or out has another shape
        or is read-only.
    numpy.exceptions.AxisError
        If x does not have the axis.
    TypeError
        If x is complex, an object, or of another dtype that does not fit in float64.

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout networks, arXiv 1302.4389 (2013).

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.derivative.maxout([1.0, 4.0, 3.0, 3.0], 2)
    array([0., 1., 1., 0.])
    """
    return _channels.derivative(_core.maxout_vjp, x, axis, _groups(pieces), out)


def maxout_vjp(
    g: npt.ArrayLike,
    x: npt.ArrayLike,
    pieces: int,
    axis: int = -1,
    *,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Gradient of maxout with respect to x: g where the maximum of the group is, 0 elsewhere.

    Parameters
    ----------
    g : array_like
        Gradient with respect to the output, of its shape or one that broadcasts to it.
    x : array_like
        float16, float32 or float64, of any shape; integers are promoted as by NumPy's ufuncs.
    pieces : int
        How many channels make a group; a divisor of the length of the axis.
    axis : int, default -1
        The axis of the channels.
    out : ndarray, optional
        Where to write the result; it may overlap an input.

    Returns
    -------
    ndarray
        Of the shape of x. Of several equal maxima the first takes the gradient; of a group with
        NaN, the first NaN.

    Raises
    ------
    ValueError
        If pieces is less than 1 or does not divide the length of the axis, or g or out does not
        have the shape that it should, or out is read-only.
    numpy.exceptions.AxisError
        If x does not have the axis.
    TypeError
        If g or x is complex, an object, or of another dtype that does not fit in float64.

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout networks, arXiv 1302.4389 (2013).

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.vjp.maxout([5.0, 7.0], [1.0, 4.0, 3.0, 3.0], 2)
    array([0., 5., 7., 0.])
    """
    return _channels.vjp(_core.maxout_vjp, g, x, axis, _groups(pieces), out)
