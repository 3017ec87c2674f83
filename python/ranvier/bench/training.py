"""Epochs of a classifier of images: ranvier, torch, JAX and scikit-learn in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

import ranvier as rv
from ranvier import data, losses, nn, optim

from .timing import Disagreement, Row, Scope

__all__ = ["rows"]

Array = npt.NDArray[Any]
Widths = tuple[int, ...]

# By data set: how many epochs are measured at once, as one of few steps is over before the threads
# are awake, and the widths and sizes of batches.
_CONFIGURATIONS: Mapping[str, tuple[int, tuple[tuple[Widths, int], ...]]] = {
    "digits": (10, (((64, 100, 10), 128), ((64, 256, 128, 10), 128), ((64, 256, 128, 10), 32))),
    "fashion-mnist": (
        1,
        (((784, 100, 10), 128), ((784, 256, 128, 10), 128), ((784, 256, 128, 10), 32)),
    ),
}
_ROUNDS = 5
_RATE = 1e-3
# Seconds until the threads of the contender before, OpenBLAS's for one, have gone to sleep.
_REST = 0.2
_LEEWAY = 0.1  # between the shares that contenders get right after the same number of epochs


@dataclass(frozen=True)
class Contender:
    """Trains an epoch in the order that is given, and says what it makes of the samples."""

    epoch: Callable[[Array], Any]
    predict: Callable[[Array], Array] | None


def rows(scope: Scope) -> Iterator[Row | str]:
    """An epoch, the bare matrix products beside; or why a data set is left out."""
    for name in scope.choose(("digits",), tuple(_CONFIGURATIONS)):
        try:
            samples = data.load(name)
        except data.DataError as error:
            yield f"training on {name} is left out: {error}"
            continue
        at_once, configurations = _CONFIGURATIONS[name]
        for widths, batch in scope.choose(configurations[1:2], configurations):
            # A last batch that is smaller is not everybody's.
            whole = len(samples.x_train) // batch * batch
            x, y = samples.x_train[:whole], samples.y_train[:whole]
            times = _times(_contenders(x, y, widths, batch, scope), x, y, at_once)
            yield Row("-".join(map(str, widths)), f"batch {batch}", times)


def _times(
    contenders: Mapping[str, Contender], x: Array, y: Array, at_once: int
) -> dict[str, float]:
    """Median microseconds an epoch; whoever has not learned as the others have stops it all."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    rng = np.random.default_rng(0)
    for contender in contenders.values():
        contender.epoch(rng.permutation(len(x)))  # warm up, compile
    for _ in range(_ROUNDS):
        orders = [rng.permutation(len(x)) for _ in range(at_once)]
        for name, contender in contenders.items():
            time.sleep(_REST)
            start = time.perf_counter()
            for order in orders:
                contender.epoch(order)
            seconds[name].append((time.perf_counter() - start) / at_once)
    right = {
        name: float(np.mean(contender.predict(x) == y))
        for name, contender in contenders.items()
        if contender.predict is not None
    }
    if max(right.values()) - min(right.values()) > _LEEWAY:
        shares = ", ".join(f"{share:.3f} by {name}" for name, share in right.items())
        raise Disagreement(f"classified rightly after {1 + _ROUNDS * at_once} epochs: {shares}")
    return {name: statistics.median(times) * 1e6 for name, times in seconds.items()}


def _contenders(
    x: Array, y: Array, widths: Widths, batch: int, scope: Scope
) -> dict[str, Contender]:
    makers = {"torch": _torch, "jax": _jax, "scikit-learn": _sklearn}
    labels = {"torch": "torch fused"}
    return {
        "ranvier": _ranvier(x, y, widths, batch),
        "products": Contender(_products(x, widths, batch), None),
        **{
            labels.get(name, name): make(x, y, widths, batch)
            for name, make in makers.items()
            if name in scope.peers
        },
    }


def _batches(order: Array, batch: int) -> Iterator[Array]:
    for start in range(0, len(order), batch):
        yield order[start : start + batch]


