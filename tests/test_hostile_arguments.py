"""Hostile arguments: a refusal that leaves everything as it was, or what NumPy makes of a copy.

`nox -s fuzz` runs the same tests with inputs that a coverage-guided fuzzer chooses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ranvier as rv
from hostile import FLOATS, REAL, arrays, filled, outputs, plain, refused, shapes
from layouts import views
from operations import operations
from ranvier import losses, optim
from ranvier._native import _core

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy")
OPERATIONS = [*operations()]


def axes(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Those that the shape has, mostly."""
    some = st.integers(-len(shape), max(0, len(shape) - 1))
    return some | st.sampled_from((-99, 7, None, 1.5, (0, 1), "0", True))


def check_like(got: Any, expected: Any, dtype: Any) -> None:
    """As near as a formula in float64 of the same numbers."""
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    assert got.shape == expected.shape
    eps = float(np.finfo(dtype).eps)
    limit = float(np.finfo(dtype).max)
    with np.errstate(all="ignore"):
        fits = np.abs(expected) < limit / 2
    same = np.isnan(got) == np.isnan(expected)
    assert np.all(same), f"{got} where {expected} was expected"
    least = float(np.finfo(dtype).smallest_subnormal)
    np.testing.assert_allclose(got[fits], expected[fits], rtol=64 * eps, atol=4 * least)


def softmax_reference(x: Any, axis: int) -> Any:
    with np.errstate(all="ignore"):
        top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
        shifted = np.where(x == top, 0.0, x - top)
        e = np.exp(np.where(np.isnan(x), np.nan, shifted))
        return np.where(top == -np.inf, 0.0, e / e.sum(axis=axis, keepdims=True))


@given(data=st.data())
def test_elementwise(data):
    operation = data.draw(st.sampled_from(OPERATIONS))
    shape, dtype = data.draw(shapes), data.draw(st.sampled_from(REAL))
    operands = tuple(data.draw(arrays(shape, dtype)) for _ in range(operation.arrays))
    keywords: dict[str, Any] = {}
    if data.draw(st.booleans()):
        keywords["out"] = data.draw(outputs(shape, dtype, operands))
    if "out" in keywords and data.draw(st.booleans()):
        keywords["where"] = data.draw(arrays(shape, "?"))
    copies = [plain(x) for x in operands]
    out = keywords.get("out")
    untouched = None if out is None else np.array(out)
    stopped, got = refused(lambda: operation(*operands, **keywords), [*operands, out])
    if stopped:
        return
    expected = np.asarray(operation(*copies))
    if "where" in keywords:
        expected = np.where(keywords["where"], expected, untouched)
    if out is not None and _has_repeated(out):
        return  # which of the values stays is NumPy's affair
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(expected, np.shape(got)).astype(np.asarray(got).dtype)
    np.testing.assert_array_equal(got, expected)


def _has_repeated(x: Any) -> bool:
    return any(s == 0 and n > 1 for s, n in zip(x.strides, x.shape, strict=True))


@given(data=st.data())
def test_softmax_family(data):
    name = data.draw(st.sampled_from(("softmax", "log_softmax", "softmin", "logsumexp")))
    shape, dtype = data.draw(shapes), data.draw(st.sampled_from(REAL))
    x = data.draw(arrays(shape, dtype))
    axis = data.draw(axes(x.shape))
    keywords: dict[str, Any] = {"axis": axis}
    if data.draw(st.booleans()):
        keywords["out"] = data.draw(outputs(x.shape, dtype, (x,)))
    if data.draw(st.integers(0, 3)) == 0:
        keywords["mask"] = data.draw(arrays(x.shape, "?"))
    if name != "logsumexp" and data.draw(st.integers(0, 3)) == 0:
        keywords["temperature"] = data.draw(st.sampled_from((0, -1, np.nan, 2, 1e-320, "1", None)))
    out = keywords.get("out")
    copy = plain(x)
    stopped, got = refused(lambda: getattr(rv, name)(x, **keywords), [x, out])
    if stopped or (out is not None and _has_repeated(out)):
        return
    if set(keywords) <= {"axis", "out"} and x.dtype.kind == "f" and np.asarray(got).dtype == dtype:
        number = copy.astype(np.float64)
        dtype = max(
            dtype, x.dtype, key=lambda one: np.finfo(one).eps
        )  # computed in one, or rounded
        # What NumPy broadcasts fills a larger `out`.
        shape = x.shape if out is None else out.shape
        if name == "softmax":
            check_like(got, np.broadcast_to(softmax_reference(number, axis), shape), dtype)
        elif name == "softmin":
            check_like(got, np.broadcast_to(softmax_reference(-number, axis), shape), dtype)
        elif np.isfinite(number).all() and number.size:
            total = np.logaddexp.reduce(number, axis=axis, keepdims=name != "logsumexp")
            wanted = total if name == "logsumexp" else np.broadcast_to(number - total, shape)
            unit = 64 * np.finfo(dtype).eps * (1 + np.abs(number).max())
            np.testing.assert_allclose(np.asarray(got, np.float64), wanted, rtol=0, atol=unit)


