"""A loss prepared for a training step: the bits of the function, whatever the rows it is run by."""

from __future__ import annotations

import functools
import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from checks import check_same_bits
from ranvier import losses
from ranvier.losses._batch import batch_handle
from ranvier.losses._uses import every_loss

RNG = np.random.default_rng(3)
C = 7
CLASSES = RNG.uniform(0.2, 2, C)
EACH_DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)


def scores(n: int, columns: int, kind: str) -> Any:
    """Arrays for the kind of a row's operand."""
    x = RNG.standard_normal((n, columns)) * 2
    return {
        "probabilities": lambda: RNG.uniform(0.02, 0.98, (n, columns)),
        "shares": lambda: RNG.dirichlet(np.ones(columns), n),
        "indicators": lambda: np.round(RNG.random((n, columns))),
        "signs": lambda: np.where(x > 0, 1.0, -1.0),
        "counts": lambda: np.floor(RNG.uniform(0, 9, (n, columns))),
        "rates": lambda: RNG.uniform(0.1, 9, (n, columns)),
    }.get(kind, lambda: x)()


def lists(n: int, columns: int) -> Any:
    result = np.full((n, columns), -1)
    for i, row in enumerate(result):
        row[: i % 4] = RNG.permutation(columns)[: i % 4]
    return result


def target(function: Any, n: int, columns: int, **options: Any) -> Any:
    row = function.rows[0]
    if options.get("log_target"):
        return scores(n, columns, "numbers")
    return {
        "class": lambda: RNG.integers(0, columns, n),
        "classes": lambda: lists(n, columns),
        "": lambda: scores(n, columns, row.operands[1].kind),
    }[row.labels]()


# Losses of one input, and options.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("mse_loss", {}),
    ("mse_loss", {"weight": CLASSES}),
    ("mse_loss", {"weight": 0.3}),
    ("l1_loss", {"weight": CLASSES[np.newaxis]}),
    ("smooth_l1_loss", {"beta": 0.7}),
    ("huber_loss", {"delta": 1.3, "weight": CLASSES}),
    ("lq_loss", {"q": 2.5}),
    ("log_cosh_loss", {}),
    ("quantile_loss", {"quantile": 0.9}),
    ("binary_cross_entropy", {"weight": CLASSES}),
    ("binary_cross_entropy_with_logits", {}),
    ("binary_cross_entropy_with_logits", {"pos_weight": CLASSES, "weight": CLASSES[::-1]}),
    ("binary_cross_entropy_with_logits", {"pos_weight": 2}),
    ("focal_loss", {}),
    ("focal_loss", {"gamma": 0.5, "alpha": 0.25}),
    ("kl_div", {}),
    ("kl_div", {"log_target": True, "reduction": "batchmean"}),
    ("poisson_nll_loss", {"full": True}),
    ("poisson_nll_loss", {"log_input": False, "eps": 0.1}),
    ("hinge_loss", {}),
    ("squared_hinge_loss", {}),
    ("logistic_loss", {}),
    ("soft_margin_loss", {}),
    ("square_margin_loss", {}),
    ("hinge_embedding_loss", {"margin": 0.6}),
    ("multilabel_soft_margin_loss", {"weight": CLASSES}),
    ("multilabel_hinge_loss", {}),
    ("multi_margin_loss", {"weight": CLASSES, "p": 2}),
    ("multiclass_hinge_loss", {"margin": 1.4}),
    ("multilabel_margin_loss", {}),
    ("structured_hinge_loss", {"costs": CLASSES}),
    ("structured_hinge_loss", {"costs": 0.25}),
    ("nll_loss", {"weight": CLASSES, "ignore_index": 2}),
    ("cross_entropy", {}),
    ("cross_entropy", {"weight": CLASSES, "label_smoothing": 0.1, "ignore_index": 3}),
]
IDS = [",".join([name, *options]) for name, options in CASES]
EACH = pytest.mark.parametrize("case", CASES, ids=IDS)


def cast(array: Any, dtype: Any) -> Any:
    return array.astype(dtype) if array.dtype.kind == "f" else array.astype(np.int64)


def run(handle: Any, x: Any, y: Any, weights: Any, pieces: list[int]) -> tuple[float, float, Any]:
    """Return the value and gradient of rows that come in these pieces, the last of them first."""
    gradient = np.full_like(x, 7)
    divisor = handle.begin(y, weights, *x.shape)
    edges = [0, *np.cumsum(pieces)]
    for begin, end in reversed([*itertools.pairwise(edges)]):
        handle.run(int(begin), int(end), x, gradient)
    return divisor, handle.value(), gradient


