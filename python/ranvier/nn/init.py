"""Initial values, written into arrays in place: torch.nn.init's functions, and `lecun_normal_`.

Each takes the array first, writes to all of it, whatever its strides, and returns it. `rng` is a
numpy.random.Generator or a seed for one; without it, the values are other ones each time. The
numbers are drawn in float64 and rounded to the dtype of the array.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import number, positive

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "lecun_normal_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

Array = npt.NDArray[Any]
Seed = int | np.random.Generator | None

_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What a layer's standard deviation is multiplied by for the activation that follows it.

    Parameters
    ----------
    nonlinearity : str
        "linear", "conv1d" and its like, "sigmoid", "tanh", "relu", "leaky_relu" or "selu".
    param : float, optional
        The negative slope of leaky_relu, 0.01 by default.

    Returns
    -------
    float
        5 / 3 for tanh, sqrt(2 / (1 + slope^2)) for relu and leaky_relu, 3 / 4 for selu, else 1.

    Raises
    ------
    ValueError
        If nonlinearity is another.

    Examples
    --------
    >>> from ranvier import nn
    >>> nn.init.calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else number("param", param)
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        expected = ", ".join([*_GAINS, "leaky_relu"])
        raise ValueError(f"nonlinearity is {nonlinearity!r}; expected one of {expected}")
    return _GAINS[nonlinearity]


def uniform_(tensor: Array, a: float = 0.0, b: float = 1.0, *, rng: Seed = None) -> Array:
    """Uniform from a to b.

    Parameters
    ----------
    tensor : ndarray
        Floating and writeable.
    a, b : float, default 0 and 1
    rng : int or numpy.random.Generator, optional

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.Linear(3, 2)
    >>> bool(np.all(nn.init.uniform_(layer.weight, -1, 0) <= 0))
    True
    """
    _check(tensor)
    if not -math.inf < a <= b < math.inf:
        raise ValueError(f"a, b are {a}, {b}; expected finite numbers in this order")
    return _write(tensor, _generator(rng).uniform(a, b, tensor.shape))


def normal_(tensor: Array, mean: float = 0.0, std: float = 1.0, *, rng: Seed = None) -> Array:
    """Normal with this mean and standard deviation.

    Parameters
    ----------
    tensor : ndarray
        Floating and writeable.
    mean, std : float, default 0 and 1
    rng : int or numpy.random.Generator, optional

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.init.normal_(np.empty(3), mean=2, std=0).tolist()
    [2.0, 2.0, 2.0]
    """
    _check(tensor)
    return _write(tensor, _generator(rng).normal(mean, _not_negative("std", std), tensor.shape))


def trunc_normal_(
    tensor: Array,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    rng: Seed = None,
) -> Array:
    """Normal, but only between a and b: what is outside is drawn again.

    Parameters
    ----------
    tensor : ndarray
        Floating and writeable.
    mean, std : float, default 0 and 1
        Of the normal distribution before it is cut.
    a, b : float, default -2 and 2
        They are not multiplied by std.
    rng : int or numpy.random.Generator, optional

    Notes
    -----
    Exact for any a < b, also where nearly all of the normal distribution is outside: uniform
    proposals, accepted in proportion to the density, from where the density is at least e^-40 of
    its largest value.

    References
    ----------
    Robert, Simulation of truncated normal variables, Statistics and Computing 5 (1995).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> bool(np.abs(nn.init.trunc_normal_(np.empty(1000), std=5)).max() <= 2)
    True
    """
    _check(tensor)
    if not a < b:
        raise ValueError(f"a, b are {a}, {b}; expected a less than b")
    if not 0 < number("std", std) < math.inf:
        raise ValueError(f"std is {std}; expected a positive, finite number")
    generator = _generator(rng)
    low, high = (a - mean) / std, (b - mean) / std
    mode = min(max(low, 0.0), high)
    farthest = math.sqrt(mode**2 + 80)
    low, high = max(low, -farthest), min(high, farthest)
    values = np.empty(tensor.size)
    missing = np.arange(tensor.size)
    while missing.size:
        proposed = generator.uniform(low, high, missing.size)
        # 1 - u, since u may be 0.
        log_density = (mode - proposed) * (mode + proposed) / 2
        accepted = np.log(1 - generator.random(missing.size)) <= log_density
        values[missing[accepted]] = proposed[accepted]
        missing = missing[~accepted]
    # Rounding may step over a bound.
    return _write(tensor, np.clip(mean + std * values, a, b).reshape(tensor.shape))


def constant_(tensor: Array, val: float) -> Array:
    """The same value everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.init.constant_(np.empty(2), 0.5).tolist()
    [0.5, 0.5]
    """
    _check(tensor)
    return _write(tensor, np.array(number("val", val)))


def ones_(tensor: Array) -> Array:
    """1 everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.init.ones_(np.empty(2)).tolist()
    [1.0, 1.0]
    """
    return constant_(tensor, 1)


def zeros_(tensor: Array) -> Array:
    """0 everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.init.zeros_(np.empty(2)).tolist()
    [0.0, 0.0]
    """
    return constant_(tensor, 0)


def eye_(tensor: Array) -> Array:
    """1 on the diagonal of a matrix, 0 elsewhere: a Linear keeps what it can of its input.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.init.eye_(np.empty((2, 3))).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    _check(tensor)
    if tensor.ndim != 2:
        raise ValueError(f"tensor has shape {tensor.shape}; expected 2 axes")
    return _write(tensor, np.eye(*tensor.shape))


