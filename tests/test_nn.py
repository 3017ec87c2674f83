"""Layers: against NumPy written out by hand and central differences of it, in float64."""

from __future__ import annotations

import copy
import pickle
import re
import sys
import types
import warnings

import numpy as np
import pytest

import ranvier as rv
from checks import allocated, check_same_bits
from ranvier import nn
from reference import DOUBLE, REFERENCES, evaluate_in_double

CLASSES = {record.name: getattr(nn, record.module) for record in rv.registry()}
# Every activation of torch.nn that is elementwise; torch.nn.functional has them in lower case.
TORCH_CLASSES = """
    CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish PReLU ReLU
    ReLU6 SELU Sigmoid SiLU Softplus Softshrink Softsign Tanh Tanhshrink Threshold
"""


TRAINABLE = ("prelu", "swish")


def required(name):
    record = next(record for record in rv.registry() if record.name == name)
    return [0.25 for value in record.parameters.values() if value is None]


def trained(name, parameter):
    """An activation with a learned parameter, by its textbook formula."""

    def of(state):
        def function(x):
            p = np.broadcast_to(state[parameter].reshape(-1, *[1] * (x.ndim - 2)), x.shape)
            value = REFERENCES[name].value
            pairs = zip(x.ravel(), p.ravel(), strict=True)
            return np.array([float(value(DOUBLE, v, q)) for v, q in pairs]).reshape(x.shape)

        return function

    return of


def elementwise(name, *parameters):
    """An activation as a function of float64 arrays, by its textbook formula."""

    def function(x):
        return evaluate_in_double(REFERENCES[name].value, x.ravel(), parameters).reshape(x.shape)

    return function


def dense(state, prefix=""):
    weight, bias = state[f"{prefix}weight"], state.get(f"{prefix}bias", 0.0)
    return lambda x: np.einsum("...i,oi->...o", x, weight) + bias


def linear(inputs, outputs, rng, **options):
    return nn.Linear(inputs, outputs, dtype=np.float64, rng=rng, **options)


def network():
    return nn.Sequential(
        nn.Flatten(), linear(6, 5, 0), nn.GELU(), nn.Sequential(linear(5, 4, 1), nn.Tanh()),
        linear(4, 4, 2, bias=False), nn.ReLU(), linear(4, 3, 3),
    )  # fmt: skip


def network_by_hand(state):
    def function(x):
        x = elementwise("gelu")(dense(state, "1.")(x.reshape(len(x), -1)))
        x = elementwise("tanh")(dense(state, "3.0.")(x))
        x = elementwise("relu")(dense(state, "4.")(x))
        return dense(state, "6.")(x)

    return function


ACTIVATION_CASES = {
    **{
        name: (lambda name=name: CLASSES[name](*required(name)), name, None)
        for name in CLASSES
        if name not in TRAINABLE
    },
    "threshold": (lambda: nn.Threshold(0.3, -1.5), "threshold", (0.3, -1.5)),
    "leaky_relu 0.2": (lambda: nn.LeakyReLU(0.2), "leaky_relu", (0.2,)),
    "leaky_relu falling": (lambda: nn.LeakyReLU(negative_slope=-0.5), "leaky_relu", (-0.5,)),
}


def defaults(name):
    record = next(record for record in rv.registry() if record.name == name)
    return tuple(record.parameters.values())


