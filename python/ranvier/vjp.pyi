# Written by tools/generate.py from the registry.
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .softmax import log_softmax_vjp as log_softmax
from .softmax import softmax_vjp as softmax

__all__: list[str]

relu: np.ufunc
sigmoid: np.ufunc
tanh: np.ufunc
silu: np.ufunc
gelu: np.ufunc

def leaky_relu(
    g: ArrayLike, x: ArrayLike, /, negative_slope: ArrayLike = 0.01, **kwargs: Any
) -> Any: ...
