"""Optimizers beside torch's in float64: the largest difference after 100 steps, by optimizer.

python -m bench.peers.parity prints a table and exits with 1 where a difference is above 1e-12.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from ranvier import optim

LIMIT = 1e-12
STEPS = 100
SHAPES: tuple[tuple[int, ...], ...] = ((3, 5), (17,), ())


def _grid(**choices: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]


_BETAS = [(0.9, 0.999), (0.0, 0.5)]
_EPS = [1e-8, 0.1]
_BOTH = [False, True]
_EITHER: dict[str, list[Any]] = {"weight_decay": [0, 0.1], "maximize": _BOTH}

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        options
        for options in _grid(
            lr=[0.05], momentum=[0, 0.9], dampening=[0, 0.3], nesterov=_BOTH, **_EITHER
        )
        if not (options["nesterov"] and (options["dampening"] or not options["momentum"]))
    ],
    "ASGD": _grid(lr=[0.05], lambd=[1e-4, 0.1], alpha=[0.75, 1.0], t0=[1e6, 10], **_EITHER),
    "Rprop": _grid(
        lr=[0.01],
        etas=[(0.5, 1.2), (0.3, 1.5)],
        step_sizes=[(1e-6, 50), (1e-3, 0.05)],
        maximize=_BOTH,
    ),
    "Adagrad": _grid(
        lr=[0.1], lr_decay=[0, 0.1], initial_accumulator_value=[0, 0.5], eps=[1e-10, 0.1], **_EITHER
    ),
    "Adadelta": _grid(lr=[1.0, 0.3], rho=[0.9, 0.5], eps=[1e-6, 0.1], **_EITHER),
    "RMSprop": _grid(
        lr=[0.01], alpha=[0.99, 0.5], eps=_EPS, momentum=[0, 0.9], centered=_BOTH, **_EITHER
    ),
    "Adam": _grid(
        lr=[0.02], betas=_BETAS, eps=_EPS, amsgrad=_BOTH, decoupled_weight_decay=_BOTH, **_EITHER
    ),
    "AdamW": _grid(lr=[0.02], betas=_BETAS, eps=_EPS, amsgrad=_BOTH, **_EITHER),
    "Adamax": _grid(lr=[0.02], betas=_BETAS, eps=_EPS, **_EITHER),
    "NAdam": _grid(
        lr=[0.02],
        betas=_BETAS,
        eps=_EPS,
        momentum_decay=[4e-3, 0.1],
        decoupled_weight_decay=_BOTH,
        **_EITHER,
    ),
    "RAdam": _grid(lr=[0.02], betas=_BETAS, eps=_EPS, decoupled_weight_decay=_BOTH, **_EITHER),
}


def difference(name: str, options: dict[str, Any]) -> float:
    """The largest one of parameters and states, in units of the largest element of the array."""
    rng = np.random.default_rng(0)
    params = [np.asarray(rng.normal(size=shape)) for shape in SHAPES]
    theirs = [torch.tensor(p.copy(), requires_grad=True) for p in params]
    mine = getattr(optim, name)(params, **options)
    peer = getattr(torch.optim, name)(theirs, foreach=False, **options)
    for t in range(STEPS):
        grads = []
        for tensor in theirs:
            at = tensor.detach().numpy()
            grads.append(np.asarray(np.sin(7 * at + t) * (np.cos(3.0 * t + at) > -0.5)))
            tensor.grad = torch.tensor(grads[-1])
        mine.step(grads)
        peer.step()
    pairs = [(p, q.detach().numpy()) for p, q in zip(params, theirs, strict=True)]
    states = peer.state_dict()["state"]
    for number, state in mine.state_dict()["state"].items():
        expected = {key: value for key, value in states[number].items() if value is not None}
        assert state.keys() == expected.keys() - ({"step"} - state.keys()), name
        pairs += [(np.asarray(value), expected[key].numpy()) for key, value in state.items()]
    return max(float(np.abs(p - q).max() / (np.abs(q).max() or 1.0)) for p, q in pairs)


def main() -> int:
    torch.set_default_dtype(torch.float64)
    print("| optimizer | option sets | largest difference |\n|---|---|---|")
    worst = 0.0
    for name, several in OPTIONS.items():
        largest = max(difference(name, options) for options in several)
        print(f"| {name} | {len(several)} | {largest:.1e} |")
        worst = max(worst, largest)
    return int(not worst <= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
