"""Gates and maxout, value and gradient, against PyTorch: glu is its own, the rest composed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np

import ranvier as rv

from .timing import Row, Run, Scope, check, interleave

__all__ = ["in_torch", "rows"]

_SHAPES = ((1, 32), (32, 64), (128, 1024), (1024, 4096), (2048, 8192))
_FEW_SHAPES = ((32, 64), (1024, 4096))
_PIECES = 4

Function = Callable[[Any], Any]
Gradient = Callable[[Any, Any], Any]


@cache
def in_torch() -> dict[str, tuple[Function, Gradient]]:
    """Value and gradient of each."""
    import torch
    import torch.nn.functional as F

    def autograd(function: Function) -> Gradient:
        """Its autograd, forward pass and all."""

        def backward(g: Any, x: Any) -> Any:
            leaf = x.detach().requires_grad_()
            return torch.autograd.grad(function(leaf), leaf, g)[0]

        return backward

    def composed(activation: Function) -> tuple[Function, Gradient]:
        def value(x: Any) -> Any:
            a, b = x.chunk(2, -1)
            return a * activation(b)

        return value, autograd(value)

    def pieces(x: Any) -> Any:
        return x.unflatten(-1, (-1, _PIECES))

    return {
        "glu": (F.glu, lambda g, x: torch.ops.aten.glu_backward(g, x, -1)),
        "swiglu": composed(F.silu),
        "geglu": composed(F.gelu),
        "reglu": composed(torch.relu),
        "bilinear_glu": composed(lambda b: b),
        "maxout": (lambda x: pieces(x).amax(-1), autograd(lambda x: pieces(x).max(-1)[0])),
    }


def rows(scope: Scope) -> Iterator[Row]:
    """Every gate at several shapes of its input; torch is the only peer."""
    for name in (*rv.gates.__all__, "maxout"):
        function = getattr(rv, name)
        pieces = (_PIECES,) if name == "maxout" else ()
        for shape in scope.choose(_FEW_SHAPES, _SHAPES):
            rng = np.random.default_rng(0)
            x = 2 * rng.standard_normal(shape, dtype=np.float32)
            g = rng.standard_normal(function(x, *pieces).shape, dtype=np.float32)
            value: dict[str, Run] = {"ranvier": partial(function, x, *pieces)}
            gradient: dict[str, Run] = {"ranvier": partial(getattr(rv.vjp, name), g, x, *pieces)}
            if "torch" in scope.peers:
                import torch

                tensor, given = torch.from_numpy(x), torch.from_numpy(g)
                value["torch"] = partial(in_torch()[name][0], tensor)
                gradient["torch"] = partial(in_torch()[name][1], given, tensor)
            size = " x ".join(f"{n:,}" for n in shape)
            for label, runs in ((name, value), (f"{name} vjp", gradient)):
                for each, run in runs.items():
                    check(f"{label} ({each})", run(), runs["ranvier"](), 1e-4, atol=1e-5)
                yield Row(label, size, interleave(runs, scope.seconds))
