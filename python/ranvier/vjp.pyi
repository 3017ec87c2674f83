# Written by tools/generate.py from the registry.
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .maxout import maxout_vjp as maxout
from .softmax import log_softmax_vjp as log_softmax
from .softmax import softmax_vjp as softmax
from .softmax import softmin_vjp as softmin

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
    "log_softmax",
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
    "softmax",
    "softmin",
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

def leaky_relu(
    g: ArrayLike, x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **kwargs: Any
) -> Any: ...
def prelu(g: ArrayLike, x: ArrayLike, /, weight: ArrayLike, **kwargs: Any) -> Any: ...
def threshold(
    g: ArrayLike, x: ArrayLike, /, threshold: ArrayLike, value: ArrayLike, **kwargs: Any
) -> Any: ...
def hardtanh(
    g: ArrayLike,
    x: ArrayLike,
    /,
    min_val: ArrayLike = -1.0,
    max_val: ArrayLike = 1.0,
    **kwargs: Any,
) -> Any: ...
def hardshrink(g: ArrayLike, x: ArrayLike, /, lambd: ArrayLike = 0.5, **kwargs: Any) -> Any: ...
def softshrink(g: ArrayLike, x: ArrayLike, /, lambd: ArrayLike = 0.5, **kwargs: Any) -> Any: ...
def squareplus(g: ArrayLike, x: ArrayLike, /, b: ArrayLike = 4.0, **kwargs: Any) -> Any: ...
def elu(g: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def celu(g: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def softplus(g: ArrayLike, x: ArrayLike, /, beta: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def swish(g: ArrayLike, x: ArrayLike, /, beta: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def glu(g: ArrayLike, x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None) -> Any: ...
def swiglu(
    g: ArrayLike, x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None
) -> Any: ...
def geglu(
    g: ArrayLike, x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None
) -> Any: ...
def reglu(
    g: ArrayLike, x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None
) -> Any: ...
def bilinear_glu(
    g: ArrayLike, x: ArrayLike, axis: int = -1, *, out: NDArray[Any] | None = None
) -> Any: ...
