"""A call of everything that computes, by name; those of an optimizer or a layer keep its state."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

import ranvier as rv
from isa_outputs import OPTIMIZERS
from operations import operations
from ranvier import losses, nn, optim
from ranvier._native import _core
from test_losses import CASES, cast

Calls = dict[str, Callable[[], list[Any]]]

COLUMNS = 12


def calls(rows: int, dtype: Any = np.float32) -> Calls:
    """On arrays of so many rows; each returns arrays and numbers."""
    x = np.random.default_rng(0).standard_normal((rows, COLUMNS)).astype(dtype)
    return {
        **_functions(x),
        **_rows(x),
        **_losses(rows, dtype),
        **_optimizers(x),
        **_layers(x),
    }


def digest(rows: int = 3000) -> str:
    """Of all results."""
    sha = hashlib.sha256()
    for name, call in calls(rows).items():
        sha.update(name.encode())
        for result in call():
            sha.update(np.asarray(result).tobytes())
    return sha.hexdigest()


def same(a: list[Any], b: list[Any]) -> bool:
    """Bit for bit."""
    pairs = zip(a, b, strict=True)
    return all(np.asarray(one).tobytes() == np.asarray(other).tobytes() for one, other in pairs)


def _functions(x: Any) -> Calls:
    g = x[::-1]
    found: Calls = {}
    for operation in operations():
        found[str(operation)] = lambda o=operation: [o(*[g] * (o.arrays - 1), x)]
    for name in rv.gates.__all__:
        found[name] = lambda name=name: [getattr(rv, name)(x)]
        found[f"vjp.{name}"] = lambda name=name: [getattr(rv.vjp, name)(g[:, : COLUMNS // 2], x)]
    found["maxout"] = lambda: [rv.maxout(x, 3)]
    found["vjp.maxout"] = lambda: [rv.vjp.maxout(g[:, : COLUMNS // 3], x, 3)]
    return found


def _rows(x: Any) -> Calls:
    y = rv.softmax(x)
    z = rv.log_softmax(x)
    mask = x > -1
    factor = np.ascontiguousarray(x[:COLUMNS].T)
    indices = np.arange(len(x))[::-1].copy()

    def product() -> list[Any]:
        out = np.empty((len(x), factor.shape[1]), x.dtype)
        _core.product(x, factor, out)
        return [out]

    def take_rows() -> list[Any]:
        out = np.empty_like(x)
        _core.take_rows(x, indices, out)
        return [out]

    return {
        **{
            f"{name} {kind}": lambda name=name, o=options: [getattr(rv, name)(x, **o)]
            for name in ("softmax", "log_softmax", "softmin", "logsumexp")
            for kind, options in {
                "": {},
                "masked": {"mask": mask},
                "of columns": {"axis": 0},
            }.items()
        },
        "vjp.softmax": lambda: [rv.vjp.softmax(x, y)],
        "vjp.log_softmax": lambda: [rv.vjp.log_softmax(x, z)],
        "entropy": lambda: [rv.info.entropy(y)],
        "kl_divergence": lambda: [rv.info.kl_divergence(y, y[::-1])],
        "product": product,
        "take_rows": take_rows,
    }


def _losses(rows: int, dtype: Any) -> Calls:
    found: Calls = {}
    for case in CASES:
        arrays = [np.resize(array, (rows, *array.shape[1:])) for array in cast(case, dtype)]
        for reduction in ("mean", "none"):
            found[f"{case} {reduction}"] = lambda c=case, a=arrays, r=reduction: [
                c.function(*a, reduction=r, **c.options)
            ]
        found[f"{case} value_and_grad"] = lambda c=case, a=arrays: _flat(
            c.function.value_and_grad(*a, **c.options)
        )
    scores = np.random.default_rng(1).standard_normal((rows, COLUMNS)).astype(dtype)
    labels = np.arange(rows) % COLUMNS
    for smoothing in (0.0, 0.1):
        found[f"cross_entropy {smoothing}"] = lambda s=smoothing: _flat(
            losses.cross_entropy.value_and_grad(scores, labels, label_smoothing=s)
        )
    return found


def _flat(pair: tuple[Any, Any]) -> list[Any]:
    value, gradient = pair
    return [value, *(gradient if isinstance(gradient, tuple) else (gradient,))]


def _optimizers(x: Any) -> Calls:
    found: Calls = {}
    for name, options in OPTIMIZERS.items():
        parameter = x.copy()
        rule = getattr(optim, name)([parameter], lr=1e-3, **options)

        def step(rule: Any = rule, parameter: Any = parameter) -> list[Any]:
            rule.step([x], max_norm=1.0)
            return [parameter]

        found[name] = step
    average, clipped = x.copy(), x.copy()

    def clip() -> list[Any]:
        return [optim.clip_grad_norm([clipped], 1.0), clipped]

    def ema() -> list[Any]:
        optim.ema([average], [x], 0.9)
        return [average]

    return {**found, "clip_grad_norm": clip, "ema": ema}


def layers(dtype: Any = np.float32) -> dict[str, nn.Module]:
    """Of each kind one, for rows of COLUMNS numbers."""
    options: dict[str, Any] = {"dtype": dtype}
    wide, half = COLUMNS, COLUMNS // 2

    def linear(columns: int, seed: int) -> nn.Linear:
        return nn.Linear(wide, columns, rng=seed, **options)

    return {
        "Sequential": nn.Sequential(linear(wide, 0), nn.GELU(), linear(half, 1), nn.ReLU()),
        "Residual": nn.Residual(linear(wide, 2)),
        "Concat": nn.Concat(linear(half, 3), nn.Tanh()),
        "SwiGLU": nn.SwiGLU(),
        "Maxout layer": nn.Maxout(wide, half, rng=7, **options),
        "Softmax": nn.Softmax(dim=-1),
        "RBF": nn.RBF(wide, half, rng=4, **options),
        "PReLU": nn.PReLU(**options),
        "Dropout": nn.Dropout(0.5, rng=5),
        "LayerNorm": nn.LayerNorm(wide, **options),
        "RMSNorm": nn.RMSNorm(wide, **options),
        "BatchNorm1d": nn.BatchNorm1d(wide, **options),
    }


def _layers(x: Any) -> Calls:
    def passes(layer: nn.Module) -> Callable[[], list[Any]]:
        def both() -> list[Any]:
            y = layer(x)
            return [y, layer.backward(np.ones_like(y)), *layer.gradients()]

        return both

    table = nn.Embedding(COLUMNS, 5, rng=6, dtype=x.dtype)
    numbers = np.arange(len(x)) % COLUMNS

    def embedding() -> list[Any]:
        y = table(numbers)
        table.backward(np.ones_like(y))
        return [y, *table.gradients()]

    return {
        **{name: passes(layer) for name, layer in layers(x.dtype).items()},
        "Embedding": embedding,
    }
