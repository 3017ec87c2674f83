"""A module for each activation of the registry, by torch's name for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import activations, vjp, vjp_from_output
from .._elementwise import RECORDS, Activation
from .._native import _core
from ._derived import derived_module
from ._workspace import Array
from .module import Module, check_gradient


class Elementwise(Module):
    """An activation as a layer: the base of those derived from the registry.

    Attributes
    ----------
    record : Activation
        What the registry says about it.
    """

    record: ClassVar[Activation]

    def __init__(self, *args: float, **kwargs: float) -> None:
        super().__init__()
        bound = inspect.signature(type(self)).bind(*args, **kwargs)
        bound.apply_defaults()
        self._arguments = [float(value) for value in bound.arguments.values()]
        self._find_functions()

    def _find_functions(self) -> None:
        name = self.record.name
        self._index: int = _core.activation_index(name)
        self._value: Callable[..., Array] = getattr(activations, name)
        # The output tells the derivative with the default parameters; with others it may not, as a
        # leaky_relu that falls and rises.
        defaults = list(self.record.parameters.values())
        self._from_output = hasattr(vjp_from_output, name) and self._arguments == defaults
        form = vjp_from_output if self._from_output else vjp
        self._vjp: Callable[..., Array] = getattr(form, name)

    def __getstate__(self) -> dict[str, Any]:
        # A pickled ufunc is its name alone, which is then looked for in all modules there are.
        found = ("_index", "_value", "_vjp")
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in found}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._find_functions()

    def forward(self, x: Array) -> Array:
        """The activation of x: any shape, float16, float32 or float64."""
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
            raise TypeError(f"x is of {getattr(x, 'dtype', type(x))}; expected a floating array")
        y = np.empty(x.shape, x.dtype)
        self._value(x, *self._arguments_in(x), out=y)
        self._workspace.saved = y if self._from_output else x
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        saved: Array = self._saved()
        check_gradient(grad_output, saved.shape, saved.dtype)
        result = np.empty(saved.shape, saved.dtype)
        self._vjp(grad_output, saved, *self._arguments_in(saved), out=result)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        check_gradient(grad_output, self._saved().shape, self._saved().dtype)

    def _describe(self) -> tuple[Any, ...]:
        return "activation", self._index, tuple(self._arguments), self._from_output

    def _arguments_in(self, x: Array) -> list[Any]:
        """The parameters in the dtype of x: to convert one, a ufunc would go through a buffer."""
        return [x.dtype.type(value) for value in self._arguments]

    def __repr__(self) -> str:
        pairs = zip(self.record.parameters, self._arguments, strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value:g}' for name, value in pairs)})"


def _module_class(record: Activation) -> type[Elementwise]:
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    empty = inspect.Parameter.empty
    signature = inspect.Signature(
        [
            inspect.Parameter(p, keyword, default=empty if value is None else value)
            for p, value in record.parameters.items()
        ]
    )
    parameters = "".join(
        f"{p} : float{'' if value is None else f', default {value:g}'}\n"
        for p, value in record.parameters.items()
    )
    required = ", ".join("0.25" for value in record.parameters.values() if value is None)
    return derived_module(
        Elementwise,
        record,
        f"``{record.formula}``, elementwise, as a layer.",
        f"""Parameters
----------
{parameters or "None."}""",
        call=f"{record.module}({required})(np.zeros(1, np.float32)).shape",
        result="(1,)",
        __signature__=signature,
    )


# The activations whose parameters are learned are written out in trainable.py.
_TRAINABLE = {"prelu", "swish"}
_classes = {
    cls.__name__: cls
    for cls in map(_module_class, (r for n, r in RECORDS.items() if n not in _TRAINABLE))
}
globals().update(_classes)

__all__ = [*_classes]
