"""The momentum that goes down while the rate goes up: `momentum` of a group, or its first beta."""

from __future__ import annotations

from ..checks import NOT_NEGATIVE, Range
from ..optimizer import Group, Optimizer


def uses_betas(optimizer: Optimizer) -> bool:
    defaults = optimizer.defaults
    if "momentum" not in defaults and "betas" not in defaults:
        raise ValueError(
            f"cycle_momentum is True, but {type(optimizer).__name__} has neither momentum nor "
            "betas; expected False"
        )
    return "betas" in defaults


def allowed_momentum(betas: bool) -> Range:
    return Range(0, 1) if betas else NOT_NEGATIVE


def set_momentum(group: Group, momentum: float, betas: bool) -> None:
    if betas:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum
