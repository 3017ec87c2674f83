"""Every loss against plain Python, its gradient against differences, and what it refuses."""

from __future__ import annotations

import math
import pickle
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from loss_reference import BY_SAMPLE, ELEMENTWISE
from ranvier import losses

RNG = np.random.default_rng(11)
SHAPE = (23, 7)
X, Y = RNG.standard_normal((2, *SHAPE)) * 2
P, Q = RNG.uniform(0.02, 0.98, (2, *SHAPE))
SIGNS = np.where(Y > 0, 1.0, -1.0)
BITS = (Q > 0.5) * 1.0
LABELS = RNG.integers(0, SHAPE[1], SHAPE[0])
CLASSES = RNG.uniform(0.5, 2, SHAPE[1])
COSTS = np.where(np.arange(SHAPE[1]) == LABELS[:, np.newaxis], 0.0, P)
LISTS = np.full(SHAPE, -1)
for i, row in enumerate(LISTS):
    row[: i % 4] = RNG.permutation(SHAPE[1])[: i % 4]


@dataclass(frozen=True)
class Case:
    """A loss with the arrays that are given sample by sample, and options."""

    name: str
    arrays: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    graded: tuple[int, ...] = (0,)  # which of the arrays have a gradient

    def __str__(self) -> str:
        return ",".join([self.name, *map(str, self.options)])

    @property
    def function(self):
        return getattr(losses, self.name)

    def reference(self, arrays):
        """The loss of each element or sample."""
        if self.name in ELEMENTWISE:
            scalar = np.vectorize(lambda *v: ELEMENTWISE[self.name](*v, **self.options))
            return scalar(*arrays)
        own = BY_SAMPLE[self.name]
        return np.array([own(*sample, **self.options) for sample in zip(*arrays, strict=True)])

    def weight_of_mean(self) -> float | None:
        """What torch divides by instead of the count."""
        if self.name == "nll_loss" and "weight" in self.options:
            return float(self.options["weight"][self.arrays[1]].sum())
        return None


CASES = [
    Case("mse_loss", (X, Y)),
    Case("l1_loss", (X, Y)),
    Case("smooth_l1_loss", (X, Y), {"beta": 0.7}),
    Case("huber_loss", (X, Y), {"delta": 1.3}),
    Case("lq_loss", (X, Y), {"q": 2.5}),
    Case("lq_loss", (X, Y), {"q": 1}),
    Case("log_cosh_loss", (X, Y)),
    Case("quantile_loss", (X, Y), {"quantile": 0.9}),
    Case("binary_cross_entropy", (P, Q)),
    Case("binary_cross_entropy_with_logits", (X, Q)),
    Case("binary_cross_entropy_with_logits", (X, Q), {"pos_weight": 2.5}),
    Case("focal_loss", (X, BITS)),
    Case("focal_loss", (X, BITS), {"gamma": 0.5, "alpha": 0.25}),
    Case("focal_loss", (X, BITS), {"gamma": 0}),
    Case("kl_div", (X, Q)),
    Case("kl_div", (X, Y), {"log_target": True}),
    Case("poisson_nll_loss", (X, np.floor(P * 9)), {"full": True}),
    Case("poisson_nll_loss", (P, np.floor(Q * 9)), {"log_input": False}),
    Case("gaussian_nll_loss", (X, Y, P), {"full": True}, (0, 2)),
    Case("hinge_loss", (X, SIGNS)),
    Case("squared_hinge_loss", (X, SIGNS)),
    Case("logistic_loss", (X * 10, SIGNS)),
    Case("soft_margin_loss", (X, SIGNS)),
    Case("square_margin_loss", (X, SIGNS)),
    Case("hinge_embedding_loss", (X, SIGNS), {"margin": 0.6}),
    Case("margin_ranking_loss", (X, Y, SIGNS[::-1]), {"margin": 0.5}, (0, 1)),
    Case("multi_margin_loss", (X, LABELS), {"weight": CLASSES}),
    Case("multi_margin_loss", (X, LABELS), {"p": 2, "margin": 0.8}),
    Case("multiclass_hinge_loss", (X, LABELS), {"margin": 1.4}),
    Case("multilabel_margin_loss", (X, LISTS)),
    Case("multilabel_soft_margin_loss", (X, BITS), {"weight": CLASSES}),
    Case("multilabel_hinge_loss", (X, SIGNS)),
    Case("structured_hinge_loss", (X, LABELS, COSTS)),
    Case("cosine_embedding_loss", (X, Y, SIGNS[:, 0]), {"margin": 0.1}, (0, 1)),
    Case("triplet_margin_loss", (X, Y, P), {}, (0, 1, 2)),
    Case("triplet_margin_loss", (X, Y, P), {"p": 3.0, "swap": True, "margin": 4.0}, (0, 1, 2)),
    Case("triplet_margin_loss", (X, Y, P), {"p": math.inf}, (0, 1, 2)),
    Case("nll_loss", (X, LABELS), {"weight": CLASSES}),
]
EACH = pytest.mark.parametrize("case", CASES, ids=str)
EACH_DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)


