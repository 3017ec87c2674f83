# Written by tools/generate.py from the registry.
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "celu",
    "elu",
    "hardsigmoid",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "softplus",
    "softsign",
    "sparse_sigmoid",
    "tanh",
]

relu: np.ufunc
relu6: np.ufunc
hardsigmoid: np.ufunc
sparse_sigmoid: np.ufunc
softsign: np.ufunc
selu: np.ufunc
sigmoid: np.ufunc
logsigmoid: np.ufunc
tanh: np.ufunc

def leaky_relu(
    g: ArrayLike, y: ArrayLike, /, negative_slope: ArrayLike = 0.01, **kwargs: Any
) -> Any: ...
def hardtanh(
    g: ArrayLike,
    y: ArrayLike,
    /,
    min_val: ArrayLike = -1.0,
    max_val: ArrayLike = 1.0,
    **kwargs: Any,
) -> Any: ...
def elu(g: ArrayLike, y: ArrayLike, /, alpha: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def celu(g: ArrayLike, y: ArrayLike, /, alpha: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
def softplus(g: ArrayLike, y: ArrayLike, /, beta: ArrayLike = 1.0, **kwargs: Any) -> Any: ...
