"""The native functions of layers and losses, with hostile arguments of their own."""

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


def linear(weight: Any = None, gradient: Any = None, bias: Any = None, of_bias: Any = None) -> Any:
    weight = np.eye(2) if weight is None else weight
    return "linear", weight, np.zeros((2, 2)) if gradient is None else gradient, bias, of_bias


RELU, ELU, GELU = (_core.activation_index(name) for name in ("relu", "elu", "gelu"))


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "layers is empty"),
        (["linear"], TypeError, "expected a tuple"),
        ([("conv",)], ValueError, "of the kind 'conv'"),
        ([linear(np.ones((0, 2)))], ValueError, "expected at least one feature"),
        ([linear(np.ones(2))], ValueError, r"weight has shape \(2,\)"),
        ([linear(np.ones((2, 3)).T)], ValueError, "weight has shape"),
        ([linear(np.eye(2, dtype=np.float32))], ValueError, "weight has shape"),
        ([linear("weight")], TypeError, "weight is a str"),
        ([linear(gradient=np.zeros((3, 2)))], ValueError, "gradient of weight has shape"),
        ([linear(bias=np.zeros(3), of_bias=np.zeros(3))], ValueError, "bias has shape"),
        ([linear(bias=np.zeros(2))], TypeError, "gradient of bias is a NoneType"),
        ([linear(), linear(np.ones((2, 3)), np.ones((2, 3)))], ValueError, "takes 3 features"),
        ([("activation", RELU, (), True)], ValueError, "expected a linear layer"),
        ([linear(), ("activation", 10**6, (), False)], ValueError, "has activation 1000000"),
        ([linear(), ("activation", -1, (), False)], ValueError, "has activation -1"),
        ([linear(), ("activation", 2**70, (), False)], ValueError, f"has activation {2**70}"),
        ([linear(), ("activation", "relu", (), False)], TypeError, "interpreted as an integer"),
        ([linear(), ("activation", RELU, (1.0,), False)], ValueError, "has 1 parameters"),
        ([linear(), ("activation", ELU, (), False)], ValueError, "has 0 parameters"),
        ([linear(), ("activation", ELU, ("1",), False)], TypeError, "must be real number, not str"),
        ([linear(), ("activation", GELU, (), True)], ValueError, "does not determine"),
        ([linear(), ("activation", RELU)], ValueError, "has 2 items; expected 4"),
    ],
    ids=str,
)
def test_layers_that_native_code_cannot_run_are_refused(layers, error, message):
    with pytest.raises(error, match=message):
        _core.Stack(layers, False)


def layer(data: st.DataObject, inputs: int, dtype: str) -> tuple[Any, int]:
    """As nn.Linear or an activation describes itself, and how many outputs it has."""
    if data.draw(st.integers(0, 2)) == 0:
        index = data.draw(st.sampled_from((0, 1, 2, 15, -1, 99, 2**40, "relu")))
        values = tuple(data.draw(st.lists(st.floats(), max_size=4)))
        return ("activation", index, values, data.draw(st.booleans())), inputs
    count = data.draw(sides)
    weight = data.draw(outputs((count, inputs), dtype, (np.zeros(1, dtype),)))
    gradient = data.draw(outputs((count, inputs), dtype, (weight,)))
    bias = of_bias = None
    if data.draw(st.booleans()):
        bias, of_bias = (data.draw(outputs((count,), dtype, (weight,))) for _ in range(2))
    return ("linear", weight, gradient, bias, of_bias), count


junk = st.sampled_from((None, (), (1,), 3, {}, "layer", ("linear",), ("linear",) * 5))


@given(data=st.data())
def test_stacks(data):
    rows, inputs = data.draw(sides), data.draw(sides)
    dtype = data.draw(st.sampled_from(FLOATS))
    layers: list[Any] = []
    wide = inputs
    for _ in range(data.draw(st.integers(0, 3))):
        made, wide = layer(data, wide, dtype)
        layers.append(data.draw(junk) if data.draw(st.integers(0, 20)) == 0 else made)
    stacks: list[Any] = []
    stopped, _ = refused(lambda: stacks.append(_core.Stack(layers, dtype == "f4")), [])
    if stopped:
        return
    stack = stacks[0]
    x = data.draw(arrays((rows, inputs), dtype))
    g = data.draw(arrays((rows, wide), dtype))
    copies = plain(x)
    # Before there was a forward pass, there is nothing to go back through.
    refused(lambda: stack.backward(g, False, True), [g])
    stopped, y = refused(lambda: stack.forward(x, data.draw(st.booleans())), [x])
    if stopped:
        return
    if len(layers) == 1 and layers[0][0] == "linear" and layers[0][3] is None:
        check_product(y, copies, plain(layers[0][1]).T)
    gradients = [a for one in layers if one[0] == "linear" for a in one[2::2] if a is not None]
    accumulate, of_input = data.draw(st.booleans()), data.draw(st.booleans())
    refused(lambda: stack.backward(g, accumulate, of_input), [g, *gradients])


RECORDS = {record["name"]: record for record in _core.loss_records()}
NUMBERS = st.floats() | st.integers(-3, 3)


