"""One optimizer step over a list of tensors, against torch's loop, foreach and fused modes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import ranvier as rv

from .timing import Row, Run, Scope, check, interleave

__all__ = ["rows"]

# 235,146 parameters: those of a 784-256-128-10 network.
_NETWORK = ((256, 784), (256,), (128, 256), (128,), (10, 128), (10,))
_LARGE = 10_000_000
_LARGE_TENSOR = "10,000,000 in 1"
_TENSORS: dict[str, tuple[tuple[int, ...], ...]] = {
    "1,000 in 1": ((1_000,),),
    "235,146 in 6": _NETWORK,
    _LARGE_TENSOR: ((_LARGE,),),
    "100,000 in 1,000": ((100,),) * 1_000,
}
_FEW_TENSORS = ("235,146 in 6", "100,000 in 1,000")

# Options, and how many arrays of the parameter's size a step has to read and to write at least.
_RULES: dict[str, tuple[dict[str, Any], int]] = {
    "SGD": ({"lr": 1e-3, "momentum": 0.9}, 5),
    "ASGD": ({}, 5),
    "Rprop": ({}, 7),
    "Adagrad": ({}, 5),
    "Adadelta": ({}, 7),
    "RMSprop": ({}, 5),
    "Adam": ({"lr": 1e-3}, 7),
    "AdamW": ({"lr": 1e-3}, 7),
    "Adamax": ({}, 7),
    "NAdam": ({}, 7),
    "RAdam": ({}, 7),
    "Lion": ({}, 5),
    "LAMB": ({}, 10),  # the norms are known only after a pass
}
_FEW = ("SGD", "Adam", "AdamW")
_MODES: dict[str, dict[str, bool]] = {
    "torch": {"foreach": False},
    "torch foreach": {"foreach": True},
    "torch fused": {"fused": True},
}
_FUSED = ("SGD", "Adagrad", "Adam", "AdamW")


def rows(scope: Scope) -> Iterator[Row]:
    """Rules over several lists of tensors; the large one with the share of the bandwidth."""
    for rule in scope.choose(_FEW, tuple(_RULES)):
        options, arrays = _RULES[rule]
        for size in scope.choose(_FEW_TENSORS, tuple(_TENSORS)):
            runs = _runs(rule, options, _TENSORS[size], scope)
            large = size == _LARGE_TENSOR
            times = interleave({**runs, **(_bandwidth() if large else {})}, scope.seconds)
            if large:
                copied = times.pop("b += a") / 3  # microseconds for 40 MB
                size += f", {arrays * copied / times['ranvier']:.0%} of bandwidth"
            yield Row(f"{rule} step", size, times)


def _runs(
    rule: str, options: dict[str, Any], shapes: tuple[tuple[int, ...], ...], scope: Scope
) -> dict[str, Run]:
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    grads = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]

    params = [p.copy() for p in start]
    optimizer = getattr(rv.optim, rule)(params, **options)
    optimizer.step(grads)
    runs: dict[str, Run] = {"ranvier": lambda: optimizer.step(grads)}
    if "torch" not in scope.peers:
        return runs
    import torch

    if not hasattr(torch.optim, rule):
        return runs
    for mode, flags in _MODES.items():
        if mode == "torch fused" and rule not in _FUSED:
            continue
        tensors = [torch.from_numpy(p.copy()) for p in start]
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.from_numpy(grad.copy())
        peer = getattr(torch.optim, rule)(tensors, **options, **flags)
        peer.step()
        for ours, theirs in zip(params, tensors, strict=True):
            check(f"{rule} ({mode})", theirs, ours, 1e-5, atol=1e-6)
        runs[mode] = peer.step
    return runs


def _bandwidth() -> dict[str, Run]:
    """b += a over large arrays: what memory gives, 12 bytes an element."""
    a, b = np.ones((2, _LARGE), np.float32)
    return {"b += a": partial(np.add, a, b, out=b)}
