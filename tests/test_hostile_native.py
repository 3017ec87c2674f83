"""The native functions that layers call, with hostile arguments of their own."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile import FLOATS, arrays, filled, outputs, plain, refused, shapes, sides
from ranvier._native import _core
from ranvier.optim.rules import RULES

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy")


@given(data=st.data())
def test_product(data):
    n, k, m = (data.draw(sides) for _ in range(3))
    dtype = data.draw(st.sampled_from(FLOATS))
    a, b = data.draw(arrays((n, k), dtype)), data.draw(arrays((k, m), dtype))
    out = data.draw(outputs((n, m), dtype, (a, b)))
    a_copy, b_copy = plain(a), plain(b)
    stopped, _ = refused(lambda: _core.product(a, b, out), [a, b, out])
    if not stopped:
        check_product(out, a_copy, b_copy)


def check_product(out: Any, a: Any, b: Any) -> None:
    if np.isfinite(a).all() and np.isfinite(b).all():
        with np.errstate(all="ignore"):
            exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
            size = np.abs(a).astype(np.longdouble) @ np.abs(b).astype(np.longdouble)
        fits = size < np.finfo(out.dtype).max / 4
        unit = (a.shape[1] + 2) * np.finfo(out.dtype).eps * size + np.finfo(out.dtype).tiny
        assert np.all(np.abs(out - exact)[fits] <= unit[fits])


@given(data=st.data())
def test_take_rows(data):
    n, count = data.draw(sides), data.draw(sides)
    rest = data.draw(st.lists(sides, max_size=2).map(tuple))
    dtype = data.draw(st.sampled_from(("f4", "f8", "i1", "U3", ">f8", "c16")))
    array = data.draw(arrays((n, *rest), dtype))
    valid = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, max(n, 1), count)
    indices = data.draw(st.just(valid) | arrays((count,), "i8"))
    out = data.draw(outputs((count, *rest), dtype, (array, indices)))
    array_copy, indices_copy = plain(array), plain(indices)
    stopped, _ = refused(lambda: _core.take_rows(array, indices, out), [array, indices, out])
    if not stopped:
        np.testing.assert_array_equal(out, array_copy[indices_copy])


@pytest.mark.parametrize("dtype", [np.dtype(">i8"), np.dtype("<i8")])
def test_rows_are_taken_by_native_aligned_indices_alone(dtype):
    raw = np.zeros(2 * 8 + 1, np.uint8)
    indices = raw[1:].view(dtype)
    indices[:] = (1, 0)
    array, out = np.eye(2), np.full((2, 2), 7.0)
    with pytest.raises(TypeError, match="aligned int64"):
        _core.take_rows(array, indices, out)
    assert np.all(out == 7)


def test_rows_are_taken_into_other_memory():
    array = np.arange(6.0).reshape(3, 2)
    before = array.copy()
    with pytest.raises(ValueError, match="out overlaps array or indices in memory"):
        _core.take_rows(array, np.array([1, 2]), array[:2])
    indices = np.array([2, 0, 1])
    with pytest.raises(ValueError, match="out overlaps array or indices in memory"):
        _core.take_rows(np.arange(3), indices, indices)
    np.testing.assert_array_equal(array, before)


def one_layer(activation: Any = None, values: Any = (), from_output: Any = False) -> Any:
    return {"weight": np.eye(2)}, activation, values, from_output, None, None


RELU, ELU, GELU = (_core.activation_index(name) for name in ("relu", "elu", "gelu"))


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        ("layer", TypeError, "tuples of 6 items"),
        (({},), TypeError, "tuples of 6 items"),
        ((None, *one_layer()[1:]), TypeError, "dict of weight and bias"),
        (({}, *one_layer()[1:]), KeyError, "weight"),
        (one_layer(-1), ValueError, "has activation -1; expected 0 to"),
        (one_layer(10**6), ValueError, "has activation 1000000; expected 0 to"),
        (one_layer(2**70), ValueError, f"has activation {2**70}; expected 0 to"),
        (one_layer("relu"), TypeError, "'str' object cannot be interpreted as an integer"),
        (one_layer(ELU, ("1",)), TypeError, "must be real number, not str"),
        (one_layer(RELU, (1.0,)), ValueError, "has 1 parameters of its activation; expected 0"),
        (one_layer(ELU, (1.0,) * 9), ValueError, "has 9 parameters of its activation; expected 1"),
        (one_layer(ELU), ValueError, "has 0 parameters of its activation; expected 1"),
        (one_layer(GELU, (), True), ValueError, "does not tell its derivative"),
    ],
)
def test_a_layer_that_is_none(layer, error, message):
    with pytest.raises(error, match=message):
        _core.dense_forward(np.eye(2), [layer])


def layer(data: st.DataObject, rows: int, inputs: int, dtype: str) -> tuple[Any, int]:
    """As nn.Linear describes itself to the native code, and how many outputs it has."""
    outputs_ = data.draw(sides)
    own: dict[str, Any] = {"weight": data.draw(arrays((outputs_, inputs), dtype))}
    if data.draw(st.booleans()):
        own["bias"] = data.draw(arrays((outputs_,), dtype))
    activation = data.draw(st.sampled_from((None, None, 0, 1, 2, 15, -1, 99, 2**40, "relu")))
    values = data.draw(st.lists(st.floats(), max_size=4))
    from_output = data.draw(st.booleans())
    if data.draw(st.booleans()):
        return (own, activation, values, from_output, None, None), outputs_
    z, y = (data.draw(outputs((rows, outputs_), dtype, (own["weight"],))) for _ in range(2))
    if data.draw(st.booleans()):
        y = z
    return (own, activation, values, from_output, z, y), outputs_


junk = st.sampled_from((None, (), (1,), 3, {}, "layer", ({},) * 6, (None,) * 6, (1, 2, 3, 4, 5, 6)))


@given(data=st.data())
def test_dense_layers(data):
    rows, inputs = data.draw(sides), data.draw(sides)
    dtype = data.draw(st.sampled_from(FLOATS))
    x = data.draw(arrays((rows, inputs), dtype))
    layers: list[Any] = []
    wide = inputs
    for _ in range(data.draw(st.integers(0, 3))):
        made, wide = layer(data, rows, wide, dtype)
        layers.append(data.draw(junk) if data.draw(st.integers(0, 20)) == 0 else made)
    held = [a for one in layers if isinstance(one, tuple) for a in one[4:]]
    copies = plain(x)
    stopped, run = refused(lambda: _core.dense_forward(x, layers), [x, *held])
    if stopped or not run:
        return
    first = run[0]
    if first[1] is None and "bias" not in first[0]:
        check_product(first[4], copies, plain(first[0]["weight"]).T)
    g = data.draw(arrays((rows, wide), dtype))
    gradients: list[Any] = []
    for own, *_, z, _ in run:
        of = {name: np.empty_like(array) for name, array in own.items()}
        of_x = np.empty((rows, np.shape(own["weight"])[1]), dtype)
        made = (np.empty_like(z), of, data.draw(st.sampled_from((None, of_x, of_x, of_x))))
        gradients.append(data.draw(junk) if data.draw(st.integers(0, 20)) == 0 else made)
    refused(lambda: _core.dense_backward(x, g, run, gradients, data.draw(st.booleans())), [x, g])


odd = st.sampled_from((None, 3, "x", (), [], {}, [None], [3], {"params": None}, -1, 2**70, np.nan))


def seldom(data: st.DataObject, value: Any, instead: st.SearchStrategy[Any] = odd) -> Any:
    """The value, or now and then something else: not where a draw ends, which is drawn often."""
    return data.draw(instead) if data.draw(st.integers(0, 40)) == 29 else value


def group(data: st.DataObject, name: str, params: list[Any]) -> dict[str, Any]:
    """As param_groups has it."""
    made: dict[str, Any] = {"params": seldom(data, params), "maximize": seldom(data, False)}
    for option in RULES[name].options.values():
        value: Any = option.default
        if option.kind == "flag":
            value = data.draw(st.booleans())
        elif option.kind == "number" and data.draw(st.booleans()):
            value = data.draw(st.sampled_from((0.0, 0.5, 1.0, -1.0, 1e300, np.inf)))
        made[option.name] = seldom(data, value)
    if data.draw(st.integers(0, 40)) == 29:
        del made[data.draw(st.sampled_from([*made]))]
    return made


def state(data: st.DataObject, name: str, params: list[Any]) -> dict[str, Any]:
    """Some of the arrays and numbers of a rule."""
    made: dict[str, Any] = {}
    if data.draw(st.booleans()):
        made["steps"] = seldom(data, data.draw(st.integers(0, 9)))
    if data.draw(st.booleans()):
        made["carried"] = seldom(data, {each: seldom(data, 0.5) for each in RULES[name].carried})
    if data.draw(st.booleans()):
        given = [each for each in RULES[name].states if data.draw(st.booleans())]
        lists = {each: [state_array(data, p, params) for p in params] for each in given}
        lists = {each: seldom(data, each_list) for each, each_list in lists.items()}
        made["arrays"] = seldom(data, {**lists, **seldom(data, {}, st.just({"more": []}))})
    return made


def state_array(data: st.DataObject, parameter: Any, params: list[Any]) -> Any:
    made = data.draw(filled(np.shape(parameter), parameter.dtype))
    if data.draw(st.integers(0, 9)) == 7:
        made = data.draw(outputs(np.shape(parameter), parameter.dtype, tuple(params)))
    return seldom(data, made)


@given(data=st.data())
def test_optimizer(data):
    name = data.draw(st.sampled_from([*RULES]))
    lists: list[list[Any]] = []
    for _ in range(data.draw(st.integers(0, 2))):
        shapes_ = data.draw(st.lists(shapes, max_size=3))
        dtype = data.draw(st.sampled_from(FLOATS))
        lists.append([data.draw(filled(shape, dtype)) for shape in shapes_])
    params = [p for each in lists for p in each]
    if params and data.draw(st.integers(0, 9)) == 7:
        params[0] = lists[0][:1] = [data.draw(arrays(params[0].shape, params[0].dtype))]
        params = [p for each in lists for p in each]
    groups = seldom(data, [seldom(data, group(data, name, each)) for each in lists])
    states = seldom(data, [seldom(data, state(data, name, each)) for each in lists])
    gradients = [seldom(data, data.draw(filled(p.shape, p.dtype)), arrays()) for p in params]
    if params and data.draw(st.integers(0, 9)) == 7:
        gradients[0] = data.draw(outputs(params[0].shape, params[0].dtype, tuple(params)))
    gradients = seldom(data, [seldom(data, g) for g in gradients])
    rule = seldom(data, name)
    stopped, made = refused(lambda: _core.Optimizer(rule, groups, states), params)
    if stopped:
        return
    for _ in range(data.draw(st.integers(1, 3))):
        before = repr(made.states())
        stopped, done = refused(lambda: made.step(groups, gradients, 0.5), params)
        if stopped or not done:
            assert repr(made.states()) == before
        change(data, groups, params)
        if data.draw(st.booleans()):
            refused(lambda: made.prepare(groups), params)


def change(data: st.DataObject, groups: Any, params: list[Any]) -> None:
    """Let the groups or an array be what the object has not seen."""
    kind = data.draw(st.sampled_from(("nothing", "option", "array", "groups", "memory")))
    if kind == "option" and groups and isinstance(groups[0], dict) and groups[0]:
        groups[0][data.draw(st.sampled_from([*groups[0]]))] = data.draw(odd)
    elif kind == "groups" and isinstance(groups, list):
        groups[:] = data.draw(st.sampled_from((groups[:1], groups * 2, [], [None])))
    elif kind == "array" and groups and isinstance(groups[0], dict):
        listed = groups[0].get("params")
        if isinstance(listed, list) and listed:
            listed[0] = data.draw(odd)
    elif kind == "memory" and params and params[0].base is None and params[0].flags.owndata:
        with suppress(ValueError):  # NumPy itself refuses while there are weak references
            params[0].resize(data.draw(shapes), refcheck=False)


@given(data=st.data())
def test_norm(data):
    gradients = [
        data.draw(arrays(data.draw(shapes), data.draw(st.sampled_from(FLOATS))))
        for _ in range(data.draw(st.integers(0, 3)))
    ]
    copies = [plain(g) for g in gradients if g.dtype.kind == "f"]
    given_ = seldom(data, gradients)
    stopped, norm = refused(lambda: _core.norm(given_), gradients)
    if not stopped and given_ is gradients and all(np.isfinite(c).all() for c in copies):
        with np.errstate(over="ignore"):
            exact = np.sqrt(np.sum([np.sum(c.astype(np.float64) ** 2) for c in copies]))
        np.testing.assert_allclose(norm, exact, rtol=1e-12)
