"""Gates: functions that split an axis in halves a and b and give a times an activation of b."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import fill
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy.typing as npt

from . import _channels
from ._elementwise import UlpBound
from ._native import _core

Form = Literal["value", "derivative", "vjp"]


class Gate(NamedTuple):
    """What a row of the gates says.

    Attributes
    ----------
    name : str
    module : str
        The name of its layer in `nn`.
    activation : str
        That of b; "identity" for none.
    bounds : mapping of str to UlpBound
        For "float16" (rounded once), "float32" and "float64".
    formula : str
    reference : str
        The paper and its year.
    """

    name: str
    module: str
    activation: str
    bounds: Mapping[str, UlpBound]
    formula: str
    reference: str


def _record(row: dict[str, Any]) -> Gate:
    value32, gradient32, value64, gradient64 = row["bounds"]
    bounds = {
        "float16": UlpBound(0.5, 0.5),
        "float32": UlpBound(value32, gradient32),
        "float64": UlpBound(value64, gradient64),
    }
    return Gate(**{**row, "bounds": MappingProxyType(bounds)})


RECORDS: Mapping[str, Gate] = MappingProxyType(
    {row["name"]: _record(row) for row in _core.gate_records()}
)

_SUMMARY = {
    "value": "{formula}, where a is the first half of x along an axis and b is the second.",
    "derivative": "Derivatives of {name}, {formula}, with respect to each element of x.",
    "vjp": "Gradient of {name}, {formula}, with respect to x, in one pass.",
}
_G = """
g : array_like
    Gradient with respect to the output, of its shape or one that broadcasts to it."""
_RETURNS = {
    "value": "Of the shape of x, with half the length along `axis`.",
    "derivative": "Of the shape of x: f(b) in the first half, a f'(b) in the second.",
    "vjp": "Of the shape of x: g f(b) in the first half, g a f'(b) in the second.",
}


def _doc(record: Gate, form: Form, function: Callable[..., Any]) -> str:
    point = [3.0, -2.0, 0.0, 0.0]
    call = {"value": "rv.", "derivative": "rv.derivative.", "vjp": "rv.vjp."}[form] + record.name
    arguments = [[10.0, 1.0], point] if form == "vjp" else [point]
    single, double = (
        bound.value if form == "value" else max(bound.value, bound.derivative)
        for bound in (record.bounds["float32"], record.bounds["float64"])
    )
    return f"""{_SUMMARY[form].format(**record._asdict())}

Parameters
----------{_G if form == "vjp" else ""}
x : array_like
    float16, float32 or float64, of any shape; integers are promoted as by NumPy's ufuncs.
axis : int, default -1
    The axis whose halves are a and b. Its length is even.
out : ndarray, optional
    Where to write the result; it may overlap an input.

Returns
-------
ndarray
    {_RETURNS[form]}

Raises
------
ValueError
    If the length of the axis is odd, {"g or out" if form == "vjp" else "out"} does not have the \
shape that it should,
    or out is read-only.
numpy.exceptions.AxisError
    If x does not have the axis.
TypeError
    If x is complex, an object, or of another dtype that does not fit in float64.

Notes
-----
Largest error in ulp: {single:g} in float32; {double:g} in float64, as long as f(b) and f'(b) are
not subnormal. float16 is rounded once. A product of infinity and 0 is NaN;
an f(b) or f'(b) below 1e-122 in float32, or below 5e-324 in float64, counts as 0. No input raises a
floating-point warning.

References
----------
{fill(record.reference + ".", 100)}

Examples
--------
>>> import ranvier as rv
>>> {call}({", ".join(map(str, arguments))})
{function(*arguments)!r}
"""


def _halves(length: int, axis: int) -> tuple[tuple[int, int], int]:
    if length % 2:
        raise ValueError(f"x has length {length} along axis {axis}; expected an even length")
    return (2, length // 2), length // 2


def _function(record: Gate, form: Form) -> Callable[..., Any]:
    native = getattr(_core, record.name)
    native_vjp = getattr(_core, f"{record.name}_vjp")

    def value(x: npt.ArrayLike, axis: int = -1, *, out: npt.NDArray[Any] | None = None) -> Any:
        return _channels.value(native, x, axis, _halves, out)

    def derivative(x: npt.ArrayLike, axis: int = -1, *, out: npt.NDArray[Any] | None = None) -> Any:
        return _channels.derivative(native_vjp, x, axis, _halves, out)

    def vjp(
        g: npt.ArrayLike, x: npt.ArrayLike, axis: int = -1, *, out: npt.NDArray[Any] | None = None
    ) -> Any:
        return _channels.vjp(native_vjp, g, x, axis, _halves, out)

    functions: dict[Form, Callable[..., Any]] = {
        "value": value,
        "derivative": derivative,
        "vjp": vjp,
    }
    return functions[form]


def functions(form: Form, module: str) -> dict[str, Callable[..., Any]]:
    """The gates' functions of one form by name."""
    result = {}
    for name, record in RECORDS.items():
        function = _function(record, form)
        function.__name__ = function.__qualname__ = name
        function.__module__ = module
        function.__doc__ = _doc(record, form, function)
        result[name] = function
    return result


_functions = functions("value", __name__)
globals().update(_functions)

__all__ = [*_functions]
