"""Epochs of a classifier on Fashion-MNIST: ranvier, torch, JAX and scikit-learn in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

import ranvier as rv
from ranvier import data, losses, nn, optim

from .timing import Row

CONFIGURATIONS = (((784, 100, 10), 128), ((784, 256, 128, 10), 128), ((784, 256, 128, 10), 32))
LEARNING_RATE = 1e-3
# Seconds until the threads of the contender before, OpenBLAS's for one, have gone to sleep.
_REST = 0.5

Epoch = Callable[[np.ndarray], None]


def rows(everyone: bool) -> Iterator[Row]:
    """Seconds an epoch (in microseconds, as every table), the bare matrix products beside."""
    train, _ = _data()
    for widths, batch in CONFIGURATIONS:
        epochs = contenders(train[0], train[1], widths, batch, everyone)
        times: dict[str, list[float]] = {name: [] for name in epochs}
        rng = np.random.default_rng(0)
        for epoch in epochs.values():
            epoch(rng.permutation(len(train[0]))[: 20 * batch])  # warm up, compile
        for _ in range(5):
            order = rng.permutation(len(train[0]))
            for name, epoch in epochs.items():
                time.sleep(_REST)
                start = time.perf_counter()
                epoch(order)
                times[name].append(time.perf_counter() - start)
        yield Row(
            "-".join(map(str, widths)) + " epoch",
            f"batch {batch}",
            {name: statistics.median(t) * 1e6 for name, t in times.items()},
        )


def _data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    loaded = data.load_fashion_mnist()
    return (loaded.x_train, loaded.y_train), (loaded.x_test, loaded.y_test)


def contenders(
    x: np.ndarray, y: np.ndarray, widths: tuple[int, ...], batch: int, everyone: bool
) -> dict[str, Epoch]:
    """A function that trains one epoch in the given order, for each contender."""
    result = {"ranvier": _ranvier(x, y, widths, batch), "products": _products(x, widths, batch)}
    result["torch fused"] = _torch(x, y, widths, batch)
    if everyone:
        result["jax"] = _jax(x, y, widths, batch)
        result["scikit-learn"] = _sklearn(x, y, widths, batch)
    return result


def _batches(order: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    for start in range(0, len(order) - batch + 1, batch):
        yield order[start : start + batch]


def _ranvier(x: np.ndarray, y: np.ndarray, widths: tuple[int, ...], batch: int) -> Epoch:
    model = _model(widths)
    optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE)
    trainer = rv.Trainer(model, losses.cross_entropy, optimizer, seed=0)

    def epoch(order: np.ndarray) -> None:
        # The trainer shuffles by itself; a subset stands for a shorter epoch.
        n = len(order)
        trainer.fit(x[:n], y[:n], epochs=1, batch_size=batch, progress=False)

    return epoch


def _model(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _products(x: np.ndarray, widths: tuple[int, ...], batch: int) -> Epoch:
    """The matrix products of a step and the gather of its batch, and nothing else."""
    pairs = list(pairwise(widths))
    weights = [np.ones((o, i), np.float32) for i, o in pairs]
    weight_grads = [np.empty_like(w) for w in weights]
    values = [np.zeros((batch, w), np.float32) for w in widths]
    grads = [np.zeros((batch, w), np.float32) for w in widths]

    def epoch(order: np.ndarray) -> None:
        for indices in _batches(order, batch):
            np.take(x, indices, axis=0, out=values[0], mode="clip")
            for k, weight in enumerate(weights):
                np.matmul(values[k], weight.T, out=values[k + 1])
            for k in reversed(range(len(weights))):
                np.matmul(grads[k + 1].T, values[k], out=weight_grads[k])
                if k:
                    np.matmul(grads[k + 1], weights[k], out=grads[k])

    return epoch


def _torch(x: np.ndarray, y: np.ndarray, widths: tuple[int, ...], batch: int) -> Epoch:
    import torch

    layers: list[Any] = []
    for inputs, outputs in pairwise(widths):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))

    def epoch(order: np.ndarray) -> None:
        indices = torch.from_numpy(order)
        for start in range(0, len(order) - batch + 1, batch):
            chosen = indices[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(model(inputs[chosen]), targets[chosen])
            loss.backward()
            optimizer.step()

    return epoch


def _jax(x: np.ndarray, y: np.ndarray, widths: tuple[int, ...], batch: int) -> Epoch:
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    params = [
        (rng.uniform(-1, 1, (i, o)).astype(np.float32) / i**0.5, np.zeros(o, np.float32))
        for i, o in pairwise(widths)
    ]

    def loss(params: Any, inputs: Any, targets: Any) -> Any:
        for weight, bias in params[:-1]:
            inputs = jax.nn.relu(inputs @ weight + bias)
        logits = inputs @ params[-1][0] + params[-1][1]
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[:, None], axis=1)
        return -chosen.mean()

    def step(state: Any, inputs: Any, targets: Any) -> Any:
        params, m, v, t = state
        grads = jax.grad(loss)(params, inputs, targets)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)

        def update(p: Any, m: Any, v: Any) -> Any:
            return p - LEARNING_RATE * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)

        return jax.tree.map(update, params, m, v), m, v, t

    jitted = jax.jit(step, donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [(jax.tree.map(jnp.asarray, params), zeros, jax.tree.map(jnp.zeros_like, params), 0.0)]
    targets = y.astype(np.int32)

    def epoch(order: np.ndarray) -> None:
        current = state[0]
        for indices in _batches(order, batch):
            current = jitted(current, x[indices], targets[indices])
        jax.block_until_ready(current)
        state[0] = current

    return epoch


def _sklearn(x: np.ndarray, y: np.ndarray, widths: tuple[int, ...], batch: int) -> Epoch:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        widths[1:-1], batch_size=batch, learning_rate_init=LEARNING_RATE, alpha=0.0, random_state=0
    )
    classes = np.unique(y)

    def epoch(order: np.ndarray) -> None:
        model.partial_fit(x[order], y[order], classes=classes)

    return epoch
