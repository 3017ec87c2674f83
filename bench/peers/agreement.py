"""Losses beside torch's in float64: the largest difference of value and gradients, by option.

python -m bench.peers.agreement prints a table and exits with 1 where a difference is above 1e-12.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ranvier import losses

LIMIT = 1e-12
REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True)
class Case:
    """One loss with its inputs, the first `graded` of which have a gradient, and its options."""

    name: str
    inputs: tuple[Any, ...]
    graded: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    reductions: tuple[str, ...] = REDUCTIONS


def _grid(**choices: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*choices.values()):
        yield {k: v for k, v in zip(choices, values, strict=True) if v is not None}


def cases() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 37, 11)) * 2
    p, q = rng.uniform(0, 1, (2, 37, 11))
    y[:3] = x[:3]  # kinks
    rows = rng.uniform(0.5, 2, (37, 1))
    classes = rng.uniform(0.5, 2, 11)
    for weight in (None, rows * np.ones((37, 11))):
        for name in ("mse_loss", "l1_loss"):
            yield Case(name, (x, y), options=next(_grid(weight=(weight,))))
    for beta in (1.0, 0.3, 0.0):
        yield Case("smooth_l1_loss", (x, y), options={"beta": beta})
    for delta, weight in itertools.product((1.0, 0.3), (None, rows * np.ones((37, 11)))):
        yield Case("huber_loss", (x, y), options=next(_grid(delta=(delta,), weight=(weight,))))
    edges = p.copy()
    edges[0], edges[1] = 0.0, 1.0
    for options in _grid(weight=(None, classes, rows)):
        yield Case("binary_cross_entropy", (edges, q), options=options)
    for options in _grid(weight=(None, classes, rows), pos_weight=(None, classes)):
        yield Case("binary_cross_entropy_with_logits", (x * 20, q), options=options)
    share = q.copy()
    share[0] = 0
    for log_target in (False, True):
        target = y if log_target else share
        yield Case(
            "kl_div",
            (x, target),
            options={"log_target": log_target},
            reductions=(*REDUCTIONS, "batchmean"),
        )
    counts = rng.poisson(3, x.shape).astype(np.float64)
    for log_input, full in itertools.product((True, False), (True, False)):
        inputs = (x if log_input else q + 0.1, counts)
        yield Case("poisson_nll_loss", inputs, options={"log_input": log_input, "full": full})
    for var, full in itertools.product((p + 1e-7, p[:, :1] + 0.1, p[:, 0] + 0.1), (True, False)):
        yield Case("gaussian_nll_loss", (x, var, y), 2, {"full": full})
    signs = np.where(y > 0, 1.0, -1.0)
    for margin in (1.0, 0.25):
        yield Case("hinge_embedding_loss", (x, signs), options={"margin": margin})
        yield Case("margin_ranking_loss", (x, y, signs), 2, {"margin": margin - 0.25})
    yield Case("soft_margin_loss", (x * 20, signs))
    labels = rng.integers(0, 11, 37)
    margins = _grid(p=(1, 2), margin=(1.0, 0.5), weight=(None, classes))
    for options in margins:
        yield Case("multi_margin_loss", (x, labels), options=options)
    yield Case("multi_margin_loss", (x[0], labels[0]))
    lists = np.full((37, 11), -1)
    for i, row in enumerate(lists):
        row[: i % 6] = rng.permutation(11)[: i % 6]
    yield Case("multilabel_margin_loss", (x, lists))
    for weight in (None, classes):
        chosen = (q > 0.5).astype(np.float64)
        options = next(_grid(weight=(weight,)))
        yield Case("multilabel_soft_margin_loss", (x, chosen), options=options)
    for margin in (0.0, 0.5):
        yield Case("cosine_embedding_loss", (x, y, signs[:, 0].copy()), 2, {"margin": margin})
    for options in _grid(margin=(1.0, 0.2), p=(2.0, 1.0, 3.5, np.inf), swap=(False, True)):
        yield Case("triplet_margin_loss", (x, y, p * 3), 3, options)
    logits = F.log_softmax(torch.tensor(x), 1).numpy()
    deep = rng.standard_normal((5, 11, 4, 3))
    deep_labels = rng.integers(0, 11, (5, 4, 3))
    for weight, ignore in itertools.product((None, classes), (-100, 4)):
        options = next(_grid(weight=(weight,), ignore_index=(ignore,)))
        yield Case("nll_loss", (logits, labels), options=options)
        yield Case("nll_loss", (deep, deep_labels), options=options)
        for smoothing in (0.0, 0.1):
            more = options | {"label_smoothing": smoothing}
            yield Case("cross_entropy", (x, labels), options=more)
            yield Case("cross_entropy", (deep, deep_labels), options=more)
    for weight, smoothing in itertools.product((None, classes), (0.0, 0.1)):
        soft = q / q.sum(1, keepdims=True)
        options = next(_grid(weight=(weight,), label_smoothing=(smoothing,)))
        yield Case("cross_entropy", (x, soft), options=options)


def _tensor(value: Any) -> Any:
    return torch.tensor(value) if isinstance(value, np.ndarray | np.integer) else value


def difference(case: Case, reduction: str) -> float:
    """The largest difference of value and gradients, relative to the largest of each."""
    own: losses.Loss = getattr(losses, case.name)
    # torch's order: what has a gradient, then the target; gaussian_nll_loss has var last.
    order = (0, 2, 1) if case.name == "gaussian_nll_loss" else range(len(case.inputs))
    value, gradients = own.value_and_grad(
        *[case.inputs[i] for i in order], reduction=reduction, **case.options
    )
    alone = own(*[case.inputs[i] for i in order], reduction=reduction, **case.options)
    np.testing.assert_array_equal(alone, value)
    tensors = [_tensor(v) for v in case.inputs]
    for tensor in tensors[: case.graded]:
        tensor.requires_grad_()
    options = {k: _tensor(v) for k, v in case.options.items()}
    expected = getattr(F, case.name)(*[tensors[i] for i in order], reduction=reduction, **options)
    expected.sum().backward()
    pairs = [(value, expected.detach().numpy())]
    own_gradients = gradients if case.graded > 1 else (gradients,)
    pairs += [(g, t.grad.numpy()) for g, t in zip(own_gradients, tensors, strict=False)]
    worst = 0.0
    for got, right in pairs:
        assert np.shape(got) == np.shape(right), (case.name, np.shape(got), np.shape(right))
        size = np.max(np.abs(right)) or 1.0
        worst = max(worst, float(np.max(np.abs(got - right)) / size))
    return worst


def main() -> int:
    worst: dict[str, tuple[float, int]] = {}
    for case in cases():
        for reduction in case.reductions:
            found = difference(case, reduction)
            if not found <= LIMIT:
                given = {k: np.shape(v) or v for k, v in case.options.items()}
                print(f"{case.name} {reduction} {given}: {found:.3g}", file=sys.stderr)
            largest, count = worst.get(case.name, (0.0, 0))
            worst[case.name] = max(largest, found), count + 1
    print("| loss | option sets and reductions | largest relative difference |\n|---|---|---|")
    for name, (largest, count) in worst.items():
        print(f"| {name} | {count} | {largest:.1e} |")
    return int(any(not largest <= LIMIT for largest, _ in worst.values()))


if __name__ == "__main__":
    sys.exit(main())