def pieces_of(n: int, rng: Any) -> list[int]:
    cuts = np.sort(rng.integers(0, n + 1, 5))
    return [int(p) for p in np.diff([0, *cuts, n])]


def check(handle: Any, function: Any, x: Any, y: Any, weights: Any, name: str) -> None:
    value, gradient = function.value_and_grad(x, y, sample_weight=weights)
    for pieces in ([len(x)], [1] * len(x), pieces_of(len(x), RNG)):
        _, got, mine = run(handle, x, y, weights, pieces)
        check_same_bits(np.float64(got), np.float64(value), name)
        check_same_bits(mine, gradient, name)


class Bound:
    """A loss with its options."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.function = getattr(losses, name)
        self.partial = functools.partial(self.function, **options)
        self.value_and_grad = functools.partial(self.function.value_and_grad, **options)


def test_every_loss_of_one_input_is_looked_at():
    there = {loss.__name__ for loss in every_loss() if batch_handle(loss, np.float32)}
    assert there | {"structured_hinge_loss"} == {name for name, _ in CASES}
    several = {loss.__name__ for loss in every_loss() if len(loss.rows[0].graded) > 1}
    assert several == {loss.__name__ for loss in every_loss()} - {name for name, _ in CASES}


@EACH
@EACH_DTYPE
def test_bits_are_those_of_the_function(case, dtype):
    name, options = case
    bound = Bound(name, options)
    handle = batch_handle(bound.partial, dtype)
    assert handle is not None
    kind = bound.function.rows[0].operands[0].kind
    if options.get("log_input") is False:
        kind = "rates"
    # One batch after the other on one handle: larger, smaller, of one row, beyond a block of sums.
    for n in (33, 5, 1, 1301, 64):
        x = cast(scores(n, C, kind), dtype)
        y = cast(target(bound.function, n, C, **options), dtype)
        check(handle, bound, x, y, None, name)
        weights = RNG.uniform(0, 2, n)
        weights[n // 2] = 0
        check(handle, bound, x, y, weights, name)


@EACH_DTYPE
@pytest.mark.parametrize("name", ["mse_loss", "huber_loss", "binary_cross_entropy_with_logits"])
def test_one_output_and_integers_as_a_target(name, dtype):
    bound = Bound(name, {})
    handle = batch_handle(bound.partial, dtype)
    x = scores(50, 1, "numbers").astype(dtype)
    y = RNG.integers(0, 2, (50, 1))
    check(handle, bound, x, y, None, name)
    wide = scores(9, 1300, "numbers").astype(dtype)
    check(handle, bound, wide, RNG.integers(0, 2, wide.shape), None, name)


@EACH_DTYPE
@pytest.mark.parametrize("columns", [2, 47, 49, 300])
def test_cross_entropy_of_probabilities_and_of_any_number_of_classes(columns, dtype):
    for options in ({}, {"label_smoothing": 0.2}):
        bound = Bound("cross_entropy", options)
        handle = batch_handle(bound.partial, dtype)
        x = scores(75, columns, "logits").astype(dtype)
        soft = scores(75, columns, "shares").astype(dtype)
        check(handle, bound, x, soft, RNG.uniform(0, 1, 75), "soft")
        check(handle, bound, x, RNG.integers(0, columns, 75), None, "labels")


@pytest.mark.parametrize("name", ["cross_entropy", "multilabel_margin_loss", "mse_loss"])
def test_several_threads_at_once(name):
    function = getattr(losses, name)
    x = scores(40_000, C, "logits").astype(np.float32)
    y = cast(target(function, len(x), C), np.float32)
    handle = batch_handle(function, np.float32)
    value, gradient = function.value_and_grad(x, y)
    mine = np.empty_like(x)
    handle.begin(y, None, *x.shape)
    with ThreadPoolExecutor(4) as pool:
        [*pool.map(lambda i: handle.run(i, i + 500, x, mine), range(0, len(x), 500))]
    assert handle.value() == value
    check_same_bits(mine, gradient, name)


def test_the_divisor_is_that_of_the_mean():
    x = np.zeros((4, C))
    labels = np.array([0, 1, -100, 2])
    plain = batch_handle(losses.cross_entropy, np.float64)
    assert plain.begin(labels, None, 4, C) == 3
    assert plain.begin(labels, np.array([1.0, 2.0, 5.0, 0.5]), 4, C) == 3.5
    assert plain.begin(np.full(4, -100), None, 4, C) == 0
    plain.run(0, 4, x, None)
    assert math.isnan(plain.value())
    assert batch_handle(losses.mse_loss, np.float64).begin(x, None, 4, C) == 4 * C
    by_sample = functools.partial(losses.kl_div, reduction="batchmean")
    assert batch_handle(by_sample, np.float64).begin(x, None, 4, C) == 4


@pytest.mark.parametrize(
    "function",
    [
        losses.gaussian_nll_loss,
        functools.partial(losses.gaussian_nll_loss, var=1.0),
        losses.margin_ranking_loss,
        losses.cosine_embedding_loss,
        losses.triplet_margin_loss,
        losses.structured_hinge_loss,
        losses.zero_one_loss,
        lambda x, y: 0.0,
        None,
        functools.partial(losses.mse_loss, np.zeros((3, 2))),
        functools.partial(losses.mse_loss, target=np.zeros((3, 2))),
        functools.partial(losses.mse_loss, weight=np.ones((3, 2))),
        functools.partial(losses.mse_loss, sample_weight=np.ones(3)),
        functools.partial(losses.mse_loss, reduction="sum"),
        functools.partial(losses.mse_loss, reduction="none"),
        functools.partial(losses.mse_loss, colour="red"),
        functools.partial(losses.binary_cross_entropy_with_logits, pos_weight=np.ones((3, 2))),
    ],
)
def test_there_is_none_for(function):
    assert batch_handle(function, np.float32) is None


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (functools.partial(losses.huber_loss, delta=0), "delta is 0; expected a positive number"),
        (functools.partial(losses.mse_loss, reduction="avg"), "reduction is 'avg'; expected"),
        (functools.partial(losses.cross_entropy, label_smoothing=2), "label_smoothing is 2; exp"),
    ],
)
def test_options_are_checked_as_by_the_function(function, message):
    with pytest.raises(ValueError, match=message):
        batch_handle(function, np.float32)


@pytest.mark.parametrize(
    ("function", "y", "error", "message"),
    [
        (losses.cross_entropy, np.array([0, 2]), IndexError, "label 2 at position 1; expected 0"),
        (losses.cross_entropy, np.array([0, -1]), IndexError, "label -1 at position 1"),
        (losses.nll_loss, np.zeros((2, 2)), ValueError, "nll_loss expects class indices"),
        (losses.multi_margin_loss, np.zeros((2, 2)), ValueError, "hinge expects class indices"),
        (losses.multi_margin_loss, np.array([0, 5]), IndexError, "label 5 at position 1"),
        (losses.multilabel_margin_loss, np.array([[0, 1], [2, 0]]), IndexError, "position 2"),
        (
            functools.partial(losses.cross_entropy, weight=[1, 2, 3]),
            np.array([0, 1]),
            ValueError,
            r"weight has shape \(3,\); expected \(2,\)",
        ),
        (
            functools.partial(losses.mse_loss, weight=[1, 2, 3]),
            np.zeros((2, 2)),
            ValueError,
            r"weight has shape \(3,\); expected \(2,\)",
        ),
        (
            functools.partial(losses.cross_entropy, ignore_index=1),
            np.zeros((2, 2)),
            ValueError,
            "ignore_index is 1; it has no meaning",
        ),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(function, y, error, message):
    handle = batch_handle(function, np.float64)
    with pytest.raises(error, match=message):
        handle.begin(y, None, 2, 2)
    with pytest.raises(ValueError, match="not those of the batch"):
        handle.run(0, 2, np.zeros((2, 2)), None)


def test_probabilities_outside_of_their_range_are_named():
    handle = batch_handle(losses.binary_cross_entropy, np.float64)
    handle.begin(np.zeros((2, 1)), None, 2, 1)
    handle.run(0, 2, np.array([[0.5], [1.5]]), None)
    with pytest.raises(ValueError, match=r"input has the value 1\.5; expected probabilities"):
        handle.value()
    handle.begin(np.zeros((2, 1)), None, 2, 1)
    handle.run(0, 2, np.array([[0.5], [np.nan]]), None)
    assert math.isnan(handle.value())
