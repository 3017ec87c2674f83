"""Softmax, its logarithm, log-sum-exp and cross-entropy with its gradient, against the peers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import ranvier as rv

from .timing import Row, Run, Scope, check, interleave

__all__ = ["rows"]

Array = npt.NDArray[Any]

_SHAPES = ((128, 10), (1024, 1000), (256, 50257))
_FEW_SHAPES = _SHAPES[:2]


def rows(scope: Scope) -> Iterator[Row]:
    """The softmax family and cross-entropy at several shapes."""
    for shape in scope.choose(_FEW_SHAPES, _SHAPES):
        rng = np.random.default_rng(0)
        x = 2 * rng.standard_normal(shape, dtype=np.float32)
        labels = rng.integers(0, shape[1], shape[0])
        size = " x ".join(f"{n:,}" for n in shape)
        for name in ("softmax", "log_softmax", "logsumexp"):
            yield Row(name, size, interleave(_softmax_runs(name, x, scope), scope.seconds))
        runs = _cross_entropy_runs(x, labels, scope)
        yield Row("cross_entropy and gradient", size, interleave(runs, scope.seconds))


def _softmax_runs(name: str, x: Array, scope: Scope) -> dict[str, Run]:
    function = getattr(rv, name)
    runs: dict[str, Run] = {"ranvier": lambda: function(x)}
    if "torch" in scope.peers:
        import torch

        peer, tensor = getattr(torch, name), torch.from_numpy(x)
        runs["torch"] = lambda: peer(tensor, -1)
    if "scipy" in scope.peers:
        import scipy.special

        scipy_function = getattr(scipy.special, name)
        runs["scipy"] = lambda: scipy_function(x, axis=-1)
    if "jax" in scope.peers:
        import jax

        jitted = jax.jit(getattr(jax.nn, name), static_argnames="axis")
        array = jax.numpy.asarray(x)
        runs["jax"] = lambda: jitted(array, axis=-1).block_until_ready()
    for each, run in runs.items():
        check(f"{name} ({each})", run(), runs["ranvier"](), 1e-4, atol=1e-6)
    return runs


def _cross_entropy_runs(x: Array, labels: Array, scope: Scope) -> dict[str, Run]:
    runs: dict[str, Run] = {"ranvier": lambda: rv.losses.cross_entropy.value_and_grad(x, labels)}
    if "torch" in scope.peers:
        import torch

        tensor, target = torch.from_numpy(x).requires_grad_(), torch.from_numpy(labels)

        def torch_step() -> Any:
            tensor.grad = None
            loss = torch.nn.functional.cross_entropy(tensor, target)
            loss.backward()
            return loss

        runs["torch"] = torch_step
        value, gradient = runs["ranvier"]()
        check("cross_entropy (torch)", torch_step().item(), value, 1e-5)
        check("cross_entropy gradient (torch)", tensor.grad, gradient, 1e-4, atol=1e-8)
    return runs
