"""Gradient clipping, in place."""

from __future__ import annotations

import math

import numpy as np

from .._checks import number
from .._native import _core
from .checks import NOT_NEGATIVE_OR_INFINITE, Array, Arrays, in_place_arrays


def clip_grad_norm(
    grads: Arrays, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """Scale gradients, in place, so that the norm of all of them together is at most max_norm.

    Parameters
    ----------
    grads : list or dict of ndarray
        float32 or float64, C-contiguous and writeable.
    max_norm : float
    norm_type : float, default 2
        The power p of the norm, or inf for the largest element.
    error_if_nonfinite : bool, default False
        Raise if the norm is infinite or NaN. Otherwise NaN spreads, and infinite gradients give 0
        and NaN.

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    TypeError, ValueError
        If an array does not fit, max_norm is negative, or norm_type is not positive. Nothing is
        written then.
    RuntimeError
        If the norm is not finite and error_if_nonfinite is set. Nothing is written then.

    Notes
    -----
    Multiplies by min(1, max_norm / (norm + 1e-6)), as ``torch.nn.utils.clip_grad_norm_``. The norm
    is summed in float64 in a fixed order.

    References
    ----------
    Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> gradient = np.array([3.0, 4.0])
    >>> optim.clip_grad_norm([gradient], 1.0)
    5.0
    >>> gradient.round(3).tolist()
    [0.6, 0.8]
    """
    arrays = in_place_arrays(grads, "grads")
    norm = _norm(arrays, number("norm_type", norm_type))
    factor = clip_factor(norm, max_norm)
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(f"the norm of grads is {norm}; expected a finite one")
    if factor != 1.0:
        for array in arrays:
            with np.errstate(all="ignore"):
                array *= factor
    return norm


def clip_grad_value(grads: Arrays, clip_value: float) -> None:
    """Clip every element of gradients, in place, to [-clip_value, clip_value].

    Parameters
    ----------
    grads : list or dict of ndarray
        float32 or float64, C-contiguous and writeable.
    clip_value : float

    Raises
    ------
    TypeError, ValueError
        If an array does not fit, or clip_value is negative. Nothing is written then.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> gradient = np.array([3.0, -0.5])
    >>> optim.clip_grad_value([gradient], 1.0)
    >>> gradient.tolist()
    [1.0, -0.5]
    """
    NOT_NEGATIVE_OR_INFINITE.check("clip_value", clip_value)
    for array in in_place_arrays(grads, "grads"):
        with np.errstate(all="ignore"):
            bound = array.dtype.type(clip_value)
            np.clip(array, -bound, bound, out=array)


def clip_factor(norm: float, max_norm: float) -> float:
    most = number("max_norm", max_norm)
    if not most >= 0:
        raise ValueError(f"max_norm is {max_norm!r}; expected a number of at least 0")
    factor = most / (norm + 1e-6)
    return 1.0 if factor > 1 else factor  # NaN stays


def _norm(arrays: list[Array], p: float) -> float:
    if p == 2.0:
        norm: float = _core.norm(arrays)
        return norm
    if not p > 0:
        raise ValueError(f"norm_type is {p!r}; expected a number above 0")
    with np.errstate(all="ignore"):
        sizes = [np.abs(array).astype(np.float64) for array in arrays if array.size]
        if p == math.inf:
            return float(np.max([size.max() for size in sizes], initial=0.0))
        return float(np.sum([np.sum(size**p) for size in sizes]) ** (1.0 / p))