def cast(case, dtype):
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in case.arrays]


def graded(gradient):
    return gradient if isinstance(gradient, tuple) else (gradient,)


def test_every_loss_is_looked_at():
    exempt = {"Loss", "cross_entropy", "zero_one_loss"}
    assert {case.name for case in CASES} == set(losses.__all__) - exempt


@EACH
@EACH_DTYPE
def test_value(case, dtype):
    arrays = cast(case, dtype)
    right = case.reference([a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays])
    tolerance = 64 * np.finfo(dtype).eps
    count = case.weight_of_mean() or right.size
    expected = {"none": right, "sum": right.sum(), "mean": right.sum() / count}
    for reduction, value in expected.items():
        got = case.function(*arrays, reduction=reduction, **case.options)
        assert np.shape(got) == np.shape(value)
        if reduction == "none":
            assert got.dtype == dtype
        else:
            assert type(got) is float
        size = np.max(np.abs(right)) if reduction == "none" else np.abs(right).sum() / count
        scale = 1 if reduction == "none" else 1e-9 if dtype is np.float32 else 1
        np.testing.assert_allclose(got, value, rtol=tolerance, atol=tolerance * size * scale)


@EACH
def test_gradient_equals_differences(case):
    step = 1e-5
    value, gradient = case.function.value_and_grad(*case.arrays, reduction="sum", **case.options)
    assert value == case.function(*case.arrays, reduction="sum", **case.options)
    for index, got in zip(case.graded, graded(gradient), strict=True):
        numeric = np.zeros(SHAPE)
        # One column of every sample at a time: samples are independent.
        columns = range(SHAPE[1])
        for column in columns:
            moved = []
            for sign in (1, -1):
                arrays = [a.copy() for a in case.arrays]
                arrays[index][:, column] += sign * step
                losses_moved = case.reference(arrays)
                moved.append(losses_moved.reshape(SHAPE[0], -1).sum(1))
            numeric[:, column] = (moved[0] - moved[1]) / (2 * step)
        np.testing.assert_allclose(got, numeric, rtol=1e-5, atol=1e-6, err_msg=str(case))