def prepared(data: st.DataObject, name: str) -> Any:
    """A handle with parameters that mostly fit; None if it is refused."""
    record = RECORDS[name]
    given_ = {}
    for parameter in record["parameters"]:
        if data.draw(st.booleans()):
            given_[parameter["name"]] = float(data.draw(NUMBERS))
    if data.draw(st.integers(0, 15)) == 0:
        given_[data.draw(st.sampled_from(("", "p", "delta", "none")))] = 1.0
    options = {
        "reduction": data.draw(st.sampled_from(("mean", "mean", "sum", "none", "max", ""))),
        "unit": data.draw(st.sampled_from(("element",) * 3 + ("row", "row_mean", "sample", "x"))),
        "mean_by_weight": data.draw(st.booleans()),
        "ignore_index": data.draw(st.sampled_from((-100, -1, 0, 2, 2**63, -(2**63)))),
    }
    made: list[Any] = []
    stopped, _ = refused(lambda: made.append(_core.Loss(name, given_, **options)), [])
    return None if stopped else made[0]


def class_axis(x: Any) -> int:
    return 1 if x.ndim > 1 else 0


def labels_for(data: st.DataObject, record: Any, x: Any) -> Any:
    """Labels in range mostly, of the shape that the loss takes, mostly."""
    if data.draw(st.integers(0, 9)) == 0:
        return data.draw(st.none() | arrays() | arrays(x.shape, x.dtype))
    if not record["labels"]:
        return None
    dropped = class_axis(x) if record["family"] == "classes" else x.ndim - 1
    shape = tuple(n for axis, n in enumerate(x.shape) if axis != dropped)
    if record["labels"] == "classes":
        shape = x.shape
    low, high = data.draw(st.sampled_from(((0, 1), (0, 1), (0, 1), (-2, 9), (-(2**62), 2**62))))
    if high == 1 and x.ndim:
        high = max(1, x.shape[dropped])
    seed = data.draw(st.integers(0, 99))
    dtype = data.draw(st.sampled_from(("i8", "i8", "i8", "i4", "u8", ">i8")))
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


@given(data=st.data())
def test_losses_by_their_handles(data):
    name = data.draw(st.sampled_from(sorted(RECORDS)))
    record = RECORDS[name]
    loss = prepared(data, name)
    if loss is None:
        return
    dtype = data.draw(st.sampled_from(FLOATS))
    shape = data.draw(shapes if record["family"] != "rows" else st.tuples(sides, sides))
    count = len(record["operands"]) + data.draw(st.sampled_from((0,) * 9 + (-1, 1)))
    operands = tuple(data.draw(arrays(shape, dtype)) for _ in range(count))
    x = operands[0] if operands else np.zeros(shape, dtype)
    target = labels_for(data, record, x)
    weight = sample_weight = out = None
    if data.draw(st.integers(0, 3)) == 0:
        kind = "f8" if record["family"] != "classes" else dtype
        of_classes = x.shape[class_axis(x)] if record["family"] == "classes" and x.ndim else 0
        of_classes = x.shape[-1] if record["family"] == "rows" and x.ndim else of_classes
        weight = data.draw(
            arrays(x.shape if record["family"] == "elementwise" else (of_classes,), kind)
        )
    if data.draw(st.integers(0, 3)) == 0:
        sample_weight = data.draw(
            arrays(x.shape[:1], data.draw(st.sampled_from(("f8", "f8", "f4"))))
        )
    if data.draw(st.booleans()):
        graded = sum(operand[2] for operand in record["operands"])
        graded += data.draw(st.sampled_from((0,) * 9 + (-1, 1)))
        out = tuple(data.draw(outputs(x.shape, dtype, (x, *operands))) for _ in range(graded))
    given_ = [*operands, target, weight, sample_weight]
    copies = [plain(a) if isinstance(a, np.ndarray) else a for a in given_]
    stopped, got = refused(
        lambda: loss.run(operands, target, weight, sample_weight, out), [*given_, *(out or ())]
    )
    if stopped:
        return
    # The same of plain copies; labels in the machine's order, weights of the float64 that it takes.
    fresh = None if out is None else tuple(np.empty(x.shape, x.dtype) for _ in out)
    *same, target, weight, sample_weight = copies
    np.testing.assert_array_equal(got, loss.run(tuple(same), target, weight, sample_weight, fresh))
    for mine, theirs in zip(out or (), fresh or (), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@given(data=st.data())
def test_losses_of_batches(data):
    name = data.draw(st.sampled_from(sorted(RECORDS)))
    record = RECORDS[name]
    loss = prepared(data, name)
    if loss is None:
        return
    rows, columns = data.draw(sides), data.draw(sides)
    dtype = data.draw(st.sampled_from(FLOATS))
    constants = [
        data.draw(
            st.none() | arrays((columns,), "f8") | arrays((), dtype) | arrays((columns,), dtype)
        )
        for _ in range(2)
    ]
    kind = data.draw(st.sampled_from(("float32", "float64", "float64", "int64")))
    stopped, batch = refused(lambda: loss.batch(kind, *constants), constants)
    if stopped or batch is None:
        return
    for _ in range(data.draw(st.integers(1, 3))):
        run_a_batch(data, record, batch, (rows, columns), kind)


def run_a_batch(
    data: st.DataObject, record: Any, batch: Any, shape: tuple[int, int], dtype: str
) -> None:
    x = data.draw(arrays(shape, dtype))
    target = labels_for(data, record, x)
    if target is None or data.draw(st.integers(0, 3)) == 0:
        target = data.draw(arrays(shape, data.draw(st.sampled_from((dtype, "i8")))))
    weights = data.draw(st.none() | arrays(shape[:1], "f8"))
    sides_ = [
        side if data.draw(st.integers(0, 9)) else data.draw(st.sampled_from((-1, 0, 1, 2**40)))
        for side in shape
    ]
    refused(lambda: batch.begin(target, weights, *sides_), [target, weights])
    out = data.draw(st.none() | outputs(shape, dtype, (x,)))
    first, end = data.draw(st.integers(-1, 18)), data.draw(st.integers(-1, 18))
    refused(lambda: batch.run(first, end, x, out), [x, out])
    refused(lambda: batch.run(0, shape[0], x, out), [x, out])
    refused(batch.value, [])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("mse", {}, "mean"), ValueError, "loss is 'mse'; expected the name of a row"),
        ((3, {}, "mean"), TypeError, "incompatible"),
        (("mse_loss", {"q": 1.0}, "mean"), ValueError, "mse_loss has no parameter 'q'"),
        (("lq_loss", {"q": 0.0}, "mean"), ValueError, "q is 0; expected a positive, finite"),
        (("lq_loss", {}, "max"), ValueError, "reduction is 'max'; expected 'mean', 'sum' or 'no"),
        (("lq_loss", {}, "sum", "x"), ValueError, "unit is 'x'; expected 'element', 'row'"),
    ],
)
def test_a_loss_that_is_none(arguments, error, message):
    with pytest.raises(error, match=message):
        _core.Loss(*arguments)


