"""The optimizers as their papers (and torch) write them: plain NumPy, nothing in place.

Each takes the parameter, the gradient, the state so far (a dict, empty at first) and the options,
and returns the new parameter and the new state.
"""

from __future__ import annotations

import numpy as np


def _decay(weight_decay, p):
    return weight_decay * p if weight_decay else 0.0


def sgd(
    p, g, state, *, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False
):
    g = (-g if maximize else g) + _decay(weight_decay, p)
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
    decoupled_weight_decay=False,
    eps_hat=False,
    maximize=False,
):
    beta1, beta2 = betas
    g = -g if maximize else g
    if decoupled_weight_decay:
        p = p - lr * weight_decay * p
    else:
        g = g + _decay(weight_decay, p)
    zero = np.zeros_like(p)
    t = state.get("step", 0) + 1
    m = beta1 * state.get("exp_avg", zero) + (1 - beta1) * g
    v = beta2 * state.get("exp_avg_sq", zero) + (1 - beta2) * g**2
    new = {"step": t, "exp_avg": m, "exp_avg_sq": v}
    if amsgrad:
        v = new["max_exp_avg_sq"] = np.maximum(v, state.get("max_exp_avg_sq", zero))
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    if eps_hat:  # the last paragraph of section 2
        rate = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        return p - rate * m / (np.sqrt(v) + eps), new
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), new


def adamw(
    p,
    g,
    state,
    *,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=1e-2,
    amsgrad=False,
    maximize=False,
):
    shrunk = p - lr * weight_decay * p
    return adam(shrunk, g, state, lr=lr, betas=betas, eps=eps, amsgrad=amsgrad, maximize=maximize)


def adamax(p, g, state, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, maximize=False):
    beta1, beta2 = betas
    g = (-g if maximize else g) + _decay(weight_decay, p)
    zero = np.zeros_like(p)
    t = state.get("step", 0) + 1
    m = beta1 * state.get("exp_avg", zero) + (1 - beta1) * g
    u = np.maximum(beta2 * state.get("exp_inf", zero), np.abs(g) + eps)
    return p - lr / (1 - beta1**t) * m / u, {"step": t, "exp_avg": m, "exp_inf": u}


def nadam(
    p,
    g,
    state,
    *,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
    maximize=False,
):
    beta1, beta2 = betas
    g = -g if maximize else g
    if decoupled_weight_decay:
        p = p - lr * weight_decay * p
    else:
        g = g + _decay(weight_decay, p)
    zero = np.zeros_like(p)
    t = state.get("step", 0) + 1
    mu, after = (beta1 * (1 - 0.96 ** (i * momentum_decay) / 2) for i in (t, t + 1))
    product = state.get("mu_product", 1.0) * mu
    m = beta1 * state.get("exp_avg", zero) + (1 - beta1) * g
    v = beta2 * state.get("exp_avg_sq", zero) + (1 - beta2) * g**2
    m_hat = after * m / (1 - product * after) + (1 - mu) * g / (1 - product)
    v_hat = v / (1 - beta2**t)
    new = {"step": t, "mu_product": product, "exp_avg": m, "exp_avg_sq": v}
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), new


