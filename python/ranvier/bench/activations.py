"""Activations, value and vector-Jacobian product, against PyTorch, SciPy and JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

import ranvier as rv

from .timing import Row, Run, Scope, check, interleave

__all__ = ["JAX", "JAX_OPTIONS", "PARAMETERS", "SCIPY", "Peer", "in_torch", "rows"]

Floats = npt.NDArray[np.float32]

_SIZES = (16, 1_000, 32_768, 1_000_000, 10_000_000)
_FEW_SIZES = (1_000, 1_000_000)
_FEW = ("relu", "sigmoid", "tanh", "softplus", "gelu", "silu", "mish")

#: Of those that have no defaults.
PARAMETERS: Mapping[str, tuple[float, ...]] = {"prelu": (0.25,), "threshold": (0.25, 0.5)}

#: What scipy.special calls it.
SCIPY = {"sigmoid": "expit", "logsigmoid": "log_expit"}

#: What jax.nn calls it, and with which options it is the same function.
JAX = {
    "relu": "relu",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "sparse_plus": "sparse_plus",
    "sparse_sigmoid": "sparse_sigmoid",
    "softsign": "soft_sign",
    "squareplus": "squareplus",
    "elu": "elu",
    "celu": "celu",
    "selu": "selu",
    "gelu": "gelu",
    "sigmoid": "sigmoid",
    "logsigmoid": "log_sigmoid",
    "softplus": "softplus",
    "tanh": "tanh",
    "silu": "silu",
    "swish": "silu",
    "gelu_tanh": "gelu",
    "mish": "mish",
}
JAX_OPTIONS: Mapping[str, Mapping[str, Any]] = {"gelu": {"approximate": False}}


@dataclass(frozen=True)
class Peer:
    """torch's function; its backward kernel takes (g, x), or (g, y) where from_output."""

    value: Callable[[Any], Any]
    backward: Callable[[Any, Any], Any]
    from_output: bool = False


@cache
def in_torch() -> dict[str, Peer]:
    """What torch calls each; of what it has not, a composition."""
    import torch
    import torch.nn.functional as F

    aten = torch.ops.aten

    def composed(function: Callable[[Any], Any]) -> Peer:
        """For what torch has no single backward kernel: its autograd, forward pass and all."""

        def backward(g: Any, x: Any) -> Any:
            leaf = x.detach().requires_grad_()
            return torch.autograd.grad(function(leaf), leaf, g)[0]

        return Peer(function, backward)

    return {
        "relu": Peer(torch.relu, lambda g, y: aten.threshold_backward(g, y, 0), True),
        "relu6": Peer(F.relu6, lambda g, y: aten.hardtanh_backward(g, y, 0, 6), True),
        "leaky_relu": Peer(
            F.leaky_relu,
            lambda g, x: aten.leaky_relu_backward(g, x, 0.01, False),
        ),
        "prelu": Peer(
            lambda x: F.leaky_relu(x, 0.25),
            lambda g, x: aten.leaky_relu_backward(g, x, 0.25, False),
        ),
        "threshold": Peer(
            lambda x: F.threshold(x, 0.25, 0.5),
            lambda g, x: aten.threshold_backward(g, x, 0.25),
        ),
        "hardtanh": Peer(F.hardtanh, lambda g, y: aten.hardtanh_backward(g, y, -1, 1), True),
        "hardsigmoid": Peer(F.hardsigmoid, aten.hardsigmoid_backward),
        "hardswish": Peer(F.hardswish, aten.hardswish_backward),
        "hardshrink": Peer(F.hardshrink, lambda g, x: aten.hardshrink_backward(g, x, 0.5)),
        "softshrink": Peer(F.softshrink, lambda g, x: aten.softshrink_backward(g, x, 0.5)),
        "sparse_plus": composed(lambda x: torch.where(x > 1, x, (x.clamp(-1, 1) + 1).square() / 4)),
        "sparse_sigmoid": composed(lambda x: (x.clamp(-1, 1) + 1) / 2),
        "softsign": composed(F.softsign),
        "squareplus": composed(lambda x: (x + (x * x + 4).sqrt()) / 2),
        "elu": Peer(F.elu, lambda g, y: aten.elu_backward(g, 1, 1, 1, True, y), True),
        "celu": Peer(F.celu, lambda g, y: aten.elu_backward(g, 1, 1, 1, True, y), True),
        "selu": Peer(
            F.selu,
            lambda g, y: aten.elu_backward(g, 1.6732632423543772, 1.0507009873554805, 1, True, y),
            True,
        ),
        "gaussian": composed(lambda x: torch.exp(-x * x)),
        "gelu": Peer(F.gelu, aten.gelu_backward),
        "sigmoid": Peer(torch.sigmoid, aten.sigmoid_backward, True),
        "logsigmoid": composed(F.logsigmoid),
        "softplus": Peer(F.softplus, lambda g, x: aten.softplus_backward(g, x, 1, 20)),
        "tanh": Peer(torch.tanh, aten.tanh_backward, True),
        "tanhshrink": composed(F.tanhshrink),
        "silu": Peer(F.silu, aten.silu_backward),
        "swish": Peer(F.silu, aten.silu_backward),
        "quick_gelu": composed(lambda x: x * torch.sigmoid(1.702 * x)),
        "gelu_tanh": Peer(
            lambda x: F.gelu(x, approximate="tanh"),
            lambda g, x: aten.gelu_backward(g, x, approximate="tanh"),
        ),
        "mish": Peer(F.mish, aten.mish_backward),
    }


