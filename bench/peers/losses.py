"""Losses with their gradients against PyTorch's forward and backward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ranvier import losses

from .timing import Row, check, interleave

SHAPES = ((100, 10), (1000, 100), (1000, 1000))


def _inputs(shape: tuple[int, int]) -> dict[str, tuple[int, tuple[np.ndarray, ...]]]:
    """By loss: how many of the inputs have a gradient, and the inputs in torch's order."""
    rng = np.random.default_rng(0)
    x, y, z = rng.standard_normal((3, *shape), dtype=np.float32)
    p, q = rng.uniform(0.01, 0.99, (2, *shape)).astype(np.float32)
    signs = np.where(y > 0, 1, -1).astype(np.float32)
    labels = rng.integers(0, shape[1], shape[0])
    logs = torch.log_softmax(torch.from_numpy(x), 1).numpy()
    return {
        "mse_loss": (1, (x, y)),
        "l1_loss": (1, (x, y)),
        "smooth_l1_loss": (1, (x, y)),
        "huber_loss": (1, (x, y)),
        "binary_cross_entropy": (1, (p, q)),
        "binary_cross_entropy_with_logits": (1, (x, q)),
        "kl_div": (1, (logs, q)),
        "poisson_nll_loss": (1, (x, q)),
        "gaussian_nll_loss": (1, (x, y, p)),
        "hinge_embedding_loss": (1, (x, signs)),
        "soft_margin_loss": (1, (x, signs)),
        "margin_ranking_loss": (2, (x, y, signs)),
        "nll_loss": (1, (logs, labels)),
        "multi_margin_loss": (1, (x, labels)),
        "multilabel_soft_margin_loss": (1, (x, (q > 0.5).astype(np.float32))),
        "cosine_embedding_loss": (2, (x, y, signs[:, 0].copy())),
        "triplet_margin_loss": (3, (x, y, z)),
        "cross_entropy": (1, (x, labels)),
    }


def rows(everyone: bool) -> Iterator[Row]:
    """Every loss of torch at every shape, and the value of cross-entropy alone."""
    for shape in SHAPES:
        size = " x ".join(f"{n:,}" for n in shape)
        for name, (graded, inputs) in _inputs(shape).items():
            own, peer = _runs(name, graded, inputs)
            got, expected = own(), peer()
            check(name, expected[0].item(), got[0], 1e-4)
            first = got[1][0] if isinstance(got[1], tuple) else got[1]
            check(f"{name}, gradient", expected[1], first, 1e-3, atol=1e-6)
            yield Row(name, size, interleave({"ranvier": own, "torch": peer}))
    for shape in ((128, 10), (1024, 1000), (256, 50257)):
        rng = np.random.default_rng(0)
        x = rng.standard_normal(shape, dtype=np.float32)
        labels = rng.integers(0, shape[1], shape[0])
        tensors = torch.from_numpy(x), torch.from_numpy(labels)
        runs: dict[str, Callable[[], Any]] = {
            "ranvier": _bound(losses.cross_entropy, x, labels),
            "torch": _bound(F.cross_entropy, *tensors),
        }
        check("cross_entropy", runs["torch"]().item(), runs["ranvier"](), 1e-4)
        yield Row("cross_entropy, value", " x ".join(f"{n:,}" for n in shape), interleave(runs))


def _bound(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: function(*arguments)


def _runs(
    name: str, graded: int, inputs: tuple[np.ndarray, ...]
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    own, peer = getattr(losses, name), getattr(F, name)
    tensors = [torch.from_numpy(array) for array in inputs]
    for tensor in tensors[:graded]:
        tensor.requires_grad_()

    def step() -> Any:
        for tensor in tensors[:graded]:
            tensor.grad = None
        value = peer(*tensors)
        value.backward()
        return value, tensors[0].grad

    return lambda: own.value_and_grad(*inputs), step