def radam(
    p,
    g,
    state,
    *,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    decoupled_weight_decay=False,
    maximize=False,
):
    beta1, beta2 = betas
    g = -g if maximize else g
    if decoupled_weight_decay:
        p = p - lr * weight_decay * p
    else:
        g = g + _decay(weight_decay, p)
    zero = np.zeros_like(p)
    t = state.get("step", 0) + 1
    before = state.get("exp_avg", zero)
    m = before + (1 - beta1) * (g - before)  # as torch: an infinite mean does not stay
    v = beta2 * state.get("exp_avg_sq", zero) + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / (1 - beta2**t)
    if length > 5:
        adaptive = np.sqrt(1 - beta2**t) / (np.sqrt(v) + eps)
        r = np.sqrt(
            (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        )
        step = r * m_hat * adaptive
    else:
        step = m_hat
    return p - lr * step, {"step": t, "exp_avg": m, "exp_avg_sq": v}


def asgd(p, g, state, *, lr, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, maximize=False):
    g = (-g if maximize else g) + _decay(weight_decay, p)
    t = state.get("step", 0) + 1
    eta, mu = state.get("eta", lr), state.get("mu", 1.0)
    p = (1 - lambd * eta) * p - eta * g
    average = state.get("ax", np.zeros_like(p))
    average = average + mu * (p - average)
    return p, {
        "step": t,
        "eta": lr / (1 + lambd * lr * t) ** alpha,
        "mu": 1 / max(1, t - t0),
        "ax": average,
    }


def rprop(p, g, state, *, lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
    g = -g if maximize else g
    before = state.get("prev", np.zeros_like(p))
    size = state.get("step_size", np.full_like(p, lr))
    size = np.where(g * before > 0, np.minimum(size * etas[1], step_sizes[1]), size)
    size = np.where(g * before < 0, np.maximum(size * etas[0], step_sizes[0]), size)
    size = np.clip(size, *step_sizes)
    g = np.where(g * before < 0, 0, g)
    new = {"step": state.get("step", 0) + 1, "prev": g, "step_size": size}
    return p - np.nan_to_num(np.sign(g)) * size, new  # NaN has no sign


def adagrad(
    p,
    g,
    state,
    *,
    lr,
    lr_decay=0,
    weight_decay=0,
    initial_accumulator_value=0,
    eps=1e-10,
    maximize=False,
):
    g = (-g if maximize else g) + _decay(weight_decay, p)
    t = state.get("step", 0) + 1
    total = state.get("sum", np.full_like(p, initial_accumulator_value)) + g**2
    rate = lr / (1 + (t - 1) * lr_decay)
    return p - rate * g / (np.sqrt(total) + eps), {"step": t, "sum": total}


def adadelta(p, g, state, *, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, maximize=False):
    g = (-g if maximize else g) + _decay(weight_decay, p)
    zero = np.zeros_like(p)
    squares = rho * state.get("square_avg", zero) + (1 - rho) * g**2
    deltas = state.get("acc_delta", zero)
    delta = np.sqrt(deltas + eps) / np.sqrt(squares + eps) * g
    new = {
        "step": state.get("step", 0) + 1,
        "square_avg": squares,
        "acc_delta": rho * deltas + (1 - rho) * delta**2,
    }
    return p - lr * delta, new


def rmsprop(
    p,
    g,
    state,
    *,
    lr,
    alpha=0.99,
    eps=1e-8,
    weight_decay=0,
    momentum=0,
    centered=False,
    maximize=False,
):
    g = (-g if maximize else g) + _decay(weight_decay, p)
    zero = np.zeros_like(p)
    v = alpha * state.get("square_avg", zero) + (1 - alpha) * g**2
    new = {"step": state.get("step", 0) + 1, "square_avg": v}
    if centered:
        mean = new["grad_avg"] = alpha * state.get("grad_avg", zero) + (1 - alpha) * g
        v = np.maximum(v - mean**2, 0)
    step = g / (np.sqrt(v) + eps)
    if momentum:
        step = new["momentum_buffer"] = momentum * state.get("momentum_buffer", zero) + step
    return p - lr * step, new


def lion(p, g, state, *, lr, betas=(0.9, 0.99), weight_decay=0, maximize=False):
    g = -g if maximize else g
    beta1, beta2 = betas
    m = state.get("exp_avg", np.zeros_like(p))
    update = np.sign(beta1 * m + (1 - beta1) * g)
    new = {"step": state.get("step", 0) + 1, "exp_avg": beta2 * m + (1 - beta2) * g}
    return p - lr * (update + weight_decay * p), new


def lamb(p, g, state, *, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0, maximize=False):
    g = -g if maximize else g
    beta1, beta2 = betas
    zero = np.zeros_like(p)
    t = state.get("step", 0) + 1
    m = beta1 * state.get("exp_avg", zero) + (1 - beta1) * g
    v = beta2 * state.get("exp_avg_sq", zero) + (1 - beta2) * g**2
    r = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    u = r + _decay(weight_decay, p)
    norms = np.sqrt(np.sum(p**2)), np.sqrt(np.sum(u**2))
    ratio = norms[0] / norms[1] if min(norms) > 0 else 1.0
    return p - lr * ratio * u, {"step": t, "exp_avg": m, "exp_avg_sq": v}