@EACH
@EACH_DTYPE
def test_layouts_threads_and_out(case, dtype):
    arrays = cast(case, dtype)
    value, gradient = case.function.value_and_grad(*arrays, **case.options)
    each = case.function(*arrays, reduction="none", **case.options)

    def strided(a):
        wide = np.zeros((a.shape[0], *(2 * n for n in a.shape[1:])), a.dtype)
        view = wide[:, ::2] if a.ndim == 2 else wide
        view[...] = a
        return view

    for layout in (np.asfortranarray, strided, lambda a: a[::-1].copy()[::-1]):
        others = [layout(a) for a in arrays]
        out = tuple(layout(np.full(SHAPE, 7, dtype)) for _ in case.graded)
        given = out if len(out) > 1 else out[0]
        got, written = case.function.value_and_grad(*others, out=given, **case.options)
        assert got == value
        for mine, theirs, kept in zip(graded(written), graded(gradient), out, strict=True):
            assert mine is kept
            check_same_bits(np.ascontiguousarray(mine), theirs, str(case))
        check_same_bits(case.function(*others, reduction="none", **case.options), each, str(case))
    big = [np.concatenate([a] * 300) for a in arrays]
    with rv.num_threads(1):
        alone = case.function.value_and_grad(*big, **case.options)
    for threads in (2, 3, 8):
        with rv.num_threads(threads):
            together = case.function.value_and_grad(*big, **case.options)
        assert alone[0] == together[0]
        for a, b in zip(graded(alone[1]), graded(together[1]), strict=True):
            check_same_bits(a, b, str(case))


@EACH
def test_sample_weight(case):
    weights = RNG.uniform(0, 2, SHAPE[0])
    weights[3] = 0
    options = dict(case.options)
    each = case.function(*case.arrays, reduction="none", **options)
    column = weights.reshape(-1, *(1,) * (each.ndim - 1))
    got = case.function(*case.arrays, reduction="none", sample_weight=weights, **options)
    np.testing.assert_allclose(got, each * column, rtol=1e-14)
    total = case.function(*case.arrays, reduction="sum", sample_weight=weights, **options)
    np.testing.assert_allclose(total, (each * column).sum(), rtol=1e-13)
    of_mean = np.broadcast_to(column, each.shape)
    if case.name == "nll_loss":
        of_mean = of_mean * CLASSES[LABELS]
    mean, gradient = case.function.value_and_grad(*case.arrays, sample_weight=weights, **options)
    np.testing.assert_allclose(mean, (each * column).sum() / of_mean.sum(), rtol=1e-13)
    _, plain = case.function.value_and_grad(*case.arrays, reduction="sum", **options)
    for weighted, unweighted in zip(graded(gradient), graded(plain), strict=True):
        expected = unweighted * weights[:, np.newaxis] / of_mean.sum()
        np.testing.assert_allclose(weighted, expected, rtol=1e-12, atol=1e-16)
        assert not weighted[3].any()


@EACH
def test_single_samples_lists_and_pickles(case):
    single = [a[0] for a in case.arrays]
    value = case.function(*single, reduction="none", **case.options)
    each = case.function(*case.arrays, reduction="none", **case.options)
    np.testing.assert_allclose(value, each[0], rtol=1e-14)
    lists = [a.tolist() for a in case.arrays]
    options = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in case.options.items()}
    assert case.function(*lists, **options) == case.function(*case.arrays, **case.options)
    assert pickle.loads(pickle.dumps(case.function)) is case.function


@pytest.mark.parametrize("case", [c for c in CASES if c.name in ELEMENTWISE], ids=str)
def test_any_shape(case):
    for shape in ((), (0,), (7, 0), (161,), (23, 1, 7)):
        arrays = [np.resize(a, shape) for a in case.arrays]
        each = case.function(*arrays, reduction="none", **case.options)
        assert each.shape == shape
        right = case.reference(arrays) if each.size else each
        np.testing.assert_allclose(each, right, rtol=1e-12, atol=1e-14)
        value = case.function(*arrays, **case.options)
        assert math.isnan(value) == (each.size == 0)


@EACH
@EACH_DTYPE
def test_no_input_raises_a_warning(case, dtype):
    special = np.resize([np.inf, -np.inf, np.nan, 0, 1e-45, 3e38, -3e38, 1, -1], SHAPE)
    arrays = cast(case, dtype)
    if case.name != "binary_cross_entropy":
        with np.errstate(all="ignore"):
            arrays[0] = special.astype(dtype)
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for reduction in ("mean", "sum", "none"):
            case.function.value_and_grad(*arrays, reduction=reduction, **case.options)