# Name: the module, the same by hand as a function of its state dict, the shape of the input.
CASES = {
    "linear": (lambda: linear(6, 4, 0), dense, (5, 6)),
    "linear without bias": (lambda: linear(6, 4, 0, bias=False), dense, (5, 6)),
    "linear of a vector": (lambda: linear(6, 4, 0), dense, (6,)),
    "linear of 4 axes": (lambda: linear(6, 4, 0), dense, (2, 3, 2, 6)),
    "linear of nothing": (lambda: linear(6, 4, 0), dense, (0, 6)),
    "flatten": (nn.Flatten, lambda _: lambda x: x.reshape(len(x), -1), (3, 2, 4)),
    "flatten two axes": (
        lambda: nn.Flatten(0, 1), lambda _: lambda x: x.reshape(-1, *x.shape[2:]), (3, 2, 4)
    ),
    "fused of 3 axes": (
        lambda: nn.Sequential(linear(4, 3, 0), nn.SiLU()),
        lambda state: lambda x: elementwise("silu")(dense(state, "0.")(x)),
        (2, 3, 4),
    ),
    "PReLU": (lambda: nn.PReLU(dtype=np.float64), trained("prelu", "weight"), (3, 4, 2)),
    "PReLU of channels": (
        lambda: nn.PReLU(4, init=-0.3, dtype=np.float64), trained("prelu", "weight"), (3, 4, 2)
    ),
    "Swish": (lambda: nn.Swish(dtype=np.float64), trained("swish", "beta"), (3, 4)),
    "Swish of channels": (
        lambda: nn.Swish(4, init=0.7, dtype=np.float64), trained("swish", "beta"), (3, 4, 2)
    ),
    "no layer": (nn.Sequential, lambda _: lambda x: x, (2, 3)),
    "network": (network, network_by_hand, (7, 2, 3)),
    **{
        name: (
            make,
            lambda _, name=activation, p=parameters: elementwise(
                name, *(defaults(name) if p is None else p)
            ),
            (3, 4, 2),
        )
        for name, (make, activation, parameters) in ACTIVATION_CASES.items()
    },
}  # fmt: skip