@given(data=st.data())
def test_gates_and_maxout(data):
    name = data.draw(st.sampled_from(("glu", "swiglu", "geglu", "reglu", "bilinear_glu", "maxout")))
    shape, dtype = data.draw(shapes), data.draw(st.sampled_from(REAL))
    x = data.draw(arrays(shape, dtype))
    axis = data.draw(axes(x.shape))
    given_pieces = [data.draw(st.sampled_from((1, 2, 3, 0, -1, 2.0, 10**30)))]
    pieces = given_pieces if name == "maxout" else []
    module = data.draw(st.sampled_from((rv, rv.derivative, rv.vjp)))
    f = getattr(module, name)
    operands = [x]
    if module is rv.vjp:
        operands.insert(0, data.draw(arrays(_halved(x.shape, axis, *(pieces or [2])), dtype)))
    keywords: dict[str, Any] = {"axis": axis}
    if data.draw(st.booleans()):
        wanted = x.shape if module is not rv else _halved(x.shape, axis, *(pieces or [2]))
        keywords["out"] = data.draw(outputs(wanted, dtype, tuple(operands)))
    out = keywords.get("out")
    copies = [plain(a) for a in operands]
    stopped, got = refused(lambda: f(*operands, *pieces, **keywords), [*operands, out])
    if stopped or (out is not None and _has_repeated(out)):
        return
    expected = f(*copies, *pieces, axis=axis)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(got, np.asarray(expected).astype(np.asarray(got).dtype))


