"""One optimizer step over a list of tensors, against torch's loop, foreach and fused modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import ranvier as rv

from .timing import Row, check, interleave

# 235,146 parameters: those of a 784-256-128-10 network.
NETWORK = ((256, 784), (256,), (128, 256), (128,), (10, 128), (10,))
TENSORS: dict[str, tuple[tuple[int, ...], ...]] = {
    "1,000 in 1": ((1_000,),),
    "235,146 in 6": NETWORK,
    "10,000,000 in 1": ((10_000_000,),),
    "100,000 in 1,000": ((100,),) * 1_000,
}

RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 1e-3, "momentum": 0.9}),
    "adam": ("Adam", {"lr": 1e-3}),
}
_MODES = {
    "torch": {"foreach": False},
    "torch foreach": {"foreach": True},
    "torch fused": {"fused": True},
}


def rows(everyone: bool) -> Iterator[Row]:
    """Every rule over every list of tensors."""
    del everyone  # the other peers have no in-place step on arrays
    for name, (rule, options) in RULES.items():
        for size, shapes in TENSORS.items():
            yield Row(f"{name} step", size, interleave(_runs(rule, options, shapes)))
    yield _bandwidth()


def _runs(
    rule: str, options: dict[str, Any], shapes: tuple[tuple[int, ...], ...]
) -> dict[str, Callable[[], Any]]:
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    grads = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]

    params = [p.copy() for p in start]
    optimizer = getattr(rv.optim, rule)(params, **options)
    optimizer.step(grads)
    runs: dict[str, Callable[[], Any]] = {"ranvier": lambda: optimizer.step(grads)}
    for mode, flags in _MODES.items():
        tensors = [torch.from_numpy(p.copy()) for p in start]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.from_numpy(grad.copy())
        peer = getattr(torch.optim, rule)(tensors, **options, **flags)
        peer.step()
        for ours, theirs in zip(params, tensors, strict=True):
            check(f"{rule} ({mode})", theirs, ours, 1e-5, atol=1e-7)
        runs[mode] = peer.step
    return runs


def _bandwidth() -> Row:
    """b += a over large arrays: what memory gives, 12 bytes an element."""
    a = np.ones(10_000_000, np.float32)
    b = np.ones(10_000_000, np.float32)
    tensor_a, tensor_b = torch.from_numpy(a), torch.from_numpy(b)
    runs = {"numpy": lambda: np.add(b, a, out=b), "torch": lambda: tensor_b.add_(tensor_a)}
    return Row("b += a (120 MB)", "10,000,000", interleave(runs))
