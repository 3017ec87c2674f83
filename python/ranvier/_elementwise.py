"""Everything that derives from a row of the registry: records, ufuncs, functions, docstrings."""

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from ._native import _core

Form = Literal["value", "derivative", "vjp", "vjp_from_output"]


class UlpBound(NamedTuple):
    """Largest error, in units in the last place of the result, over all inputs."""

    value: float
    derivative: float


class Activation(NamedTuple):
    """What the registry says about an activation.

    Attributes
    ----------
    name : str
    module : str
        Name of the layer in `ranvier.nn`.
    parameters : mapping of str to float or None
        Their defaults, in the order of the arguments after x; None where one has to be given.
    meanings : mapping of str to str
        What each parameter does, also where it is 0 or negative.
    bounds : mapping of str to UlpBound
        For "float16" (rounded once), "float32" and "float64".
    special_values : mapping of float to (float, float)
        Value and derivative at -inf, 0, +inf and NaN, with the default parameters.
    formula, derivative : str
    reference : str
        The paper and its year.
    """

    name: str
    module: str
    parameters: Mapping[str, float | None]
    meanings: Mapping[str, str]
    bounds: Mapping[str, UlpBound]
    special_values: Mapping[float, tuple[float, float]]
    formula: str
    derivative: str
    reference: str


def _record(row: dict[str, Any]) -> Activation:
    value32, derivative32, value64, derivative64 = row["bounds"]
    half_ulp = UlpBound(0.5, 0.5)
    nan = float("nan")
    return Activation(
        name=row["name"],
        module=row["module"],
        parameters=MappingProxyType(row["parameters"]),
        meanings=MappingProxyType(row["meanings"]),
        bounds=MappingProxyType(
            {
                "float16": half_ulp,
                "float32": UlpBound(value32, derivative32),
                "float64": UlpBound(value64, derivative64),
            }
        ),
        special_values=MappingProxyType(
            dict(
                zip(
                    (-np.inf, 0.0, np.inf, nan),
                    zip((*row["limits"], nan), (*row["slopes"], nan), strict=True),
                    strict=True,
                )
            )
        ),
        formula=row["formula"],
        derivative=row["derivative"],
        reference=row["reference"],
    )


RECORDS: Mapping[str, Activation] = MappingProxyType(
    {row["name"]: _record(row) for row in _core.activation_records()}
)


def registry() -> list[Activation]:
    """One record for each activation.

    Returns
    -------
    list of Activation
        Name, parameters with defaults, bound in ulp of value and derivative for each dtype, special
        values and the reference.

    Examples
    --------
    >>> import ranvier as rv
    >>> rv.registry()[0].name
    'relu'
    """
    return list(RECORDS.values())


_SUMMARY = {
    "value": "``{name}(x) = {formula}``, elementwise.",
    "derivative": "Derivative of {name} at x: ``{derivative}``.",
    "vjp": "g times the derivative of {name} at x, in one pass.",
    "vjp_from_output": "g times the derivative of {name} where its value is y, in one pass.",
}
_ARRAYS = {
    "value": {"x": "Input, of any shape."},
    "derivative": {"x": "Input, of any shape."},
    "vjp": {"g": "Gradient with respect to the output.", "x": "Input of the activation."},
    "vjp_from_output": {
        "g": "Gradient with respect to the output.",
        "y": "Output of the activation.",
    },
}
_PARAMETER = "Broadcasts like any operand, and is rounded to the dtype of the result first."
_CONDITION = """

The output has to tell the derivative. It does not where the parameters make the function fall and
rise, so that it takes a value twice, with different slopes: use vjp.{name} there."""


def _example(record: Activation, form: Form) -> str:
    where = {"value": "", "derivative": "derivative."}
    if form not in where or None in record.parameters.values():
        return ""
    index = 0 if form == "value" else 1
    specials = [(x, v[index]) for x, v in record.special_values.items() if x == x]
    points = ", ".join(_literal(x) for x, _ in specials)
    values = ", ".join(_literal(v) for _, v in specials)
    return f"""
Examples
--------
>>> import numpy as np
>>> import ranvier as rv
>>> y = rv.{where[form]}{record.name}(np.array([{points}]))
>>> bool(np.all(y == [{values}]))
True
"""


