"""Activations, value and vector-Jacobian product, against PyTorch, SciPy and JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    rtol: float = 1e-4


PEERS: dict[str, Peer] = {
    "relu": Peer(torch.relu, lambda g, y: _aten.threshold_backward(g, y, 0), True, jax="relu"),
    "leaky_relu": Peer(
        F.leaky_relu,
        lambda g, x: _aten.leaky_relu_backward(g, x, 0.01, False),
        jax="leaky_relu",
    ),
    "sigmoid": Peer(torch.sigmoid, _aten.sigmoid_backward, True, scipy="expit", jax="sigmoid"),
    "tanh": Peer(torch.tanh, _aten.tanh_backward, True, jax="tanh"),
    "silu": Peer(F.silu, _aten.silu_backward, jax="silu"),
    "gelu": Peer(F.gelu, _aten.gelu_backward, jax="gelu"),
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
        "ranvier": lambda: function(x),
        "torch": lambda: peer.value(tensor),
    }
    if everyone and peer.scipy:
        import scipy.special

        scipy_function = getattr(scipy.special, peer.scipy)
        runs["scipy"] = lambda: scipy_function(x)
    if everyone and peer.jax:
        import jax

        options = {"approximate": False} if name == "gelu" else {}
        jitted = jax.jit(partial(getattr(jax.nn, peer.jax), **options))
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
        "ranvier": lambda: function(g, operand),
        "torch": lambda: peer.backward(gradient, tensor),
    }
    check(f"{name} vjp", runs["torch"](), runs["ranvier"](), peer.rtol, atol=1e-5)
    return Row(f"{name} vjp", f"{x.size:,}", interleave(runs))
