"""Gradient clipping, in place."""

from __future__ import annotations

import numpy as np

from .._checks import number
from .._native import _core
from .checks import Arrays, check_range, in_place_arrays


def clip_grad_norm(grads: Arrays, max_norm: float) -> float:
    """Scale gradients, in place, so that the norm of all of them together is at most max_norm.

    Parameters
    ----------
    grads : list or dict of ndarray
        float32 or float64, C-contiguous and writeable.
    max_norm : float

    Returns
    -------
    float
        The Euclidean norm before.

    Raises
    ------
    TypeError, ValueError
        If an array does not fit, or max_norm is negative. Nothing is written then.

    Notes
    -----
    Multiplies by min(1, max_norm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. The norm is
    summed in float64 in a fixed order.

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
    norm: float = _core.norm(arrays)
    factor = clip_factor(norm, max_norm)
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
    check_range("clip_value", clip_value)
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
