"""Schedules that are functions of the epoch."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

from ..._checks import check_mapping
from ..optimizer import Optimizer
from .checks import checked_optimizer, per_group
from .scheduler import LRScheduler

Factor = Callable[[int], float]


def attributes(function: Any) -> dict[str, Any] | None:
    """Those of a callable object; a plain function has nothing to save."""
    if isinstance(function, (types.FunctionType, types.MethodType)):
        return None
    found: dict[str, Any] | None = getattr(function, "__dict__", None)
    return found


def load_attributes(function: Any, state: Any, name: str) -> None:
    if state is None:
        return
    check_mapping(state, name)
    own = attributes(function)
    if own is None:
        raise ValueError(f"{name} is {state!r}; expected None for {function!r}")
    own.update(state)


class _OfFunctions(LRScheduler):
    """A schedule with a function for each group."""

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        functions = per_group("lr_lambda", lr_lambda, checked_optimizer(optimizer))
        self.lr_lambdas: list[Factor] = functions
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        for i, function in enumerate(self.lr_lambdas):
            if not callable(function):
                raise TypeError(f"lr_lambda[{i}] is {function!r}; expected a function of the epoch")

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "lr_lambdas": [attributes(f) for f in self.lr_lambdas]}

    def _memory(self) -> list[dict[str, Any]]:
        of_functions = map(attributes, self.lr_lambdas)
        return [*super()._memory(), *(each for each in of_functions if each is not None)]

    def _load(self, state: dict[str, Any]) -> None:
        states = state.pop("lr_lambdas")
        if not isinstance(states, (list, tuple)) or len(states) != len(self.lr_lambdas):
            raise ValueError(f"lr_lambdas is {states!r}; expected {len(self.lr_lambdas)} entries")
        super()._load(state)
        for i, (function, saved) in enumerate(zip(self.lr_lambdas, states, strict=True)):
            load_attributes(function, saved, f"lr_lambdas[{i}]")


class LambdaLR(_OfFunctions):
    """The first rate times a function of the epoch.

    Parameters
    ----------
    optimizer : optim.Optimizer
    lr_lambda : callable, or list of callable
        From the epoch, an int, to the factor; a list has one for each group.
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        See `LRScheduler`.

    Notes
    -----
    The state dict has the attributes of callable objects; functions are not saved.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step([np.ones(2)])
    >>> scheduler.step()
    >>> optimizer.lr
    0.25
    """

    def _next_lr(self) -> list[float]:
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [rate * factor(self.last_epoch) for rate, factor in pairs]


class MultiplicativeLR(_OfFunctions):
    """Each step, the rate times a function of the epoch.

    Parameters
    ----------
    optimizer : optim.Optimizer
    lr_lambda : callable, or list of callable
        From the epoch, an int, to the factor; a list has one for each group. It is not called for
        epoch 0.
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        See `LRScheduler`.

    Notes
    -----
    The state dict has the attributes of callable objects; functions are not saved.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
    >>> for _ in range(2):
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> optimizer.lr
    0.125
    """

    def _next_lr(self) -> list[float]:
        if self._is_initial:
            return self._current()
        pairs = zip(self._current(), self._per_group(self.lr_lambdas), strict=True)
        return [rate * factor(self.last_epoch) for rate, factor in pairs]
