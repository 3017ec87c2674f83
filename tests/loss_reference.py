"""The losses once more, one sample at a time in plain Python: nothing of ranvier is in here.

Each function takes float64 rows and gives the loss of one element, or of one sample. Gradients come
from central differences of these.
"""

from __future__ import annotations

import math


def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def xlogy(y):
    return 0.0 if y == 0 else y * math.log(y)


def binary_cross_entropy(x, y, weight=1.0):
    logs = max(math.log(x), -100.0) if x else -100.0, max(math.log1p(-x), -100.0) if x < 1 else -100
    return -weight * (y * logs[0] + (1 - y) * logs[1])


def with_logits(x, y, weight=1.0, pos_weight=1.0):
    return weight * (pos_weight * y * softplus(-x) + (1 - y) * softplus(x))


def smooth_l1(x, y, beta=1.0):
    d = abs(x - y)
    return d * d / 2 / beta if d < beta else d - beta / 2


def huber(x, y, delta=1.0):
    d = abs(x - y)
    return d * d / 2 if d <= delta else delta * (d - delta / 2)


def quantile(x, y, quantile=0.5):
    return max(quantile * (y - x), (quantile - 1) * (y - x))


def focal(x, y, gamma=2.0, alpha=None):
    p = 1 / (1 + math.exp(-x))
    wrong = p * (1 - y) + (1 - p) * y
    balance = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    return balance * wrong**gamma * with_logits(x, y)


def kl_div(x, y, log_target=False):
    return math.exp(y) * (y - x) if log_target else xlogy(y) - y * x


def poisson(x, y, log_input=True, full=False, eps=1e-8):
    loss = math.exp(x) - y * x if log_input else x - y * math.log(x + eps)
    if full and y > 1:
        loss += xlogy(y) - y + 0.5 * math.log(2 * math.pi * y)
    return loss


def gaussian(x, y, var, full=False, eps=1e-6):
    v = max(var, eps)
    return 0.5 * (math.log(v) + (x - y) ** 2 / v + (math.log(2 * math.pi) if full else 0))


def hinge_embedding(x, y, margin=1.0):
    return x if y == 1 else max(0.0, margin - x)


ELEMENTWISE = {
    "mse_loss": lambda x, y: (x - y) ** 2,
    "l1_loss": lambda x, y: abs(x - y),
    "smooth_l1_loss": smooth_l1,
    "huber_loss": huber,
    "lq_loss": lambda x, y, q=2.0: abs(x - y) ** q,
    "log_cosh_loss": lambda x, y: softplus(2 * abs(x - y)) - abs(x - y) - math.log(2),
    "quantile_loss": quantile,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": with_logits,
    "focal_loss": focal,
    "kl_div": kl_div,
    "poisson_nll_loss": poisson,
    "gaussian_nll_loss": gaussian,
    "hinge_loss": lambda x, y: max(0.0, 1 - x * y),
    "squared_hinge_loss": lambda x, y: max(0.0, 1 - x * y) ** 2,
    "logistic_loss": lambda x, y: softplus(-x * y),
    "soft_margin_loss": lambda x, y: softplus(-x * y),
    "square_margin_loss": lambda x, y: (1 - x * y) ** 2,
    "hinge_embedding_loss": hinge_embedding,
    "margin_ranking_loss": lambda a, b, y, margin=0.0: max(0.0, margin - y * (a - b)),
}


def multi_margin(x, y, p=1, margin=1.0, weight=None):
    w = 1 if weight is None else weight[y]
    return sum(w * max(0, margin - x[y] + s) ** p for j, s in enumerate(x) if j != y) / len(x)


def multilabel_margin(x, labels):
    chosen = []
    for label in labels:
        if label < 0:
            break
        chosen.append(label)
    others = [j for j in range(len(x)) if j not in chosen]
    return sum(max(0, 1 - x[t] + x[j]) for t in chosen for j in others) / len(x)


def cosine_embedding(a, b, y, margin=0.0):
    def dot(u, v):
        return sum(s * t for s, t in zip(u, v, strict=True))

    cosine = dot(a, b) / math.sqrt((dot(a, a) + 1e-12) * (dot(b, b) + 1e-12))
    return 1 - cosine if y == 1 else max(0.0, cosine - margin)


def triplet_margin(a, b, c, margin=1.0, p=2.0, eps=1e-6, swap=False):
    def distance(u, v):
        sizes = [abs(s - t + eps) for s, t in zip(u, v, strict=True)]
        return max(sizes) if p == math.inf else sum(s**p for s in sizes) ** (1 / p)

    far = min(distance(a, c), distance(b, c)) if swap else distance(a, c)
    return max(0.0, margin + distance(a, b) - far)


def of_labels(x, y, weight=None):
    return -(1 if weight is None else weight[y]) * x[y]


BY_SAMPLE = {
    "multi_margin_loss": multi_margin,
    "multiclass_hinge_loss": lambda x, y, margin=1.0: multi_margin(x, y, 1, margin) * len(x),
    "multilabel_margin_loss": multilabel_margin,
    "multilabel_soft_margin_loss": lambda x, y, weight=None: (
        sum(
            with_logits(s, t, 1 if weight is None else weight[j])
            for j, (s, t) in enumerate(zip(x, y, strict=True))
        )
        / len(x)
    ),
    "multilabel_hinge_loss": lambda x, y: sum(
        max(0.0, 1 - s * t) for s, t in zip(x, y, strict=True)
    ),
    "structured_hinge_loss": lambda x, y, costs: (
        max(s + c for s, c in zip(x, costs, strict=True)) - x[y]
    ),
    "cosine_embedding_loss": cosine_embedding,
    "triplet_margin_loss": triplet_margin,
    "nll_loss": of_labels,
}
