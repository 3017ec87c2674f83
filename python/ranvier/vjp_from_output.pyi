# Written by tools/generate.py from the registry.
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__: list[str]

relu: np.ufunc
sigmoid: np.ufunc
tanh: np.ufunc

def leaky_relu(
    g: ArrayLike, y: ArrayLike, /, negative_slope: ArrayLike = 0.01, **kwargs: Any
) -> Any: ...
