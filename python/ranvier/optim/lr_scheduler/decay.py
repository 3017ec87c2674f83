"""Schedules that multiply the rate by gamma: each epoch, every few, or at milestones."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from ..._checks import at_least
from ..checks import entries
from ..optimizer import Optimizer
from .checks import real
from .scheduler import LRScheduler


class ExponentialLR(LRScheduler):
    """Each epoch, the rate times gamma.

    Parameters
    ----------
    optimizer : optim.Optimizer
    gamma : float
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If gamma is not a number of at least 0; see also `LRScheduler`.

    References
    ----------
    Senior et al., An empirical study of learning rates in deep neural networks for speech
    recognition, ICASSP 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(2):
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> optimizer.lr
    0.125
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        self.gamma = real("gamma", self.gamma)

    def _next_lr(self) -> list[float]:
        factor = 1.0 if self._is_initial else self.gamma
        return [rate * factor for rate in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        return [rate * self.gamma**self.last_epoch for rate in self.base_lrs]


class StepLR(LRScheduler):
    """Every few epochs, the rate times gamma.

    Parameters
    ----------
    optimizer : optim.Optimizer
    step_size : int
        From one change to the next.
    gamma : float, default 0.1
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If step_size is not an integer of at least 1, or gamma not a number of at least 0; see also
        `LRScheduler`.

    References
    ----------
    Szegedy et al., Going deeper with convolutions, CVPR 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates.append(optimizer.lr)
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [0.5, 0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        self.step_size = at_least(1, "step_size", self.step_size)
        self.gamma = real("gamma", self.gamma)

    def _next_lr(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._current()
        return [rate * self.gamma for rate in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        return [rate * self.gamma ** (self.last_epoch // self.step_size) for rate in self.base_lrs]


class MultiStepLR(LRScheduler):
    """At each of a list of epochs, the rate times gamma.

    Parameters
    ----------
    optimizer : optim.Optimizer
    milestones : iterable of int
        The epochs, in any order; one that is there twice counts twice.
    gamma : float, default 0.1
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If a milestone is not an integer of at least 0, or gamma not a number of at least 0; see
        also `LRScheduler`.

    References
    ----------
    He et al., Deep residual learning for image recognition, CVPR 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates.append(optimizer.lr)
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [0.5, 0.25, 0.25, 0.125, 0.125]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(entries(milestones, "milestones", "a list of epochs"))
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        # A state dict may have been plain JSON, whose keys are strings.
        counts: Counter[int] = Counter()
        for key, count in Counter(self.milestones).items():
            epoch = int(key) if isinstance(key, str) and key.isdecimal() else key
            epoch = at_least(0, "a milestone", epoch)
            counts[epoch] = at_least(1, f"the count of milestone {epoch}", count)
        self.milestones = counts
        self.gamma = real("gamma", self.gamma)

    def _next_lr(self) -> list[float]:
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [rate * factor for rate in self._current()]

    def _get_closed_form_lr(self) -> list[float]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [rate * self.gamma**passed for rate in self.base_lrs]
