"""The optimizers as their papers (and torch) write them: plain NumPy, nothing in place.

Each takes the parameter, the gradient, the state so far (a dict, empty at first) and the options,
and returns the new parameter and the new state.
"""

from __future__ import annotations

import numpy as np


def sgd(
    p, g, state, *, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False
):
    g = (-g if maximize else g) + weight_decay * p
    if momentum:
        buffer = momentum * state["momentum_buffer"] + (1 - dampening) * g if state else g
        state = {"momentum_buffer": buffer}
        g = g + momentum * buffer if nesterov else buffer
    return p - lr * g, state


def adam(
    p,
    g,
    state,
    *,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    amsgrad=False,
    maximize=False,
):
    beta1, beta2 = betas
    g = (-g if maximize else g) + weight_decay * p
    zero = np.zeros_like(p)
    t = state.get("step", 0) + 1
    m = beta1 * state.get("exp_avg", zero) + (1 - beta1) * g
    v = beta2 * state.get("exp_avg_sq", zero) + (1 - beta2) * g**2
    new = {"step": t, "exp_avg": m, "exp_avg_sq": v}
    if amsgrad:
        v = new["max_exp_avg_sq"] = np.maximum(v, state.get("max_exp_avg_sq", zero))
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), new
