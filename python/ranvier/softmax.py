"""Softmax, its logarithm and log-sum-exp, as generalized ufuncs over any axis."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from ._checks import number, output
from ._native import _core

__all__ = ["log_softmax", "logsumexp", "softmax", "softmin"]


def _checked(temperature: float) -> float:
    value = number("temperature", temperature)
    if not 0 < value < math.inf:
        raise ValueError(f"temperature is {temperature!r}; expected a positive, finite number")
    return max(value, 1e-300)  # smaller numbers have no reciprocal


def _operands(name: str, x: npt.ArrayLike, mask: npt.ArrayLike | None) -> tuple[Any, ...]:
    """The native function of this name, x, and the mask of the same shape, where there is one."""
    if mask is None:
        return getattr(_core, name), x
    mask = np.asarray(mask)
    if mask.dtype != np.bool_:
        raise TypeError(f"mask has dtype {mask.dtype}; expected bool, True where an entry is kept")
    return getattr(_core, f"masked_{name}"), *np.broadcast_arrays(x, mask)


_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_ONE = np.array(1.0)


def _plain(x: Any, axis: Any, mask: Any, out: Any) -> TypeGuard[npt.NDArray[Any]]:
    """Whether nothing of a call needs Python, which takes longer than a small array takes."""
    return (
        type(x) is np.ndarray
        and axis == -1
        and mask is None
        and out is None
        and (x.dtype is _FLOATS[0] or x.dtype is _FLOATS[1])
    )


def _mapped(
    name: str,
    x: npt.ArrayLike,
    axis: int,
    temperature: float,
    mask: npt.ArrayLike | None,
    out: npt.NDArray[Any] | None,
) -> Any:
    """A function that gives an array of the shape of x."""
    if type(temperature) is float and temperature == 1.0 and _plain(x, axis, mask, out):
        y = getattr(_core, f"contiguous_{name}")(x)
        return getattr(_core, name)(x, _ONE) if y is None else y
    function, x, *mask_ = _operands(name, x, mask)
    if out is None and getattr(x, "dtype", None) == np.float16:
        out = np.empty(np.shape(x), np.float16)  # computed in float32 and rounded once
    return function(x, _checked(temperature), *mask_, axis=axis, out=out)


def softmax(
    x: npt.ArrayLike,
    axis: int = -1,
    *,
    temperature: float = 1.0,
    mask: npt.ArrayLike | None = None,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Probabilities exp(x / T) / sum exp(x / T) along an axis.

    Parameters
    ----------
    x : array_like
        Scores (logits), float16, float32 or float64; integers are promoted.
    axis : int, default -1
        The axis along which the result sums to 1.
    temperature : float, default 1.0
        T > 0. A higher one gives a flatter distribution, T -> 0 tends to argmax.
    mask : array_like of bool, optional
        Broadcast against x; True keeps an entry, a masked one has probability 0.
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray
        Of the shape of x. A row in which nothing is kept, or everything is -inf, is all 0; entries
        at +inf share the probability; a row with NaN is all NaN.

    Raises
    ------
    ValueError
        If temperature is not positive and finite.
    TypeError
        If mask is not boolean.

    Notes
    -----
    At most 2 ulp in float32, 4 in float64; float16 is computed in float32 and rounded. The sum is
    formed in float64, in a fixed order: the same bits on every thread count and instruction set, of
    every layout.

    References
    ----------
    Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990;
    Milakov and Gimelshein, Online normalizer calculation for softmax, arXiv 1805.02867 (2018).

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.softmax([0.0, 0.0, 0.0, 0.0])
    array([0.25, 0.25, 0.25, 0.25])
    >>> rv.softmax([1.0, 5.0, 3.0], mask=[False, True, False])
    array([0., 1., 0.])
    """
    return _mapped("softmax", x, axis, temperature, mask, out)


