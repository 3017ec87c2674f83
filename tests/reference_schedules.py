"""The schedules as their papers write them: the rate of epoch t from the first rate, no recursion.

Each takes the epoch, the first rate and the options.
"""

from __future__ import annotations

import math
from itertools import pairwise


def lambda_lr(t, rate, *, lr_lambda):
    return rate * lr_lambda(t)


def multiplicative_lr(t, rate, *, lr_lambda):
    return rate * math.prod(lr_lambda(i) for i in range(1, t + 1))


def step_lr(t, rate, *, step_size, gamma=0.1):
    return rate * gamma ** (t // step_size)


def multi_step_lr(t, rate, *, milestones, gamma=0.1):
    return rate * gamma ** sum(t >= milestone for milestone in milestones)


def constant_lr(t, rate, *, factor=1 / 3, total_iters=5):
    return rate if 0 < total_iters <= t else rate * factor


def linear_lr(t, rate, *, start_factor=1 / 3, end_factor=1.0, total_iters=5):
    if total_iters == 0:
        return rate * start_factor
    part = min(t / total_iters, 1)
    return rate * ((1 - part) * start_factor + part * end_factor)


def exponential_lr(t, rate, *, gamma):
    return rate * gamma**t


def polynomial_lr(t, rate, *, total_iters=5, power=1.0):
    return rate * max(1 - t / total_iters, 0) ** power if total_iters else rate


def cosine_annealing_lr(t, rate, *, T_max, eta_min=0.0):
    return eta_min + (rate - eta_min) * math.cos(math.pi * t / T_max / 2) ** 2


def warm_restarts(t, rate, *, T_0, T_mult=1, eta_min=0.0):
    length = T_0
    while t >= length:
        t -= length
        length *= T_mult
    return cosine_annealing_lr(t, rate, T_max=length, eta_min=eta_min)


def cycle(t, *, up, down, mode="triangular", gamma=1.0, scale_fn=None, scale_mode="cycle"):
    """From 0 at the foot of the first cycle to 1 at its top."""
    number, place = divmod(t, up + down)
    height = place / up if place <= up else (up + down - place) / down
    if scale_fn:
        return height * scale_fn(number + 1 if scale_mode == "cycle" else t)
    return height * {"triangular": 1, "triangular2": 0.5**number, "exp_range": gamma**t}[mode]


def one_cycle(
    t, low, high, last, *, total_steps, pct_start=0.3, anneal_strategy="cos", three_phase=False
):
    """From low to high (and back) to last; a momentum likewise."""
    knots = [(0, low), (pct_start * total_steps - 1, high)]
    if three_phase:
        knots.append((2 * pct_start * total_steps - 2, low))
    knots.append((total_steps - 1, last))
    for (start, before), (end, after) in pairwise(knots):
        if t <= end:
            part = (t - start) / (end - start) if end > start else 1
            if anneal_strategy == "cos":
                part = math.sin(math.pi * part / 2) ** 2
            return before + (after - before) * part
    raise AssertionError(f"there is no step {t}")


def plateau(
    metrics,
    rate,
    *,
    mode="min",
    factor=0.1,
    patience=10,
    threshold=1e-4,
    threshold_mode="rel",
    cooldown=0,
    min_lr=0.0,
    eps=1e-8,
):
    """The rates after each metric: higher is better once the sign is right."""
    rates, best, bad, rest = [], None, 0, 0
    for metric in metrics:
        gain = 0.0 if best is None else (best - metric if mode == "min" else metric - best)
        margin = threshold if threshold_mode == "abs" or best is None else threshold * best
        better = best is None or gain > margin
        if better:
            best = metric
        bad = 0 if better or rest else bad + 1
        rest = max(rest - 1, 0)
        if bad > patience:
            lower = max(rate * factor, min_lr)
            rate = lower if rate - lower > eps else rate
            bad, rest = 0, cooldown
        rates.append(rate)
    return rates
