"""Normalisation: against Jacobian matrices in extended precision, on any number of threads."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from ranvier import nn
from ranvier._native import _core

DTYPES = (np.float32, np.float64)


def jacobian(v, eps, centred):
    """The normalised vector, its derivatives with respect to each element of v, and the root."""
    n = len(v)
    centre = np.eye(n, dtype=np.longdouble) - np.longdouble(centred) / n
    d = centre @ v
    root = np.sqrt(d @ d / n + np.longdouble(eps))
    # d / root, where root moves along d.
    return d / root, (centre - np.outer(d, d) / (n * root**2)) / root, root


def reference(x, g, weight, bias, eps, centred=True):
    """Of rows x, each with elements of its own in weight and bias: the output, the gradient, and
    what each element adds to the gradient of its weight. Each with the size of its terms."""
    results = [(np.empty_like(x), np.empty_like(x)) for _ in range(3)]
    for i, row in enumerate(x):
        normalised, slopes, root = jacobian(row, eps, centred)
        y, gradient, each = normalised * weight[i], g[i] * weight[i], g[i] * normalised
        values = y + bias[i], slopes.T @ gradient, each
        shares = np.abs(gradient), np.abs(gradient).mean(), np.abs(normalised * each.mean())
        sizes = np.abs(y) + np.abs(bias[i]), sum(shares) / root, np.abs(each)
        for (value, size), own, terms in zip(results, values, sizes, strict=True):
            value[i], size[i] = own, terms
    return results


class Case:
    """A layer, and which rows it normalises."""

    def __init__(self, make, shape, normalised_axes, centred=True):
        self.make, self.shape, self.axes, self.centred = make, shape, normalised_axes, centred

    def rows(self, a):
        """Rows of what is normalised together."""
        others = [k for k in range(a.ndim) if k not in self.axes]
        return a.transpose(*others, *self.axes).reshape(-1, self.size)

    def back(self, rows):
        others = [k for k in range(len(self.shape)) if k not in self.axes]
        order = [*others, *self.axes]
        return rows.reshape([self.shape[k] for k in order]).transpose(np.argsort(order))

    @property
    def size(self):
        return int(np.prod([self.shape[k] for k in self.axes]))

    def layer_and_arrays(self, dtype):
        layer = self.make(dtype)
        rng = np.random.default_rng(len(self.shape) + self.shape[0])
        for parameter in layer.parameters():
            parameter += rng.normal(size=parameter.shape) / 2
        # Far from 0 a mean matters, and a row's length is all that RMSNorm knows of it.
        x = (100 * self.centred + rng.normal(size=self.shape)).astype(dtype)
        return layer, x, rng.normal(size=self.shape).astype(dtype)

    def along(self, parameter):
        """A parameter in the shape of x."""
        if len(self.axes) == len(self.shape) - 1 and 1 not in self.axes:  # channels
            parameter = parameter.reshape(-1, *[1] * (len(self.shape) - 2))
        return np.broadcast_to(parameter, self.shape)

    def summed(self, each, parameter):
        """The gradient of a parameter from what each element adds to it."""
        axes = tuple(k for k in range(each.ndim) if k not in self.axes)
        if parameter.shape != tuple(self.shape[k] for k in self.axes):
            axes = self.axes
        return each.sum(axis=axes)


def layer_norm(*shape, centred=True):
    kind = nn.LayerNorm if centred else nn.RMSNorm
    return Case(lambda dtype: kind(shape[-1], 1e-3, dtype=dtype), shape, (len(shape) - 1,), centred)


def batch_norm(*shape):
    return Case(
        lambda dtype: nn.BatchNorm1d(shape[1], 1e-3, dtype=dtype),
        shape,
        tuple(k for k in range(len(shape)) if k != 1),
    )


# About the sizes of blocks of rows (32), of columns (256), of lanes (16) and of rows that are added
# together (4).
CASES = {
    **{f"LayerNorm {s}": layer_norm(*s) for s in ((1, 7), (5, 1), (32, 16), (33, 17), (67, 130))},
    **{
        f"RMSNorm {s}": layer_norm(*s, centred=False)
        for s in ((1, 7), (5, 1), (32, 16), (33, 17), (67, 130))
    },
    **{
        f"BatchNorm1d {s}": batch_norm(*s)
        for s in (
            (2, 3), (31, 5), (32, 17), (33, 257), (67, 4), (130, 3),
            (1, 3, 6), (5, 3, 2), (9, 4, 17), (3, 5, 1), (36, 2, 1), (2, 3, 64),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_output_and_gradients(name, dtype):
    case = CASES[name]
    layer, x, g = case.layer_and_arrays(dtype)
    state = {key: a.astype(np.longdouble) for key, a in layer.named_parameters()}
    weight = case.along(state["weight"])
    bias = case.along(state.get("bias", np.zeros_like(state["weight"])))
    exact = [a.astype(np.longdouble) for a in (x, g)]
    y, grad_x, each = (
        tuple(map(case.back, pair))
        for pair in reference(*map(case.rows, (*exact, weight, bias)), 1e-3, case.centred)
    )
    expected = {"output": y, "gradient": grad_x}
    expected["gradient of weight"] = tuple(case.summed(a, state["weight"]) for a in each)
    got = {"output": layer(x), "gradient": layer.backward(g)}
    gradients = dict(zip(state, layer.gradients(), strict=True))
    got["gradient of weight"] = gradients["weight"]
    if "bias" in state:
        sums = case.summed(exact[1], state["bias"])
        expected["gradient of bias"] = sums, np.abs(sums)
        got["gradient of bias"] = gradients["bias"]
    for what, values in got.items():
        assert values.dtype == dtype
        right, size = expected[what]
        # float32: a few roundings of what is added, none of a sum. float64: what the mean of values
        # around 100 loses as well.
        units = {"gradient": 3, "gradient of bias": 0.501}.get(what, 1.5)
        bound = units * np.finfo(np.float32).eps * size + 1e-14 * np.abs(right).max()
        if dtype == np.float64:
            bound = 1e-12 * (size + np.abs(right).max())
        error = np.abs(values.astype(np.longdouble) - right)
        worst = np.unravel_index(np.argmax(error - bound), error.shape)
        assert np.all(error <= bound), (
            f"{what} of {name} at {worst}: {values[worst]!r} is {error[worst]:.2g} off, "
            f"the bound is {bound[worst]:.2g}"
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(33, 3), (4, 3, 9), (70, 260)], ids=str)
def test_running_statistics(shape, dtype):
    layer, x, _ = batch_norm(*shape).layer_and_arrays(dtype)
    layer.momentum = 0.25
    axes = tuple(k for k in range(len(shape)) if k != 1)
    exact = x.astype(np.longdouble)
    for _ in range(2):
        before = [a.astype(np.longdouble) for a in (layer.running_mean, layer.running_var)]
        layer(x)
        now = exact.mean(axes), exact.var(axes, ddof=1)
        for got, old, new in zip((layer.running_mean, layer.running_var), before, now, strict=True):
            np.testing.assert_allclose(
                got,
                (0.75 * old + 0.25 * new).astype(dtype),
                rtol=1e-7 if dtype == np.float32 else 1e-13,
            )


@pytest.mark.parametrize("value", [0.1, -300.0])
@pytest.mark.parametrize("layer", [nn.LayerNorm(7), nn.BatchNorm1d(7)], ids=str)
def test_what_does_not_vary_is_the_bias_exactly(layer, value):
    layer.bias = np.linspace(-3, 3, 7)
    x = np.full((37, 7), value, np.float32)
    np.testing.assert_array_equal(layer(x), np.broadcast_to(layer.bias, x.shape))


@pytest.mark.parametrize("first", [1e8, -1e8])
def test_an_outlier_takes_no_digits_from_the_other_channels_or_samples(first):
    # A shift by the first sample, or sums of squares about 0, would.
    x = np.random.default_rng(0).normal(size=(100, 3))
    x[0, 1] = first
    y = nn.BatchNorm1d(3, eps=0, dtype=np.float64)(x)
    exact = x.astype(np.longdouble)
    expected = (exact - exact.mean(0)) / exact.std(0)
    np.testing.assert_allclose(y, expected.astype(np.float64), rtol=1e-12, atol=1e-14)


LARGE = {
    "LayerNorm": (nn.LayerNorm, (1000, 200)),
    "LayerNorm of long rows": (nn.LayerNorm, (8, 40000)),
    "RMSNorm": (nn.RMSNorm, (1000, 200)),
    "BatchNorm1d": (nn.BatchNorm1d, (1000, 300)),
    "BatchNorm1d of many channels": (nn.BatchNorm1d, (3, 70000)),
    "BatchNorm1d of 3 axes": (nn.BatchNorm1d, (50, 30, 150)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LARGE)
def test_same_bits_on_any_number_of_threads(name, dtype):
    kind, shape = LARGE[name]
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=shape).astype(dtype) for _ in range(2))

    def results():
        layer = kind(shape[1], dtype=dtype)
        layer.weight = np.linspace(-1, 2, shape[1])
        output = layer(x).copy()
        found = {"output": output, "gradient": layer.backward(g).copy(), **layer.state_dict()}
        found |= {f"gradient {i}": a.copy() for i, a in enumerate(layer.gradients())}
        layer.backward(g, accumulate=True)
        found |= {f"accumulated {i}": a.copy() for i, a in enumerate(layer.gradients())}
        return found

    with rv.num_threads(1):
        expected = results()
    for threads in (2, 3, 4):
        with rv.num_threads(threads):
            got = results()
        for what, values in expected.items():
            check_same_bits(got[what], values, f"{what} of {name} on {threads} threads")


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_that_is_the_modules_own_or_its_input(name):
    # backward may write over what it reads.
    case = CASES[name]
    layer, x, g = case.layer_and_arrays(np.float64)
    layer(x)
    expected = layer.backward(layer.backward(g).copy()).copy()
    gradients = [a.copy() for a in layer.gradients()]
    own = layer.backward(layer.backward(g))
    check_same_bits(own.copy(), expected, "the gradient of its gradient")
    for got, right in zip(layer.gradients(), gradients, strict=True):
        check_same_bits(got, right, "gradient of a parameter")


@pytest.mark.parametrize("layer", [nn.LayerNorm(5), nn.RMSNorm(5), nn.BatchNorm1d(5)], ids=str)
def test_memory_that_is_not_aligned(layer):
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=(40, 5)).astype(np.float32) for _ in range(2))

    def shifted(a):
        memory = np.zeros(a.nbytes + 1, np.uint8)
        b = memory[1:].view(np.float32).reshape(a.shape)
        b[...] = a
        assert not b.flags.aligned
        return b

    expected = layer(x).copy(), layer.backward(g).copy()
    check_same_bits(layer(shifted(x)), expected[0], "output")
    check_same_bits(layer.backward(shifted(g)), expected[1], "gradient")


@pytest.mark.parametrize("kind", [nn.LayerNorm, nn.BatchNorm1d])
def test_nothing(kind):
    layer = kind(4).eval()
    x = np.empty((0, 4), np.float32)
    layer.gradients()[0].fill(7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layer(x).shape == x.shape
        assert layer.backward(x).shape == x.shape
    assert not any(a.any() for a in layer.gradients())
    if kind is nn.BatchNorm1d:
        for shape in ((0, 4, 3), (2, 4, 0)):
            assert layer(np.empty(shape, np.float32)).shape == shape
            layer.gradients()[0].fill(7)
            layer.backward(np.empty(shape, np.float32))
            assert not layer.gradients()[0].any()


def row_norm_arguments():
    x = np.ones((6, 4), np.float32)
    return {
        "x": x, "n": 4, "weight": np.ones(4, np.float32), "bias": np.ones(4, np.float32),
        "eps": 0.0, "mean": np.zeros(6), "scale": np.zeros(6), "y": np.zeros_like(x),
    }  # fmt: skip


def row_norm_backward_arguments():
    return {
        **{k: v for k, v in row_norm_arguments().items() if k not in ("bias", "eps", "y")},
        "grad_output": np.ones((6, 4), np.float32),
        "work": np.zeros(_core.row_norm_work(6, 4)),
        "grad_x": np.zeros((6, 4), np.float32),
        "grad_weight": np.zeros(4, np.float32),
        "grad_bias": np.zeros(4, np.float32),
        "accumulate": False,
    }


def batch_norm_arguments():
    x = np.ones((6, 4), np.float32)
    rows = {
        name: np.ones(4, np.float32) for name in ("weight", "bias", "running_mean", "running_var")
    }
    return {
        "x": x, **rows, "share": 0.5, "eps": 0.0, "of_batch": True, "mean": np.zeros(4),
        "scale": np.zeros(4), "work": np.zeros(_core.batch_norm_work(6, 4, 1)),
        "y": np.zeros_like(x),
    }  # fmt: skip


def batch_norm_backward_arguments():
    left_out = ("bias", "running_mean", "running_var", "share", "eps", "y")
    return {
        **{k: v for k, v in batch_norm_arguments().items() if k not in left_out},
        "grad_output": np.ones((6, 4), np.float32),
        "grad_x": np.zeros((6, 4), np.float32),
        "grad_weight": np.zeros(4, np.float32),
        "grad_bias": np.zeros(4, np.float32),
        "accumulate": False,
    }


ARGUMENTS = {
    "row_norm": row_norm_arguments,
    "row_norm_backward": row_norm_backward_arguments,
    "batch_norm": batch_norm_arguments,
    "batch_norm_backward": batch_norm_backward_arguments,
}
OUTPUTS = ("y", "mean", "scale", "work", "grad_x", "grad_weight", "grad_bias", "running_mean",
           "running_var")  # fmt: skip


@pytest.mark.parametrize("function", ARGUMENTS)
def test_native_functions_refuse_what_does_not_fit_and_write_nothing(function):
    arrays = [k for k, v in ARGUMENTS[function]().items() if isinstance(v, np.ndarray)]
    getattr(_core, function)(**ARGUMENTS[function]())
    for name in arrays:
        array = ARGUMENTS[function]()[name]
        other = np.float64 if array.dtype == np.float32 else np.float32
        wrong = {
            "another dtype": array.astype(other),
            "integers": array.astype(int),
            "one more": np.concatenate([array, array[:1]]),
            "strides": np.repeat(array, 2, axis=-1)[..., ::2],
            "no array": array.tolist(),
        }
        if name in OUTPUTS:
            wrong["read-only"] = array.copy()
            wrong["read-only"].flags.writeable = False
        for what, value in wrong.items():
            arguments = {**ARGUMENTS[function](), name: value}
            before = {k: np.array(arguments[k]) for k in arrays if k in OUTPUTS}
            # Where x is another one, it is the others that do not fit.
            named = None if name == "x" else rf"\b{name}\b"
            with pytest.raises((TypeError, ValueError), match=named):
                getattr(_core, function)(**arguments)
            for key, values in before.items():
                np.testing.assert_array_equal(arguments[key], values, f"{name}: {what}")


@pytest.mark.parametrize(
    ("function", "change", "message"),
    [
        ("row_norm", {"n": 0}, "n is 0"),
        ("row_norm", {"n": 5}, "n is 5; expected a divisor of the size of x, 24"),
        ("row_norm", {"scale": None}, "scale is a NoneType; expected"),
        ("row_norm", {"weight": None}, "weight is None; expected an array where there is a bias"),
        ("row_norm_backward", {"weight": None}, "weight or grad_weight is None"),
        ("row_norm_backward", {"grad_weight": None}, "weight or grad_weight is None"),
        ("row_norm_backward", {"work": None}, "work is a NoneType; expected"),
        ("batch_norm", {"running_var": None}, "running_var is None"),
        (
            "batch_norm",
            {"running_var": None, "running_mean": None, "of_batch": False},
            "running_mean or running_var is None",
        ),
        ("batch_norm", {"work": None}, "work is a NoneType; expected"),
        ("batch_norm", {"x": np.ones((1, 4), np.float32)}, r"\(1, 4\); expected more than one"),
        ("batch_norm", {"x": np.ones(4, np.float32)}, r"\(4,\); expected \(N, C\) or"),
    ],
)
def test_native_functions_refuse(function, change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        getattr(_core, function)(**{**ARGUMENTS[function](), **change})
