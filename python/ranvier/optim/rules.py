"""The rows of optimizers.def: the hyperparameters, states and sources of each rule, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._native import _core
from .checks import Range

__all__ = ["RULES", "Carried", "Option", "Rule", "State"]


class Option(NamedTuple):
    """A hyperparameter."""

    name: str
    kind: str  # "number", "flag" or "pair"
    default: Any
    allowed: Range


class State(NamedTuple):
    """An array that is kept for each parameter."""

    name: str
    option: str | None  # that it is needed with
    start: float
    start_option: str | None  # whose value it starts with, in the place of `start`


class Carried(NamedTuple):
    """A number that goes from step to step."""

    name: str
    start: float
    start_option: str | None


class Rule(NamedTuple):
    """A row."""

    name: str
    class_name: str
    counts_steps: bool
    options: Mapping[str, Option]
    states: Mapping[str, State]
    carried: Mapping[str, Carried]
    formula: str
    weight_decay: str
    reference: str

    def active_states(self, group: Mapping[str, Any]) -> list[str]:
        """The states that are needed with these options."""
        return [s.name for s in self.states.values() if s.option is None or group[s.option]]

    def initial(self, name: str, group: Mapping[str, Any]) -> float:
        """The number that fills a state, or that is carried, before the first step."""
        start = self.states.get(name) or self.carried[name]
        return start.start if start.start_option is None else float(group[start.start_option])

    def state_shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a state of a parameter."""
        return _core.optimizer_state_shape(self.name, name, shape)


def _option(name: str, kind: str, default: Any, low: float, high: float, closed: bool) -> Option:
    value = default if kind == "pair" else bool(default[0]) if kind == "flag" else default[0]
    return Option(name, kind, value, Range(low, high, closed, kind == "pair"))


def _rules() -> dict[str, Rule]:
    rules = {}
    for row in _core.optimizer_records():
        row["options"] = {option["name"]: _option(**option) for option in row["options"]}
        row["states"] = {state["name"]: State(**state) for state in row["states"]}
        row["carried"] = {each["name"]: Carried(**each) for each in row["carried"]}
        rules[row["name"]] = Rule(**row)
    return rules


RULES: Mapping[str, Rule] = _rules()
