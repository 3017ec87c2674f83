"""A rate that goes up and down between two bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

from ..checks import Range
from ..optimizer import Optimizer
from .checks import checked_optimizer, one_of, real, reals, reals_per_group
from .functions import attributes, load_attributes
from .momentum import allowed_momentum, set_momentum, uses_betas
from .scheduler import LRScheduler, restored_on_error

_MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(LRScheduler):
    """The rate goes up from base_lr to max_lr and down again, in cycles; to be stepped each batch.

    Parameters
    ----------
    optimizer : optim.Optimizer
    base_lr, max_lr : float, or list of float
        The bounds; a list has one for each group. The rate is set to base_lr.
    step_size_up : float, default 2000
        Steps from base_lr to max_lr.
    step_size_down : float, optional
        And back; as many, if not given. 0 drops at once.
    mode : {"triangular", "triangular2", "exp_range"}, default "triangular"
        All cycles of the same height, each of half the height of the one before, or the height
        times gamma to the power of the step.
    gamma : float, default 1
        Of "exp_range".
    scale_fn : callable, optional
        The factor of the height as a function of one number, instead of a mode.
    scale_mode : {"cycle", "iterations"}, default "cycle"
        Whether that is the number of the cycle, from 1, or of the step.
    cycle_momentum : bool, default True
        Let the momentum, or the first of betas, go the other way, from max_momentum to
        base_momentum and back. The optimizer has to have one.
    base_momentum, max_momentum : float, or list of float, default 0.8 and 0.9
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range, a list has not one entry for each group, or the
        optimizer has no momentum to cycle; see also `LRScheduler`.

    References
    ----------
    Smith, Cyclical learning rates for training neural networks, arXiv 1506.01186 (WACV 2017).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.SGD([np.zeros(2)], lr=1.0, momentum=0.9)
    >>> scheduler = optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.1, max_lr=0.5, step_size_up=2)
    >>> rates, momentums = [], []
    >>> for _ in range(5):
    ...     rates.append(round(optimizer.lr, 3))
    ...     momentums.append(round(optimizer.param_groups[0]["momentum"], 3))
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [0.1, 0.3, 0.5, 0.3, 0.1]
    >>> momentums
    [0.9, 0.85, 0.8, 0.85, 0.9]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        groups = checked_optimizer(optimizer).param_groups
        base_lrs = reals_per_group("base_lr", base_lr, optimizer)
        self.max_lrs = reals_per_group("max_lr", max_lr, optimizer)
        up = real("step_size_up", step_size_up)
        if up == 0:
            raise ValueError(f"step_size_up is {step_size_up!r}; expected a number above 0")
        down = up if step_size_down is None else real("step_size_down", step_size_down)
        self.total_size = float(up + down)
        self.step_ratio = up / self.total_size
        self.mode: str = mode
        self.gamma = gamma
        self.scale_mode: str = scale_mode
        self._scale_fn_custom = scale_fn
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        elif not callable(scale_fn):
            raise TypeError(f"scale_fn is {scale_fn!r}; expected a function of one number")
        self.cycle_momentum = bool(cycle_momentum)
        if self.cycle_momentum:
            self.use_beta1 = uses_betas(optimizer)
            allowed = allowed_momentum(self.use_beta1)
            self.base_momentums = reals_per_group(
                "base_momentum", base_momentum, optimizer, allowed
            )
            self.max_momentums = reals_per_group("max_momentum", max_momentum, optimizer, allowed)
        with restored_on_error(*groups):
            if last_epoch == -1:
                for i, group in enumerate(groups):
                    group["lr"] = base_lrs[i]
                    if self.cycle_momentum:
                        group["base_momentum"] = self.base_momentums[i]
                        group["max_momentum"] = self.max_momentums[i]
            super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _validate(self) -> None:
        self.max_lrs = reals("max_lrs", self.max_lrs)
        self.total_size = real("total_size", self.total_size)
        self.step_ratio = real("step_ratio", self.step_ratio, Range(0, 1, closed=True))
        self.gamma = real("gamma", self.gamma)
        one_of("scale_mode", self.scale_mode, ("cycle", "iterations"))
        if self._scale_fn_custom is None:
            one_of("mode", self.mode, _MODES)
        if self.cycle_momentum:
            allowed = allowed_momentum(self.use_beta1)
            self.base_momentums = reals("base_momentums", self.base_momentums, allowed)
            self.max_momentums = reals("max_momentums", self.max_momentums, allowed)

    def scale_fn(self, x: float) -> float:
        """The factor of the height for a cycle, or a step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return float(0.5 ** (x - 1))
        return float(self.gamma**x) if self.mode == "exp_range" else 1.0

    def _height(self) -> float:
        """From 0 to 1, times the scale."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (1 - x) / (1 - self.step_ratio)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        return float(height * scale)

    def _next_lr(self) -> list[float]:
        height = self._height()
        bounds = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * height for low, high in bounds]

    def _update_lr(self, epoch: int | None = None) -> None:
        super()._update_lr(epoch)
        if self.cycle_momentum:
            height = self._height()
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, bounds, strict=True):
                set_momentum(group, high - (high - low) * height, self.use_beta1)

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "_scale_fn_custom": attributes(self._scale_fn_custom)}

    def _memory(self) -> list[dict[str, Any]]:
        of_function = attributes(self._scale_fn_custom)
        return super()._memory() if of_function is None else [*super()._memory(), of_function]

    def _load(self, state: dict[str, Any]) -> None:
        of_function = state.pop("_scale_fn_custom")
        super()._load(state)
        load_attributes(self._scale_fn_custom, of_function, "_scale_fn_custom")
