"""The base of the optimizers: groups, checks, the step and the state dict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from .._checks import check_mapping, integer, number
from .._memory import from_state, to_state
from .._native import _core
from .checks import (
    NOT_NEGATIVE,
    Array,
    Arrays,
    check_like,
    entries,
    plain,
    single,
    whole_number,
)
from .clipping import clip_factor
from .rules import Rule

Group = dict[str, Any]
# The state of the parameters of one group: "steps", "carried" numbers by name, and
# "arrays", a list for each state that is there. Those of a group before its first step are empty.
GroupState = dict[str, Any]

# What the learning-rate schedules keep in a group.
_SCHEDULED = ("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum")

# Options that state dicts of torch do not have, or older ones, with the value that they had then.
_ADDED_LATER = {"maximize": False, "decoupled_weight_decay": False, "eps_hat": False}


class Optimizer:
    """Base of the optimizers.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place: float32 or float64, C-contiguous, writeable, without overlap. Or
        groups, `[{"params": [...], "lr": ...}, ...]`, each with hyperparameters of its own.
    defaults : dict
        Hyperparameters of the groups that do not set them.

    Attributes
    ----------
    param_groups : list of dict
        The groups with all their hyperparameters; a change takes effect at the next step.

    Raises
    ------
    TypeError, ValueError
        If there is nothing to update, an array cannot be updated in place, or a hyperparameter is
        unknown or out of its range.
    """

    _rule: ClassVar[Rule]

    def __init__(self, params: Arrays | Iterable[Mapping[str, Any]], **defaults: Any) -> None:
        self.defaults = {name: plain(value) for name, value in defaults.items()}
        self.param_groups: list[Group] = []
        # The native object holds the arrays; until a step asks for it, there are states alone.
        self._native: _core.Optimizer | None = None
        self._saved: list[GroupState] = []
        self._names: list[str] | None = None
        self._steps_taken = 0  # by this object: a schedule wants to know whether there were any
        self._check(self.defaults)
        if isinstance(params, Mapping):
            self._names = list(params)
            params = list(params.values())
        given = entries(params, "params")
        if not given:
            raise ValueError("params is empty; expected at least one array")
        grouped = all(isinstance(entry, Mapping) for entry in given)
        self._add([self._group(group) for group in (given if grouped else [{"params": given}])])

    @classmethod
    def _check(cls, group: Mapping[str, Any]) -> None:
        """Raise if a hyperparameter is missing or out of its range."""
        flags = ["maximize"]
        for option in cls._rule.options.values():
            if option.kind == "flag":
                flags.append(option.name)
            else:
                option.allowed.check(option.name, group.get(option.name))
        for name in flags:
            value = group.get(name, False)
            if not isinstance(value, (bool, np.bool_)) and value not in (0, 1):
                raise TypeError(f"{name} is {value!r}; expected True or False")

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters with hyperparameters of their own.

        Parameters
        ----------
        param_group : dict
            "params", a list of arrays or one array, and any of the hyperparameters; to go on with a
            schedule also "initial_lr" and what else it keeps in a group.

        Raises
        ------
        TypeError, ValueError
            As for a new optimizer. Nothing is added then.
        """
        group = self._group(param_group)
        if self._names is not None:
            raise ValueError("params was a dict; a group cannot be added to it")
        self._add([group])

    def _group(self, given: Mapping[str, Any]) -> Group:
        """A group with all its hyperparameters, each in its range."""
        check_mapping(given, "param_group")
        if "params" not in given:
            raise ValueError(f"a group has the keys {list(given)}; expected 'params' too")
        params = given["params"]
        params = [params] if isinstance(params, np.ndarray) else entries(params, "params")
        if not params:
            raise ValueError("the params of a group are empty; expected at least one array")
        for key in given:
            if key != "params" and key not in self.defaults and key not in _SCHEDULED:
                raise ValueError(f"a group has the option {key!r}; expected {list(self.defaults)}")
        options = {name: plain(value) for name, value in given.items() if name != "params"}
        group = {**self.defaults, **options, "params": params}
        self._check(group)
        _check_scheduled(group)
        return group

    def _add(self, new: list[Group]) -> None:
        """Add groups, if all arrays can be updated in place, apart from each other."""
        groups = [*self.param_groups, *new]
        states = [*self._states(), *({} for _ in new)]
        self._native = _core.Optimizer(self._rule.name, groups, states)
        self.param_groups += new

    def _states(self) -> list[GroupState]:
        """The state of each group; the arrays are those in use."""
        return self._saved if self._native is None else self._native.states()

    def _made(self) -> _core.Optimizer:
        """The native object for the arrays that the groups hold now."""
        states = self._states()[: len(self.param_groups)]
        self._native = _core.Optimizer(self._rule.name, self.param_groups, states)
        self._saved = []
        return self._native

    def native(self) -> _core.Optimizer | None:
        """Return the native object, for the training loop; None if a subclass has its own step."""
        if type(self).step is not Optimizer.step:
            return None
        return self._made() if self._native is None else self._native

    def count_steps(self, count: int) -> None:
        """Take note of steps that the native object has made."""
        self._steps_taken += count

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, with parameters of a model as the places where they lie: see `Memory`."""
        groups = _each_parameter(to_state, self.param_groups)
        return {
            **vars(self),
            "param_groups": groups,
            "_native": None,
            "_saved": self._states(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.param_groups = _each_parameter(from_state, self.param_groups)

    def _params(self) -> list[Array]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets that of every group."""
        rate: float = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, value: float) -> None:
        NOT_NEGATIVE.check("lr", value)
        for group in self.param_groups:
            group["lr"] = plain(value)

    def step(
        self,
        grads: Sequence[Array] | Mapping[str, Array],
        *,
        max_norm: float | None = None,
    ) -> None:
        """Update every parameter, in place.

        Parameters
        ----------
        grads : list or dict of ndarray
            Gradients in the order of the parameters, through all groups; or by name, if the
            parameters were given so. Of the shape and dtype of the parameters, C-contiguous.
        max_norm : float, optional
            Update as if clip_grad_norm had been called; the gradients themselves stay as they are.

        Raises
        ------
        TypeError, ValueError
            If a gradient does not fit its parameter. Nothing is updated then.
        """
        gradients = grads if type(grads) is list else self._in_order(grads)
        scale = 1.0
        if max_norm is not None:
            scale = clip_factor(_core.norm(gradients), max_norm)
        native, groups = self._native, self.param_groups
        try:
            if (native is None or not native.step(groups, gradients, scale)) and (
                not self._made().step(groups, gradients, scale)
            ):
                raise RuntimeError("param_groups has been changed during the step")
        except Exception:
            for group in groups:
                self._check(group)  # says which option somebody has made a wrong one
            raise
        self._steps_taken += 1

    def _in_order(self, grads: Iterable[Array] | Mapping[str, Array]) -> list[Array]:
        if not isinstance(grads, Mapping):
            return entries(grads, "grads")
        if self._names is None:
            raise TypeError("grads is a dict, but params was not; expected a list of arrays")
        if set(grads) != set(self._names):
            odd = sorted(set(grads) ^ set(self._names))
            raise ValueError(f"grads has the keys {sorted(grads)}; {odd[0]!r} is not in both")
        return [grads[name] for name in self._names]

    def state_dict(self) -> dict[str, Any]:
        """Copies of the state, in the layout and with the names of torch.optim.

        Returns
        -------
        dict
            "state", by the parameter's number, and "param_groups", where "params" holds numbers.
        """
        states: dict[int, dict[str, Any]] = {}
        groups = []
        start = 0
        for group, state in zip(self.param_groups, self._states(), strict=True):
            count = len(group["params"])
            arrays = state.get("arrays", {})
            for i in range(count):
                entry: dict[str, Any] = {}
                if self._rule.counts_steps and (arrays or state.get("steps")):
                    entry.update(step=state["steps"], **state["carried"])
                entry.update((name, of_name[i].copy()) for name, of_name in arrays.items())
                if entry:
                    states[start + i] = entry
            groups.append({**group, "params": list(range(start, start + count))})
            start += count
        return {"state": states, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what state_dict returned, here or in torch (with its tensors as arrays).

        Parameters
        ----------
        state_dict : dict
            For as many groups and parameters, of the same shapes and dtypes, the parameters of a
            group all after as many steps. It is copied.

        Raises
        ------
        TypeError, ValueError
            If something is missing or does not fit. Nothing is loaded then.
        """
        check_mapping(state_dict, "state_dict")
        for key in ("state", "param_groups"):
            if key not in state_dict:
                raise ValueError(
                    f"state_dict has the keys {list(state_dict)}; expected {key!r} too"
                )
        check_mapping(state_dict["state"], "state_dict['state']")
        loaded = entries(state_dict["param_groups"], "state_dict['param_groups']", "a list")
        numbers = [_numbers(group, f"param_groups[{i}]") for i, group in enumerate(loaded)]
        counts = [len(group["params"]) for group in self.param_groups]
        found = [len(of_group) for of_group in numbers]
        if found != counts:
            raise ValueError(f"state_dict has groups of {found} parameters; expected {counts}")
        known = [number for of_group in numbers for number in of_group]
        strange = [key for key in state_dict["state"] if key not in known]
        if strange or len(set(known)) < len(known):
            raise ValueError(
                f"state_dict['state'] has {[*state_dict['state']]} for the parameters {known}; "
                "expected the numbers of parameters, each once"
            )
        groups, states = [], []
        for mine, theirs, of_group in zip(self.param_groups, loaded, numbers, strict=True):
            added = _ADDED_LATER.keys() & self.defaults.keys() - theirs.keys()
            theirs = {**theirs, **{name: _ADDED_LATER[name] for name in added}}
            missing = [key for key in self.defaults if key not in theirs]
            if missing:
                raise ValueError(f"a group of state_dict has no {missing[0]!r}")
            self._check(theirs)
            _check_scheduled(theirs)
            options = {name: plain(value) for name, value in theirs.items()}
            groups.append({**options, "params": mine["params"]})
            numbered = [(i, state_dict["state"].get(i, {})) for i in of_group]
            states.append(self._loaded_state(groups[-1], numbered))
        for mine, group in zip(self.param_groups, groups, strict=True):
            mine.clear()
            mine.update(group)
        self._native, self._saved = None, states

    def _loaded_state(
        self, group: Group, numbered: list[tuple[int, Mapping[str, Any]]]
    ) -> GroupState:
        """The state of a group from that of its parameters, which are as far as each other."""
        for i, entry in numbered:
            check_mapping(entry, f"state[{i}]")
        known = self._rule.states
        arrays: dict[str, list[Array]] = {}
        # torch writes None for a buffer that is not in use.
        in_use = [(n, {k: v for k, v in entry.items() if v is not None}) for n, entry in numbered]
        names = set(in_use[0][1])
        common: dict[str, float] = {}
        for (i, values), parameter in zip(in_use, group["params"], strict=True):
            where = f"state[{i}]"
            if set(values) != names:
                raise ValueError(f"{where} has {sorted(values)}; expected {sorted(names)}")
            own = self._numbers_of(values, where)
            for name, value in own.items():
                if common.setdefault(name, value) != value:
                    raise ValueError(
                        f"{where}[{name!r}] is {value}; expected {common[name]}, as the other "
                        "parameters of its group"
                    )
            for name in [name for name in values if name not in own]:
                if name not in known:
                    raise ValueError(f"{where} has {name!r}; expected {[*known]}")
                shape = self._rule.state_shape(name, parameter.shape)
                check_like(values[name], parameter.dtype, shape, f"{where}[{name!r}]")
                arrays.setdefault(name, []).append(np.array(values[name], order="C"))
        # A state that depends on an option is made when a step first needs it.
        absent = [n for n, state in known.items() if not state.option and n not in arrays]
        if names and absent:
            raise ValueError(f"state has {sorted(names)}; expected {absent[0]!r} too")
        steps = int(common.pop("step", 1 if arrays else 0))
        return {"steps": steps, "carried": common, "arrays": arrays}

    def _numbers_of(self, values: Mapping[str, Any], where: str) -> dict[str, float]:
        """The number of steps and what else is carried, from the state of one parameter."""
        if not (self._rule.counts_steps and values):
            return {}
        numbers: dict[str, float] = {
            "step": whole_number(values.get("step"), f"{where}['step']"),
        }
        for name in self._rule.carried:
            numbers[name] = number(f"{where}[{name!r}]", single(values.get(name)))
        return numbers

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in self.defaults.items())
        return f"{type(self).__name__}({len(self._params())} parameters, {options})"


def _each_parameter(function: Callable[[Any], Any], groups: list[Group]) -> list[Group]:
    """The groups with what the function makes of each parameter."""
    return [{**group, "params": [function(p) for p in group["params"]]} for group in groups]


def _check_scheduled(group: Mapping[str, Any]) -> None:
    for name in _SCHEDULED:
        if name in group:
            NOT_NEGATIVE.check(name, group[name])


def _numbers(group: Any, name: str) -> list[int]:
    """Those of the parameters of a group in a state dict."""
    check_mapping(group, name)
    if "params" not in group:
        raise ValueError(f"{name} has the keys {[*group]}; expected 'params' too")
    name = f"{name}['params']"
    numbers = entries(group["params"], name, "a list")
    return [integer(f"{name}[{i}]", value) for i, value in enumerate(numbers)]
