"""Run in a process of its own by test_isa.py: outputs of everything, on the inputs of an .npz file.

python isa_outputs.py INPUTS.npz OUTPUTS.npz
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import ranvier as rv
from operations import operations
from ranvier import losses, nn, optim
from ranvier._native import _core

DECAY: dict[str, Any] = {"weight_decay": 1e-2}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"momentum": 0.9, "nesterov": True, **DECAY},
    "ASGD": {"t0": 1, **DECAY},
    "Rprop": {},
    "Adagrad": DECAY,
    "Adadelta": DECAY,
    "RMSprop": {"momentum": 0.9, "centered": True, **DECAY},
    "Adam": {"amsgrad": True, **DECAY},
    "AdamW": DECAY,
    "Adamax": DECAY,
    "NAdam": DECAY,
    "RAdam": {"betas": (0.9, 0.5), **DECAY},
    "Lion": DECAY,
    "LAMB": DECAY,
}


def outputs(inputs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for operation in operations():
        for dtype in ("float16", "float32", "float64"):
            x = inputs[f"{operation}/{dtype}"]
            yield f"{operation}/{dtype}", operation.at(x)
    for dtype in (np.float16, np.float32, np.float64):
        x, suffix = inputs["scores"][:, :102].astype(dtype), np.dtype(dtype).name
        g = x[::-1, ::2]
        for name in rv.gates.__all__:
            yield f"{name}/{suffix}", getattr(rv, name)(x)
            yield f"vjp.{name}/{suffix}", getattr(rv.vjp, name)(g[:, :51], x)
        yield f"maxout/{suffix}", rv.maxout(x, 3)
        yield f"vjp.maxout/{suffix}", rv.vjp.maxout(g[:, :34], x, 3)
    for dtype in (np.float32, np.float64):
        scores = inputs["scores"].astype(dtype)
        labels = np.arange(len(scores)) % scores.shape[1]
        suffix = np.dtype(dtype).name
        yield f"softmax/{suffix}", rv.softmax(scores)
        yield f"softmax of a long row/{suffix}", rv.softmax(scores.ravel())
        yield f"masked softmax/{suffix}", rv.softmax(scores, mask=scores > -1)
        yield f"log_softmax/{suffix}", rv.log_softmax(scores)
        yield f"logsumexp/{suffix}", rv.logsumexp(scores)
        for name in ("softmax", "log_softmax"):
            y = getattr(rv, name)(scores)
            yield f"vjp.{name}/{suffix}", getattr(rv.vjp, name)(scores[::-1], y)
        for smoothing in (0.0, 0.1):
            value, gradient = losses.cross_entropy.value_and_grad(
                scores, labels, label_smoothing=smoothing
            )
            yield f"cross_entropy, smoothing {smoothing}/{suffix}", np.float64(value)
            yield f"gradient of cross_entropy, smoothing {smoothing}/{suffix}", gradient
        network = nn.Sequential(
            nn.Linear(103, 50, dtype=dtype, rng=0), nn.GELU(), nn.Linear(50, 9, dtype=dtype, rng=1)
        )
        yield f"network/{suffix}", network(scores)
        yield f"gradient of network/{suffix}", network.backward(scores[::-1, :9])
        yield f"gradients of network's parameters/{suffix}", network.flat_gradients
        for layer in (
            nn.LayerNorm(103, dtype=dtype),
            nn.RMSNorm(103, dtype=dtype),
            nn.BatchNorm1d(103, dtype=dtype),
        ):
            name = type(layer).__name__
            yield f"{name}/{suffix}", layer(scores)
            yield f"gradient of {name}/{suffix}", layer.backward(scores[::-1])
            yield f"gradient of {name}'s weight/{suffix}", layer.gradients()[0]
        channels = nn.BatchNorm1d(10, dtype=dtype)
        yield f"BatchNorm1d of 3 axes/{suffix}", channels(scores.reshape(70, 10, 103))
        yield f"running variance/{suffix}", channels.running_var
        yield (
            f"gradient of BatchNorm1d of 3 axes/{suffix}",
            channels.backward(scores[::-1].reshape(70, 10, 103)),
        )
        for name, options in OPTIMIZERS.items():
            parameter = scores.copy()
            optimizer = getattr(optim, name)([parameter], lr=1e-2, **options)
            for step in range(3):
                optimizer.step([np.roll(scores, step, axis=0)])
            yield f"{name}/{suffix}", parameter


if __name__ == "__main__":
    with np.load(sys.argv[1]) as inputs:
        results = dict(outputs(dict(inputs)))
    np.savez(sys.argv[2], **results)
    print(_core.instruction_set())
