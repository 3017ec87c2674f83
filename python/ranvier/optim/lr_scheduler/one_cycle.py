"""A rate that goes up once, and then down to almost nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from ..._checks import at_least, check_mapping
from ..checks import Range, entries
from ..optimizer import Group, Optimizer
from .checks import checked_optimizer, one_of, real, reals_per_group
from .momentum import allowed_momentum, set_momentum, uses_betas
from .scheduler import LRScheduler, restored_on_error, scheduled

_RATES = ("initial_lr", "max_lr", "min_lr")
_MOMENTUMS = ("base_momentum", "max_momentum")


class OneCycleLR(LRScheduler):
    """The rate goes up to max_lr and down to almost nothing, once; to be stepped each batch.

    Parameters
    ----------
    optimizer : optim.Optimizer
    max_lr : float, or list of float
        The highest rate; a list has one for each group.
    total_steps : int, optional
        Steps in all. Without it, epochs times steps_per_epoch.
    epochs, steps_per_epoch : int, optional
    pct_start : float, default 0.3
        The part of the steps in which the rate goes up, from 0 to 1.
    anneal_strategy : {"cos", "linear"}, default "cos"
        Half a period of a cosine, or a line.
    cycle_momentum : bool, default True
        Let the momentum, or the first of betas, go the other way, from max_momentum to
        base_momentum and back. The optimizer has to have one.
    base_momentum, max_momentum : float, or list of float, default 0.85 and 0.95
    div_factor : float, default 25
        max_lr over the first rate.
    final_div_factor : float, default 1e4
        The first rate over the last one.
    three_phase : bool, default False
        Go down to the first rate in as many steps as up, and to the last one in the rest.
    last_epoch : int, default -1
        See `LRScheduler`.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range, a list has not one entry for each group, or the
        optimizer has no momentum to cycle; see also `LRScheduler`. From `step`, if there are more
        than total_steps.

    References
    ----------
    Smith and Topin, Super-convergence: very fast training of neural networks using large learning
    rates, arXiv 1708.07120 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> optimizer = optim.Adam([np.zeros(2)])
    >>> scheduler = optim.lr_scheduler.OneCycleLR(
    ...     optimizer, max_lr=1.0, total_steps=6, pct_start=0.5, anneal_strategy="linear"
    ... )
    >>> rates = []
    >>> for _ in range(6):
    ...     rates.append(round(optimizer.lr, 3))
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> rates
    [0.04, 0.52, 1.0, 0.667, 0.333, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        groups = checked_optimizer(optimizer).param_groups
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        one_of("anneal_strategy", anneal_strategy, ("cos", "linear"))
        self._anneal_func_type: str = anneal_strategy
        part = real("pct_start", pct_start, Range(0, 1, closed=True))
        self._schedule_phases = _phases(self.total_steps, part, three_phase)
        max_lrs = reals_per_group("max_lr", max_lr, optimizer)
        for name, value in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            if real(name, value) == 0:
                raise ValueError(f"{name} is {value!r}; expected a number above 0")
        self.cycle_momentum = bool(cycle_momentum)
        if self.cycle_momentum:
            self.use_beta1 = uses_betas(optimizer)
            allowed = allowed_momentum(self.use_beta1)
            base_momentums = reals_per_group("base_momentum", base_momentum, optimizer, allowed)
            max_momentums = reals_per_group("max_momentum", max_momentum, optimizer, allowed)
        with restored_on_error(*groups):
            if last_epoch == -1:
                for i, group in enumerate(groups):
                    first = max_lrs[i] / div_factor
                    last = first / final_div_factor
                    group.update(initial_lr=first, max_lr=max_lrs[i], min_lr=last)
                    if self.cycle_momentum:
                        group["base_momentum"] = base_momentums[i]
                        group["max_momentum"] = max_momentums[i]
            super().__init__(optimizer, last_epoch)

    def _validate(self) -> None:
        self.total_steps = at_least(1, "total_steps", self.total_steps)
        one_of("_anneal_func_type", self._anneal_func_type, ("cos", "linear"))
        phases = entries(self._schedule_phases, "_schedule_phases", "a list of dicts")
        if not phases:
            raise ValueError("_schedule_phases is empty; expected at least one")
        for i, phase in enumerate(phases):
            name = f"_schedule_phases[{i}]"
            check_mapping(phase, name)
            real(f"{name}['end_step']", phase.get("end_step"), Range(-2))
            for end in ("start", "end"):
                one_of(f"{name}['{end}_lr']", phase.get(f"{end}_lr"), _RATES)
                one_of(f"{name}['{end}_momentum']", phase.get(f"{end}_momentum"), _MOMENTUMS)

    def _anneal(self, group: Group, what: str) -> float:
        phase, part = self._place()
        start = scheduled(group, phase[f"start_{what}"])
        end = scheduled(group, phase[f"end_{what}"])
        if self._anneal_func_type == "linear":
            # torch's last step of all leads on along the line, to a rate below 0.
            return float(start + (end - start) * min(part, 1))
        return float(end + (start - end) / 2 * (1 + math.cos(math.pi * part)))

    def _place(self) -> tuple[dict[str, Any], float]:
        """The phase, and the part of it that is over."""
        start = 0.0
        for phase in self._schedule_phases[:-1]:
            if self.last_epoch <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = self._schedule_phases[-1]
        length = phase["end_step"] - start
        return phase, (self.last_epoch - start) / length if length else 1.0

    def _next_lr(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"total_steps is {self.total_steps}; step {self.last_epoch} is beyond the last one"
            )
        return [self._anneal(group, "lr") for group in self.optimizer.param_groups]

    def _update_lr(self, epoch: int | None = None) -> None:
        super()._update_lr(epoch)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                set_momentum(group, self._anneal(group, "momentum"), self.use_beta1)


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return at_least(1, "total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError(
            f"total_steps is None, epochs {epochs!r} and steps_per_epoch {steps_per_epoch!r}; "
            "expected total_steps, or both of the others"
        )
    return at_least(1, "epochs", epochs) * at_least(1, "steps_per_epoch", steps_per_epoch)


def _phases(total: int, part: float, three_phase: bool) -> list[dict[str, Any]]:
    """Where each phase ends, and between which options of a group it leads."""
    lr, momentum = ["initial_lr", "max_lr"], ["max_momentum", "base_momentum"]
    ends = [float(part * total) - 1]
    if three_phase:
        ends.append(float(2 * part * total) - 2)
        lr.append("initial_lr")
        momentum.append("max_momentum")
    ends.append(total - 1)
    lr.append("min_lr")
    momentum.append("max_momentum")
    return [
        {
            "end_step": end,
            "start_lr": lr[i],
            "end_lr": lr[i + 1],
            "start_momentum": momentum[i],
            "end_momentum": momentum[i + 1],
        }
        for i, end in enumerate(ends)
    ]