def _halved(shape: tuple[int, ...], axis: Any, parts: Any) -> tuple[int, ...]:
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape) or parts in (0, 10**30):
        return shape
    changed = list(shape)
    changed[axis] = abs(int(changed[axis] // parts))
    return tuple(changed)


@given(data=st.data())
def test_cross_entropy(data):
    shape, dtype = data.draw(shapes), data.draw(st.sampled_from(FLOATS))
    x = data.draw(arrays(shape, dtype))
    samples = (*x.shape[:1], *x.shape[2:]) if x.ndim > 1 else ()
    classes = x.shape[1] if x.ndim > 1 else x.shape[0] if x.ndim else 0
    kind = data.draw(st.sampled_from(("labels", "labels", "any labels", "soft", "anything")))
    if kind == "labels" and classes:
        seed = data.draw(st.integers(0, 99))
        target = np.random.default_rng(seed).integers(0, classes, samples)
        target = data.draw(views(np.asarray(target)))
    elif kind == "soft":
        target = data.draw(arrays(x.shape, dtype))
    else:
        label = data.draw(st.sampled_from(("i8", "u8", "i1", "u2", ">i4", "?")))
        target = data.draw(arrays(samples if kind != "anything" else None, label))
    keywords: dict[str, Any] = {}
    if data.draw(st.integers(0, 3)) == 0:
        keywords["weight"] = data.draw(arrays((classes,), dtype))
    if data.draw(st.integers(0, 3)) == 0:
        keywords["sample_weight"] = data.draw(arrays(samples[:1], "f8"))
    if data.draw(st.booleans()):
        keywords["reduction"] = data.draw(st.sampled_from(("mean", "sum", "none", "max", None, 1)))
    if data.draw(st.integers(0, 3)) == 0:
        keywords["label_smoothing"] = data.draw(st.sampled_from((0.1, 1, 0, -1, 2, np.nan, "x")))
    if data.draw(st.integers(0, 3)) == 0:
        keywords["ignore_index"] = data.draw(st.sampled_from((0, -1, 1, 2**63, -(2**63), 1.5)))
    out = data.draw(st.none() | outputs(x.shape, dtype, (x, target)))
    copies = {k: plain(v) if isinstance(v, np.ndarray) else v for k, v in keywords.items()}
    x_copy, target_copy = plain(x), plain(target)
    f = losses.cross_entropy.value_and_grad
    stopped, got = refused(lambda: f(x, target, out=out, **keywords), [x, target, out])
    if stopped:
        return
    value, gradient = f(x_copy, target_copy, **copies)
    np.testing.assert_array_equal(got[0], value)
    np.testing.assert_array_equal(got[1], gradient)
    if not keywords and target.dtype.kind in "iu" and np.isfinite(x_copy).all():
        check_cross_entropy(value, gradient, x_copy, target_copy)


def check_cross_entropy(value: Any, gradient: Any, x: Any, target: Any) -> None:
    axis = 1 if x.ndim > 1 else 0
    p = softmax_reference(x.astype(np.float64), axis)
    hot = np.moveaxis(np.eye(x.shape[axis])[np.maximum(target, 0)], -1, axis)
    kept = np.expand_dims(target != -100, axis)
    count = kept.sum()
    if not count:
        return
    np.testing.assert_allclose(gradient, kept * (p - hot) / count, atol=1e-5 / count)
    with np.errstate(all="ignore"):
        wanted = -np.sum(np.where(kept & (hot == 1), np.log(p), 0)) / count
    if np.isfinite(wanted):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


ELEMENTWISE = (
    *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "lq_loss", "log_cosh_loss"),
    *("quantile_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "focal_loss"),
    *("kl_div", "poisson_nll_loss", "hinge_loss", "squared_hinge_loss", "logistic_loss"),
    *("soft_margin_loss", "square_margin_loss", "hinge_embedding_loss"),
    *("multilabel_soft_margin_loss", "multilabel_hinge_loss"),
)
LABELLED = ("nll_loss", "multi_margin_loss", "multiclass_hinge_loss", "structured_hinge_loss")


@given(data=st.data())
def test_losses(data):
    name = data.draw(st.sampled_from((*ELEMENTWISE, *LABELLED, "multilabel_margin_loss")))
    shape, dtype = data.draw(shapes), data.draw(st.sampled_from(FLOATS))
    x = data.draw(arrays(shape, dtype))
    if name in LABELLED:
        operands = (x, data.draw(arrays(x.shape[:-1], data.draw(st.sampled_from(("i8", "u1"))))))
    elif name == "multilabel_margin_loss":
        operands = (x, data.draw(arrays(x.shape, "i8")))
    else:
        operands = (x, data.draw(arrays(x.shape, dtype)))
    if name == "structured_hinge_loss":
        operands = (*operands, data.draw(arrays(x.shape, dtype)))
    keywords: dict[str, Any] = {}
    if data.draw(st.integers(0, 3)) == 0:
        keywords["sample_weight"] = data.draw(arrays(x.shape[:1], "f8"))
    if data.draw(st.booleans()):
        keywords["reduction"] = data.draw(st.sampled_from(("mean", "sum", "none", "max", None)))
    out = data.draw(st.none() | outputs(x.shape, dtype, operands))
    copies = [plain(a) for a in operands]
    weights = {k: plain(v) if isinstance(v, np.ndarray) else v for k, v in keywords.items()}
    f = getattr(losses, name).value_and_grad
    stopped, got = refused(lambda: f(*operands, out=out, **keywords), [*operands, out])
    if stopped:
        return
    value, gradient = f(*copies, **weights)
    np.testing.assert_array_equal(got[0], value)
    np.testing.assert_array_equal(got[1], gradient)


OPTIMIZERS = [
    getattr(optim, name) for name in (record["name"] for record in _core.optimizer_records())
]


@given(data=st.data())
def test_optimizer_steps(data):
    make = data.draw(st.sampled_from(OPTIMIZERS))
    count = data.draw(st.integers(0, 3))
    parameters, gradients = [], []
    for _ in range(count):
        shape, dtype = data.draw(shapes), data.draw(st.sampled_from(FLOATS))
        parameters.append(data.draw(filled(shape, dtype)))
        gradients.append(data.draw(arrays(shape, dtype)))
        if data.draw(st.integers(0, 7)) == 0:
            parameters[-1] = data.draw(arrays(shape, dtype))
        if data.draw(st.integers(0, 9)) == 0:
            gradients[-1] = data.draw(
                outputs(shape, dtype, (data.draw(st.sampled_from(parameters)),))
            )
    kept: list[Any] = []

    def step() -> None:
        optimizer = make(parameters, lr=0.01)
        kept.append(optimizer)
        optimizer.step(gradients)

    copies = [plain(p) for p in parameters]
    stopped, _ = refused(step, [*parameters, *gradients])
    if stopped:
        if kept:
            assert not any(s.get("step") for s in kept[0].state_dict()["state"].values())
        return
    optimizer = make(copies, lr=0.01)
    optimizer.step([plain(g) for g in gradients])
    for got, expected in zip(parameters, copies, strict=True):
        np.testing.assert_array_equal(got, expected)