@pytest.mark.parametrize(
    ("name", "x", "y", "slope"),
    [
        ("l1_loss", 1.0, 1.0, 0.0),
        ("hinge_loss", 1.0, 1.0, 0.0),
        ("hinge_embedding_loss", 1.0, -1.0, -1.0),
        ("smooth_l1_loss", 2.0, 1.0, 1.0),
        ("quantile_loss", 1.0, 1.0, 0.0),
        ("lq_loss", 1.0, 1.0, 0.0),
    ],
)
def test_kinks(name, x, y, slope):
    _, gradient = getattr(losses, name).value_and_grad(np.array([x]), np.array([y]))
    assert gradient[0] == slope


@pytest.mark.parametrize(
    ("x", "y", "value", "slope"),
    [
        (np.inf, 1.0, 0.0, 0.0),
        (-np.inf, 0.0, 0.0, 0.0),
        (np.inf, 0.0, np.inf, 1.0),
        (-np.inf, 1.0, np.inf, -1.0),
        (1e8, 1.0, 0.0, 0.0),
        (-1e8, 1.0, 1e8, -1.0),
        (-1e8, 0.0, 0.0, 0.0),
    ],
)
def test_logits_of_any_size(x, y, value, slope):
    for dtype in (np.float32, np.float64):
        got = losses.binary_cross_entropy_with_logits.value_and_grad(
            np.array([x], dtype), np.array([y], dtype)
        )
        assert (got[0], got[1][0]) == (value, slope)
    t = 2 * y - 1
    assert losses.logistic_loss(np.array([x]), np.array([t])) == value


def test_small_losses_keep_their_digits():
    x = np.array([40.0, 700.0])
    got = losses.binary_cross_entropy_with_logits.value_and_grad(x, np.ones(2), reduction="none")
    np.testing.assert_allclose(got[0], np.exp(-x), rtol=1e-15)
    np.testing.assert_allclose(got[1], -np.exp(-x), rtol=1e-15)
    small = np.array([1e-9, 1e-160])
    np.testing.assert_allclose(
        losses.log_cosh_loss(small, np.zeros(2), reduction="none"), small**2 / 2, rtol=1e-15
    )


def test_textbook_values():
    # Cross-entropy of the right class at probabilities 0.8, 0.15 and 0.05, in bits.
    p = np.log([[0.8, 0.15, 0.05]] * 3)
    bits = losses.nll_loss(p, [0, 1, 2], reduction="none") / np.log(2)
    assert bits.round(2).tolist() == [0.32, 2.74, 4.32]
    # Scores of three classes beside the right one, margin 1.
    scores = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]
    each = losses.multiclass_hinge_loss(scores, [0, 1, 2], reduction="none")
    np.testing.assert_allclose(each, [2.9, 0.0, 12.9], atol=1e-12)
    assert losses.hinge_loss([0.3], [-1]) == pytest.approx(1.3)
    assert losses.zero_one_loss([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]], [1, 1, 0]) == pytest.approx(
        1 / 3
    )


def test_gaussian_variance_of_other_shapes():
    x, y = X, Y
    for var in (P, P[:, :1], P[:, 0], np.float64(0.3)):
        full = np.broadcast_to(var[:, np.newaxis] if np.shape(var) == (23,) else var, SHAPE)
        value, (gx, gv) = losses.gaussian_nll_loss.value_and_grad(x, y, var)
        expected, (ex, ev) = losses.gaussian_nll_loss.value_and_grad(
            x, y, np.ascontiguousarray(full)
        )
        assert value == expected
        check_same_bits(gx, ex, "input")
        assert gv.shape == np.shape(var)
        np.testing.assert_allclose(gv.sum(), ev.sum(), rtol=1e-12)


