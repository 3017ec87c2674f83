"""A rate that goes down when a metric no longer improves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, SupportsFloat

from ..._checks import at_least, number
from ..checks import Range
from ..optimizer import Optimizer
from .checks import checked_optimizer, one_of, real, reals, reals_per_group
from .scheduler import LRScheduler, restored_on_error, warn_of_epoch


class ReduceLROnPlateau(LRScheduler):
    """The rate times a factor when a metric has not improved for some epochs.

    Parameters
    ----------
    optimizer : optim.Optimizer
    mode : {"min", "max"}, default "min"
        Whether lower or higher is better.
    factor : float, default 0.1
        Below 1.
    patience : int, default 10
        Epochs without improvement that are let pass: the rate is reduced after one more.
    threshold : float, default 1e-4
        By how much the best has to be surpassed.
    threshold_mode : {"rel", "abs"}, default "rel"
        Relative to the best, or not.
    cooldown : int, default 0
        Epochs after a reduction that do not count.
    min_lr : float, or list of float, default 0
        The lowest rate; a list has one for each group.
    eps : float, default 1e-8
        A reduction by no more than this is left out.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range, min_lr has not one entry for each group, or optimizer is
        none.

    Notes
    -----
    `Trainer` gives it the loss of the validation data, or of the training where there are none.

    References
    ----------
    Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural
    networks, NIPS 2012, where it was done by hand.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> rates = []
    >>> for loss in (3.0, 2.0, 2.0, 2.0, 1.0):
    ...     scheduler.step(loss)
    ...     rates.append(optimizer.lr)
    >>> rates
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    takes_loss = True

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = checked_optimizer(optimizer)
        self.mode: str = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode: str = threshold_mode
        self.cooldown = cooldown
        self.min_lrs = reals_per_group("min_lr", min_lr, optimizer)
        # For groups that are added later.
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else self.min_lrs[0]
        self.eps = eps
        self.last_epoch = 0
        self.mode_worse = self.best = -math.inf if mode == "max" else math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = self._current()
        self._validate()

    def _validate(self) -> None:
        one_of("mode", self.mode, ("min", "max"))
        one_of("threshold_mode", self.threshold_mode, ("rel", "abs"))
        self.factor = real("factor", self.factor, Range(0, 1))
        self.threshold = real("threshold", self.threshold)
        self.eps = real("eps", self.eps)
        self.min_lrs = reals("min_lrs", self.min_lrs)
        if self.default_min_lr is not None:
            self.default_min_lr = real("default_min_lr", self.default_min_lr)
        self.best = number("best", self.best)
        self.mode_worse = -math.inf if self.mode == "max" else math.inf
        for name in ("patience", "cooldown", "cooldown_counter", "num_bad_epochs"):
            setattr(self, name, at_least(0, name, getattr(self, name)))

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def step(  # type: ignore[override]  # as in torch, it takes what it is to judge
        self, metrics: SupportsFloat, epoch: int | None = None
    ) -> None:
        """Reduce the rates if it is time to.

        Parameters
        ----------
        metrics : float
            The metric of the epoch that has ended; NaN is no improvement.
        epoch : int, optional
            The number of that epoch, where it is not the next one. It warns, as in torch.

        Raises
        ------
        TypeError, ValueError
            If metrics is not a number, epoch not an integer of at least 0, or the optimizer has
            groups without a lowest rate. Nothing is changed then.
        """
        value = _metric(metrics)
        if epoch is not None:
            epoch = at_least(0, "epoch", epoch)
            warn_of_epoch()
        with restored_on_error(*self._memory(), *self.optimizer.param_groups):
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            self._judge(value)
            if self.num_bad_epochs > self.patience:
                self._reduce()
                self.cooldown_counter = self.cooldown
                self.num_bad_epochs = 0
            self._last_lr = self._current()

    def _judge(self, value: float) -> None:
        if self._is_better(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            bar = self.best * (1 + sign * self.threshold)
        else:
            bar = self.best + sign * self.threshold
        return value < bar if self.mode == "min" else value > bar

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs) and self.default_min_lr is not None:
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self._per_group(self.min_lrs), strict=True):
            rate = max(group["lr"] * self.factor, lowest)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate


def _metric(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"metrics is {value!r}; expected a number") from None
