"""Gradients against central differences."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import number
from ..losses import Loss
from ._quiet import quiet
from ._workspace import Array
from .module import Module

__all__ = ["GradcheckError", "gradcheck"]


class GradcheckError(RuntimeError):
    """A gradient is not what central differences give."""


def gradcheck(
    function: Module | Loss | functools.partial[Any],
    inputs: npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    rng: int | np.random.Generator | None = 0,
    **options: Any,
) -> float:
    """Compare gradients with central differences, in float64.

    Of a module, what `backward` returns for the input and writes for every parameter, in the mode
    it is in; of a loss, what `value_and_grad` returns.

    Parameters
    ----------
    function : Module, or one of ranvier.losses, or a functools.partial of a loss
        A module is copied and the copy made float64; the module itself remains as it is. One that
        draws random numbers draws the same ones for every difference.
    inputs : array_like, or a tuple of them
        The input of the module, or the arrays of the loss, in its order. Floats become float64.
        They should not be where the function has a kink.
    eps : float, default 1e-6
        The step of the differences.
    atol, rtol : float, default 1e-5 and 1e-3
        A gradient may be off its difference d by atol + rtol abs(d).
    raise_exception : bool, default True
        Whether to raise where it is off by more.
    rng : int or numpy.random.Generator, optional
        Draws the direction in which the outputs of a module are weighted, 0 by default.
    **options
        Of the loss.

    Returns
    -------
    float
        The largest relative error, abs(gradient - d) / (abs(d) + atol / rtol): at most rtol where
        all gradients are right, infinite where one is not a number.

    Raises
    ------
    GradcheckError
        If a gradient is off by more, with its place.
    TypeError
        If function is neither a module nor a loss.
    ValueError
        If eps, atol or rtol is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import losses, nn
    >>> model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.LayerNorm(4))
    >>> nn.gradcheck(model, np.linspace(-1, 1, 6).reshape(2, 3)) < 1e-6
    True
    >>> nn.gradcheck(losses.mse_loss, ([1.0, 2.0], [0.5, 3.0]), reduction="sum") < 1e-6
    True
    """
    for name, value in (("eps", eps), ("atol", atol), ("rtol", rtol)):
        if not number(name, value) > 0:
            raise ValueError(f"{name} is {value}; expected a positive number")
    arrays = [_float64(x) for x in (inputs if isinstance(inputs, tuple) else (inputs,))]
    with quiet():
        if isinstance(function, Module):
            if options or len(arrays) != 1:
                raise TypeError(
                    f"inputs has {len(arrays)} arrays and options are {options}; expected one "
                    "array and no option, for a module"
                )
            compared = _of_module(function, arrays[0], np.random.default_rng(rng), eps)
        else:
            compared = _of_loss(function, arrays, options, eps)
        worst, place = _worst(compared, atol / rtol)
    if raise_exception and worst > rtol:
        raise GradcheckError(
            f"{place}: relative error {worst:.3g}; expected at most {rtol:g}, with atol {atol:g}"
        )
    return worst


# A name, the gradient of what it names, and the differences.
_Compared = Iterator[tuple[str, Array, Array]]


def _of_module(module: Module, x: Array, rng: np.random.Generator, eps: float) -> _Compared:
    module = _in_float64(module)
    parts: list[Any] = [part for part in module.modules() if hasattr(part, "random_state")]
    states = [(part, part.random_state()) for part in parts]

    def output() -> Array:
        for part, state in states:
            part.set_random_state(state)
        return module(x)

    direction = rng.normal(size=output().shape)
    gradient = module.backward(direction)
    named = [("the input", x, gradient)] if x.dtype.kind == "f" else []
    gradients = [g.copy() for g in module.gradients()]
    for (name, parameter), g in zip(module.named_parameters(), gradients, strict=True):
        named.append((name, parameter, g))
    for name, at, gradient in named:
        yield name, gradient, _differences(output, at, eps, direction)


def _of_loss(
    loss: Callable[..., Any], arrays: list[Array], options: dict[str, Any], eps: float
) -> _Compared:
    if isinstance(loss, functools.partial):
        if loss.args:
            raise TypeError(f"function is {loss!r}; expected a partial with keywords only")
        yield from _of_loss(loss.func, arrays, {**loss.keywords, **options}, eps)
        return
    if not isinstance(loss, Loss):
        raise TypeError(f"function is {loss!r}; expected a module or a function of ranvier.losses")

    def value() -> Array:
        return np.asarray(loss(*arrays, **options))

    _, gradients = loss.value_and_grad(*arrays, **options)
    if not isinstance(gradients, tuple):
        gradients = (gradients,)
    # A target has no gradient; the inputs before it and after it may have.
    named = dict(zip(inspect.signature(loss).parameters, arrays, strict=False))
    named.pop("target", None)
    for (name, x), gradient in zip(named.items(), gradients, strict=False):
        yield name, gradient, _differences(value, x, eps, np.ones(()))


def _differences(function: Callable[[], Array], x: Array, eps: float, direction: Array) -> Array:
    """Central differences of the sum of function() times direction; x is put back."""
    result = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        at = x[i]
        x[i] = at + eps
        above, step = function(), x[i]
        x[i] = at - eps
        below, step = function(), step - x[i]
        x[i] = at
        result[i] = np.sum((above - below) * direction) / step
    return result


def _worst(compared: _Compared, floor: float) -> tuple[float, str]:
    """The largest relative error and its place; that of NaN is infinite."""
    worst, place = 0.0, ""
    for name, gradient, differences in compared:
        if gradient.shape != differences.shape:
            raise GradcheckError(
                f"the gradient of {name} has shape {gradient.shape}; expected {differences.shape}"
            )
        if not gradient.size:
            continue
        errors = np.asarray(np.abs(gradient - differences) / (np.abs(differences) + floor))
        errors[np.isnan(errors)] = np.inf
        i = np.unravel_index(np.argmax(errors), errors.shape)
        if errors[i] > worst:
            worst = float(errors[i])
            index = [int(k) for k in i]
            place = (
                f"the gradient of {name} at {index} is {gradient[i]:.9g}, central differences "
                f"give {differences[i]:.9g}"
            )
    return worst, place


def _float64(x: npt.ArrayLike) -> Array:
    """A copy, in float64 if it is floating."""
    array = np.array(x)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _in_float64(module: Module) -> Module:
    module = copy.deepcopy(module)
    for part in module.modules():
        for name, array in part._parameters.items():
            part.add_parameter(name, _float64(array))
        for name, array in part._buffers.items():
            part.add_buffer(name, _float64(array))
    return module
