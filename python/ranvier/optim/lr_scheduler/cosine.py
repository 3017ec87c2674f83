"""Schedules along a cosine."""

from __future__ import annotations

import math

from ..._checks import at_least
from ..checks import Range
from ..optimizer import Optimizer
from .checks import real
from .scheduler import LRScheduler, restored_on_error


class CosineAnnealingLR(LRScheduler):
    """From the first rate to eta_min along half a period of a cosine, and back likewise.

    Parameters
    ----------
    optimizer : optim.Optimizer
    T_max : int
        Epochs in half a period.
    eta_min : float, default 0
        The lowest rate.
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If T_max is not an integer of at least 1, or eta_min not a number of at least 0; see also
        `LRScheduler`.

    References
    ----------
    Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, arXiv 1608.03983
    (ICLR 2017): one run, without the restarts.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates.append(round(optimizer.lr, 3))
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        self.T_max = at_least(1, "T_max", self.T_max)
        self.eta_min = real("eta_min", self.eta_min)

    def _height(self, epoch: int) -> float:
        return 1 + math.cos(math.pi * epoch / self.T_max)

    def _next_lr(self) -> list[float]:
        rates, low = self._current(), self.eta_min
        if self._is_initial:
            return rates
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            # The rate before is the lowest: there is no factor that leads away from it.
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            pairs = zip(rates, self._per_group(self.base_lrs), strict=True)
            return [rate + (high - low) * rise for rate, high in pairs]
        factor = self._height(self.last_epoch) / self._height(self.last_epoch - 1)
        return [factor * (rate - low) + low for rate in rates]

    def _get_closed_form_lr(self) -> list[float]:
        low, height = self.eta_min, self._height(self.last_epoch)
        return [low + (high - low) * height / 2 for high in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """From the first rate to eta_min along half a period of a cosine, again and again.

    Parameters
    ----------
    optimizer : optim.Optimizer
    T_0 : int
        Epochs up to the first restart.
    T_mult : int, default 1
        How much longer each run is than the one before.
    eta_min : float, default 0
        The lowest rate.
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If T_0 or T_mult is not an integer of at least 1, or eta_min not a number of at least 0; see
        also `LRScheduler`.

    References
    ----------
    Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, arXiv 1608.03983
    (ICLR 2017).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> rates = []
    >>> for _ in range(7):
    ...     rates.append(round(optimizer.lr, 3))
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        self.T_0 = at_least(1, "T_0", self.T_0)
        self.T_mult = at_least(1, "T_mult", self.T_mult)
        self.T_i = at_least(1, "T_i", self.T_i)
        self.T_cur = real("T_cur", self.T_cur, Range(-1))
        self.eta_min = real("eta_min", self.eta_min)

    def _next_lr(self) -> list[float]:
        low, height = self.eta_min, 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [low + (high - low) * height / 2 for high in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch.

        Parameters
        ----------
        epoch : float, optional
            Go to this epoch, which may be a fraction, instead: `epoch + batch / batches` after each
            mini-batch anneals smoothly.

        Raises
        ------
        TypeError, ValueError
            If epoch is not a number of at least 0, or the optimizer has groups for which there are
            no rates. Nothing is changed then.
        """
        if epoch is not None:
            epoch = real("epoch", epoch)
        with restored_on_error(*self._memory(), *self.optimizer.param_groups):
            self._update_lr(epoch)

    def _update_lr(self, epoch: float | None = None) -> None:
        if epoch is None and self._is_initial:
            epoch = self.last_epoch + 1
        if epoch is None:
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            self.T_cur, self.T_i = epoch, self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        super()._update_lr(None if epoch is None else math.floor(epoch))
