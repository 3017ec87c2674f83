# Written by tools/generate.py from the registry.
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .maxout import maxout_derivative as maxout

__all__ = [
    "bilinear_glu",
    "celu",
    "elu",
    "gaussian",
    "geglu",
    "gelu",
    "gelu_tanh",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "maxout",
    "mish",
    "prelu",
    "quick_gelu",
    "reglu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softshrink",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "swiglu",
    "swish",
    "tanh",
    "tanhshrink",
    "threshold",
]

relu: np.ufunc
relu6: np.ufunc
hardsigmoid: np.ufunc
hardswish: np.ufunc
sparse_plus: np.ufunc
sparse_sigmoid: np.ufunc
softsign: np.ufunc
selu: np.ufunc
gaussian: np.ufunc
gelu: np.ufunc
sigmoid: np.ufunc
logsigmoid: np.ufunc
tanh: np.ufunc
tanhshrink: np.ufunc
silu: np.ufunc
quick_gelu: np.ufunc
gelu_tanh: np.ufunc
mish: np.ufunc

def leaky_relu(x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **kwargs: Any) -> Any: ...
def prelu(x: ArrayLike, /, weight: ArrayLike, **kwargs: Any) -> Any: ...
def threshold(x: ArrayLike, /, threshold: ArrayLike, value: ArrayLike, **kwargs: Any) -> Any: ...
def hardtanh(
    x: ArrayLike, /, min_val: ArrayLike = -1.0, max_val: ArrayLike = 1.0, **kwargs: Any
) -> Any: ...
def hardshrink(x: ArrayLike, /, lambd: ArrayLike = 0.5, **kwargs: Any) -> Any: ...
def softshrink(x: ArrayLike, /, lambd: ArrayLike = 0.5, **kwargs: Any) -> Any: ...
def squareplus(x: ArrayLike, /, b: ArrayLike = 4.0, **kwargs: Any) -> Any: ...
def elu(x: ArrayLike, /, alpha: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def celu(x: ArrayLike, /, alpha: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def softplus(x: ArrayLike, /, beta: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def swish(x: ArrayLike, /, beta: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def glu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def swiglu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def geglu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def reglu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def bilinear_glu(x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