X = np.zeros((4, 3))
LABELS = np.zeros(4, np.int64)
STRIDED = np.zeros(8)[::2]


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("mse_loss", ((X,), None, None, None, None), ValueError, "given 1 arrays; expected 2"),
        ("mse_loss", ((X, X), LABELS, None, None, None), ValueError, "takes no labels"),
        ("mse_loss", ((X, X), None, X[:3], None, None), ValueError, "weight has dtype float64"),
        ("mse_loss", ((X, X), None, X.astype("f4"), None, None), ValueError, "weight has dtype"),
        ("mse_loss", ((X, X), None, None, X, None), ValueError, "sample_weight has dtype float64"),
        ("mse_loss", ((X, X), None, None, STRIDED, None), ValueError, "contiguous float64"),
        ("mse_loss", ((X, X), None, None, None, (X.copy(), X.copy())), ValueError, "out has 2 ar"),
        (
            "cross_entropy",
            ((X,), LABELS, None, np.zeros(4, np.float32), None),
            ValueError,
            r"sample_weight has dtype float32 and shape \(4,\); expected 4 contiguous float64",
        ),
        ("cross_entropy", ((X,), LABELS, None, np.zeros(3), None), ValueError, "expected 4 cont"),
        ("cross_entropy", ((X,), LABELS, None, STRIDED, None), ValueError, "expected 4 contigu"),
        ("cross_entropy", ((X,), LABELS, np.zeros(2), None, None), ValueError, "expected 3 cont"),
        ("cross_entropy", ((X,), LABELS, np.zeros(6)[::2], None, None), ValueError, "expected 3"),
        (
            "cross_entropy",
            ((X.astype("f4"),), LABELS, np.zeros(3), None, None),
            ValueError,
            "weight has dtype float64 and shape",
        ),
        ("cross_entropy", ((X,), None, None, None, None), TypeError, "target is a NoneType"),
        ("nll_loss", ((X,), X, None, None, None), TypeError, "target has dtype float64; expecte"),
        ("multiclass_hinge", ((X,), LABELS[:3], None, None, None), ValueError, r"expected \(4,\)"),
        ("multiclass_hinge", ((X,), LABELS + 3, None, None, None), IndexError, "label 3 at posit"),
        (
            "multiclass_hinge",
            ((X,), LABELS, np.zeros(3, np.float32), None, None),
            ValueError,
            "expected 3 contiguous float64",
        ),
        ("multilabel_margin", ((X,), LABELS, None, None, None), ValueError, r"expected \(4, 3\)"),
        ("triplet_margin", ((X, X, X[:2]), None, None, None, None), ValueError, "negative has sh"),
        ("structured_hinge", ((X[0, 0], X), LABELS, None, None, None), TypeError, "scores is a"),
        ("structured_hinge", ((X[None], X), LABELS, None, None, None), ValueError, "scores has sh"),
    ],
)
def test_arrays_that_a_loss_cannot_take(name, arguments, error, message):
    loss = _core.Loss(name, {}, "mean")
    with pytest.raises(error, match=message):
        loss.run(*arguments)


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