def softmin(
    x: npt.ArrayLike,
    axis: int = -1,
    *,
    temperature: float = 1.0,
    mask: npt.ArrayLike | None = None,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Softmax of -x: the smallest entry is the likeliest.

    Parameters
    ----------
    x : array_like
        Costs, float16, float32 or float64; integers are promoted.
    axis : int, default -1
        The axis along which the result sums to 1.
    temperature : float, default 1.0
        T > 0, as for softmax.
    mask : array_like of bool, optional
        Broadcast against x; True keeps an entry, a masked one has probability 0.
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray
        Of the shape of x.

    Raises
    ------
    ValueError
        If temperature is not positive and finite.
    TypeError
        If mask is not boolean.

    Notes
    -----
    As accurate as softmax: changing the sign loses nothing.

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.softmin([0.0, 0.0])
    array([0.5, 0.5])
    """
    # Of an integer or a bool, the negative may be none.
    values = np.asanyarray(x)
    costs = values if values.dtype.kind in "fcO" else values.astype(np.result_type(values, 0.0))
    return softmax(np.negative(costs), axis, temperature=temperature, mask=mask, out=out)


def log_softmax(
    x: npt.ArrayLike,
    axis: int = -1,
    *,
    temperature: float = 1.0,
    mask: npt.ArrayLike | None = None,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Logarithm of softmax, x / T - log sum exp(x / T), exact also close to 0.

    Parameters
    ----------
    x : array_like
        Scores (logits), float16, float32 or float64; integers are promoted.
    axis : int, default -1
        The axis over which the sum runs.
    temperature : float, default 1.0
        T > 0, as for softmax.
    mask : array_like of bool, optional
        Broadcast against x; True keeps an entry, a masked one gives -inf.
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray
        Of the shape of x. A row in which nothing is kept is all -inf.

    Raises
    ------
    ValueError
        If temperature is not positive and finite.
    TypeError
        If mask is not boolean.

    Notes
    -----
    At most 2 ulp in float32 and float64. The largest entry's logarithm is -log1p(sum of the
    others): no digits are lost where one entry has nearly all the weight.

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, IMA
    Journal of Numerical Analysis 41 (2021).

    Examples
    --------
    >>> import ranvier as rv
    >>> print(f"{rv.log_softmax([20.0, 0.0])[0]:.6e}")
    -2.061154e-09
    """
    return _mapped("log_softmax", x, axis, temperature, mask, out)


def logsumexp(
    x: npt.ArrayLike,
    axis: int | tuple[int, ...] | None = -1,
    *,
    keepdims: bool = False,
    mask: npt.ArrayLike | None = None,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """log sum exp(x) along one or several axes, without overflow.

    Parameters
    ----------
    x : array_like
        float16, float32 or float64; integers are promoted.
    axis : int, tuple of int or None, default -1
        The axis or axes over which the sum runs; None for all.
    keepdims : bool, default False
        Leave the axes in the result, with length 1.
    mask : array_like of bool, optional
        Broadcast against x; True keeps an entry.
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray or scalar
        -inf where nothing is kept.

    Raises
    ------
    TypeError
        If mask is not boolean, axis no integer or out no array.
    ValueError
        If out has another shape than the result.

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, IMA
    Journal of Numerical Analysis 41 (2021).

    Examples
    --------
    >>> import ranvier as rv
    >>> round(float(rv.logsumexp([1000.0, 1000.0])), 9)
    1000.693147181
    """
    if not keepdims and _plain(x, axis, mask, out):
        y = _core.contiguous_logsumexp(x)
        return _core.logsumexp(x) if y is None else y
    function, *arrays = _operands("logsumexp", np.asarray(x), mask)
    axes = tuple(range(arrays[0].ndim)) if axis is None else axis
    axes = axes if isinstance(axes, tuple) else (axes,)
    if any(isinstance(one, bool) for one in axes):
        raise TypeError(f"axis is {axis!r}; expected an integer, a tuple of integers or None")
    rows = [_last_axes(array, axes) for array in arrays]
    ones = list(arrays[0].shape)
    for i in axes:
        ones[i] = 1
    # A larger one would be filled by broadcasting, and all the sums formed again for each entry.
    target = output(out, tuple(ones) if keepdims else rows[0].shape[:-1])
    if target is None:
        result = function(*rows)
        if arrays[0].dtype == np.float16:
            result = result.astype(np.float16)
        return np.expand_dims(result, axes) if keepdims else result
    function(*rows, out=np.squeeze(target, axes) if keepdims else target)
    return target


def _last_axes(x: npt.NDArray[Any], axes: tuple[int, ...]) -> npt.NDArray[Any]:
    """x with the axes moved to the end and made one."""
    moved = np.moveaxis(x, axes, tuple(range(-len(axes), 0)))
    kept = moved.shape[: x.ndim - len(axes)]
    return moved.reshape(*kept, math.prod(moved.shape[len(kept) :]))


def softmax_vjp(
    g: npt.ArrayLike,
    y: npt.ArrayLike,
    axis: int = -1,
    *,
    temperature: float = 1.0,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Vector-Jacobian product of softmax from its output y: y (g - sum g y) / T.

    Parameters
    ----------
    g : array_like
        Gradient with respect to the output.
    y : array_like
        What softmax returned.
    axis : int, default -1
    temperature : float, default 1.0
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray
        Gradient with respect to the scores.

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.vjp.softmax([1.0, 0.0], rv.softmax([0.0, 0.0]))
    array([ 0.25, -0.25])
    """
    return _vjp(_core.softmax_vjp, g, y, temperature, axis, out)


def log_softmax_vjp(
    g: npt.ArrayLike,
    y: npt.ArrayLike,
    axis: int = -1,
    *,
    temperature: float = 1.0,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Vector-Jacobian product of log_softmax from its output y: (g - exp(y) sum g) / T.

    Parameters
    ----------
    g : array_like
        Gradient with respect to the output.
    y : array_like
        What log_softmax returned.
    axis : int, default -1
    temperature : float, default 1.0
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray
        Gradient with respect to the scores.

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.vjp.log_softmax([1.0, 0.0], rv.log_softmax([0.0, 0.0]))
    array([ 0.5, -0.5])
    """
    return _vjp(_core.log_softmax_vjp, g, y, temperature, axis, out)


def softmin_vjp(
    g: npt.ArrayLike,
    y: npt.ArrayLike,
    axis: int = -1,
    *,
    temperature: float = 1.0,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Vector-Jacobian product of softmin from its output y: -y (g - sum g y) / T.

    Parameters
    ----------
    g : array_like
        Gradient with respect to the output.
    y : array_like
        What softmin returned.
    axis : int, default -1
    temperature : float, default 1.0
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray
        Gradient with respect to the costs.

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.vjp.softmin([1.0, 0.0], rv.softmin([0.0, 0.0]))
    array([-0.25,  0.25])
    """
    gradient = softmax_vjp(g, y, axis, temperature=temperature, out=out)
    return np.negative(gradient, out=gradient)


def _vjp(
    function: Any,
    g: npt.ArrayLike,
    y: npt.ArrayLike,
    temperature: float,
    axis: int,
    out: npt.NDArray[Any] | None,
) -> Any:
    given, output = np.asarray(g), np.asarray(y)
    if out is None and given.dtype == output.dtype == np.float16:
        out = np.empty(np.broadcast_shapes(given.shape, output.shape), np.float16)
    return function(g, y, _checked(temperature), axis=axis, out=out)