def _wrapped(meaning: str) -> str:
    indent = " " * 4
    text = f"{meaning} {_PARAMETER}"
    return textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent)


def _literal(x: float) -> str:
    return repr(x).replace("inf", "np.inf")


def _doc(record: Activation, form: Form) -> str:
    arguments = "\n".join(
        f"{name} : array_like\n    {text} float16, float32 or float64; integers are promoted."
        for name, text in _ARRAYS[form].items()
    )
    for name, default in record.parameters.items():
        optional = "" if default is None else f", default {default:g}"
        arguments += f"\n{name} : array_like{optional}\n{_wrapped(record.meanings[name])}"
    bounds = "; ".join(
        f"{dtype} {max(b.value, b.derivative) if form[:3] == 'vjp' else getattr(b, form):.4g}"
        for dtype, b in record.bounds.items()
        if dtype != "float16"
    )
    rounding = (
        "with g = 1; the product with g is rounded once more at most"
        if form == "vjp_from_output"
        else "rounded once with g"
        if form == "vjp"
        else "over all inputs"
    )
    operands = ", ".join([*_ARRAYS[form], *record.parameters])
    # With the default parameters it does, in every row that has this form.
    ambiguous = form == "vjp_from_output" and record.parameters
    condition = _CONDITION.format(**record._asdict()) if ambiguous else ""
    return f"""{_SUMMARY[form].format(**record._asdict())}

Parameters
----------
{arguments}
**kwargs
    out, where, dtype, casting, order, subok and signature, as for every ufunc.

Returns
-------
numpy.ndarray or scalar
    Of the shape to which {operands} broadcast.

Raises
------
TypeError
    If an operand is complex, an object, or of another dtype that does not fit in float64.

Notes
-----
Largest error in ulp ({rounding}): {bounds}. float16 is
rounded once. No input raises a floating-point warning.{condition}

References
----------
{record.reference}.
{_example(record, form)}"""


def _with_parameters(
    ufunc: np.ufunc, record: Activation, form: Form, doc: str, module: str
) -> Callable[..., Any]:
    """A function of (arrays, parameters with defaults) over a ufunc of all of them."""
    arrays = len(_ARRAYS[form])
    defaults = tuple(record.parameters.items())
    most = arrays + len(defaults)
    values = record.parameters.values()
    # To convert a float, NumPy takes longer than a small array takes.
    held = None
    if None not in values:
        dtypes = ("float16", "float32", "float64")
        held = tuple(tuple(np.asarray(value, dtype) for value in values) for dtype in dtypes)

    def function(*operands: Any, **keywords: Any) -> Any:
        given = len(operands)
        if given < arrays or given > most:
            raise TypeError(
                f"{record.name}() got {given} positional arguments; expected {arrays} to {most}"
            )
        for name, default in defaults[given - arrays :]:
            value = keywords.pop(name, default)
            if value is None:
                raise TypeError(f"{record.name}() is missing the argument {name!r}")
            operands = (*operands, value)
        return ufunc(*operands, **keywords)

    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__name__ = function.__qualname__ = record.name
    function.__module__ = module
    function.__doc__ = doc
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in _ARRAYS[form]]
        + [
            inspect.Parameter(n, positional, default=inspect.Parameter.empty if v is None else v)
            for n, v in defaults
        ]
        + [inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)]
    )
    fast = _core.make_function(function, ufunc, held, arrays, len(defaults))
    return functools.update_wrapper(fast, function)


def functions(form: Form, module: str) -> dict[str, Callable[..., Any]]:
    """The functions of one form by name; an activation that lacks the form is left out."""
    result: dict[str, Callable[..., Any]] = {}
    for name, record in RECORDS.items():
        doc = _doc(record, form)
        ufunc = _core.make_ufunc(name, form, doc)
        if ufunc is None:
            continue
        if record.parameters:
            result[name] = _with_parameters(ufunc, record, form, doc, module)
        else:
            result[name] = ufunc
    return result
