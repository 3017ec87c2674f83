"""The base of the schedules: the step, the rates in the groups, and the state dict."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from ..._checks import at_least, check_mapping
from ..checks import FINITE, plain
from ..optimizer import Group, Optimizer
from .checks import checked_optimizer, reals

T = TypeVar("T")

# Attributes that are no part of the state.
_TRANSIENT = ("optimizer", "_steps_before", "_get_lr_called_within_step", "_is_initial")


class LRScheduler:
    """Base of the schedules; a schedule of one's own has a method `get_lr`.

    Parameters
    ----------
    optimizer : optim.Optimizer
        Its groups get the rates.
    last_epoch : int, default -1
        The epoch that was the last when a run was interrupted. The groups then have "initial_lr",
        as those of a loaded optimizer have, and go on from the rate that is there; -1 begins anew.

    Attributes
    ----------
    optimizer : optim.Optimizer
    base_lrs : list of float
        The rate of each group before the first schedule took hold of it.
    last_epoch : int
        Steps so far, the constructor's not counted.
    takes_loss : bool
        Whether `step` takes the loss of the epoch, which a `Trainer` then gives it.

    Raises
    ------
    TypeError, ValueError
        If optimizer is none, or last_epoch is not an integer of at least -1, or is one of an
        interrupted run and a group has no "initial_lr". Nothing is changed then.

    Warns
    -----
    UserWarning
        If the first `step()` comes before any of the optimizer: the first rate is skipped then.

    Notes
    -----
    Names, arguments and state dicts are those of torch.optim.lr_scheduler. With `last_epoch`, what
    changes the rate at certain epochs does so in the constructor too, if the next epoch is one; a
    state dict goes on in any case.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> class InverseRoot(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [rate / (1 + self.last_epoch) ** 0.5 for rate in self.base_lrs]
    >>> optimizer = optim.SGD([np.zeros(2)], lr=0.4)
    >>> scheduler = InverseRoot(optimizer)
    >>> for _ in range(3):
    ...     optimizer.step([np.ones(2)])
    ...     scheduler.step()
    >>> optimizer.lr
    0.2
    """

    takes_loss: ClassVar[bool] = False

    # Whether get_lr is called by a step, and whether by the constructor's.
    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(optimizer)
        self.last_epoch = at_least(-1, "last_epoch", last_epoch)
        self._validate()
        groups = self.optimizer.param_groups
        for i, group in enumerate(groups):
            if self.last_epoch != -1 and "initial_lr" not in group:
                raise ValueError(
                    f"last_epoch is {last_epoch}, but group {i} has no 'initial_lr'; expected it "
                    "from the interrupted run, or -1"
                )
        with restored_on_error(*groups):
            for group in groups:
                group.setdefault("initial_lr", group["lr"])
            self.base_lrs: list[float] = [group["initial_lr"] for group in groups]
            self._steps_before = self.optimizer._steps_taken
            self._initial_step()

    def _validate(self) -> None:
        """Raise if an option does not fit, new or loaded; make it one of Python's own types."""

    def get_last_lr(self) -> list[float]:
        """The rate of each group after the last step."""
        return list(self._last_lr)

    def get_lr(self) -> list[float]:
        """The rates for `last_epoch`, for `step` only: see `get_last_lr`."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "get_lr() is the step's own and may give the rates after the next one; "
                "get_last_lr() gives those of now",
                UserWarning,
                stacklevel=2,
            )
        return self._next_lr()

    def _next_lr(self) -> list[float]:
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def _get_closed_form_lr(self) -> list[float]:
        """The rates for `last_epoch`, whatever the rates are now."""
        return self.get_lr()

    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch.

        Parameters
        ----------
        epoch : int, optional
            Go to this epoch instead; what has been changed by hand or by others is lost where the
            schedule has a closed form. It warns, as in torch.

        Raises
        ------
        TypeError, ValueError
            If epoch is not an integer of at least 0, or the optimizer has groups for which there
            are no rates. Nothing is changed then.
        """
        if self._step_count == 1 and self.optimizer._steps_taken == self._steps_before:
            warnings.warn(
                "the schedule is stepped before the optimizer: its first rate is not used; "
                "call optimizer.step() before scheduler.step()",
                UserWarning,
                stacklevel=2,
            )
        if epoch is not None:
            epoch = at_least(0, "epoch", epoch)
            warn_of_epoch()
        with restored_on_error(*self._memory(), *self.optimizer.param_groups):
            self._step_count += 1
            self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr() if epoch is None else self._get_closed_form_lr()
        finally:
            del self._get_lr_called_within_step
        self._set(rates)

    def _set(self, rates: list[float]) -> None:
        for i, rate in enumerate(self._per_group(rates)):
            FINITE.check(f"the rate of group {i}", rate)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = plain(rate)
        self._last_lr = self._current()

    def _per_group(self, values: list[T]) -> list[T]:
        """The values, if there is one for each group: groups can be added to an optimizer."""
        count = len(self.optimizer.param_groups)
        if len(values) != count:
            raise ValueError(
                f"{type(self).__name__} was made for {len(values)} groups; "
                f"the optimizer has {count} now"
            )
        return values

    def _current(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _initial_step(self) -> None:
        """The first step, which leaves alone what is to begin with the rate that is there."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            del self._is_initial

    # What a composition does with its parts.

    def _undo(self) -> None:
        """Take the constructor's step back, but for the rates."""
        self.last_epoch -= 1

    def _take_over(self) -> None:
        """Begin at epoch 0 after another schedule."""
        self._update_lr(0)

    def state_dict(self) -> dict[str, Any]:
        """A copy of the state: plain data, with the names of torch.

        The rates of now are in the optimizer's state dict: the two belong together.

        Returns
        -------
        dict
        """
        return copy.deepcopy(self._state())

    def _state(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key not in _TRANSIENT}

    def _memory(self) -> list[dict[str, Any]]:
        """All that a step or a load changes, but for the groups."""
        return [vars(self)]

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what state_dict returned, here or in torch.

        Parameters
        ----------
        state_dict : dict
            Of a schedule of the same class; also after a round trip through JSON. It is copied.

        Raises
        ------
        TypeError, ValueError
            If something is missing, unknown or does not fit. Nothing is loaded then.
        """
        check_mapping(state_dict, "state_dict")
        given = {key: value for key, value in state_dict.items() if key not in _TRANSIENT}
        expected = self._state().keys()
        if given.keys() != expected:
            odd = next(
                key for key in (*expected, *given) if key not in expected or key not in given
            )
            raise ValueError(
                f"state_dict has the keys {[*given]}; expected {[*expected]}, "
                f"but {odd!r} is not in both"
            )
        with restored_on_error(*self._memory()):
            self._load(copy.deepcopy(given))

    def _load(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for name, least in (("last_epoch", -1), ("_step_count", 0)):
            if name in state:
                setattr(self, name, at_least(least, name, state[name]))
        for name in ("base_lrs", "_last_lr"):
            if name in state:
                setattr(self, name, reals(name, state[name], FINITE))
        self._validate()


def scheduled(group: Group, name: str) -> Any:
    """What a schedule has put into the groups that were there when it was made."""
    if name not in group:
        raise ValueError(
            f"a group has no {name!r}; expected it in every group: one that is added later needs a "
            "new schedule"
        )
    return group[name]


@contextmanager
def restored_on_error(*dicts: dict[str, Any]) -> Iterator[None]:
    before = [dict(each) for each in dicts]
    try:
        yield
    except BaseException:
        for each, old in zip(dicts, before, strict=True):
            each.clear()
            each.update(old)
        raise


def warn_of_epoch() -> None:
    warnings.warn(
        "step(epoch) jumps to the rates of that epoch, whatever was changed in between; "
        "step() goes on from the rates of now",
        UserWarning,
        stacklevel=3,
    )
