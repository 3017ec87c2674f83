"""The rows of the optimizers against what has to be written by hand: signatures and docstrings."""

from __future__ import annotations

import ast
import inspect
import re

import numpy as np
import pytest

from ranvier import optim
from ranvier.optim.rules import RULES

CLASSES = {rule.class_name: rule for rule in RULES.values() if rule.class_name in optim.__all__}
EACH = pytest.mark.parametrize("name", CLASSES)


def test_every_row_but_the_average_has_a_class():
    assert {rule.name for rule in CLASSES.values()} == RULES.keys() - {"ema"}
    for name, rule in CLASSES.items():
        assert getattr(optim, name)._rule is rule


@EACH
def test_the_signature_has_the_options_and_defaults_of_the_row(name):
    parameters = dict(inspect.signature(getattr(optim, name)).parameters)
    assert parameters.pop("params").default is inspect.Parameter.empty
    assert parameters.pop("maximize").default is False
    defaults = {option.name: option.default for option in CLASSES[name].options.values()}
    assert {key: value.default for key, value in parameters.items()} == defaults
    for option in CLASSES[name].options.values():
        assert isinstance(parameters[option.name].default, bool) == (option.kind == "flag")


@EACH
def test_the_docstring_names_the_options_and_the_source_of_the_row(name):
    doc = inspect.getdoc(getattr(optim, name))
    for option in CLASSES[name].options.values():
        (said,) = re.findall(rf"\n{option.name} : .*, default (.*)", doc)
        assert ast.literal_eval(said) == option.default, option.name
    assert CLASSES[name].reference in " ".join(doc.split())


@EACH
def test_the_range_of_the_row_is_what_a_class_accepts(name):
    """Each option at both ends of its range and just beyond."""
    for option in CLASSES[name].options.values():
        if option.kind == "flag":
            continue
        low, high, closed = option.allowed.low, option.allowed.high, option.allowed.closed
        refused = [np.nan]
        if low > -np.inf:
            refused.append(np.nextafter(low, -np.inf))
        if not closed or high < np.inf:
            refused.append(np.nextafter(high, np.inf) if closed else high)
        for value in refused:
            given = (value, value) if option.kind == "pair" else value
            with pytest.raises(ValueError, match=rf"{option.name}.* is .*; expected"):
                getattr(optim, name)([np.ones(2)], **{option.name: given})
        if option.kind == "number":
            getattr(optim, name)([np.ones(2)], **{option.name: low if low > -np.inf else -1e300})


@EACH
def test_states_are_those_of_the_row(name):
    rule = CLASSES[name]
    on = {state.option: 1 for state in rule.states.values() if state.option}
    flags = {key: bool(rule.options[key].kind == "flag") or 0.5 for key in on}
    parameter = np.ones((2, 3), np.float32)
    optimizer = getattr(optim, name)([parameter], **flags)
    optimizer.step([np.ones((2, 3), np.float32)])
    saved = optimizer.state_dict()["state"].get(0, {})
    steps = ["step"] if rule.counts_steps else []
    assert list(saved) == [*steps, *rule.carried, *rule.states]
    for state in rule.states:
        assert saved[state].shape == rule.state_shape(state, parameter.shape) == (2, 3)
        assert saved[state].dtype == np.float32


def test_what_no_row_has_is_refused():
    with pytest.raises(ValueError, match="rule is 'adm'; expected the name of an optimizer"):
        optim.rules._core.optimizer_state_shape("adm", "exp_avg", (2,))
    with pytest.raises(ValueError, match="name is 'avg'; expected a state of adam"):
        RULES["adam"].state_shape("avg", (2,))
