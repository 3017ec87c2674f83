"""losses.cross_entropy against its definition written out in extended precision."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits, check_silent
from ranvier import losses

cross_entropy = losses.cross_entropy
EACH_DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
SHAPES = [(7,), (1, 1), (5, 3), (128, 10), (9, 16), (33, 17), (3, 1000), (4, 5, 6), (2, 3, 4, 5)]
OPTIONS = {
    "plain": {},
    "weight": {"weight": True},
    "ignored": {"ignore_index": 1},
    "smoothed": {"label_smoothing": 0.1},
    "uniform": {"label_smoothing": 1.0},
    "sample_weight": {"sample_weight": True},
    "all": {"weight": True, "label_smoothing": 0.3, "sample_weight": True, "ignore_index": 0},
}
REDUCTIONS = ("mean", "sum", "none")


def oracle(
    scores,
    target,
    weight=None,
    ignore_index=-100,
    reduction="mean",
    label_smoothing=0.0,
    sample_weight=None,
):
    """Value, gradient, and the size of what is subtracted in each element of the gradient."""
    scores = np.asarray(scores, np.longdouble)  # float64 itself is on trial
    soft = np.asarray(target).dtype.kind == "f"
    batched = scores.ndim > 1
    x = np.moveaxis(scores, 1, -1) if batched else scores[None]
    shape, classes = x.shape[:-1], x.shape[-1]
    w = np.ones(classes) if weight is None else np.asarray(weight, np.longdouble)
    s = np.ones(len(x)) if sample_weight is None else np.atleast_1d(sample_weight)
    s = np.broadcast_to(s.reshape(-1, *[1] * (len(shape) - 1)), shape)
    if soft:
        q = np.moveaxis(target, 1, -1) if batched else target[None]
        q = q.astype(np.longdouble)
        kept, share = np.ones(shape, bool), s
    else:
        labels = np.asarray(target).reshape(shape)
        kept = labels != ignore_index
        labels = np.where(kept, labels, 0)
        q = (labels[..., None] == np.arange(classes)).astype(np.longdouble)
        share = np.where(kept, w[labels] * s, 0)
    smoothing = np.longdouble(label_smoothing)
    q = ((1 - smoothing) * q + smoothing / classes) * w

    top = x.max(-1, keepdims=True)
    first = np.arange(classes) == x.argmax(-1)[..., None]
    rest = np.where(first, 0, np.exp(x - top)).sum(-1, keepdims=True)
    surprise = (top - x) + np.log1p(rest)
    p = np.exp(-surprise)
    at_top = -np.expm1(-surprise)  # 1 - p, exactly

    value = np.where(kept, s * (q * surprise).sum(-1), 0)
    total = q.sum(-1, keepdims=True)
    certain = (q == total) & (not soft)  # p_y - 1 is to be right even where it is nearly 0
    gradient = np.where(q == total, -total * at_top, total * p - q)
    size = np.where(certain, np.abs(gradient), total * p + q)
    factor = np.where(kept, s, 0)[..., None]
    if reduction == "mean":
        factor = factor / (share.sum() or np.nan)
    gradient, size = gradient * factor, size * np.abs(factor)
    if batched:
        gradient, size = np.moveaxis(gradient, -1, 1), np.moveaxis(size, -1, 1)
    else:
        gradient, size, value = gradient[0], size[0], value[0]
    if reduction == "mean":
        value = value.sum() / (share.sum() or np.nan)
    elif reduction == "sum":
        value = value.sum()
    return value, gradient, size


def problem(shape, dtype, options, *, soft=False, spread=2.0):
    """Scores, targets, and the options with their arrays filled in."""
    rng = np.random.default_rng(len(shape) + sum(shape))
    scores = rng.normal(0, spread, shape).astype(dtype)
    classes = shape[1] if len(shape) > 1 else shape[0]
    outer = (shape[0], *shape[2:]) if len(shape) > 1 else ()
    options = dict(options)
    if soft:
        target = rng.random(shape)
        target /= target.sum(1 if len(shape) > 1 else 0, keepdims=True)
        target = target.astype(dtype)
        options.pop("ignore_index", None)
    else:
        target = rng.integers(0, classes, outer)
    if options.get("weight"):
        options["weight"] = rng.uniform(0.5, 2, classes).astype(dtype)
    if options.get("sample_weight"):
        options["sample_weight"] = rng.uniform(0.5, 2, outer[:1])
    return scores, target, options


def roundings(scores):
    """How many rounding errors an element may have. float32 is computed in float64."""
    if scores.dtype == np.float32:
        return 4
    axis = min(1, scores.ndim - 1)
    # Half of one in the difference to the largest score, times its size, as e^(d (1 + eps/2)) is
    # e^d (1 + d eps/2); half of one for each number in one of 16 lanes of the sum.
    return 4 + np.ptp(scores, axis).max() / 2 + scores.shape[axis] / 32


def check_close(got, expected, size, scores, context):
    """Within the rounding errors of what was added up."""
    info = np.finfo(scores.dtype)
    error = np.abs(np.asarray(got, np.longdouble) - expected)
    bound = roundings(scores) * info.eps * np.abs(size) + info.smallest_subnormal
    if not np.all(error <= bound):
        worst = np.unravel_index(np.argmax(error - bound), error.shape)
        raise AssertionError(
            f"{context}: {np.asarray(got)[worst]!r} at {worst} where {expected[worst]!r} was "
            f"expected: off by {error[worst]:.3g}, where {bound[worst]:.3g} is allowed"
        )


@EACH_DTYPE
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "probabilities"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_value_and_gradient(shape, options, soft, dtype):
    scores, target, options = problem(shape, dtype, options, soft=soft)
    for reduction in REDUCTIONS:
        value, gradient = cross_entropy.value_and_grad(
            scores, target, reduction=reduction, **options
        )
        expected, expected_gradient, size = oracle(scores, target, reduction=reduction, **options)
        if not np.all(np.isfinite(expected)):  # every sample is ignored
            assert np.isnan(value)
            continue
        check_close(gradient, expected_gradient, size, scores, reduction)
        assert gradient.dtype == dtype
        assert gradient.shape == shape
        if reduction == "none":
            assert isinstance(value, np.ndarray)
            assert value.dtype == dtype
            assert value.shape == expected.shape
            check_close(value, expected, expected, scores, "losses")
        else:
            assert type(value) is float
            # Formed in double whatever the dtype.
            assert value == pytest.approx(
                float(expected), rel=2e-7 if dtype is np.float32 else 1e-14
            )
        alone = cross_entropy(scores, target, reduction=reduction, **options)
        np.testing.assert_allclose(alone, value, rtol=1e-6 if dtype is np.float32 else 1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "probabilities"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("shape", [(7,), (5, 3), (2, 3, 2)], ids=str)
def test_gradient_is_that_of_the_value(shape, options, soft, reduction):
    scores, target, options = problem(shape, np.float64, options, soft=soft)
    call = functools.partial(cross_entropy, target=target, reduction=reduction, **options)
    _, gradient = cross_entropy.value_and_grad(scores, target, reduction=reduction, **options)
    step = 1e-4
    for at in np.ndindex(shape):

        def value(offset, at=at):
            moved = scores.copy()
            moved[at] += offset
            return call(moved)

        # Fourth order: the error is far under that of the rounding.
        slope = 8 * (value(step) - value(-step)) - (value(2 * step) - value(-2 * step))
        assert gradient[at] == pytest.approx(slope / (12 * step), rel=1e-8, abs=1e-10)


def test_by_hand():
    """Two classes with scores 0 and log 3: probabilities 1/4 and 3/4."""
    scores = np.array([[0.0, np.log(3.0)]] * 2)
    value, gradient = cross_entropy.value_and_grad(scores, np.array([0, 1]), weight=[3.0, 1.0])
    assert value == pytest.approx((3 * np.log(4) + np.log(4 / 3)) / 4, rel=1e-15)
    np.testing.assert_allclose(gradient, [[-9 / 16, 9 / 16], [1 / 16, -1 / 16]], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.uint64, ">i8"])
def test_any_integers_are_labels(dtype):
    scores, target, _ = problem((9, 5), np.float32, {})
    assert cross_entropy(scores, target.astype(dtype)) == cross_entropy(scores, target)
    assert cross_entropy(scores, target.tolist()) == cross_entropy(scores, target)


LAYOUTS = {
    "Fortran": lambda x: np.asfortranarray(x),
    "reversed": lambda x: x[::-1].copy()[::-1],
    "reversed classes": lambda x: np.flip(np.flip(x, 1).copy(), 1),
    "every other": lambda x: np.repeat(np.repeat(x, 2, 0), 3, 1)[::2, ::3],
    "inner last": lambda x: np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1),
    "inner swapped": lambda x: x.swapaxes(0, -1).copy().swapaxes(0, -1),
}


@EACH_DTYPE
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("shape", [(6, 5), (4, 5, 6), (3, 4, 2, 5)], ids=str)
@pytest.mark.parametrize("options", [{}, OPTIONS["all"]], ids=["plain", "all"])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "probabilities"])
def test_strides_do_not_matter(soft, options, shape, layout, dtype):
    scores, target, options = problem(shape, dtype, options, soft=soft)
    for reduction in REDUCTIONS:
        value, gradient = cross_entropy.value_and_grad(
            scores, target, reduction=reduction, **options
        )
        out = layout(np.full_like(scores, np.nan))
        given = layout(scores)
        labels = layout(target) if soft else np.repeat(target, 2, -1)[..., ::2]
        strided, returned = cross_entropy.value_and_grad(
            given, labels, reduction=reduction, out=out, **options
        )
        assert returned is out
        check_same_bits(np.asarray(strided), np.asarray(value), "value")
        check_same_bits(out, gradient, "gradient")
        np.testing.assert_array_equal(given, scores)


EXTREME = {
    # scores, label: loss, gradient (of the sum)
    "certain": ([1e4, 0, -1e4], 0, 0.0, [0, 0, 0]),
    "certainly wrong": ([1e4, 0, -1e4], 2, 2e4, [1, 0, -1]),
    "huge": ([1e8, -1e8], 1, 2e8, [1, -1]),
    "huge and equal": ([1e8, 1e8], 0, np.log(2), [-0.5, 0.5]),
    "impossible, elsewhere": ([0, -np.inf, 0], 0, np.log(2), [-0.5, 0, 0.5]),
    "impossible": ([0, -np.inf], 1, np.inf, [1, -1]),
    "sure": ([np.inf, 0], 0, 0.0, [0, 0]),
    "sure and wrong": ([np.inf, 0], 1, np.inf, [1, -1]),
    "two sure": ([np.inf, np.inf, 0], 0, np.log(2), [-0.5, 0.5, 0]),
    "not a number": ([np.nan, 0], 1, np.nan, [np.nan, np.nan]),
    "not a number beside inf": ([np.nan, np.inf], 1, np.nan, [np.nan, np.nan]),
    "nothing possible": ([-np.inf, -np.inf], 0, np.inf, None),
}


@EACH_DTYPE
@pytest.mark.parametrize("case", EXTREME.values(), ids=EXTREME)
def test_extreme_scores(case, dtype):
    scores, label, loss, slope = case
    scores = np.array([scores], dtype)
    check_silent("cross_entropy", lambda x: cross_entropy.value_and_grad(x, [label]), scores)
    value, gradient = cross_entropy.value_and_grad(scores, [label], reduction="sum")
    if slope is not None:
        np.testing.assert_allclose(value, loss, rtol=1e-15, atol=np.finfo(dtype).smallest_subnormal)
        np.testing.assert_allclose(gradient, [slope], rtol=1e-6, atol=1e-300)
    # As a distribution, and in a long row, which takes the other road through the kernel.
    hot = np.zeros_like(scores)
    hot[0, label] = 1
    soft, soft_gradient = cross_entropy.value_and_grad(scores, hot, reduction="sum")
    np.testing.assert_allclose(soft, value, rtol=1e-15, atol=np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(soft_gradient, gradient, rtol=1e-6)
    long = np.full((1, 70_000), -np.inf, dtype)
    long[0, : scores.size] = scores
    far, far_gradient = cross_entropy.value_and_grad(long, [label], reduction="sum")
    np.testing.assert_allclose(far, value, rtol=1e-15, atol=np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(far_gradient[0, : scores.size], gradient[0], rtol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"weight": [1e40, 1e-60, 1.0]},
        {"sample_weight": np.array([1, 2], np.longdouble) * 1e308 * 10},
    ],
    ids=["weight", "sample_weight"],
)
def test_weights_beyond_the_dtype_pass_without_a_warning(options):
    scores = np.zeros((2, 3), np.float32)
    check_silent(
        "cross_entropy", lambda x: cross_entropy.value_and_grad(x, [0, 1], **options), scores
    )


def test_a_nearly_certain_sample_keeps_its_digits():
    value, gradient = cross_entropy.value_and_grad(np.array([[40.0, 0.0]]), [0])
    assert value == pytest.approx(np.exp(-40), rel=1e-15)
    np.testing.assert_allclose(gradient, [[-np.exp(-40), np.exp(-40)]], rtol=1e-15)


@EACH_DTYPE
@pytest.mark.parametrize("classes", [50_257, 70_000])
def test_long_rows(classes, dtype):
    scores, target, _ = problem((3, classes), dtype, {})
    for options in ({}, {"label_smoothing": 0.1}):
        value, gradient = cross_entropy.value_and_grad(scores, target, **options)
        expected, expected_gradient, size = oracle(scores, target, **options)
        assert value == pytest.approx(float(expected), rel=1e-7 if dtype is np.float32 else 1e-13)
        check_close(gradient, expected_gradient, size, scores, "gradient")


def test_nothing_to_average_is_nan():
    empty = np.empty((0, 3))
    no_labels = np.empty(0, int)
    ignored = np.array([-100, -100])
    assert np.isnan(cross_entropy(empty, no_labels))
    assert cross_entropy(empty, no_labels, reduction="sum") == 0.0
    assert cross_entropy(empty, no_labels, reduction="none").shape == (0,)
    scores = np.ones((2, 3))
    check_silent("cross_entropy", lambda x: cross_entropy.value_and_grad(x, ignored), scores)
    value, gradient = cross_entropy.value_and_grad(scores, ignored)
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, np.zeros((2, 3)))
    assert np.isnan(cross_entropy(np.ones((2, 3)), [0, 1], sample_weight=[0, 0]))


def test_a_sample_without_weight_adds_nothing():
    scores = np.array([[0.0, -np.inf], [1.0, 2.0]])
    value = cross_entropy(scores, [1, 0], sample_weight=[0, 2])
    assert value == cross_entropy(scores[1:], [0])
    assert np.isfinite(cross_entropy(scores, [1, 0], weight=[1, 0]))


@pytest.mark.parametrize("shape", [(1, 10), (700, 10), (130, 1000), (5, 50_000), (3, 10, 40, 41)])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "probabilities"])
def test_same_bits_on_any_number_of_threads(shape, soft):
    scores, target, options = problem(
        shape,
        np.float32,
        {"weight": True, "sample_weight": True, "label_smoothing": 0.1},
        soft=soft,
    )
    results = []
    for count in (1, 2, 4):
        with rv.num_threads(count):
            value, gradient = cross_entropy.value_and_grad(scores, target, **options)
            plain, _ = cross_entropy.value_and_grad(scores, target)
            results.append((value, plain, gradient.tobytes()))
    assert results[0] == results[1] == results[2]


GOOD = np.zeros((4, 3), np.float32)
LABELS = np.array([0, 1, 2, 0])
READ_ONLY = np.zeros((4, 3), np.float32)
READ_ONLY.flags.writeable = False
REFUSED = {
    "integer input": ({"input": np.zeros((4, 3), int)}, TypeError, "input has dtype int64"),
    "half input": ({"input": GOOD.astype(np.float16)}, TypeError, "input has dtype float16"),
    "complex input": ({"input": GOOD.astype(complex)}, TypeError, "input has dtype complex128"),
    "object input": ({"input": GOOD.astype(object)}, TypeError, "input has dtype object"),
    "swapped input": ({"input": GOOD.astype(">f4")}, TypeError, "input has dtype >f4"),
    "0-d input": ({"input": np.float32(0)}, ValueError, r"input has shape \(\)"),
    "label too large": ({"target": [0, 1, 2, 3]}, IndexError, "label 3 at position 3.*label < 3"),
    "label negative": ({"target": [0, -1, 2, 1]}, IndexError, "label -1 at position 1"),
    "label huge": ({"target": np.full(4, 2**64 - 100, np.uint64)}, IndexError, "label over 2"),
    "no classes": (
        {"input": np.zeros((4, 0)), "out": np.zeros((4, 0))},
        IndexError,
        "label 0 at position 0",
    ),
    "bool target": ({"target": LABELS > 0}, TypeError, "target has dtype bool"),
    "float labels": (
        {"target": LABELS * 1.0},
        TypeError,
        "target has dtype float64; expected int",
    ),
    "text target": ({"target": ["a"] * 4}, TypeError, "target has dtype <U1"),
    "target too short": ({"target": [0, 1]}, ValueError, r"target has shape \(2,\)"),
    "target column": ({"target": LABELS[:, None]}, ValueError, r"target has shape \(4, 1\)"),
    "one-hot integers": ({"target": np.eye(3, dtype=int)[LABELS]}, ValueError, r"\(4, 3\)"),
    "other precision": ({"target": np.ones((4, 3))}, TypeError, "target has dtype float64; exp"),
    "weight too long": ({"weight": np.ones(4)}, ValueError, r"weight has shape \(4,\)"),
    "weight text": ({"weight": ["a", "b", "c"]}, TypeError, "weight has dtype"),
    "weight complex": ({"weight": [1j, 1, 1]}, TypeError, "weight has dtype complex128"),
    "sample_weight": (
        {"sample_weight": np.ones(3)},
        ValueError,
        r"sample_weight has shape \(3,\)",
    ),
    "reduction": ({"reduction": "average"}, ValueError, "reduction is 'average'"),
    "smoothing": ({"label_smoothing": 1.5}, ValueError, "label_smoothing is 1.5"),
    "smoothing nan": ({"label_smoothing": np.nan}, ValueError, "label_smoothing is nan"),
    "reduction list": ({"reduction": ["mean"]}, ValueError, r"reduction is \['mean'\]; expected"),
    "reduction none": ({"reduction": None}, ValueError, "reduction is None; expected 'mean'"),
    "smoothing array": (
        {"label_smoothing": np.array([0.1])},
        TypeError,
        r"label_smoothing is array\(\[0.1\]\); expected a number",
    ),
    "smoothing text": ({"label_smoothing": "0.1"}, TypeError, "label_smoothing is '0.1'; expected"),
    "ignore_index float": (
        {"ignore_index": 1.0},
        TypeError,
        "ignore_index is 1.0; expected an int",
    ),
    "ignore_index none": ({"ignore_index": None}, TypeError, "ignore_index is None; expected an i"),
    "ignore_index huge": (
        {"ignore_index": 2**70},
        ValueError,
        r"ignore_index is 1180591620717411303424; expected -2\*\*63 <=",
    ),
    "ignore_index soft": ({"target": GOOD, "ignore_index": 1}, ValueError, "ignore_index is 1"),
    "out shape": ({"out": np.zeros((3, 4), np.float32)}, ValueError, r"out has shape \(3, 4\)"),
    "out dtype": ({"out": np.zeros((4, 3))}, TypeError, "out has dtype float64"),
    "out list": ({"out": [0.0]}, TypeError, "out is a list"),
    "out read-only": ({"out": READ_ONLY}, ValueError, "out is read-only"),
    "out is input": ({"out": GOOD}, ValueError, "out overlaps input"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(case):
    changes, error, message = case
    out = np.full((4, 3), 7, np.float32)
    arguments = {"input": GOOD, "target": LABELS, "out": out, **changes}
    with pytest.raises(error, match=message):
        cross_entropy.value_and_grad(**arguments)
    assert np.all(out == 7), "something was written before the error"
    assert np.all(GOOD == 0)


def test_out_may_not_overlap():
    memory = np.zeros((4, 7), np.float32)
    with pytest.raises(ValueError, match="out overlaps input"):
        cross_entropy.value_and_grad(memory[:, :3], LABELS, out=memory[:, 2:5])
    with pytest.raises(ValueError, match="out overlaps target"):
        cross_entropy.value_and_grad(GOOD, memory[:, :3], out=memory[:, 2:5])
    # Interleaved, but apart.
    cross_entropy.value_and_grad(memory[:, :3], LABELS, out=memory[:, 3:6])
    assert np.any(memory[:, 3:6] != 0)


def test_is_a_function_in_every_respect():
    assert list(inspect.signature(cross_entropy).parameters) == [
        *("input", "target", "weight", "ignore_index", "reduction", "label_smoothing"),
        "sample_weight",
    ]
    assert cross_entropy.__name__ == "cross_entropy"
    assert cross_entropy.__doc__.startswith("Cross-entropy")
    assert pickle.loads(pickle.dumps(cross_entropy)) is cross_entropy
    assert copy.deepcopy(cross_entropy) is cross_entropy
    smoothed = functools.partial(cross_entropy, label_smoothing=0.1)
    assert smoothed(GOOD, LABELS) == pytest.approx(np.log(3), rel=1e-7)
