"""The rows of the losses against the functions that use them."""

from __future__ import annotations

import inspect
import math
import pickle
import re
from typing import Any

import numpy as np
import pytest

from ranvier import losses
from ranvier._native import _core
from ranvier.losses._records import RECORDS, handle
from ranvier.losses._uses import every_loss
from test_losses import CASES

FUNCTIONS = every_loss()
EACH = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
# Parameters that a function sets by itself.
SET = {"multiclass_hinge": {"mean"}}


def words(text: str) -> str:
    return " ".join(text.split())


def test_every_loss_has_rows_and_every_row_a_loss():
    assert {f.__name__ for f in FUNCTIONS} == set(losses.__all__) - {"Loss", "zero_one_loss"}
    assert {row.name for function in FUNCTIONS for row in function.rows} == set(RECORDS)


@EACH
def test_defaults_are_those_of_the_rows(function):
    arguments = inspect.signature(function).parameters
    for row in function.rows:
        for parameter in row.parameters.values():
            if parameter.name not in SET.get(row.name, {}) and parameter.name in arguments:
                assert arguments[parameter.name].default == parameter.default, row.name
            elif parameter.name not in arguments:
                # Such as p of multiclass_hinge_loss, or `mean`.
                assert row.name == "multiclass_hinge"


@EACH
def test_arguments_are_the_operands(function):
    required = [
        name
        for name, p in inspect.signature(function).parameters.items()
        if p.default is inspect.Parameter.empty
    ]
    first = function.rows[0]
    expected = {operand.name for operand in first.operands} | (
        {"target"} if first.labels else set()
    )
    assert set(required) == expected


@EACH
def test_docstrings_name_the_source(function):
    reference = words(function.rows[0].reference)
    if "References" in function.__doc__:
        assert reference.rstrip(".") in words(function.__doc__)
    assert words(function.formula)


def test_gradients_are_those_of_the_rows():
    for case in CASES:
        names = [*inspect.signature(case.function).parameters]
        graded = [operand.name for operand in case.function.rows[0].operands if operand.graded]
        assert [names[k] for k in case.graded] == graded, case


# A number outside of each range, and one inside.
RANGES: dict[str, tuple[list[Any], list[Any]]] = {
    "a number": ([], [-1e300, 0, math.nan, math.inf]),
    "a positive number": ([0, -1, math.nan], [5e-324, math.inf]),
    "a positive, finite number": ([0, -1, math.nan, math.inf], [1e308]),
    "a non-negative number": ([-5e-324, math.nan], [0, -0.0, math.inf]),
    "a non-negative, finite number": ([-5e-324, math.nan, math.inf], [0, 1e308]),
    "a number from 0 to 1": ([-5e-324, 1.0000001, math.nan], [0, 1, 0.5]),
    "a number from 0 to 1, or None": ([-5e-324, 1.0000001, math.nan], [0, 1, None]),
    "1 or 2": ([0, 1.5, 3, math.nan], [1, 2]),
    "True or False": ([], [True, False, 0, 1, "yes"]),
}


@pytest.mark.parametrize("row", RECORDS.values(), ids=RECORDS)
def test_ranges(row):
    for parameter in row.parameters.values():
        outside, inside = RANGES[parameter.range]
        for value in outside:
            message = f"{parameter.name} is {value!r}; expected {parameter.range}"
            with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
                handle(row.name, "mean", {parameter.name: value})
            # The native code refuses it as well; but for none, which is NaN there.
            if not (parameter.default is None and math.isnan(value)):
                with pytest.raises(ValueError, match=f"{parameter.name} is .*; expected "):
                    _core.Loss(row.name, {parameter.name: value}, "mean")
        for value in inside:
            handle(row.name, "mean", {parameter.name: value})
        if parameter.range != "True or False":
            for wrong in ("1", 1 + 0j, [1.0], np.array([1.0])):
                with pytest.raises(TypeError, match=f"{parameter.name} is .*; expected a number"):
                    handle(row.name, "mean", {parameter.name: wrong})


def test_a_handle_is_made_once():
    first = handle("huber_loss", "mean", {"delta": 1.5})
    assert handle("huber_loss", "mean", {"delta": 1.5}) is first
    assert handle("huber_loss", "sum", {"delta": 1.5}) is not first
    assert handle("huber_loss", "mean", {"delta": 1.25}) is not first
    with pytest.raises(TypeError, match=r"delta is \(1\.5\+0j\); expected a number"):
        handle("huber_loss", "mean", {"delta": 1.5 + 0j})
    handle("nll_loss", "mean", {}, ignore_index=1)
    with pytest.raises(TypeError, match=r"ignore_index is 1\.0; expected an integer"):
        handle("nll_loss", "mean", {}, ignore_index=1.0)


def test_losses_are_pickled_by_name():
    for function in FUNCTIONS:
        assert pickle.loads(pickle.dumps(function)) is function
