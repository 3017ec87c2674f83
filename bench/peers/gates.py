"""Gates and maxout, value and gradient, against PyTorch: glu is its own, the rest composed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

import ranvier as rv

from .timing import Row, check, interleave

SHAPES = ((1, 32), (32, 64), (128, 1024), (1024, 4096), (2048, 8192))
PIECES = 4

_aten = torch.ops.aten
Gradient = Callable[[Any, Any], Any]


def _autograd(function: Callable[[Any], Any]) -> Gradient:
    """Its autograd, forward pass and all."""

    def backward(g: Any, x: Any) -> Any:
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(function(leaf), leaf, g)[0]

    return backward


def _composed(activation: Callable[[Any], Any]) -> tuple[Callable[[Any], Any], Gradient]:
    def value(x: Any) -> Any:
        a, b = x.chunk(2, -1)
        return a * activation(b)

    return value, _autograd(value)


def _maxout(x: Any) -> Any:
    return x.unflatten(-1, (-1, PIECES)).amax(-1)


def _maxout_with_indices(x: Any) -> Any:
    return x.unflatten(-1, (-1, PIECES)).max(-1)[0]


PEERS: dict[str, tuple[Callable[[Any], Any], Gradient]] = {
    "glu": (F.glu, lambda g, x: _aten.glu_backward(g, x, -1)),
    "swiglu": _composed(F.silu),
    "geglu": _composed(F.gelu),
    "reglu": _composed(torch.relu),
    "bilinear_glu": _composed(lambda b: b),
    "maxout": (_maxout, _autograd(_maxout_with_indices)),
}


def rows(everyone: bool) -> Iterator[Row]:
    """Every gate at every shape of its input; torch is the only peer."""
    for name, (value, gradient) in PEERS.items():
        pieces = (PIECES,) if name == "maxout" else ()
        for shape in SHAPES:
            rng = np.random.default_rng(0)
            x = 2 * rng.standard_normal(shape, dtype=np.float32)
            size = " x ".join(f"{n:,}" for n in shape)
            function, vjp = getattr(rv, name), getattr(rv.vjp, name)
            g = rng.standard_normal(function(x, *pieces).shape, dtype=np.float32)
            tensor, given = torch.from_numpy(x), torch.from_numpy(g)
            # Loops of closures: bound now.
            for label, own, peer in (
                (name, _bound(function, x, *pieces), _bound(value, tensor)),
                (f"{name} vjp", _bound(vjp, g, x, *pieces), _bound(gradient, given, tensor)),
            ):
                check(label, peer(), own(), 1e-4, atol=1e-5)
                yield Row(label, size, interleave({"ranvier": own, "torch": peer}))


def _bound(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: function(*arguments)
