"""One step of an optimizer on plain arrays, in place: for loops that keep the state themselves.

A function for each optimizer, with the options and the defaults of its class. They take the
parameter, its gradient and the arrays of the state, each an array or a list of them, and the number
of the step:

    functional.adam(param, grad, exp_avg, exp_avg_sq, step=t, lr=1e-3)

What an optimizer carries from step to step beside arrays, the function takes and returns.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._checks import integer, number
from .._native import _core
from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .asgd import ASGD
from .checks import Array, entries, plain
from .lamb import LAMB
from .lion import Lion
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "lamb",
    "lion",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
]

Step = Callable[..., dict[str, float]]

_DOC = """One step of {name}, in place; see `ranvier.optim.{name}` for the options and their source.

    Parameters
    ----------
    param : ndarray or list of ndarray
        float32 or float64, C-contiguous and writeable.
    grad : ndarray or list of ndarray
        One for each, of its shape and dtype, C-contiguous.
{states}
    step : int
        The number of this step, counted from 1.
    grad_scale : float, default 1
        What the gradients are multiplied by first: the factor of a clipped norm, say.
    **options
        {options}.

    Returns
    -------
    dict of str to float
        What the next call takes beside the arrays: {carried}.

    Raises
    ------
    TypeError, ValueError
        If an array cannot be updated in place or an option is out of range. Nothing is updated
        then.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier.optim import functional
    >>> weights = np.array([1.0, -2.0])
    >>> state = [{fills}]
    >>> after = functional.{rule}(weights, 2 * weights, *state, step=1)
    >>> bool(weights[0] < 1 and weights[1] > -2)
    True
    """


def _function(cls: type[Optimizer]) -> Step:
    parameters = list(inspect.signature(cls).parameters.values())[1:]
    defaults = {p.name: p.default for p in parameters}
    rule = cls._rule

    def function(
        param: Array | Sequence[Array],
        grad: Array | Sequence[Array],
        *state: Array | Sequence[Array],
        step: int,
        grad_scale: float = 1.0,
        **options: Any,
    ) -> dict[str, float]:
        given = {name: options.pop(name) for name in rule.carried if name in options}
        unknown = [name for name in options if name not in defaults]
        if unknown:
            raise TypeError(f"{unknown[0]!r} is no option; expected {[*defaults, *rule.carried]}")
        group = {**defaults, **{name: plain(value) for name, value in options.items()}}
        cls._check(group)
        carried = {
            name: number(name, given.get(name, rule.initial(name, group))) for name in rule.carried
        }
        names = rule.active_states(group)
        if len(state) != len(names):
            raise TypeError(f"{len(state)} states are given; expected {names}")
        if integer("step", step) < 1:
            raise ValueError(f"step is {step}; expected the number of the step, counted from 1")
        arrays = {name: _list(each, name) for name, each in zip(names, state, strict=True)}
        group["params"] = _list(param, "param")
        work = {"steps": step - 1, "carried": carried, "arrays": arrays}
        native = _core.Optimizer(rule.name, [group], [work])
        native.step([group], _list(grad, "grad"), number("grad_scale", grad_scale))
        after: dict[str, float] = native.states()[0]["carried"]
        return after

    function.__name__ = function.__qualname__ = rule.name
    function.__signature__ = _signature(cls, parameters)  # type: ignore[attr-defined]
    function.__doc__ = _doc(cls, defaults)
    return function


def _list(arrays: Array | Sequence[Array], name: str) -> list[Array]:
    return [arrays] if isinstance(arrays, np.ndarray) else entries(arrays, name)


def _signature(cls: type[Optimizer], options: list[inspect.Parameter]) -> inspect.Signature:
    optional = {state.name for state in cls._rule.states.values() if state.option}
    positional = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_ONLY,
            default=None if name in optional else inspect.Parameter.empty,
        )
        for name in ("param", "grad", *cls._rule.states)
    ]
    keyword = [inspect.Parameter("step", inspect.Parameter.KEYWORD_ONLY)]
    keyword += [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options]
    keyword += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in cls._rule.carried
    ]
    scale = inspect.Parameter("grad_scale", inspect.Parameter.KEYWORD_ONLY, default=1.0)
    return inspect.Signature([*positional, *keyword, scale])


def _doc(cls: type[Optimizer], defaults: dict[str, Any]) -> str:
    states = ""
    for name, state in cls._rule.states.items():
        start = cls._rule.initial(name, defaults)
        only = f"; only with {state.option}" if state.option else ""
        states += f"    {name} : ndarray or list of ndarray\n        Starts at {start:g}{only}.\n"
    active = cls._rule.active_states(defaults)
    starts = [cls._rule.initial(name, defaults) for name in active]
    return _DOC.format(
        name=cls.__name__,
        rule=cls._rule.name,
        states=states.rstrip(),
        options=", ".join(f"{name}={value!r}" for name, value in defaults.items()),
        carried=", ".join(cls._rule.carried) or "nothing",
        fills=", ".join(f"np.full(2, {start})" if start else "np.zeros(2)" for start in starts),
    )


adadelta = _function(Adadelta)
adagrad = _function(Adagrad)
adam = _function(Adam)
adamax = _function(Adamax)
adamw = _function(AdamW)
asgd = _function(ASGD)
lamb = _function(LAMB)
lion = _function(Lion)
nadam = _function(NAdam)
radam = _function(RAdam)
rmsprop = _function(RMSprop)
rprop = _function(Rprop)
sgd = _function(SGD)
