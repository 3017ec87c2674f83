"""Activations, value and vector-Jacobian product, against PyTorch, SciPy and JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

import ranvier as rv

from .timing import Row, check, interleave

SIZES = (16, 1_000, 32_768, 1_000_000, 10_000_000)

_aten = torch.ops.aten


@dataclass(frozen=True)
class Peer:
    """What the peers call it. torch's backward kernels take (g, x), or (g, y) where from_output."""

    value: Callable[[Any], Any]
    backward: Callable[[Any, Any], Any]
    from_output: bool = False
    scipy: str | None = None
    jax: str | None = None
    jax_options: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[float, ...] = ()
    rtol: float = 1e-4


def _autograd(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """For what torch has no single backward kernel: its autograd, forward pass and all."""

    def backward(g: Any, x: Any) -> Any:
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(function(leaf), leaf, g)[0]

    return backward


def _composed(function: Callable[[Any], Any], **options: Any) -> Peer:
    return Peer(function, _autograd(function), **options)


PEERS: dict[str, Peer] = {
    "relu": Peer(torch.relu, lambda g, y: _aten.threshold_backward(g, y, 0), True, jax="relu"),
    "relu6": Peer(F.relu6, lambda g, y: _aten.hardtanh_backward(g, y, 0, 6), True, jax="relu6"),
    "leaky_relu": Peer(
        F.leaky_relu,
        lambda g, x: _aten.leaky_relu_backward(g, x, 0.01, False),
        jax="leaky_relu",
    ),
    "prelu": Peer(
        lambda x: F.leaky_relu(x, 0.25),
        lambda g, x: _aten.leaky_relu_backward(g, x, 0.25, False),
        parameters=(0.25,),
    ),
    "threshold": Peer(
        lambda x: F.threshold(x, 0.25, 0.5),
        lambda g, x: _aten.threshold_backward(g, x, 0.25),
        parameters=(0.25, 0.5),
    ),
    "hardtanh": Peer(F.hardtanh, lambda g, y: _aten.hardtanh_backward(g, y, -1, 1), True),
    "hardsigmoid": Peer(F.hardsigmoid, _aten.hardsigmoid_backward, jax="hard_sigmoid"),
    "hardswish": Peer(F.hardswish, _aten.hardswish_backward, jax="hard_swish"),
    "hardshrink": Peer(F.hardshrink, lambda g, x: _aten.hardshrink_backward(g, x, 0.5)),
    "softshrink": Peer(F.softshrink, lambda g, x: _aten.softshrink_backward(g, x, 0.5)),
    "sparse_plus": _composed(
        lambda x: torch.where(x > 1, x, (x.clamp(-1, 1) + 1).square() / 4), jax="sparse_plus"
    ),
    "sparse_sigmoid": _composed(lambda x: (x.clamp(-1, 1) + 1) / 2, jax="sparse_sigmoid"),
    "softsign": _composed(F.softsign, jax="soft_sign"),
    "squareplus": _composed(lambda x: (x + (x * x + 4).sqrt()) / 2, jax="squareplus"),
    "elu": Peer(F.elu, lambda g, y: _aten.elu_backward(g, 1, 1, 1, True, y), True, jax="elu"),
    "celu": Peer(F.celu, lambda g, y: _aten.elu_backward(g, 1, 1, 1, True, y), True, jax="celu"),
    "selu": Peer(
        F.selu,
        lambda g, y: _aten.elu_backward(g, 1.6732632423543772, 1.0507009873554805, 1, True, y),
        True,
        jax="selu",
    ),
    "gaussian": _composed(lambda x: torch.exp(-x * x)),
    "gelu": Peer(F.gelu, _aten.gelu_backward, jax="gelu", jax_options={"approximate": False}),
    "sigmoid": Peer(torch.sigmoid, _aten.sigmoid_backward, True, scipy="expit", jax="sigmoid"),
    "logsigmoid": _composed(F.logsigmoid, scipy="log_expit", jax="log_sigmoid"),
    "softplus": Peer(F.softplus, lambda g, x: _aten.softplus_backward(g, x, 1, 20), jax="softplus"),
    "tanh": Peer(torch.tanh, _aten.tanh_backward, True, jax="tanh"),
    "tanhshrink": _composed(F.tanhshrink),
    "silu": Peer(F.silu, _aten.silu_backward, jax="silu"),
    "swish": Peer(F.silu, _aten.silu_backward, jax="silu"),
    "quick_gelu": _composed(lambda x: x * torch.sigmoid(1.702 * x)),
    "gelu_tanh": Peer(
        lambda x: F.gelu(x, approximate="tanh"),
        lambda g, x: _aten.gelu_backward(g, x, approximate="tanh"),
        jax="gelu",
    ),
    "mish": Peer(F.mish, _aten.mish_backward, jax="mish"),
}


def rows(everyone: bool) -> Iterator[Row]:
    """Every activation at every size; with `everyone`, SciPy and JAX beside torch."""
    for name, peer in PEERS.items():
        for n in SIZES:
            rng = np.random.default_rng(0)
            x = 2 * rng.standard_normal(n, dtype=np.float32)
            g = rng.standard_normal(n, dtype=np.float32)
            yield _value(name, peer, x, everyone)
            yield _vjp(name, peer, g, x)


def _value(name: str, peer: Peer, x: np.ndarray, everyone: bool) -> Row:
    function = getattr(rv, name)
    tensor = torch.from_numpy(x)
    runs: dict[str, Callable[[], Any]] = {
        "ranvier": lambda: function(x, *peer.parameters),
        "torch": lambda: peer.value(tensor),
    }
    if everyone and peer.scipy:
        import scipy.special

        scipy_function = getattr(scipy.special, peer.scipy)
        runs["scipy"] = lambda: scipy_function(x)
    if everyone and peer.jax:
        import jax

        jitted = jax.jit(partial(getattr(jax.nn, peer.jax), **peer.jax_options))
        array = jax.numpy.asarray(x)
        runs["jax"] = lambda: jitted(array).block_until_ready()
    expected = runs["ranvier"]()
    for each, run in runs.items():
        check(f"{name} ({each})", run(), expected, peer.rtol, atol=1e-5)
    return Row(name, f"{x.size:,}", interleave(runs))


def _vjp(name: str, peer: Peer, g: np.ndarray, x: np.ndarray) -> Row:
    if peer.from_output:
        # torch's own backward kernel takes the output as well
        function, operand = getattr(rv.vjp_from_output, name), getattr(rv, name)(x)
    else:
        function, operand = getattr(rv.vjp, name), x
    gradient, tensor = torch.from_numpy(g), torch.from_numpy(operand)
    runs: dict[str, Callable[[], Any]] = {
        "ranvier": lambda: function(g, operand, *peer.parameters),
        "torch": lambda: peer.backward(gradient, tensor),
    }
    check(f"{name} vjp", runs["torch"](), runs["ranvier"](), peer.rtol, atol=1e-5)
    return Row(f"{name} vjp", f"{x.size:,}", interleave(runs))
