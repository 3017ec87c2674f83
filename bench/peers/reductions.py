"""Softmax, its logarithm, log-sum-exp and cross-entropy with its gradient, against the peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

import ranvier as rv

from .timing import Row, check, interleave

SHAPES = ((128, 10), (1024, 1000), (256, 50257))


def rows(everyone: bool) -> Iterator[Row]:
    """The softmax family and cross-entropy at every shape."""
    for shape in SHAPES:
        rng = np.random.default_rng(0)
        x = 2 * rng.standard_normal(shape, dtype=np.float32)
        labels = rng.integers(0, shape[1], shape[0])
        size = " x ".join(f"{n:,}" for n in shape)
        for name in ("softmax", "log_softmax", "logsumexp"):
            yield Row(name, size, interleave(_softmax_runs(name, x, everyone)))
        yield Row("cross_entropy and gradient", size, interleave(_cross_entropy_runs(x, labels)))


def _softmax_runs(name: str, x: np.ndarray, everyone: bool) -> dict[str, Callable[[], Any]]:
    function = getattr(rv, name)
    peer = getattr(torch, name)
    tensor = torch.from_numpy(x)
    runs: dict[str, Callable[[], Any]] = {
        "ranvier": lambda: function(x),
        "torch": lambda: peer(tensor, -1),
    }
    if everyone:
        import jax
        import scipy.special

        scipy_function = getattr(scipy.special, name)
        runs["scipy"] = lambda: scipy_function(x, axis=-1)
        jitted = jax.jit(getattr(jax.nn, name), static_argnames="axis")
        array = jax.numpy.asarray(x)
        runs["jax"] = lambda: jitted(array, axis=-1).block_until_ready()
    for each, run in runs.items():
        check(f"{name} ({each})", run(), runs["ranvier"](), 1e-4, atol=1e-6)
    return runs


def _cross_entropy_runs(x: np.ndarray, labels: np.ndarray) -> dict[str, Callable[[], Any]]:
    tensor = torch.from_numpy(x).requires_grad_()
    target = torch.from_numpy(labels)

    def torch_step() -> Any:
        tensor.grad = None
        loss = F.cross_entropy(tensor, target)
        loss.backward()
        return loss

    runs: dict[str, Callable[[], Any]] = {
        "ranvier": lambda: rv.losses.cross_entropy.value_and_grad(x, labels),
        "torch": torch_step,
    }
    value, gradient = runs["ranvier"]()
    check("cross_entropy", torch_step().item(), value, 1e-5)
    check("cross_entropy gradient", tensor.grad, gradient, 1e-4, atol=1e-8)
    return runs
