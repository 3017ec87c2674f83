"""Schedules over a given number of epochs: a constant factor, a line, a power."""

from __future__ import annotations

from ..._checks import at_least
from ..checks import Range
from ..optimizer import Optimizer
from .checks import real
from .scheduler import LRScheduler

_SHARE = Range(0, 1, closed=True)


class ConstantLR(LRScheduler):
    """The rate times a factor, up to a given epoch.

    Parameters
    ----------
    optimizer : optim.Optimizer
    factor : float, default 1/3
        From 0 to 1.
    total_iters : int, default 5
        The epoch from which on the rate is the full one.
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If factor is not a number from 0 to 1, or total_iters not an integer of at least 0; see also
        `LRScheduler`.

    References
    ----------
    Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, arXiv 1706.02677
    (2017): constant warmup.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates.append(optimizer.lr)
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [0.25, 0.25, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        self.factor = real("factor", self.factor, _SHARE)
        self.total_iters = at_least(0, "total_iters", self.total_iters)

    def _next_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return [rate * self.factor for rate in self._current()]
        if self.last_epoch != self.total_iters:
            return self._current()
        if self.factor == 0:  # what the rate was can only be known from the start
            return list(self.base_lrs)
        return [rate * (1 / self.factor) for rate in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        factor = 1.0 if self.last_epoch >= self.total_iters else self.factor
        return [rate * factor for rate in self.base_lrs]


class LinearLR(LRScheduler):
    """The rate times a factor that goes along a line.

    Parameters
    ----------
    optimizer : optim.Optimizer
    start_factor : float, default 1/3
        Above 0, up to 1.
    end_factor : float, default 1
        From 0 to 1.
    total_iters : int, default 5
        Epochs from the one to the other.
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If a factor is out of its range, or total_iters not an integer of at least 0; see also
        `LRScheduler`.

    References
    ----------
    Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, arXiv 1706.02677
    (2017): gradual warmup.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates.append(optimizer.lr)
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [0.125, 0.25, 0.375, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        self.start_factor = real("start_factor", self.start_factor, _SHARE)
        if self.start_factor == 0:
            raise ValueError(f"start_factor is {self.start_factor}; expected 0 < start_factor <= 1")
        self.end_factor = real("end_factor", self.end_factor, _SHARE)
        self.total_iters = at_least(0, "total_iters", self.total_iters)

    def _next_lr(self) -> list[float]:
        if self.last_epoch == 0:
            return [rate * self.start_factor for rate in self._current()]
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._current()
        # From one point of the line to the next, both times total_iters.
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        factor = max(1 + rise / before, 0)  # which rounding may leave below
        return [rate * factor for rate in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        rise = self.end_factor - self.start_factor
        factor = self.start_factor + rise * _part(self.last_epoch, self.total_iters)
        return [rate * factor for rate in self.base_lrs]


class PolynomialLR(LRScheduler):
    """The rate goes down to 0 as a power of the epochs that are left.

    Parameters
    ----------
    optimizer : optim.Optimizer
    total_iters : int, default 5
        The epoch from which on the rate is 0.
    power : float, default 1
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If total_iters is not an integer of at least 0, or power not a number of at least 0; see
        also `LRScheduler`.

    References
    ----------
    Chen et al., DeepLab: semantic image segmentation with deep convolutional nets, atrous
    convolution, and fully connected CRFs, arXiv 1606.00915 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2)
    >>> for _ in range(2):
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> round(optimizer.lr, 12)
    0.25
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        self.total_iters = at_least(0, "total_iters", self.total_iters)
        self.power = real("power", self.power)

    def _next_lr(self) -> list[float]:
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._current()
        left = 1 - _part(self.last_epoch, self.total_iters)
        left_before = 1 - _part(self.last_epoch - 1, self.total_iters)
        return [rate * (left / left_before) ** self.power for rate in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        left = 1 - _part(self.last_epoch, self.total_iters)
        return [rate * left**self.power for rate in self.base_lrs]


def _part(epoch: int, total: int) -> float:
    """What part of all epochs is over."""
    return min(epoch, total) / total if total else 1.0