def rows(scope: Scope) -> Iterator[Row]:
    """Activations, each at several sizes."""
    names = scope.choose(_FEW, [record.name for record in rv.registry()])
    for name in names:
        for n in scope.choose(_FEW_SIZES, _SIZES):
            rng = np.random.default_rng(0)
            x = 2 * rng.standard_normal(n, dtype=np.float32)
            g = rng.standard_normal(n, dtype=np.float32)
            yield _value(name, x, scope)
            yield _vjp(name, g, x, scope)


def _value(name: str, x: Floats, scope: Scope) -> Row:
    function, parameters = getattr(rv, name), PARAMETERS.get(name, ())
    runs: dict[str, Run] = {"ranvier": lambda: function(x, *parameters)}
    if "torch" in scope.peers:
        import torch

        peer, tensor = in_torch()[name], torch.from_numpy(x)
        runs["torch"] = lambda: peer.value(tensor)
    if "scipy" in scope.peers and name in SCIPY:
        import scipy.special

        scipy_function = getattr(scipy.special, SCIPY[name])
        runs["scipy"] = lambda: scipy_function(x)
    if "jax" in scope.peers and name in JAX:
        import jax

        jitted = jax.jit(partial(getattr(jax.nn, JAX[name]), **JAX_OPTIONS.get(name, {})))
        array = jax.numpy.asarray(x)
        runs["jax"] = lambda: jitted(array).block_until_ready()
    expected = runs["ranvier"]()
    for each, run in runs.items():
        check(f"{name} ({each})", run(), expected, 1e-4, atol=1e-5)
    return Row(name, f"{x.size:,}", interleave(runs, scope.seconds))


def _vjp(name: str, g: Floats, x: Floats, scope: Scope) -> Row:
    function, operand = getattr(rv.vjp, name), x
    parameters = PARAMETERS.get(name, ())
    runs: dict[str, Run] = {"ranvier": lambda: function(g, operand, *parameters)}
    if "torch" in scope.peers:
        import torch

        peer = in_torch()[name]
        if peer.from_output:
            # torch's own backward kernel takes the output as well.
            function, operand = getattr(rv.vjp_from_output, name), getattr(rv, name)(x)
        gradient, tensor = torch.from_numpy(g), torch.from_numpy(operand)
        runs["torch"] = lambda: peer.backward(gradient, tensor)
        check(f"{name} vjp (torch)", runs["torch"](), runs["ranvier"](), 1e-4, atol=1e-5)
    return Row(f"{name} vjp", f"{x.size:,}", interleave(runs, scope.seconds))
