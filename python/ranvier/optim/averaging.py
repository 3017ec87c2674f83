"""Averages of parameters over the steps."""

from __future__ import annotations

from collections.abc import Mapping

from .._checks import number
from .._native import _core
from .checks import Arrays, check_apart, check_like, entries, in_place_arrays, overlapping


def ema(average: Arrays, params: Arrays, decay: float) -> None:
    """Exponential moving average, in place: average += (1 - decay) (params - average).

    Parameters
    ----------
    average : list or dict of ndarray
        float32 or float64, C-contiguous and writeable.
    params : list or dict of ndarray
        One for each, of its shape and dtype.
    decay : float
        From 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If an array does not fit, or decay is out of range. Nothing is written then.

    References
    ----------
    Polyak and Juditsky, Acceleration of stochastic approximation by averaging, SIAM Journal on
    Control and Optimization 30 (1992).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> average = np.array([0.0])
    >>> optim.ema([average], [np.array([1.0])], decay=0.75)
    >>> average.tolist()
    [0.25]
    """
    kept = number("decay", decay)
    if not 0 <= kept <= 1:
        raise ValueError(f"decay is {decay!r}; expected a number from 0 to 1")
    averages = in_place_arrays(average, "average")
    check_apart(averages, "average")
    if isinstance(average, Mapping) and isinstance(params, Mapping):
        if average.keys() != params.keys():
            raise ValueError(f"params has the keys {list(params)}; expected {list(average)}")
        params = [params[name] for name in average]
    arrays = entries(params.values() if isinstance(params, Mapping) else params, "params")
    if len(arrays) != len(averages):
        raise ValueError(f"params has {len(arrays)} arrays; expected {len(averages)}")
    for i, (mean, array) in enumerate(zip(averages, arrays, strict=True)):
        check_like(array, mean.dtype, mean.shape, f"params[{i}]")
        if not (array.flags.c_contiguous and array.flags.aligned):
            arrays[i] = array.copy()
    if overlapping(arrays, averages):
        arrays = [array.copy() for array in arrays]
    group = {"params": averages, "decay": kept, "maximize": False}
    _core.Optimizer("ema", [group], [{}]).step([group], arrays, 1.0)
