"""Schedules beside torch's: the largest difference of rates and momentums over 200 steps.

python -m bench.peers.schedules prints a table and exits with 1 where a difference is above 1e-12.
Each option set runs on one group and on three, plain, with rates changed by hand in between, with
jumps to an epoch where torch has them, and with the state saved and loaded half-way, also from
torch's.
"""

from __future__ import annotations

import itertools
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler as torch_schedules

from ranvier import optim
from ranvier.optim import lr_scheduler as own_schedules

LIMIT = 1e-12
STEPS = 200
RATES = (0.1, 0.03, 2.0)

# What is run makes a schedule from a module of schedules and one of its optimizers.
Make = Callable[[Any, Any], Any]


def _grid(**choices: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]


def _decay(epoch: int) -> float:
    return 0.98**epoch


def _wave(epoch: int) -> float:
    return 1 + 0.1 * (epoch % 3 - 1)


def _shrink(x: float) -> float:
    return 1 / (5 ** (x * 0.0001))


_GAMMA = [0.1, 0.5, 1.0, 1.05]
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "LambdaLR": _grid(lr_lambda=[_decay, _wave]),
    "MultiplicativeLR": _grid(lr_lambda=[_wave]),
    "StepLR": _grid(step_size=[1, 7, 30, 500], gamma=_GAMMA),
    "MultiStepLR": _grid(milestones=[[3, 50, 51], [60, 5, 60], [0, 1], []], gamma=_GAMMA),
    "ConstantLR": _grid(factor=[1 / 3, 0.01, 1.0], total_iters=[0, 1, 5, 500]),
    "LinearLR": _grid(
        start_factor=[1 / 3, 0.01, 1.0], end_factor=[1.0, 0.1, 0.0], total_iters=[1, 5, 150, 500]
    ),
    "ExponentialLR": _grid(gamma=[0.0, 0.9, 1.0, 1.01]),
    "PolynomialLR": _grid(total_iters=[1, 5, 150, 500], power=[0.5, 1.0, 2.0]),
    "CosineAnnealingLR": _grid(T_max=[1, 2, 7, 150, 500], eta_min=[0.0, 0.02]),
    "CosineAnnealingWarmRestarts": _grid(T_0=[1, 5, 60], T_mult=[1, 2], eta_min=[0.0, 0.02]),
    "CyclicLR": [
        {"base_lr": 0.01, "max_lr": 0.3, **options}
        for options in [
            *_grid(
                step_size_up=[5, 20.5, 500],
                step_size_down=[None, 3, 0],
                mode=["triangular", "triangular2", "exp_range"],
                gamma=[1.0, 0.99],
                cycle_momentum=[True, False],
            ),
            *_grid(
                step_size_up=[10],
                scale_fn=[_shrink],
                scale_mode=["cycle", "iterations"],
                base_momentum=[0.5],
                max_momentum=[0.95],
            ),
        ]
    ],
    "OneCycleLR": [
        {"max_lr": 0.5, **steps, **options}
        for steps in ({"total_steps": 201}, {"epochs": 25, "steps_per_epoch": 10})
        for options in _grid(
            pct_start=[0.3, 0.5, 0.05],
            anneal_strategy=["cos", "linear"],
            cycle_momentum=[True, False],
            base_momentum=[0.85],
            max_momentum=[0.95],
            div_factor=[25.0, 3.0],
            final_div_factor=[100.0],
            three_phase=[False, True],
        )
    ],
    "ReduceLROnPlateau": _grid(
        mode=["min", "max"],
        factor=[0.1, 0.7],
        patience=[0, 3],
        threshold=[1e-4, 0.1],
        threshold_mode=["rel", "abs"],
        cooldown=[0, 4],
        min_lr=[0, 0.01],
        eps=[1e-8, 0.02],
    ),
}

# Their step takes no epoch.
WITHOUT_EPOCH = ("SequentialLR", "ChainedScheduler")


def _sequence(parts: list[tuple[str, dict[str, Any]]], milestones: list[int]) -> Make:
    def make(module: Any, optimizer: Any) -> Any:
        made = [getattr(module, name)(optimizer, **options) for name, options in parts]
        return module.SequentialLR(optimizer, made, milestones)

    return make


def _chain(parts: list[tuple[str, dict[str, Any]]]) -> Make:
    def make(module: Any, optimizer: Any) -> Any:
        return module.ChainedScheduler(
            [getattr(module, name)(optimizer, **options) for name, options in parts]
        )

    return make


def _of(name: str, options: dict[str, Any]) -> Make:
    return lambda module, optimizer: getattr(module, name)(optimizer, **options)


