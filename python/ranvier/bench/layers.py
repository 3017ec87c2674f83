"""Normalisation, a forward and a backward pass in train mode, against PyTorch's modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import ranvier as rv

from .timing import Row, Run, Scope, check, interleave

__all__ = ["rows"]

_SHAPES = ((32, 64), (128, 256), (256, 512), (4096, 1024))
_FEW_SHAPES = ((32, 64), (256, 512))
_LAYERS = ("LayerNorm", "RMSNorm", "BatchNorm1d")

Gradients = Callable[[], Any]


def rows(scope: Scope) -> Iterator[Row]:
    """Every layer at several shapes of a batch; torch is the only peer."""
    for name in _LAYERS:
        for shape in scope.choose(_FEW_SHAPES, _SHAPES):
            rng = np.random.default_rng(0)
            x, g = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
            step, gradients = _ranvier(name, x, g)
            runs = {"ranvier": step}
            if "torch" in scope.peers:
                runs["torch"], torch_gradients = _torch(name, x, g)
                for got, expected in zip(runs["torch"](), step(), strict=True):
                    check(f"{name} (torch)", got, expected, 1e-3, atol=1e-4)
                for got, expected in zip(torch_gradients(), gradients(), strict=True):
                    check(f"{name}, gradients (torch)", got, expected, 1e-3, atol=1e-3)
            size = " x ".join(f"{n:,}" for n in shape)
            yield Row(name, size, interleave(runs, scope.seconds))


def _ranvier(name: str, x: Any, g: Any) -> tuple[Run, Gradients]:
    layer = getattr(rv.nn, name)(x.shape[1])
    return lambda: (layer(x), layer.backward(g)), layer.gradients


def _torch(name: str, x: Any, g: Any) -> tuple[Run, Gradients]:
    import torch

    layer = getattr(torch.nn, name)(x.shape[1])
    leaf, given = torch.from_numpy(x).requires_grad_(), torch.from_numpy(g)
    parameters = list(layer.parameters())

    def step() -> Any:
        output = layer(leaf)
        leaf.grad = None
        for parameter in parameters:
            parameter.grad = None
        output.backward(given)
        return output.detach(), leaf.grad

    return step, lambda: [parameter.grad for parameter in parameters]