def dirac_(tensor: Array, groups: int = 1) -> Array:
    """1 in the middle of the kernel of channel c for output c, 0 elsewhere: convolution keeps x.

    Parameters
    ----------
    tensor : ndarray of shape (outputs, inputs, ...)
        Of 3 to 5 axes.
    groups : int, default 1
        A divisor of the number of outputs; each group keeps its own inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.init.dirac_(np.empty((1, 1, 3))).tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    _check(tensor)
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"tensor has shape {tensor.shape}; expected 3, 4 or 5 axes")
    outputs, inputs, *kernel = tensor.shape
    if outputs % positive("groups", groups):
        raise ValueError(f"groups is {groups}; expected a divisor of {outputs}, the outputs")
    values = np.zeros(tensor.shape)
    of_group = outputs // groups
    middle = [n // 2 for n in kernel]
    for group in range(groups):
        for c in range(min(of_group, inputs)):
            values[(group * of_group + c, c, *middle)] = 1
    return _write(tensor, values)


def xavier_uniform_(tensor: Array, gain: float = 1.0, *, rng: Seed = None) -> Array:
    """Uniform in ±gain sqrt(6 / (fan_in + fan_out)).

    Parameters
    ----------
    tensor : ndarray of shape (outputs, inputs, ...)
    gain : float, default 1
    rng : int or numpy.random.Generator, optional

    References
    ----------
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> bool(np.abs(nn.init.xavier_uniform_(np.empty((50, 100)))).max() <= 0.2)
    True
    """
    return _uniform_of_std(tensor, gain * math.sqrt(2 / max(1, sum(_fans(tensor)))), rng)


def xavier_normal_(tensor: Array, gain: float = 1.0, *, rng: Seed = None) -> Array:
    """Normal with standard deviation gain sqrt(2 / (fan_in + fan_out)).

    Parameters
    ----------
    tensor : ndarray of shape (outputs, inputs, ...)
    gain : float, default 1
    rng : int or numpy.random.Generator, optional

    References
    ----------
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks,
    AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> print(f"{nn.init.xavier_normal_(np.empty((500, 300))).std():.2f}")
    0.05
    """
    return normal_(tensor, 0, gain * math.sqrt(2 / max(1, sum(_fans(tensor)))), rng=rng)


def kaiming_uniform_(
    tensor: Array,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Seed = None,
) -> Array:
    """Uniform in ±gain sqrt(3 / fan).

    Parameters
    ----------
    tensor : ndarray of shape (outputs, inputs, ...)
    a : float, default 0
        The negative slope of the activation that follows, where that is leaky_relu.
    mode : {"fan_in", "fan_out"}, default "fan_in"
        Which pass keeps its variance: the forward, or the backward.
    nonlinearity : str, default "leaky_relu"
        As for `calculate_gain`.
    rng : int or numpy.random.Generator, optional

    References
    ----------
    He, Zhang, Ren and Sun, Delving deep into rectifiers, arXiv 1502.01852 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.Linear(600, 10)
    >>> bool(np.abs(nn.init.kaiming_uniform_(layer.weight, rng=0)).max() <= 0.1)
    True
    """
    return _uniform_of_std(tensor, _kaiming_std(tensor, a, mode, nonlinearity), rng)


def kaiming_normal_(
    tensor: Array,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Seed = None,
) -> Array:
    """Normal with standard deviation gain / sqrt(fan).

    Parameters
    ----------
    tensor : ndarray of shape (outputs, inputs, ...)
    a : float, default 0
        The negative slope of the activation that follows, where that is leaky_relu.
    mode : {"fan_in", "fan_out"}, default "fan_in"
        Which pass keeps its variance: the forward, or the backward.
    nonlinearity : str, default "leaky_relu"
        As for `calculate_gain`.
    rng : int or numpy.random.Generator, optional

    References
    ----------
    He, Zhang, Ren and Sun, Delving deep into rectifiers, arXiv 1502.01852 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> print(f"{nn.init.kaiming_normal_(np.empty((500, 800)), nonlinearity='relu').std():.2f}")
    0.05
    """
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), rng=rng)


def lecun_normal_(tensor: Array, *, rng: Seed = None) -> Array:
    """Normal with standard deviation sqrt(1 / fan_in): what SELU wants.

    Parameters
    ----------
    tensor : ndarray of shape (outputs, inputs, ...)
    rng : int or numpy.random.Generator, optional

    References
    ----------
    LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998; Klambauer, Unterthiner, Mayr and
    Hochreiter, Self-normalizing neural networks, arXiv 1706.02515 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> print(f"{nn.init.lecun_normal_(np.empty((500, 400))).std():.2f}")
    0.05
    """
    return kaiming_normal_(tensor, nonlinearity="linear", rng=rng)


def orthogonal_(tensor: Array, gain: float = 1.0, *, rng: Seed = None) -> Array:
    """A matrix with orthonormal rows or columns, whichever are fewer, times gain.

    Parameters
    ----------
    tensor : ndarray of at least 2 axes
        All axes but the first count as one.
    gain : float, default 1
    rng : int or numpy.random.Generator, optional

    References
    ----------
    Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks, arXiv 1312.6120 (2013); Mezzadri, How to generate random matrices from
    the classical compact groups, Notices of the AMS 54 (2007), for the signs.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> q = nn.init.orthogonal_(np.empty((2, 5)))
    >>> bool(np.allclose(q @ q.T, np.eye(2)))
    True
    """
    _fans(tensor)
    if not tensor.size:
        return tensor
    rows = len(tensor)
    columns = tensor.size // rows
    normal = _generator(rng).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    # With the signs of the diagonal, every orthogonal matrix is as likely as any other.
    q *= np.where(np.diag(r) < 0, -1, 1)
    q = q.T if rows < columns else q
    return _write(tensor, gain * q.reshape(tensor.shape))


def sparse_(tensor: Array, sparsity: float, std: float = 0.01, *, rng: Seed = None) -> Array:
    """Normal, but a share of each column of a matrix is 0.

    Parameters
    ----------
    tensor : ndarray of 2 axes
    sparsity : float
        The share, from 0 to 1, rounded up to whole elements.
    std : float, default 0.01
    rng : int or numpy.random.Generator, optional

    References
    ----------
    Martens, Deep learning via Hessian-free optimization, ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> (nn.init.sparse_(np.empty((10, 3)), 0.25) == 0).sum(axis=0).tolist()
    [3, 3, 3]
    """
    _check(tensor)
    if tensor.ndim != 2:
        raise ValueError(f"tensor has shape {tensor.shape}; expected 2 axes")
    if not 0 <= number("sparsity", sparsity) <= 1:
        raise ValueError(f"sparsity is {sparsity}; expected a number from 0 to 1")
    generator = _generator(rng)
    values = generator.normal(0, _not_negative("std", std), tensor.shape)
    zeros = math.ceil(sparsity * len(values))
    for column in values.T:
        column[generator.permutation(len(values))[:zeros]] = 0
    return _write(tensor, values)


def _kaiming_std(tensor: Array, a: float, mode: str, nonlinearity: str) -> float:
    fans = dict(zip(("fan_in", "fan_out"), _fans(tensor), strict=True))
    if mode not in fans:
        raise ValueError(f"mode is {mode!r}; expected 'fan_in' or 'fan_out'")
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fans[mode]))


def _uniform_of_std(tensor: Array, std: float, rng: Seed) -> Array:
    bound = math.sqrt(3) * _not_negative("gain", std)
    return uniform_(tensor, -bound, bound, rng=rng)


def _fans(tensor: Array) -> tuple[int, int]:
    """How many inputs an output has, and how many outputs an input goes to."""
    _check(tensor)
    if tensor.ndim < 2:
        raise ValueError(f"tensor has shape {tensor.shape}; expected at least 2 axes")
    outputs, inputs, *kernel = tensor.shape
    return inputs * math.prod(kernel), outputs * math.prod(kernel)


def _check(tensor: Array) -> None:
    if not isinstance(tensor, np.ndarray):
        raise TypeError(f"tensor is a {type(tensor).__name__}; expected an ndarray")
    if tensor.dtype.kind != "f":
        raise TypeError(f"tensor has dtype {tensor.dtype}; expected a floating one")
    if not tensor.flags.writeable:
        raise ValueError("tensor is read-only; expected it writeable")


def _generator(rng: Seed) -> np.random.Generator:
    return np.random.default_rng(rng)


def _not_negative(name: str, value: float) -> float:
    if not 0 <= number(name, value) < math.inf:
        raise ValueError(f"{name} is {value}; expected a finite number, at least 0")
    return value


def _write(tensor: Array, values: Array) -> Array:
    with np.errstate(all="ignore"):
        tensor[...] = values
    return tensor
