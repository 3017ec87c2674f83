# Written by tools/generate.py from the registry.
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from numpy.typing import ArrayLike, NDArray

from ._elementwise import UlpBound

__all__ = ["bilinear_glu", "geglu", "glu", "reglu", "swiglu"]

class Gate(NamedTuple):
    name: str
    module: str
    activation: str
    bounds: Mapping[str, UlpBound]
    formula: str
    reference: str

RECORDS: Mapping[str, Gate]

def functions(form: str, module: str) -> dict[str, Callable[..., Any]]: ...
def glu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def swiglu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def geglu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def reglu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def bilinear_glu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
