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
LARGE = 10_000_000
TENSORS: dict[str, tuple[tuple[int, ...], ...]] = {
    "1,000 in 1": ((1_000,),),
    "235,146 in 6": NETWORK,
    "10,000,000 in 1": ((LARGE,),),
    "100,000 in 1,000": ((100,),) * 1_000,
}

# Options, and how many arrays of the parameter's size a step has to read and to write at least.
RULES: dict[str, tuple[dict[str, Any], int]] = {
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
MODES: dict[str, dict[str, bool]] = {
    "torch": {"foreach": False},
    "torch foreach": {"foreach": True},
    "torch fused": {"fused": True},
}
FUSED = ("SGD", "Adagrad", "Adam", "AdamW")


def rows(everyone: bool) -> Iterator[Row]:
    """Every rule over every list of tensors; the large one with the share of the bandwidth."""
    del everyone  # the other peers have no in-place step on arrays
    for rule, (options, arrays) in RULES.items():
        for size, shapes in TENSORS.items():
            runs = _runs(rule, options, shapes)
            large = shapes == TENSORS["10,000,000 in 1"]
            times = interleave({**runs, **(_bandwidth() if large else {})})
            if large:
                copied = times.pop("b += a") / 3  # microseconds for 40 MB
                size += f", {arrays * copied / times['ranvier']:.0%} of bandwidth"
            yield Row(f"{rule} step", size, times)


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
    if not hasattr(torch.optim, rule):
        return runs
    for mode, flags in MODES.items():
        if mode == "torch fused" and rule not in FUSED:
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


def _bandwidth() -> dict[str, Callable[[], Any]]:
    """b += a over large arrays: what memory gives, 12 bytes an element."""
    a, b = torch.ones(LARGE), torch.ones(LARGE)
    return {"b += a": lambda: b.add_(a)}