def makers() -> Iterator[tuple[str, Make]]:
    for name, several in OPTIONS.items():
        for options in several:
            yield name, _of(name, options)
    first = {name: options[0] for name, options in OPTIONS.items() if name != "ReduceLROnPlateau"}
    first["OneCycleLR"] = {"max_lr": 0.5, "total_steps": 250}
    for pair in itertools.product(first.items(), repeat=2):
        yield "SequentialLR", _sequence(list(pair), [40])
        yield "ChainedScheduler", _chain(list(pair))
    for four in itertools.islice(itertools.permutations(first.items(), 4), 0, None, 97):
        yield "SequentialLR", _sequence(list(four), [10, 10, 90])
        yield "ChainedScheduler", _chain(list(four))


def _optimizers(kind: str, groups: int) -> tuple[Any, Any]:
    rates = RATES[:groups]
    own = [{"params": [np.ones(2)], "lr": rate} for rate in rates]
    peer = [{"params": [torch.ones(2, requires_grad=True)], "lr": rate} for rate in rates]
    options = {"momentum": 0.5} if kind == "SGD" else {}
    return getattr(optim, kind)(own, **options), getattr(torch.optim, kind)(peer, **options)


def _numbers(optimizer: Any) -> list[float]:
    """Of every group all that a schedule sets."""
    names = ("lr", "initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum", "momentum")
    found = [group[name] for group in optimizer.param_groups for name in names if name in group]
    return found + [group["betas"][0] for group in optimizer.param_groups if "betas" in group]


def _difference(own: Any, peer: Any) -> float:
    mine, theirs = _numbers(own), _numbers(peer)
    assert len(mine) == len(theirs), (mine, theirs)
    # What a cosine leaves of the largest rate, where it should be 0, is no rate.
    pairs = zip(mine, theirs, strict=True)
    return max(abs(a - b) / max(abs(b), 1e-4) if a != b else 0.0 for a, b in pairs)


def difference(name: str, make: Make, kind: str, groups: int, manner: str) -> float:
    own_optimizer, peer_optimizer = _optimizers(kind, groups)
    own, peer = make(own_schedules, own_optimizer), make(torch_schedules, peer_optimizer)
    worst = _difference(own_optimizer, peer_optimizer)
    gradients = [np.zeros(2) for _ in range(groups)]
    rng = np.random.default_rng(0)
    for t in range(STEPS):
        own_optimizer.step(gradients)
        peer_optimizer.step()
        arguments: list[Any] = []
        if name == "ReduceLROnPlateau":
            arguments = [float(np.exp(-t / 40) * rng.uniform(0.9, 1.1))]
        if manner == "jumps" and t % 50 == 49:
            arguments.append((37 * t) % 150)
        if manner == "by hand" and t % 23 == 11:
            for optimizer in (own_optimizer, peer_optimizer):
                for group in optimizer.param_groups:
                    group["lr"] *= 0.6
        if manner in ("resumed", "from torch") and t == STEPS // 2:
            state = (own if manner == "resumed" else peer).state_dict()
            of_optimizer = own_optimizer.state_dict()
            own_optimizer, _ = _optimizers(kind, groups)
            own = make(own_schedules, own_optimizer)
            own_optimizer.load_state_dict(of_optimizer)
            own.load_state_dict(json.loads(json.dumps(state)))
        own.step(*arguments)
        peer.step(*arguments)
        worst = max(worst, _difference(own_optimizer, peer_optimizer))
        assert own.get_last_lr() == [group["lr"] for group in own_optimizer.param_groups]
    return worst


def main() -> int:
    torch.set_default_dtype(torch.float64)
    warnings.filterwarnings("ignore", message=".*epoch", category=UserWarning)
    table: dict[str, tuple[int, float]] = {}
    for number, (name, make) in enumerate(makers()):
        manners = ["plain", "by hand", "resumed", "from torch"]
        if name not in WITHOUT_EPOCH:
            manners.append("jumps")
        count, worst = table.get(name, (0, 0.0))
        for manner in manners:
            kind, groups = ("SGD", "Adam")[number % 2], (1, 3)[number // 2 % 2]
            found = difference(name, make, kind, groups, manner)
            if not found <= LIMIT:
                print(f"{name}, set {number}, {manner}: {found:.3g}", file=sys.stderr)
            worst = max(worst, found)
        table[name] = count + 1, worst
    print("| schedule | option sets | largest relative difference |\n|---|---|---|")
    for name, (count, worst) in table.items():
        print(f"| {name} | {count} | {worst:.1e} |")
    return int(any(not worst <= LIMIT for _, worst in table.values()))


if __name__ == "__main__":
    sys.exit(main())