def _ranvier(x: Array, y: Array, widths: Widths, batch: int) -> Contender:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs, rng=outputs), nn.activations.ReLU()]
    model = nn.Sequential(*layers[:-1])
    trainer = rv.Trainer(
        model, losses.cross_entropy, optim.Adam(model.parameters(), lr=_RATE), seed=0
    )

    def epoch(_: Array) -> None:  # it shuffles by itself
        trainer.fit(x, y, epochs=1, batch_size=batch, progress=False)

    return Contender(epoch, lambda x: trainer.predict(x).argmax(1))


def _products(x: Array, widths: Widths, batch: int) -> Callable[[Array], None]:
    """The matrix products of a step and the gather of its batch, and nothing else."""
    pairs = list(pairwise(widths))
    weights = [np.ones((o, i), np.float32) for i, o in pairs]
    weight_grads = [np.empty_like(w) for w in weights]
    values = [np.zeros((batch, w), np.float32) for w in widths]
    grads = [np.zeros((batch, w), np.float32) for w in widths]

    def epoch(order: Array) -> None:
        for indices in _batches(order, batch):
            np.take(x, indices, axis=0, out=values[0], mode="clip")
            for k, weight in enumerate(weights):
                np.matmul(values[k], weight.T, out=values[k + 1])
            for k in reversed(range(len(weights))):
                np.matmul(grads[k + 1].T, values[k], out=weight_grads[k])
                if k:
                    np.matmul(grads[k + 1], weights[k], out=grads[k])

    return epoch


def _torch(x: Array, y: Array, widths: Widths, batch: int) -> Contender:
    import torch

    layers: list[Any] = []
    for inputs, outputs in pairwise(widths):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE, fused=True)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def epoch(order: Array) -> None:
        for indices in _batches(torch.from_numpy(order), batch):
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(model(inputs[indices]), targets[indices])
            loss.backward()
            optimizer.step()

    return Contender(epoch, lambda x: model(torch.from_numpy(x)).detach().numpy().argmax(1))


def _jax(x: Array, y: Array, widths: Widths, batch: int) -> Contender:
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    params = [
        (rng.uniform(-1, 1, (i, o)).astype(np.float32) / i**0.5, np.zeros(o, np.float32))
        for i, o in pairwise(widths)
    ]

    def logits(params: Any, inputs: Any) -> Any:
        for weight, bias in params[:-1]:
            inputs = jax.nn.relu(inputs @ weight + bias)
        return inputs @ params[-1][0] + params[-1][1]

    def loss(params: Any, inputs: Any, targets: Any) -> Any:
        logs = jax.nn.log_softmax(logits(params, inputs))
        return -jnp.take_along_axis(logs, targets[:, None], axis=1).mean()

    def step(state: Any, inputs: Any, targets: Any) -> Any:
        params, m, v, t = state
        grads = jax.grad(loss)(params, inputs, targets)
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)

        def update(p: Any, m: Any, v: Any) -> Any:
            return p - _RATE * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)

        return jax.tree.map(update, params, m, v), m, v, t

    jitted = jax.jit(step, donate_argnums=0)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [(jax.tree.map(jnp.asarray, params), zeros, jax.tree.map(jnp.zeros_like, params), 0.0)]
    targets = y.astype(np.int32)

    def epoch(order: Array) -> None:
        current = state[0]
        for indices in _batches(order, batch):
            current = jitted(current, x[indices], targets[indices])
        jax.block_until_ready(current)
        state[0] = current

    return Contender(epoch, lambda x: np.asarray(logits(state[0][0], x)).argmax(1))


def _sklearn(x: Array, y: Array, widths: Widths, batch: int) -> Contender:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        widths[1:-1], batch_size=batch, learning_rate_init=_RATE, alpha=0.0, random_state=0
    )
    classes = np.unique(y)

    def epoch(order: Array) -> None:
        model.partial_fit(x[order], y[order], classes=classes)

    return Contender(epoch, model.predict)