def test_nll_loss_of_images():
    x = RNG.standard_normal((4, 5, 3, 2))
    labels = RNG.integers(0, 5, (4, 3, 2))
    labels[0, 0, 0] = -100
    each = losses.nll_loss(x, labels, reduction="none")
    for n, i, j in np.ndindex(4, 3, 2):
        label = labels[n, i, j]
        assert each[n, i, j] == (0 if label < 0 else -x[n, label, i, j])


HOSTILE = [
    ("mse_loss", (X, Y[:, :3]), {}, ValueError, r"target has shape \(23, 3\); expected \(23, 7\)"),
    ("mse_loss", (X.astype(int), Y), {}, TypeError, "input has dtype int64; expected native"),
    ("mse_loss", (X.astype(np.float32), Y), {}, TypeError, "target has dtype float64; expected"),
    ("mse_loss", (X, Y + 0j), {}, TypeError, "target has dtype complex128"),
    ("mse_loss", (X, Y), {"reduction": "avg"}, ValueError, "reduction is 'avg'; expected 'mean'"),
    ("mse_loss", (X, Y), {"reduction": None}, ValueError, "reduction is None"),
    ("mse_loss", (X, Y), {"weight": CLASSES[:3]}, ValueError, r"weight has shape \(3,\)"),
    ("mse_loss", (X, Y), {"sample_weight": CLASSES}, ValueError, r"sample_weight has shape \(7,\)"),
    ("mse_loss", (X, Y), {"sample_weight": ["a"] * 23}, TypeError, "sample_weight has dtype <U1"),
    ("huber_loss", (X, Y), {"delta": 0}, ValueError, "delta is 0; expected a positive"),
    ("smooth_l1_loss", (X, Y), {"beta": -1}, ValueError, "beta is -1; expected a non-negative"),
    ("lq_loss", (X, Y), {"q": math.nan}, ValueError, "q is nan"),
    ("quantile_loss", (X, Y), {"quantile": 1.5}, ValueError, "quantile is 1.5; expected a number"),
    ("focal_loss", (X, BITS), {"alpha": 2}, ValueError, "alpha is 2; expected"),
    ("binary_cross_entropy", (P + 1, Q), {}, ValueError, "input has the value 1.*from 0 to 1"),
    (
        "gaussian_nll_loss",
        (X, Y, -P),
        {},
        ValueError,
        f"var has the value {-P[0, 0]}; expected no negative variance",
    ),
    ("gaussian_nll_loss", (X, Y, P[:3]), {}, ValueError, r"var has shape \(3, 7\)"),
    (
        "nll_loss",
        (X, LABELS + 7),
        {},
        IndexError,
        "target has the label .*; expected 0 <= label < 7",
    ),
    ("nll_loss", (X, LABELS * 1.0), {}, TypeError, "target has dtype float64; expected integers"),
    ("nll_loss", (X, LABELS[:3]), {}, ValueError, r"target has shape \(3,\); expected \(23,\)"),
    ("multi_margin_loss", (X, LABELS - 5), {}, IndexError, "target has the label -"),
    ("multi_margin_loss", (X, LABELS), {"p": 3}, ValueError, "p is 3; expected 1 or 2"),
    ("multi_margin_loss", (X, LABELS), {"weight": CLASSES[:2]}, ValueError, "weight has shape"),
    ("multiclass_hinge_loss", (X, LABELS * np.nan), {}, TypeError, "target has dtype float64"),
    ("multiclass_hinge_loss", (X[0, 0], 0), {}, ValueError, r"input has shape \(\); expected"),
    ("multilabel_margin_loss", (X, LISTS + 9), {}, IndexError, "target has the label"),
    ("structured_hinge_loss", (X, LABELS, COSTS[:2]), {}, ValueError, "costs has shape"),
    ("cosine_embedding_loss", (X, Y[:2], SIGNS[:, 0]), {}, ValueError, "input2 has shape"),
    ("cosine_embedding_loss", (X, Y, SIGNS), {}, ValueError, r"target has shape \(23, 7\)"),
    ("triplet_margin_loss", (X, Y, P), {"p": 0}, ValueError, "p is 0; expected a positive"),
    ("margin_ranking_loss", (X, Y[:2], SIGNS), {}, ValueError, "input2 has shape"),
]