def central_differences(function, x, step=1e-5):
    """Gradient of a scalar function with respect to x, which is changed in place and put back."""
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        at = x[i]
        x[i] = at + step
        above = function()
        x[i] = at - step
        below = function()
        x[i] = at
        gradient[i] = (above - below) / (2 * step)
    return gradient


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("case", CASES)
def test_forward_and_gradients(case, training):
    make, by_hand, shape = CASES[case]
    module = make().train(training)
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape)
    state = module.state_dict()
    expected = by_hand(state)(x)
    g = rng.normal(size=expected.shape)

    output = module(x)
    assert output.dtype == np.float64
    np.testing.assert_allclose(output, expected, rtol=1e-13, atol=1e-14)

    def scalar():
        return float(np.sum(g * by_hand(state)(x)))

    grad_input = module.backward(g)
    assert grad_input.shape == x.shape
    np.testing.assert_allclose(grad_input, central_differences(scalar, x), rtol=1e-7, atol=1e-9)
    assert len(module.gradients()) == len(state)
    for (name, values), gradient in zip(state.items(), module.gradients(), strict=True):
        differences = central_differences(scalar, values)
        np.testing.assert_allclose(gradient, differences, rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("case", [case for case in CASES if "nothing" not in case])
def test_accumulate_adds_and_parameters_alone_are_the_same(case):
    make, _, shape = CASES[case]
    module = make()
    x = np.random.default_rng(2).normal(size=shape)
    g = np.random.default_rng(3).normal(size=module(x).shape)
    module.backward(g)
    once = [gradient.copy() for gradient in module.gradients()]
    module.backward_parameters(g)
    for gradient, before in zip(module.gradients(), once, strict=True):
        check_same_bits(gradient, before, "backward_parameters")
    module.backward(g, accumulate=True)
    module.backward_parameters(g, accumulate=True)
    for gradient, before in zip(module.gradients(), once, strict=True):
        np.testing.assert_allclose(gradient, 3 * before, rtol=1e-14)
    module.zero_grad()
    assert not module.flat_gradients.any()


def test_every_activation_is_a_module_with_torchs_name():
    for name, module in CLASSES.items():
        assert module.__name__ in nn.__all__
        torchs = re.findall(rf"\b{name.replace('_', '')}\b", TORCH_CLASSES, re.IGNORECASE)
        assert torchs in ([], [module.__name__])
        assert module.record.name == name
    assert repr(nn.LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    with pytest.raises(TypeError, match="negative"):
        nn.LeakyReLU(negative=1)
    with pytest.raises(TypeError):
        nn.ReLU(1)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", ACTIVATION_CASES)
def test_fused_and_one_by_one_have_the_same_bits(case, dtype, training):
    layers = [nn.Linear(37, 29, dtype=dtype, rng=0), ACTIVATION_CASES[case][0]()]
    x = np.random.default_rng(0).normal(size=(211, 37)).astype(dtype)
    g = np.random.default_rng(1).normal(size=(211, 29)).astype(dtype)
    alone = copy.deepcopy(layers)
    expected = alone[1](alone[0](x))
    expected_gradient = alone[0].backward(alone[1].backward(g))
    model = nn.Sequential(*layers).train(training)
    check_same_bits(model(x), expected, "output")
    check_same_bits(model.backward(g), expected_gradient, "gradient of the input")
    check_same_bits(model.flat_gradients, alone[0].flat_gradients, "gradients")


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Raised(nn.ReLU):
    def forward(self, x):
        return super().forward(x) + 1


@pytest.mark.parametrize(
    "layers",
    [[Doubled(4, 3, rng=0), nn.ReLU()], [nn.Linear(4, 3, rng=0), Raised()]],
    ids=["linear", "activation"],
)
def test_another_forward_is_not_fused_away(layers):
    model = nn.Sequential(*layers)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    expected = layers[1](layers[0](x))
    check_same_bits(model(x), expected, "output")
    assert np.any(nn.Sequential(nn.Linear(4, 3, rng=0), nn.ReLU())(x) != expected)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_bits_do_not_depend_on_threads(threads):
    model = nn.Sequential(nn.Linear(20, 300, rng=0), nn.GELU())
    x = np.random.default_rng(0).normal(size=(1000, 20)).astype(np.float32)
    results = []
    for n in (1, threads):
        with rv.num_threads(n):
            output = model(x).copy()
            results.append((output, model.backward(output).copy(), model.flat_gradients.copy()))
    for one, several in zip(*results, strict=True):
        check_same_bits(several, one, f"{threads} threads")


def test_a_module_of_ones_own():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(4, 3, rng=0)
            self.act = nn.Tanh()
            self.second = nn.Linear(3, 2, rng=1)

        def forward(self, x):
            return self.second(self.act(self.first(x)))

        def backward(self, grad_output, accumulate=False):
            g = self.act.backward(self.second.backward(grad_output, accumulate))
            return self.first.backward(g, accumulate)

    net = Net()
    same = nn.Sequential(nn.Linear(4, 3, rng=0), nn.Tanh(), nn.Linear(3, 2, rng=1))
    assert list(net.state_dict()) == ["first.weight", "first.bias", "second.weight", "second.bias"]
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    check_same_bits(net(x), same(x), "output")
    net.backward_parameters(net(x))
    same.backward_parameters(same(x))
    check_same_bits(net.flat_gradients, same.flat_gradients, "gradients")
    assert not net.eval().act.training
    with pytest.raises(NotImplementedError, match="Module"):
        nn.Module()(x)
    with pytest.raises(ValueError, match=r"value has shape \(3,\)"):
        net.first.write_gradient("weight", np.ones(3))


def test_assigning_a_parameter_writes_into_the_models_memory():
    model = nn.Sequential(nn.Linear(3, 2))
    flat = model.flat_parameters
    model[0].weight = [[1, 2, 3], [4, 5, 6]]
    model[0].bias = np.array([7.0, 8.0])
    assert flat.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    with pytest.raises(ValueError, match=r"weight has shape \(3,\); expected \(2, 3\)"):
        model[0].weight = [1, 2, 3]
    with pytest.raises(AttributeError, match="no parameter 'bias'"):
        nn.Linear(3, 2, bias=False).bias  # noqa: B018


def test_a_step_allocates_its_results_alone():
    model = nn.Sequential(
        nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 32), nn.LeakyReLU(0.1), nn.Linear(32, 10)
    )
    x = np.ones((4096, 64), np.float32)
    g = np.ones((4096, 10), np.float32)
    for call, result in (
        (lambda: model(x), g.nbytes),
        (lambda: model.backward(g), x.nbytes),
        (lambda: model.backward_parameters(g), 0),
        (lambda: model.backward(g, accumulate=True), x.nbytes),
    ):
        used = allocated(call)
        assert used < result + 4096, f"{used} bytes for a result of {result}"


def test_a_smaller_batch_after_a_larger_one():
    x = np.random.default_rng(0).normal(size=(100, 6)).astype(np.float32)
    model = nn.Sequential(nn.Linear(6, 5, rng=0), nn.Tanh(), nn.Linear(5, 2, rng=1))
    model.backward(model(x))
    small = model(x[:7])
    fresh = nn.Sequential(nn.Linear(6, 5, rng=0), nn.Tanh(), nn.Linear(5, 2, rng=1))
    check_same_bits(small, fresh(x[:7]), "output")
    check_same_bits(model.backward(small), fresh.backward(fresh(x[:7])), "gradient of the input")
    check_same_bits(model.flat_gradients, fresh.flat_gradients, "gradients")


def test_inputs_of_any_strides():
    x = np.random.default_rng(0).normal(size=(9, 12))
    layer = linear(6, 4, 0)
    g = np.random.default_rng(1).normal(size=(18, 4))
    expected = dense(layer.state_dict())
    for view, gradient in ((x[:, ::2], g[::2]), (x[:6].T[:12:2], g[:6]), (x[::-1, :6], g[::-2])):
        if view.shape[1] != 6:
            view = np.asfortranarray(np.ascontiguousarray(view).reshape(-1, 6))
        gradient = g[: 2 * len(view) : 2]
        np.testing.assert_allclose(layer(view), expected(view), rtol=1e-13, atol=1e-14)
        layer.backward(gradient)
        np.testing.assert_allclose(layer.gradients()[0], gradient.T @ view, rtol=1e-13, atol=1e-13)


def test_initial_values():
    layer = nn.Linear(100, 400, rng=5)
    for values in layer.parameters():
        assert values.dtype == np.float32
        assert np.abs(values).max() <= np.float32(0.1)
        assert np.abs(values).max() > 0.099
        # The standard deviation of U(-a, a) is a / sqrt(3).
        assert abs(values.std() * np.sqrt(3) - 0.1) < 0.01
        assert abs(values.mean()) < 0.01
    assert layer.weight.shape == (400, 100)
    check_same_bits(nn.Linear(100, 400, rng=5).flat_parameters, layer.flat_parameters, "seed")
    generator = np.random.default_rng(5)
    check_same_bits(nn.Linear(100, 400, rng=generator).weight, layer.weight, "generator")
    assert np.any(nn.Linear(100, 400, rng=generator).weight != layer.weight)
    assert np.any(nn.Linear(100, 400).weight != nn.Linear(100, 400).weight)


def test_state_dict_round_trip():
    model, other = network(), network()
    other.flat_parameters[:] = 0
    state = model.state_dict()
    other.load_state_dict(state)
    check_same_bits(other.flat_parameters, model.flat_parameters, "round trip")
    state["1.weight"][:] = 5
    assert not np.any(model[1].weight == 5), "a state dict is a copy"
    float32 = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    float32.load_state_dict({"0.weight": np.full((2, 3), 1e300), "0.bias": [1, 2]})
    assert np.isinf(float32[0].weight).all()


def test_load_state_dict_of_its_own_views():
    model = nn.Sequential(linear(3, 3, 0), linear(3, 3, 1))
    state = model.state_dict()
    model.load_state_dict(
        {
            "0.weight": model[1].weight.T, "0.bias": model[1].bias,
            "1.weight": model[0].weight, "1.bias": model[0].bias[::-1],
        }
    )  # fmt: skip
    np.testing.assert_array_equal(model[0].weight, state["1.weight"].T)
    np.testing.assert_array_equal(model[1].weight, state["0.weight"])
    np.testing.assert_array_equal(model[1].bias, state["0.bias"][::-1])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"1.weight": None}, ValueError, r"lacks \['1.weight'\]"),
        ({"more": np.ones(2)}, ValueError, r"unexpected \['more'\]"),
        (
            {"1.weight": np.ones((3, 5))},
            ValueError,
            r"1.weight has shape \(3, 5\); expected \(2, 5\)",
        ),
        ({"1.bias": np.float64(1)}, ValueError, r"1.bias has shape \(\)"),
        ({"1.bias": np.ones((1, 2))}, ValueError, "1.bias has shape"),
        ({"1.bias": np.ones(2, complex)}, TypeError, "1.bias has dtype complex128"),
        ({"1.bias": np.array(["1", "2"])}, TypeError, "1.bias has dtype <U1"),
        ({"1.bias": np.array([1.0, None])}, TypeError, "1.bias has dtype object"),
        ({"1.bias": [[1.0], [1.0, 2.0]]}, ValueError, "inhomogeneous"),
    ],
)
def test_a_state_dict_that_does_not_fit_changes_nothing(change, error, message):
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 2))
    before = model.flat_parameters.copy()
    state = {name: values + 1 for name, values in model.state_dict().items()}
    state.update(change)
    state = {name: values for name, values in state.items() if values is not None}
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    check_same_bits(model.flat_parameters, before, "after the error")


