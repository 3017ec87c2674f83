"""Normalisation, a forward and a backward pass in train mode, against PyTorch's modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from ranvier import nn

from .timing import Row, check, interleave

SHAPES = ((32, 64), (128, 256), (256, 512), (4096, 1024))
LAYERS: dict[str, tuple[Callable[[int], nn.Module], Callable[[int], torch.nn.Module]]] = {
    "LayerNorm": (nn.LayerNorm, torch.nn.LayerNorm),
    "RMSNorm": (nn.RMSNorm, torch.nn.RMSNorm),
    "BatchNorm1d": (nn.BatchNorm1d, torch.nn.BatchNorm1d),
}


def rows(everyone: bool) -> Iterator[Row]:
    """Every layer at every shape of a batch; torch is the only peer."""
    for name, (own, peer) in LAYERS.items():
        for shape in SHAPES:
            rng = np.random.default_rng(0)
            x, g = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
            step, gradients = _ranvier(own(shape[1]), x, g)
            torch_step, torch_gradients = _torch(peer(shape[1]), x, g)
            for got, expected in zip(step(), torch_step(), strict=True):
                check(name, got, expected, 1e-3, atol=1e-4)
            for got, expected in zip(gradients(), torch_gradients(), strict=True):
                check(f"{name}, gradients", got, expected, 1e-3, atol=1e-3)
            size = " x ".join(f"{n:,}" for n in shape)
            yield Row(name, size, interleave({"ranvier": step, "torch": torch_step}))


def _ranvier(layer: nn.Module, x: Any, g: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    return lambda: (layer(x), layer.backward(g)), layer.gradients


def _torch(layer: torch.nn.Module, x: Any, g: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
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