@pytest.mark.parametrize(
    ("name", "arrays", "options", "error", "message"),
    HOSTILE,
    ids=[f"{row[0]}-{i}" for i, row in enumerate(HOSTILE)],
)
def test_refused_input_writes_nothing(name, arrays, options, error, message):
    case = next(c for c in CASES if c.name == name)
    outs = tuple(np.full(np.shape(arrays[0]), 7.0) for _ in case.graded)
    with pytest.raises(error, match=message):
        case.function.value_and_grad(*arrays, out=outs if len(outs) > 1 else outs[0], **options)
    with pytest.raises(error, match=message):
        case.function(*arrays, **options)
    assert all((out == 7).all() for out in outs)


@EACH
def test_out_that_does_not_fit(case):
    def refuse(out, error, message):
        several = (out,) * len(case.graded) if len(case.graded) > 1 else out
        with pytest.raises(error, match=message):
            case.function.value_and_grad(*case.arrays, out=several, **case.options)

    refuse(np.zeros(SHAPE, np.float32), TypeError, "dtype float32; expected float64")
    refuse(np.zeros((7, 23)), ValueError, r"shape \(7, 23\); expected \(23, 7\)")
    frozen = np.zeros(SHAPE)
    frozen.flags.writeable = False
    refuse(frozen, ValueError, "read-only")
    refuse([1.0], TypeError, "out")
    before = case.arrays[0].copy()
    refuse(case.arrays[0], ValueError, "overlaps")
    check_same_bits(case.arrays[0], before, "input")


def test_weights_of_zero_sum_give_nan():
    for case in CASES:
        value = case.function(*case.arrays, sample_weight=np.zeros(SHAPE[0]), **case.options)
        assert math.isnan(value), case
        total = case.function(
            *case.arrays, sample_weight=np.zeros(SHAPE[0]), reduction="sum", **case.options
        )
        assert total == 0, case


def test_one_class():
    x = np.array([[0.5], [2.0]])
    assert losses.multilabel_margin_loss(x, [[-1], [0]]) == 0
    assert losses.multi_margin_loss(x, [0, 0]) == 0
    assert losses.nll_loss(x, [0, 0]) == -1.25
    with pytest.raises(IndexError, match="target has the label 1"):
        losses.multilabel_margin_loss(x, [[-1], [1]])


def test_zero_one_loss_has_no_gradient():
    with pytest.raises(TypeError, match="zero_one_loss is a metric and has no gradient"):
        losses.zero_one_loss.value_and_grad([[0.0, 1.0]], [1])
    assert losses.zero_one_loss([1, 2], [1, 3], sample_weight=[3.0, 1.0]) == 0.25
    with pytest.raises(ValueError, match="target has shape"):
        losses.zero_one_loss([1, 2], [1])


def test_weight_of_the_elements():
    weight = RNG.uniform(0.5, 2, SHAPE[1])
    each = losses.mse_loss(X, Y, reduction="none") * weight
    assert losses.mse_loss(X, Y, weight=weight) == pytest.approx(
        each.sum() / (weight.sum() * SHAPE[0]), rel=1e-13
    )
    each = losses.huber_loss(X, Y, reduction="none") * weight
    assert losses.huber_loss(X, Y, weight=weight) == pytest.approx(each.mean(), rel=1e-13)
    each = losses.binary_cross_entropy(P, Q, reduction="none") * weight
    assert losses.binary_cross_entropy(P, Q, weight) == pytest.approx(each.mean(), rel=1e-13)


def test_batchmean():
    each = losses.kl_div(X, Q, reduction="none")
    assert losses.kl_div(X, Q, reduction="batchmean") == pytest.approx(each.sum() / 23, rel=1e-13)