def test_special_values_pass_without_a_warning():
    x = np.array([[np.inf, -np.inf, np.nan, 3e38, 1e-45, 0.0]], np.float32).repeat(6, axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for activation in (nn.ReLU, nn.GELU):
            model = nn.Sequential(nn.Linear(36, 8, rng=0), activation(), nn.Linear(8, 2, rng=0))
            assert np.isnan(model(x)).all()
            model.backward(np.full((1, 2), 3e38, np.float32))
            model.backward(np.full((1, 2), 3e38, np.float32), accumulate=True)
        nn.Linear(1, 1, rng=0).load_state_dict({"weight": [[1e300]], "bias": [np.nan]})


LAYER = nn.Linear(4, 3, rng=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Linear(0, 3), ValueError, "in_features is 0; expected a positive integer"),
        (lambda: nn.Linear(3, -1), ValueError, "out_features is -1"),
        (lambda: nn.Linear(2.5, 1), TypeError, "in_features is 2.5; expected an integer"),
        (lambda: nn.Linear(2, 2, dtype=np.int32), TypeError, "int32; expected float32 or float64"),
        (lambda: nn.Linear(2, 2, dtype=np.float16), TypeError, "float16; expected float32"),
        (lambda: LAYER(np.ones((2, 5), np.float32)), ValueError, r"\(2, 5\); expected \(\*, 4\)"),
        (lambda: LAYER(np.float32(1)), TypeError, "x is of float32; expected an array"),
        (lambda: LAYER(np.ones((), np.float32)), ValueError, r"x has shape \(\)"),
        (
            lambda: LAYER(np.ones((2, 4))),
            TypeError,
            "x is of float64; expected an array of float32",
        ),
        (lambda: LAYER(np.ones((2, 4), ">f4")), TypeError, "x is of >f4"),
        (lambda: LAYER([[1.0] * 4]), TypeError, "list"),
        (lambda: nn.Linear(4, 3).backward(np.ones((2, 3))), RuntimeError, "before forward"),
        (lambda: nn.ReLU().backward_parameters(np.ones(3)), RuntimeError, "ReLU.backward"),
        (lambda: nn.ReLU()(np.arange(3)), TypeError, "x is of int64; expected a floating array"),
        (lambda: nn.Flatten(2)(np.ones((3, 4))), ValueError, r"x has shape \(3, 4\)"),
        (lambda: nn.Flatten(-1, -2)(np.ones((3, 4))), ValueError, "expected axes -1 to -2"),
        (lambda: nn.Sequential(LAYER, np.tanh), TypeError, r"layers\[1\] is a ufunc"),
        (lambda: nn.Sequential(LAYER, LAYER), ValueError, "twice"),
        (lambda: nn.Sequential(nn.Sequential(LAYER), LAYER), ValueError, "twice"),
        (lambda: LAYER.load_state_dict(None), TypeError, "state_dict is a NoneType; expected a d"),
        (lambda: LAYER.load_state_dict(["weight"]), TypeError, "state_dict is a list; expected a"),
        (
            lambda: nn.Sequential(LAYER, linear(3, 3, 0)),
            TypeError,
            "float32, float64; expected only",
        ),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("module", [nn.Linear(4, 4), nn.Tanh(), nn.Flatten(), nn.SiLU()], ids=str)
@pytest.mark.parametrize("backward", ["backward", "backward_parameters"])
def test_a_gradient_that_does_not_fit_is_refused(module, backward):
    module(np.ones((3, 4), np.float32))
    call = getattr(module, backward)
    with pytest.raises(ValueError, match=r"grad_output has shape \(1, 4\); expected \(3, 4\)"):
        call(np.ones((1, 4), np.float32))
    with pytest.raises(TypeError, match="grad_output has dtype float64; expected float32"):
        call(np.ones((3, 4)))
    with pytest.raises(TypeError, match="grad_output is a list"):
        call([[1.0] * 4] * 3)


def test_a_pickle_does_not_look_for_its_functions(monkeypatch):
    """As that of a ufunc does, in every module that is loaded, whatever those do when asked."""

    class Trap(types.ModuleType):
        def __getattr__(self, name):
            raise AssertionError(f"asked for {name}")

    monkeypatch.setitem(sys.modules, "aaa_trap", Trap("aaa_trap"))
    model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.LeakyReLU(0.2), nn.PReLU()).eval()
    x = np.ones((2, 3), np.float32)
    for copied in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        check_same_bits(copied(x), model(x), "copied")
