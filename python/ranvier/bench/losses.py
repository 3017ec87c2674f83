"""Losses with their gradients against PyTorch's forward and backward pass."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

import ranvier as rv
from ranvier.losses._uses import every_loss

from .timing import Row, Run, Scope, check, interleave

__all__ = ["rows"]

Array = npt.NDArray[Any]

_SHAPES = ((100, 10), (1000, 100), (1000, 1000))
_FEW_SHAPES = ((100, 10), (1000, 1000))
_LOGITS = ((128, 10), (1024, 1000), (256, 50257))
_FEW_LOGITS = _LOGITS[:2]


def _inputs(shape: tuple[int, int]) -> dict[str, tuple[int, tuple[Array, ...]]]:
    """By loss of torch: how many of the inputs have a gradient, and the inputs in torch's order."""
    rng = np.random.default_rng(0)

    def made(kind: str) -> Array:
        x = rng.standard_normal(shape, dtype=np.float32)
        shares = rng.uniform(0.01, 0.99, shape).astype(np.float32)
        signs = np.where(x > 0, 1, -1).astype(np.float32)
        of_kind: dict[str, Array] = {
            "logarithms": rv.log_softmax(x),
            "signs": signs,
            "sign": signs[:, 0].copy(),
            "class": rng.integers(0, shape[1], shape[0]),
            "classes": np.where(signs > 0, rng.permutation(shape[1]), -1),
            **dict.fromkeys(("probabilities", "shares", "variances", "counts"), shares),
        }
        return of_kind.get(kind, x)

    result = {}
    for loss in every_loss():
        if not loss.in_torch:
            continue
        row = loss.rows[0]
        kinds = {operand.name: operand.kind for operand in row.operands}
        kinds.setdefault("target", row.labels)
        names = [*inspect.signature(loss).parameters]
        arrays = tuple(made(kinds[name]) for name in names if kinds.get(name))
        result[loss.__name__] = (len(row.graded), arrays)
    return result


def rows(scope: Scope) -> Iterator[Row]:
    """Every loss of torch at several shapes, and the value of cross-entropy alone."""
    for shape in scope.choose(_FEW_SHAPES, _SHAPES):
        size = " x ".join(f"{n:,}" for n in shape)
        for name, (graded, inputs) in _inputs(shape).items():
            own: Run = partial(getattr(rv.losses, name).value_and_grad, *inputs)
            runs = {"ranvier": own}
            if "torch" in scope.peers:
                runs["torch"] = _torch(name, graded, inputs)
                (value, gradient), expected = runs["torch"](), own()
                check(f"{name} (torch)", value.item(), expected[0], 1e-4)
                first = expected[1][0] if isinstance(expected[1], tuple) else expected[1]
                check(f"{name}, gradient (torch)", gradient, first, 1e-3, atol=1e-6)
            yield Row(name, size, interleave(runs, scope.seconds))
    for shape in scope.choose(_FEW_LOGITS, _LOGITS):
        rng = np.random.default_rng(0)
        x = rng.standard_normal(shape, dtype=np.float32)
        labels = rng.integers(0, shape[1], shape[0])
        runs = {"ranvier": partial(rv.losses.cross_entropy, x, labels)}
        if "torch" in scope.peers:
            import torch

            tensors = torch.from_numpy(x), torch.from_numpy(labels)
            runs["torch"] = partial(torch.nn.functional.cross_entropy, *tensors)
            value = runs["torch"]().item()
            check("cross_entropy (torch)", value, runs["ranvier"](), 1e-4)
        size = " x ".join(f"{n:,}" for n in shape)
        yield Row("cross_entropy, value", size, interleave(runs, scope.seconds))


def _torch(name: str, graded: int, inputs: tuple[Array, ...]) -> Run:
    import torch

    peer = getattr(torch.nn.functional, name)
    tensors = [torch.from_numpy(array) for array in inputs]
    for tensor in tensors[:graded]:
        tensor.requires_grad_()

    def step() -> Any:
        for tensor in tensors[:graded]:
            tensor.grad = None
        value = peer(*tensors)
        value.backward()
        return value, tensors[0].grad

    return step
