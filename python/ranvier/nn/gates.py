"""A module for each gate: an axis is split in halves a and b, of which half its length remains."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import gates, vjp
from ._workspace import Array
from .module import Module, check_gradient, check_input

__all__ = ["GEGLU", "GLU", "BilinearGLU", "ReGLU", "SwiGLU"]


class Gate(Module):
    """A gate as a layer: the base of those that have a name.

    Parameters
    ----------
    dim : int, default -1
        The axis that is split. Its length is even.
    """

    name: ClassVar[str]

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Array) -> Array:
        """The gate of x: any shape, float16, float32 or float64."""
        check_input(x, np.float16, np.float32, np.float64)
        dim = normalize_axis_index(self.dim, x.ndim)
        shape = (*x.shape[:dim], x.shape[dim] // 2, *x.shape[dim + 1 :])
        y = self._result("output", shape, x.dtype)
        getattr(gates, self.name)(x, self.dim, out=y)
        self._workspace.saved = x, shape
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        x, shape = self._saved()
        check_gradient(grad_output, shape, x.dtype)
        result = self._result("grad_input", x.shape, x.dtype)
        getattr(vjp, self.name)(grad_output, x, self.dim, out=result)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        x, shape = self._saved()
        check_gradient(grad_output, shape, x.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dim={self.dim})"


class GLU(Gate):
    """a sigmoid(b), where a and b are the halves of an axis.

    Parameters
    ----------
    dim : int, default -1
        The axis that is split. Its length is even.

    Raises
    ------
    ValueError
        In `forward`, if the length of the axis is odd.

    References
    ----------
    Dauphin, Fan, Auli and Grangier, Language modeling with gated convolutional networks,
    arXiv 1612.08083 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.GLU()(np.array([[3.0, -2.0, 0.0, 0.0]])).tolist()
    [[1.5, -1.0]]
    """

    name = "glu"


class SwiGLU(Gate):
    """a silu(b), where a and b are the halves of an axis.

    Parameters
    ----------
    dim : int, default -1
        The axis that is split. Its length is even.

    Raises
    ------
    ValueError
        In `forward`, if the length of the axis is odd.

    References
    ----------
    Shazeer, GLU variants improve Transformer, arXiv 2002.05202 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.SwiGLU()(np.array([[3.0, -2.0, 0.0, 0.0]])).shape
    (1, 2)
    """

    name = "swiglu"


class GEGLU(Gate):
    """a gelu(b), where a and b are the halves of an axis.

    Parameters
    ----------
    dim : int, default -1
        The axis that is split. Its length is even.

    Raises
    ------
    ValueError
        In `forward`, if the length of the axis is odd.

    References
    ----------
    Shazeer, GLU variants improve Transformer, arXiv 2002.05202 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.GEGLU()(np.array([[3.0, -2.0, 0.0, 0.0]])).shape
    (1, 2)
    """

    name = "geglu"


class ReGLU(Gate):
    """a relu(b), where a and b are the halves of an axis.

    Parameters
    ----------
    dim : int, default -1
        The axis that is split. Its length is even.

    Raises
    ------
    ValueError
        In `forward`, if the length of the axis is odd.

    References
    ----------
    Shazeer, GLU variants improve Transformer, arXiv 2002.05202 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.ReGLU()(np.array([[3.0, -2.0, 2.0, -1.0]])).tolist()
    [[6.0, -0.0]]
    """

    name = "reglu"


class BilinearGLU(Gate):
    """a b, where a and b are the halves of an axis.

    Parameters
    ----------
    dim : int, default -1
        The axis that is split. Its length is even.

    Raises
    ------
    ValueError
        In `forward`, if the length of the axis is odd.

    References
    ----------
    Dauphin, Fan, Auli and Grangier, Language modeling with gated convolutional networks,
    arXiv 1612.08083 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.BilinearGLU()(np.array([[3.0, -2.0, 2.0, -1.0]])).tolist()
    [[6.0, 2.0]]
    """

    name = "bilinear_glu"
