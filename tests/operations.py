"""What there is to test: every function that derives from a row of the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import ranvier as rv
from ranvier._native import _core

DTYPES = (np.float16, np.float32, np.float64)
# Baseline x86-64 has no fused multiply-add, and in float64 no bound is stated for it; test_isa.py
# says how far it may be from the others.
BOUNDED_DTYPES = DTYPES[:2] if _core.instruction_set() == "baseline" else DTYPES
_MODULES = {
    "value": rv.activations,
    "derivative": rv.derivative,
    "vjp": rv.vjp,
    "vjp_from_output": rv.vjp_from_output,
}
_REQUIRED = 0.25  # for a parameter that has no default


@dataclass(frozen=True)
class Operation:
    """A function of one array (value, derivative) or two (the vector-Jacobian products)."""

    name: str
    form: str
    function: Callable[..., Any]

    def __call__(self, *arrays: Any, **keywords: Any) -> Any:
        return self.function(*arrays, *self.required, **keywords)

    def __str__(self) -> str:
        return self.name if self.form == "value" else f"{self.form}.{self.name}"

    @property
    def record(self) -> Any:
        return next(record for record in rv.registry() if record.name == self.name)

    @property
    def arrays(self) -> int:
        return 1 if self.form in ("value", "derivative") else 2

    @property
    def parameters(self) -> tuple[float, ...]:
        """The values with which it is called."""
        given = self.record.parameters.values()
        return tuple(_REQUIRED if value is None else value for value in given)

    @property
    def required(self) -> tuple[float, ...]:
        return self.parameters if None in self.record.parameters.values() else ()

    def bound(self, dtype: Any) -> float:
        """In ulp; a vector-Jacobian product with g = 1 is the derivative."""
        bounds = self.record.bounds[np.dtype(dtype).name]
        return bounds.value if self.form == "value" else bounds.derivative

    def at(self, x: Any) -> Any:
        """The function of x alone: with g = 1 for a vector-Jacobian product."""
        return self(*[np.ones_like(x)] * (self.arrays - 1), x)


def operations(*forms: str) -> list[Operation]:
    """Of the forms named, or of all."""
    return [
        Operation(name, form, getattr(module, name))
        for form, module in _MODULES.items()
        if not forms or form in forms
        for name in module.__all__
        if name in {record.name for record in rv.registry()}
    ]
