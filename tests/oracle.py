"""The reference evaluated over the points, once for all the tests that need it.

It takes minutes: a module that uses it has the mark `ON_ONE_WORKER`, so that of several processes
that run the tests, one evaluates it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from points import every_half, stratified
from reference import REFERENCES, Exact, evaluate, evaluate_in_double

ON_ONE_WORKER = pytest.mark.xdist_group("oracle")


@cache
def truth(
    name: str, form: str, dtype: Any, parameters: tuple[float, ...]
) -> tuple[npt.NDArray[Any], Exact]:
    """Points and what is exactly right there; `form` is that of an Operation.

    The points of a vjp_from_output are outputs: f(x), correctly rounded.
    """
    reference = REFERENCES[name]
    if form == "vjp_from_output":
        _, value = truth(name, "value", dtype, parameters)
        outputs = np.unique(value.rounded(dtype))
        points = outputs[np.isfinite(outputs)]
        formula = reference.derivative_from_output
        assert formula is not None, f"reference.py has no derivative_from_output for {name}"
    else:
        points = every_half() if dtype is np.float16 else stratified(dtype)
        formula = reference.value if form == "value" else reference.derivative
    if form == "vjp":
        return truth(name, "derivative", dtype, parameters)
    if dtype is np.float16:
        double = evaluate_in_double(formula, points, parameters)
        mantissa, exponent = np.frexp(double)
        return points, Exact(mantissa, np.zeros_like(mantissa), exponent.astype(np.int64))
    return points, evaluate(formula, points, parameters)
