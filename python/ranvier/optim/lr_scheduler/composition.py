"""Schedules made of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..._checks import at_least
from ..checks import entries
from ..optimizer import Optimizer
from .checks import checked_optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, restored_on_error, scheduled


class _Composition(LRScheduler):
    """The parts, and their states inside the state."""

    _schedulers: list[LRScheduler]

    def _memory(self) -> list[dict[str, Any]]:
        return [vars(self), *(each for part in self._schedulers for each in part._memory())]

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "_schedulers": [part._state() for part in self._schedulers]}

    def _load(self, state: dict[str, Any]) -> None:
        states = state.pop("_schedulers")
        if not isinstance(states, (list, tuple)) or len(states) != len(self._schedulers):
            raise ValueError(f"_schedulers is {states!r}; expected {len(self._schedulers)} dicts")
        super()._load(state)
        for part, of_part in zip(self._schedulers, states, strict=True):
            part.load_state_dict(of_part)

    def _reset(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = scheduled(group, "initial_lr")


class SequentialLR(_Composition):
    """Schedules one after the other.

    Parameters
    ----------
    optimizer : optim.Optimizer
    schedulers : list of LRScheduler
        Made for this optimizer, before. Each begins with its first rate, from "initial_lr", where
        it can tell what that is without the rate of now.
    milestones : list of int
        The epochs at which the second and each later one takes over, in ascending order.
    last_epoch : int, default -1
        From where the milestones are counted.

    Raises
    ------
    TypeError, ValueError
        If a schedule is none, or is for another optimizer or a ReduceLROnPlateau, or the milestones
        do not fit; see also `LRScheduler`.

    Notes
    -----
    The schedules may be compositions themselves. What each of them did to the rate when it was made
    is undone.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> from ranvier.optim.lr_scheduler import ExponentialLR, LinearLR, SequentialLR
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.5)
    >>> warmup = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> scheduler = SequentialLR(optimizer, [warmup, ExponentialLR(optimizer, 0.5)], [3])
    >>> rates = []
    >>> for _ in range(6):
    ...     rates.append(optimizer.lr)
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [0.25, 0.375, 0.5, 0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = checked_optimizer(optimizer)
        self._schedulers = _parts(schedulers, optimizer)
        self._milestones = entries(milestones, "milestones", "a list of epochs")
        self._validate()
        last_epoch = at_least(-1, "last_epoch", last_epoch)
        with restored_on_error(*self._memory(), *self.optimizer.param_groups):
            self._reset()
            for part in self._schedulers:
                part._undo()
            self._initial_step()
        self.last_epoch = last_epoch + 1

    def _validate(self) -> None:
        milestones = entries(self._milestones, "milestones", "a list of epochs")
        if len(milestones) != len(self._schedulers) - 1:
            raise ValueError(
                f"milestones has {len(milestones)} entries for {len(self._schedulers)} schedulers; "
                "expected one less than these"
            )
        self._milestones = [
            at_least(0, f"milestones[{i}]", epoch) for i, epoch in enumerate(milestones)
        ]
        if self._milestones != sorted(self._milestones):
            raise ValueError(f"milestones is {self._milestones}; expected ascending epochs")

    def _active(self) -> LRScheduler:
        return self._schedulers[bisect_right(self._milestones, self.last_epoch)]

    def step(self) -> None:  # type: ignore[override]  # there is no going to an epoch
        """Set the rates of the next epoch."""
        with restored_on_error(*self._memory(), *self.optimizer.param_groups):
            self.last_epoch += 1
            part = self._active()
            if self.last_epoch in self._milestones:
                part._take_over()
            else:
                part.step()
            self._last_lr = part.get_last_lr()

    def _initial_step(self) -> None:
        self.last_epoch = 0
        part = self._active()
        part._initial_step()
        self._last_lr = part.get_last_lr()

    def _undo(self) -> None:
        self._active()._undo()

    def _take_over(self) -> None:
        self.last_epoch = 0
        part = self._active()
        part._take_over()
        self._last_lr = part.get_last_lr()


class ChainedScheduler(_Composition):
    """Schedules that all act on the rate, in each step one after the other.

    Parameters
    ----------
    schedulers : list of LRScheduler
        Made for the same optimizer, before.
    optimizer : optim.Optimizer, optional
        That one.

    Raises
    ------
    TypeError, ValueError
        If there are no schedules, one is none, or is for another optimizer or a ReduceLROnPlateau.

    Notes
    -----
    Those that have a rate of their own, whatever the rate is now, undo what came before them:
    LambdaLR, CyclicLR, OneCycleLR and CosineAnnealingWarmRestarts.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> from ranvier.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
    >>> optimizer = optim.SGD([np.zeros(2)], lr=1.0)
    >>> halved = ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> scheduler = ChainedScheduler([halved, ExponentialLR(optimizer, 0.5)])
    >>> rates = []
    >>> for _ in range(4):
    ...     rates.append(optimizer.lr)
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self._schedulers = _parts(schedulers, optimizer)
        self.optimizer = self._schedulers[0].optimizer
        self._last_lr = self._current()

    def step(self) -> None:  # type: ignore[override]  # there is no going to an epoch
        """Set the rates of the next epoch."""
        with restored_on_error(*self._memory(), *self.optimizer.param_groups):
            for part in self._schedulers:
                part.step()
            self._last_lr = self._current()

    def _initial_step(self) -> None:
        for part in self._schedulers:
            part._initial_step()
        self._last_lr = self._current()

    def _undo(self) -> None:
        for part in self._schedulers:
            part._undo()

    def _take_over(self) -> None:
        # Each closed form would undo the one before: begin as when they were made.
        self._reset()
        self._initial_step()


def _parts(schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> list[LRScheduler]:
    parts: list[Any] = entries(schedulers, "schedulers", "a list of schedulers")
    if not parts:
        raise ValueError("schedulers is empty; expected at least one")
    for i, part in enumerate(parts):
        if not isinstance(part, LRScheduler):
            raise TypeError(f"schedulers[{i}] is {part!r}; expected an LRScheduler")
        if isinstance(part, ReduceLROnPlateau):
            raise ValueError(
                f"schedulers[{i}] is a ReduceLROnPlateau, whose step needs a metric; expected "
                "another schedule"
            )
        if part.optimizer is not (parts[0].optimizer if optimizer is None else optimizer):
            raise ValueError(f"schedulers[{i}] is for another optimizer; expected the same for all")
    return parts
