"""The parameters of an estimator that are numbers, flags or words, and the ranges of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._checks import integer, number

# Least and largest value, in the notation of intervals.
_INTERVALS = {
    "alpha": "[0, inf)",
    "learning_rate_init": "(0, inf)",
    "power_t": "[0, inf)",
    "tol": "[0, inf)",
    "momentum": "[0, 1]",
    "validation_fraction": "[0, 1)",
    "beta_1": "[0, 1)",
    "beta_2": "[0, 1)",
    "epsilon": "(0, inf)",
}
_COUNTS = ("max_iter", "max_fun")
_FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")
_SCHEDULES = ("constant", "invscaling", "adaptive")


def check_parameters(estimator: Any) -> None:
    """Raise unless every number, flag and word can be what it is."""
    for name, interval in _INTERVALS.items():
        check_interval(name, getattr(estimator, name), interval)
    for name in _COUNTS:
        _check_count(name, getattr(estimator, name))
    if estimator.batch_size != "auto":
        _check_count("batch_size", estimator.batch_size)
    if estimator.n_iter_no_change != math.inf:
        _check_count("n_iter_no_change", estimator.n_iter_no_change)
    for name in _FLAGS:
        if not isinstance(getattr(estimator, name), (bool, np.bool_)):
            raise TypeError(f"{name} is {getattr(estimator, name)!r}; expected True or False")
    if estimator.learning_rate not in _SCHEDULES:
        raise ValueError(
            f"learning_rate is {estimator.learning_rate!r}; expected one of {', '.join(_SCHEDULES)}"
        )
    if estimator.max_norm is not None:
        check_interval("max_norm", estimator.max_norm, "(0, inf]")
    if not isinstance(estimator.callbacks, (list, tuple)):
        raise TypeError(f"callbacks is {estimator.callbacks!r}; expected a list or a tuple")


def check_interval(name: str, value: Any, interval: str) -> None:
    low, high = map(float, interval[1:-1].split(","))
    x = number(name, value)
    above = x >= low if interval[0] == "[" else x > low
    below = x <= high if interval[-1] == "]" else x < high
    if not (above and below):
        raise ValueError(f"{name} is {value!r}; expected a number in {interval}")


def hidden_sizes(value: Any) -> list[int]:
    """The numbers of units of the hidden layers."""
    sizes = value if np.iterable(value) and not isinstance(value, str) else [value]
    for size in sizes:
        if integer("hidden_layer_sizes", size) < 1:
            raise ValueError(f"hidden_layer_sizes is {value!r}; expected positive integers")
    return [int(size) for size in sizes]


def for_each_layer(name: str, value: Any, layers: int) -> Sequence[Any]:
    """A parameter that is one for all hidden layers, or a list with one for each."""
    if not isinstance(value, (list, tuple)):
        return [value] * layers
    if len(value) != layers:
        raise ValueError(
            f"{name} has {len(value)} entries; expected {layers}, one for each hidden layer"
        )
    return value


def _check_count(name: str, value: Any) -> None:
    if integer(name, value) < 1:
        raise ValueError(f"{name} is {value!r}; expected a positive integer")
