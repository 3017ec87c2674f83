"""Layers beyond Linear and the activations: against NumPy by hand, and by central differences."""

from __future__ import annotations

import copy
import json
import math
import pickle
import warnings

import numpy as np
import pytest

from checks import allocated, check_same_bits
from ranvier import nn


def normalised(x, axes, eps, mean=None, variance=None):
    if mean is None:
        mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps)


def batch_norm(state, eps=1e-5, running=False):
    def function(x):
        shape = (1, x.shape[1], *[1] * (x.ndim - 2))
        axes = (0, *range(2, x.ndim))
        of = {name: values.reshape(shape) for name, values in state.items() if values.ndim}
        given = (of["running_mean"], of["running_var"]) if running else ()
        return normalised(x, axes, eps, *given) * of.get("weight", 1) + of.get("bias", 0)

    return function


def layer_norm(axes, eps=1e-5):
    def of(state):
        return lambda x: normalised(x, axes, eps) * state.get("weight", 1) + state.get("bias", 0)

    return of


def rms_norm(axes, eps):
    def of(state):
        return lambda x: x / np.sqrt(
            np.mean(x * x, axes, keepdims=True) + eps
        ) * state.get("weight", 1)  # fmt: skip

    return of


def gate(f, dim=-1):
    def function(x):
        a, b = np.split(x, 2, axis=dim)
        return a * np.vectorize(f)(b)

    return lambda state: function


def softmax(dim, log=False):
    def function(x):
        total = np.exp(x).sum(dim, keepdims=True)
        return x - np.log(total) if log else np.exp(x) / total

    return lambda state: function


def dense(state, prefix):
    return lambda x: (
        np.einsum("...i,oi->...o", x, state[f"{prefix}weight"]) + state.get(f"{prefix}bias", 0.0)
    )


def residual(state):
    return lambda x: x + np.tanh(dense(state, "module.0.")(x))


def concat(dim):
    def of(state):
        return lambda x: np.concatenate(
            [dense(state, "0.")(x), np.tanh(x), dense(state, "2.0.")(x) ** 2 / 2], dim
        )

    return of


def maxout(state):
    def function(x):
        z = dense(state, "linear.")(x)
        return np.stack([z[..., 3 * c : 3 * c + 3].max(-1) for c in range(4)], -1)

    return function


def rbf(state):
    def function(x):
        rows = [
            [
                math.exp(-(math.dist(row, c) ** 2) / w**2)
                for c, w in zip(state["centres"], state["widths"], strict=True)
            ]
            for row in x.reshape(-1, x.shape[-1])
        ]
        return np.reshape(rows, (*x.shape[:-1], len(state["widths"])))

    return function


def gelu(b):
    return b * (1 + math.erf(b / math.sqrt(2))) / 2


class HalfSquare(nn.Module):
    def forward(self, x):
        self.x = x.copy()
        return x * x / 2

    def backward(self, grad_output, accumulate=False):
        return grad_output * self.x


def joined(*shape, dim=-1, dtype):
    lengths = [3, 3] if dim == 0 else [2, 3]
    return nn.Concat(
        nn.Linear(6, 6 if dim == 0 else lengths[0], dtype=dtype, rng=0),
        nn.Tanh(),
        nn.Sequential(
            nn.Linear(6, 6 if dim == 0 else lengths[1], dtype=dtype, rng=1), HalfSquare()
        ),
        dim=dim,
    )


EPS64 = np.finfo(np.float64).eps
# Name: the module of a dtype, the same by hand as a function of its state dict, the input's shape.
CASES = {
    "BatchNorm1d": (lambda dtype: nn.BatchNorm1d(4, dtype=dtype), batch_norm, (7, 4)),
    "BatchNorm1d of 3 axes": (
        lambda dtype: nn.BatchNorm1d(4, eps=0.01, dtype=dtype),
        lambda state: batch_norm(state, 0.01),
        (3, 4, 5),
    ),
    "BatchNorm1d without bias": (
        lambda dtype: nn.BatchNorm1d(4, bias=False, dtype=dtype), batch_norm, (7, 4)
    ),
    "BatchNorm1d without weight": (
        lambda dtype: nn.BatchNorm1d(4, affine=False, dtype=dtype), batch_norm, (7, 4)
    ),
    "BatchNorm1d without running statistics": (
        lambda dtype: nn.BatchNorm1d(4, track_running_stats=False, dtype=dtype), batch_norm, (7, 4)
    ),
    "LayerNorm": (lambda dtype: nn.LayerNorm(6, dtype=dtype), layer_norm(-1), (3, 2, 6)),
    "LayerNorm of a vector": (lambda dtype: nn.LayerNorm(6, dtype=dtype), layer_norm(-1), (6,)),
    "LayerNorm of nothing": (lambda dtype: nn.LayerNorm(6, dtype=dtype), layer_norm(-1), (0, 6)),
    "LayerNorm of 2 axes": (
        lambda dtype: nn.LayerNorm((2, 6), eps=0.1, dtype=dtype), layer_norm((-2, -1), 0.1),
        (3, 2, 6),
    ),
    "LayerNorm without bias": (
        lambda dtype: nn.LayerNorm(6, bias=False, dtype=dtype), layer_norm(-1), (3, 6)
    ),
    "LayerNorm without weight": (
        lambda dtype: nn.LayerNorm([6], elementwise_affine=False, dtype=dtype), layer_norm(-1),
        (3, 6),
    ),
    "RMSNorm": (lambda dtype: nn.RMSNorm(6, dtype=dtype), rms_norm(-1, EPS64), (3, 2, 6)),
    "RMSNorm of 2 axes": (
        lambda dtype: nn.RMSNorm((2, 6), eps=0.1, dtype=dtype), rms_norm((-2, -1), 0.1), (3, 2, 6)
    ),
    "RMSNorm without weight": (
        lambda dtype: nn.RMSNorm(6, elementwise_affine=False, dtype=dtype), rms_norm(-1, EPS64),
        (3, 6),
    ),
    "GLU": (lambda dtype: nn.GLU(), gate(lambda b: 1 / (1 + math.exp(-b))), (3, 6)),
    "GLU of an axis": (
        lambda dtype: nn.GLU(dim=1), gate(lambda b: 1 / (1 + math.exp(-b)), 1), (3, 4, 5)
    ),
    "SwiGLU": (lambda dtype: nn.SwiGLU(), gate(lambda b: b / (1 + math.exp(-b))), (3, 6)),
    "GEGLU": (lambda dtype: nn.GEGLU(), gate(gelu), (3, 6)),
    "ReGLU": (lambda dtype: nn.ReGLU(), gate(lambda b: max(b, 0.0)), (3, 6)),
    "BilinearGLU": (lambda dtype: nn.BilinearGLU(0), gate(lambda b: b, 0), (4, 6)),
    "Softmax": (lambda dtype: nn.Softmax(dim=-1), softmax(-1), (3, 5)),
    "Softmax of an axis": (lambda dtype: nn.Softmax(dim=1), softmax(1), (3, 5, 2)),
    "LogSoftmax": (lambda dtype: nn.LogSoftmax(dim=1), softmax(1, log=True), (3, 5, 2)),
    "Maxout": (lambda dtype: nn.Maxout(6, 4, pieces=3, dtype=dtype, rng=0), maxout, (5, 6)),
    "Maxout without bias": (
        lambda dtype: nn.Maxout(6, 4, 3, bias=False, dtype=dtype, rng=0), maxout, (2, 3, 6)
    ),
    "RBF": (lambda dtype: nn.RBF(6, 4, dtype=dtype, rng=0), rbf, (5, 6)),
    "RBF of 3 axes": (lambda dtype: nn.RBF(6, 4, dtype=dtype, rng=0), rbf, (2, 3, 6)),
    "Residual": (
        lambda dtype: nn.Residual(nn.Sequential(nn.Linear(6, 6, dtype=dtype, rng=0), nn.Tanh())),
        residual, (5, 6),
    ),
    "Concat": (lambda dtype: joined(dtype=dtype), concat(-1), (2, 5, 6)),
    "Concat of samples": (lambda dtype: joined(dim=0, dtype=dtype), concat(0), (5, 6)),
}  # fmt: skip
OF_THE_BATCH = [name for name in CASES if name.startswith("BatchNorm1d")]
NON_EMPTY = [name for name in CASES if "nothing" not in name]


def module_and_input(name, dtype=np.float64):
    """The module with parameters of no particular value, and an input for it."""
    make, by_hand, shape = CASES[name]
    module = make(dtype)
    rng = np.random.default_rng(1)
    for parameter in module.parameters():
        parameter += rng.normal(size=parameter.shape) / 4
    for key, buffer in module.named_buffers():
        if key.startswith("running"):
            buffer += rng.uniform(size=buffer.shape)
    return module, by_hand, (2 * rng.normal(size=shape) + 0.5).astype(dtype)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", CASES)
def test_forward(name, training):
    module, by_hand, x = module_and_input(name)
    module.train(training)
    if name in OF_THE_BATCH and module.track_running_stats and not training:
        expected = batch_norm(module.state_dict(), module.eps, running=True)(x)
    else:
        expected = by_hand(module.state_dict())(x)
    output = module(x)
    assert output.dtype == np.float64
    np.testing.assert_allclose(output, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", CASES)
def test_gradients(name, training):
    module, _, x = module_and_input(name)
    nn.gradcheck(module.train(training), x, eps=1e-5, atol=1e-8, rtol=1e-6)


@pytest.mark.parametrize("name", NON_EMPTY)
def test_float32_is_as_accurate_as_its_rounding(name):
    module, by_hand, x = module_and_input(name, np.float32)
    g = np.random.default_rng(3).normal(size=module(x).shape).astype(np.float32)
    state = {key: np.asarray(values, np.float64) for key, values in module.state_dict().items()}
    output = module(x)
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, by_hand(state)(x.astype(np.float64)), rtol=2e-5, atol=2e-6)
    twin = CASES[name][0](np.float64)
    twin.load_state_dict(module.state_dict())
    twin(x.astype(np.float64))
    pairs = [(module.backward(g), twin.backward(g.astype(np.float64)))]
    pairs += zip(module.gradients(), twin.gradients(), strict=True)
    for single, double in pairs:
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(64), nn.LayerNorm(64)], ids=str)
def test_statistics_of_values_far_from_0(layer):
    x = np.random.default_rng(0).normal(1000, 1, (512, 64)).astype(np.float32)
    axes = 0 if isinstance(layer, nn.BatchNorm1d) else 1
    expected = normalised(x.astype(np.float64), axes, 1e-5)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NON_EMPTY)
def test_accumulate_adds_and_parameters_alone_are_the_same(name):
    module, _, x = module_and_input(name)
    g = np.random.default_rng(3).normal(size=module(x).shape)
    module.backward(g)
    once = [gradient.copy() for gradient in module.gradients()]
    module.backward_parameters(g)
    for gradient, before in zip(module.gradients(), once, strict=True):
        check_same_bits(gradient, before, "backward_parameters")
    module.backward(g, accumulate=True)
    module.backward_parameters(g, accumulate=True)
    for gradient, before in zip(module.gradients(), once, strict=True):
        np.testing.assert_allclose(gradient, 3 * before, rtol=1e-13)


# Name: the module, of 32 features or for them, and the columns of what the modules in it return to
# it in a forward and in a backward pass.
LARGE = {
    "BatchNorm1d": (lambda: nn.BatchNorm1d(32), 0, 0),
    "LayerNorm": (lambda: nn.LayerNorm(32), 0, 0),
    "RMSNorm": (lambda: nn.RMSNorm(32), 0, 0),
    "SwiGLU": (lambda: nn.SwiGLU(), 0, 0),
    "Softmax": (lambda: nn.Softmax(), 0, 0),
    "Softmax of the first axis": (lambda: nn.Softmax(0), 0, 0),
    "LogSoftmax": (lambda: nn.LogSoftmax(), 0, 0),
    "Maxout": (lambda: nn.Maxout(32, 8), 16, 0),
    "RBF": (lambda: nn.RBF(32, 4), 0, 0),
    "Residual": (lambda: nn.Residual(nn.Linear(32, 32)), 32, 32),
    "Concat": (lambda: nn.Concat(nn.Linear(32, 3), nn.Linear(32, 5)), 3 + 5, 32),
    "Dropout": (lambda: nn.Dropout(), 0, 0),
    "AlphaDropout": (lambda: nn.AlphaDropout(), 0, 0),
}
SAMPLES = 16_384


def check_step_allocates_its_results(module, x, forward, backward):
    """And what the modules in it return to it, of so many columns."""
    y = module(x)
    g = np.ones_like(y)
    dx = module.backward(g).nbytes
    for name, call, result, columns in (
        ("forward", lambda: module(x), y.nbytes, forward),
        ("backward", lambda: module.backward(g), dx, backward),
        ("accumulating", lambda: module.backward(g, accumulate=True), dx, backward),
        ("backward_parameters", lambda: module.backward_parameters(g), 0, 0),
    ):
        used = allocated(call) - result - 4 * columns * SAMPLES
        # NumPy's buffers for conversion hold 8,192 elements each, whatever the array.
        assert used < SAMPLES * 32 * 4 / 4, f"{name}: {used} bytes besides the result"


@pytest.mark.parametrize("name", LARGE)
def test_a_step_allocates_its_results_alone(name):
    make, forward, backward = LARGE[name]
    x = np.ones((SAMPLES, 32), np.float32)
    check_step_allocates_its_results(make(), x, forward, backward)


@pytest.mark.parametrize("name", NON_EMPTY)
def test_a_forward_pass_in_eval_mode_shares_no_memory(name):
    """Several threads may call then, and what one writes must not be what another reads."""
    module, _, x = module_and_input(name)
    module.eval()
    for layout in (x, np.asfortranarray(x), x[::-1]):
        module(layout)
    assert not [m for m in module.modules() if m._workspace._memory]


def test_a_forward_pass_of_an_embedding_in_eval_mode_shares_no_memory():
    embedding = nn.Embedding(10, 32).eval()
    embedding(np.arange(10))
    assert not embedding._workspace._memory


def test_a_step_of_an_embedding_allocates_its_results_alone():
    embedding = nn.Embedding(10, 32, padding_idx=1)
    check_step_allocates_its_results(embedding, np.arange(SAMPLES) % 10, 0, 0)


@pytest.mark.parametrize("name", NON_EMPTY)
def test_inputs_of_any_strides(name):
    module, _, x = module_and_input(name)
    g = np.random.default_rng(3).normal(size=module(x).shape)
    expected = [module(x).copy(), module.backward(g).copy(), *map(np.copy, module.gradients())]
    spread = np.zeros([2 * n for n in x.shape])[tuple([slice(None, None, 2)] * x.ndim)]
    spread[...] = x
    other = np.asfortranarray(g)
    got = [module(spread).copy(), module.backward(other).copy(), *module.gradients()]
    for values, right in zip(got, expected, strict=True):
        np.testing.assert_allclose(values, right, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NON_EMPTY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values_pass_without_a_warning(name, dtype):
    module, _, x = module_and_input(name, dtype)
    huge = np.finfo(dtype).max
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (np.inf, -np.inf, np.nan, huge, -huge, 1e-45, 0.0):
            for training in (True, False):
                special = np.full_like(x, value)
                special.ravel()[0] = 1
                output = module.train(training)(special)
                module.backward(np.full_like(output, value))
                module.backward(np.full_like(output, huge), accumulate=True)


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_that_does_not_fit_is_refused(name):
    module, _, x = module_and_input(name)
    for call in (module.backward, module.backward_parameters):
        with pytest.raises(RuntimeError, match="before forward"):
            call(np.ones(3))
    shape = module(x).shape
    before = [gradient.copy() for gradient in module.gradients()]
    for call in (module.backward, module.backward_parameters):
        with pytest.raises(ValueError, match="grad_output has shape"):
            call(np.ones((*shape, 1)))
        with pytest.raises(TypeError, match="grad_output has dtype float32; expected float64"):
            call(np.ones(shape, np.float32))
        with pytest.raises(TypeError, match="grad_output is a list"):
            call([1.0])
    for gradient, old in zip(module.gradients(), before, strict=True):
        check_same_bits(gradient, old, "after the errors")


@pytest.mark.parametrize("name", CASES)
def test_an_input_that_does_not_fit_is_refused(name):
    module, _, x = module_and_input(name)
    for wrong in (x.tolist(), x.astype(int), x.astype(complex)):
        with pytest.raises(TypeError, match="x is of"):
            module(wrong)


@pytest.mark.parametrize("name", NON_EMPTY)
def test_copies_are_whole_and_independent(name):
    module, _, x = module_and_input(name)
    expected = module.eval()(x).copy()
    for clone in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        check_same_bits(clone(x), expected, "output of the copy")
        for array in clone._named_state().values():
            array[...] = 0
        check_same_bits(module(x), expected, "output of the original")


# Batch normalisation: running statistics.


def test_running_statistics_by_hand():
    layer = nn.BatchNorm1d(1, eps=0, dtype=np.float64)
    x = np.array([[1.0], [3.0], [8.0]])  # mean 4; squared differences 9, 1 and 16
    layer(x)
    np.testing.assert_allclose(layer.running_mean, [0.1 * 4])
    np.testing.assert_allclose(layer.running_var, [0.9 * 1 + 0.1 * 13])
    assert layer.num_batches_tracked.dtype == np.int64 and layer.num_batches_tracked == 1
    np.testing.assert_allclose(layer.eval()(x), (x - 0.4) / math.sqrt(2.2))
    assert layer.num_batches_tracked == 1
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_without_momentum_the_running_statistics_are_means_over_the_batches():
    layer = nn.BatchNorm1d(3, momentum=None, dtype=np.float64)
    batches = np.random.default_rng(0).normal(2, 3, (5, 20, 3))
    for batch in batches:
        layer(batch)
    np.testing.assert_allclose(layer.running_mean, batches.mean((0, 1)))
    np.testing.assert_allclose(layer.running_var, batches.var(1, ddof=1).mean(0))


def test_running_statistics_move_with_the_state_dict_all_or_nothing():
    model, other = (nn.Sequential(nn.Linear(3, 2, rng=0), nn.BatchNorm1d(2)) for _ in range(2))
    model(np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32))
    state = model.state_dict()
    assert list(state) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
        "1.num_batches_tracked",
    ]  # fmt: skip
    assert [name for name, _ in model.named_buffers()] == list(state)[4:]
    assert model.flat_parameters.size == 3 * 2 + 2 + 2 + 2
    other.load_state_dict(state)
    for name, values in other.state_dict().items():
        check_same_bits(values, state[name], name)
    state["1.running_mean"][:] = 5
    assert not np.any(model[1].running_mean == 5), "a state dict is a copy"
    for change, message in (
        ({"1.num_batches_tracked": np.float64(1)}, "1.num_batches_tracked has dtype float64"),
        ({"1.running_var": np.ones(3)}, "1.running_var has shape"),
    ):
        before = other.state_dict()
        with pytest.raises((TypeError, ValueError), match=message):
            other.load_state_dict({**{k: v + 1 for k, v in before.items()}, **change})
        for name, values in other.state_dict().items():
            check_same_bits(values, before[name], name)


def test_a_buffer_is_an_attribute_that_is_assigned_in_place():
    layer = nn.BatchNorm1d(2)
    mean = layer.running_mean
    layer.running_mean = [1, 2]
    assert mean.tolist() == [1, 2]
    with pytest.raises(AttributeError, match="BatchNorm1d has no buffer 'running_var'"):
        nn.BatchNorm1d(2, track_running_stats=False).running_var  # noqa: B018


# Dropout.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_dropout(p, dtype):
    layer = nn.Dropout(p, rng=0)
    x = np.random.default_rng(1).uniform(1, 2, (300, 400)).astype(dtype)
    y = layer(x)
    assert y.dtype == dtype
    kept = y != 0
    # Six standard deviations of the share of x.size independent draws.
    assert abs(kept.mean() - (1 - p)) <= 6 * math.sqrt(p * (1 - p) / x.size)
    scale = 1 / (1 - p) if p < 1 else 0
    np.testing.assert_allclose(y[kept], x[kept] * scale, rtol=1e-6)
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)) != 0, kept)
    np.testing.assert_allclose(layer.backward(x), y, rtol=1e-6)
    if 0 < p < 1:
        assert np.any(layer(x) != 0) and np.any((layer(x) != 0) != kept), "drawn anew"
    assert layer.eval()(x) is x
    assert layer.backward(x) is x


def test_what_is_dropped_is_0_whatever_it_was():
    y = nn.Dropout(0.5, rng=0)(np.full(1000, np.inf, np.float32))
    assert set(y.tolist()) == {0.0, np.inf}
    y = nn.AlphaDropout(0.5, rng=0)(np.full(1000, np.nan))
    assert np.isnan(y).any() and len(set(y[~np.isnan(y)].tolist())) == 1


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(p):
    layer = nn.AlphaDropout(p, rng=0)
    x = np.random.default_rng(1).normal(size=1_000_000)
    y = layer(x).copy()
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.02
    # What is dropped is -lambda alpha before it is scaled and shifted, and has no gradient.
    gradient = layer.backward(np.ones_like(x))
    kept = gradient != 0
    assert abs(kept.mean() - (1 - p)) < 0.01
    if p:
        scale = gradient[kept][0]
        shift = (y - scale * x)[kept][0]
        np.testing.assert_allclose(y[~kept], scale * -1.7580993408473766 + shift, rtol=1e-12)
        np.testing.assert_allclose(y[kept], scale * x[kept] + shift, atol=1e-12)


@pytest.mark.parametrize("layer", [nn.Dropout, nn.AlphaDropout])
def test_gradients_of_dropout(layer):
    model = nn.Sequential(nn.Linear(6, 6, dtype=np.float64, rng=0), layer(0.4, rng=1), nn.Tanh())
    state = model[1].random_state()
    x = np.random.default_rng(0).normal(size=(5, 6))
    nn.gradcheck(model, x, eps=1e-5, atol=1e-8, rtol=1e-6)
    assert model[1].random_state() == state, "the module itself drew nothing"


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "Philox", "SFC64"])
def test_a_random_state_goes_on_bit_for_bit(kind):
    def layer():
        return nn.Dropout(0.5, rng=np.random.Generator(getattr(np.random, kind)(3)))

    x = np.ones((13, 7), np.float32)
    first, second = layer(), layer()
    for _ in range(3):
        first(x)
    state = json.loads(json.dumps(first.random_state()))
    expected = [first(x).copy() for _ in range(3)]
    second.set_random_state(state)
    for values in expected:
        check_same_bits(second(x), values, kind)
    check_same_bits(nn.Dropout(rng=3)(x), nn.Dropout(rng=3)(x), "seed")
    assert np.any(nn.Dropout()(x) != nn.Dropout()(x))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda state: None, TypeError),
        (lambda state: {}, ValueError),
        (lambda state: {**state, "bit_generator": "MT19937"}, ValueError),
        (lambda state: {**state, "state": {}}, ValueError),
        (lambda state: {**state, "state": {"state": "x", "inc": 1}}, ValueError),
    ],
)
def test_a_random_state_that_does_not_fit_changes_nothing(change, error):
    check_state_is_refused(nn.Dropout(rng=0), change, error)


@pytest.mark.parametrize(
    "change", [lambda key: {"key": key[:-1], "pos": 1}, lambda key: {"key": key, "pos": "x"}]
)
def test_a_random_state_of_arrays_that_does_not_fit_changes_nothing(change):
    layer = nn.Dropout(rng=np.random.Generator(np.random.MT19937(0)))
    other = np.random.MT19937(1).state["state"]["key"].tolist()
    check_state_is_refused(layer, lambda s: {**s, "state": change(other)}, ValueError)


def check_state_is_refused(layer, change, error):
    before = layer.random_state()
    with pytest.raises(error, match="state is"):
        layer.set_random_state(change(before))
    assert layer.random_state() == before


# Embedding.


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, np.uint64, ">i4"])
def test_embedding(dtype):
    layer = nn.Embedding(5, 3, dtype=np.float64, rng=0)
    x = np.array([[4, 0, 2], [4, 4, 3]], dtype)
    np.testing.assert_array_equal(layer(x), [[layer.weight[i] for i in row] for row in x.tolist()])
    g = np.random.default_rng(0).normal(size=(2, 3, 3))
    assert not layer.backward(g).any()
    expected = [g[0, 1], np.zeros(3), g[0, 2], g[1, 2], (g[0, 0] + g[1, 0]) + g[1, 1]]
    check_same_bits(layer.gradients()[0], np.array(expected), "added in the order of the input")
    nn.gradcheck(layer, x, eps=1e-5, atol=1e-8, rtol=1e-6)
    layer.backward_parameters(g, accumulate=True)
    np.testing.assert_allclose(layer.gradients()[0], 2 * np.array(expected))


@pytest.mark.parametrize("padding_idx", [1, -4])
def test_padding_has_no_gradient(padding_idx):
    layer = nn.Embedding(5, 3, padding_idx=padding_idx, rng=0)
    assert layer.padding_idx == 1
    assert not layer.weight[1].any()
    assert layer.weight[[0, 2, 3, 4]].all()
    layer(np.array([1, 2, 1]))
    layer.backward(np.ones((3, 3), np.float32))
    assert layer.gradients()[0].sum(axis=1).tolist() == [0, 0, 3, 0, 0]
    layer.gradients()[0][1] = 7
    layer.backward(np.ones((3, 3), np.float32), accumulate=True)
    assert layer.gradients()[0].sum(axis=1).tolist() == [0, 21, 6, 0, 0]


def test_embedding_of_nothing():
    layer = nn.Embedding(5, 3)
    assert layer(np.empty((0, 2), int)).shape == (0, 2, 3)
    layer.backward(np.empty((0, 2, 3), np.float32))
    assert not layer.gradients()[0].any()


# What only some have.


def test_a_centre_has_distance_0_from_itself():
    layer = nn.RBF(3, 2, rng=0)
    layer.centres = [[1e4, 2e4, -3e4], [0, 0, 0]]
    layer.widths = [1e-3, -2]
    y = layer(np.array([[1e4, 2e4, -3e4], [np.inf, 0, 0]], np.float32))
    assert y.tolist() == [[1, 0], [0, 0]]


def test_the_gradient_of_a_width_infinitely_far_away_is_0():
    layer = nn.RBF(1, 1, dtype=np.float64, rng=0)
    layer(np.array([[np.inf], [1e200]]))
    layer.backward_parameters(np.ones((2, 1)))
    assert layer.gradients()[1].tolist() == [0]


def test_initial_values():
    layer = nn.RBF(200, 100, rng=0)
    assert abs(layer.centres.std() - 1) < 0.03 and abs(layer.centres.mean()) < 0.03
    np.testing.assert_allclose(layer.widths, 20, rtol=1e-6)
    table = nn.Embedding(200, 100, rng=0).weight
    assert table.dtype == np.float32
    assert abs(table.std() - 1) < 0.03 and abs(table.mean()) < 0.03
    assert np.abs(nn.Maxout(100, 30, 4, rng=0).linear.weight).max() <= np.float32(0.1)
    for make in (lambda rng: nn.RBF(3, 2, rng=rng), lambda rng: nn.Embedding(3, 2, rng=rng)):
        check_same_bits(make(7).flat_parameters, make(7).flat_parameters, "seed")
        assert np.any(make(7).flat_parameters != make(8).flat_parameters)
    for layer in (nn.LayerNorm((2, 3)), nn.BatchNorm1d(3)):
        assert np.all(layer.weight == 1) and not layer.bias.any()
    assert nn.RMSNorm(3).eps is None


def test_paths_share_the_buffers_of_the_model():
    model = nn.Sequential(
        nn.Residual(nn.Linear(4, 4, rng=0)),
        nn.Concat(nn.Linear(4, 2, rng=1), nn.Sequential(nn.Linear(4, 3, rng=2), nn.ReLU())),
    )
    assert list(model.state_dict()) == [
        "0.module.weight", "0.module.bias", "1.0.weight", "1.0.bias", "1.1.0.weight", "1.1.0.bias"
    ]  # fmt: skip
    assert model.flat_parameters.size == 4 * 4 + 4 + 4 * 2 + 2 + 4 * 3 + 3
    assert np.shares_memory(model[0].module.weight, model.flat_parameters)
    assert not any(module.training for module in model.eval().modules())
    assert len(model[1]) == 2 and [type(m) for m in model[1]] == [nn.Linear, nn.Sequential]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.BatchNorm1d(0), ValueError, "num_features is 0; expected a positive integer"),
        (lambda: nn.BatchNorm1d(2, dtype=int), TypeError, "dtype is int64; expected float32 or"),
        (
            lambda: nn.BatchNorm1d(3)(np.ones((2, 4), np.float32)),
            ValueError,
            r"x has shape \(2, 4\); expected \(N, 3\) or \(N, 3, L\)",
        ),
        (lambda: nn.BatchNorm1d(3)(np.ones(3, np.float32)), ValueError, r"x has shape \(3,\)"),
        (
            lambda: nn.BatchNorm1d(3)(np.ones((1, 3), np.float32)),
            ValueError,
            r"x has shape \(1, 3\); expected more than one value for each channel",
        ),
        (lambda: nn.BatchNorm1d(3)(np.ones((0, 3), np.float32)), ValueError, "more than one"),
        (lambda: nn.BatchNorm1d(3)(np.ones((2, 3))), TypeError, "x is of float64; expected an"),
        (lambda: nn.LayerNorm(()), ValueError, r"normalized_shape is \(\); expected at least one"),
        (lambda: nn.LayerNorm((3, 0)), ValueError, "normalized_shape is 0; expected a positive"),
        (
            lambda: nn.LayerNorm((3, 4))(np.ones((4, 3), np.float32)),
            ValueError,
            r"x has shape \(4, 3\); expected \(\*, 3, 4\)",
        ),
        (lambda: nn.RMSNorm((3, 4))(np.ones(4, np.float32)), ValueError, r"x has shape \(4,\)"),
        (lambda: nn.LayerNorm(4)(np.ones(4)), TypeError, "float64; expected an array of float32"),
        (
            lambda: nn.LayerNorm(4, elementwise_affine=False)(np.ones(4, np.float16)),
            TypeError,
            "x is of float16; expected an array of float32 or float64",
        ),
        (lambda: nn.GLU()(np.ones((2, 3))), ValueError, "x has length 3 along axis -1; expected"),
        (lambda: nn.GLU(2)(np.ones((2, 4))), ValueError, "axis 2 is out of bounds"),
        (lambda: nn.Softmax(2)(np.ones((2, 4))), ValueError, "axis 2 is out of bounds"),
        (lambda: nn.Maxout(3, 2, pieces=0), ValueError, "pieces is 0; expected a positive"),
        (lambda: nn.Maxout(3, 0), ValueError, "out_features is 0; expected a positive"),
        (lambda: nn.RBF(3, 0), ValueError, "out_features is 0; expected a positive"),
        (
            lambda: nn.RBF(3, 2)(np.ones((2, 4), np.float32)),
            ValueError,
            r"x has shape \(2, 4\); expected \(\*, 3\)",
        ),
        (lambda: nn.Dropout(1.5), ValueError, "p is 1.5; expected a number from 0 to 1"),
        (lambda: nn.AlphaDropout(np.nan), ValueError, "p is nan"),
        (lambda: nn.Dropout("a"), TypeError, "p is 'a'; expected a number"),
        (lambda: nn.Dropout()(np.ones(3, int)), TypeError, "x is of int64"),
        (lambda: nn.Embedding(3, 2, padding_idx=3), ValueError, "padding_idx is 3; expected one"),
        (lambda: nn.Embedding(3, 2, padding_idx=-4), ValueError, "padding_idx is -4"),
        (lambda: nn.Embedding(3, 2)(np.array([0, 3])), IndexError, "x has the index 3; expected 0"),
        (lambda: nn.Embedding(3, 2)(np.array([0, -1])), IndexError, "index -1; expected 0 to 2"),
        (
            lambda: nn.Embedding(3, 2)(np.array([2**64 - 1], np.uint64)),
            IndexError,
            "index 18446744073709551615; expected 0 to 2",
        ),
        (lambda: nn.Embedding(3, 2)(np.ones(2)), TypeError, "float64; expected an array of int"),
        (lambda: nn.Embedding(3, 2)([1]), TypeError, "list"),
        (lambda: nn.Embedding(0, 2), ValueError, "num_embeddings is 0"),
        (lambda: nn.Residual(np.tanh), TypeError, "module is a ufunc; expected a Module"),
        (
            lambda: nn.Residual(nn.Linear(3, 2))(np.ones((4, 3), np.float32)),
            ValueError,
            r"Linear\(3, 2, bias=True\) made shape \(4, 2\) of x; expected \(4, 3\)",
        ),
        (lambda: nn.Concat(), ValueError, "layers is empty"),
        (lambda: nn.Concat(nn.ReLU(), 3), TypeError, r"layers\[1\] is a int; expected a Module"),
        (lambda: nn.Concat(*[nn.ReLU()] * 2), ValueError, "twice"),
        (
            lambda: nn.Concat(nn.ReLU(), nn.Flatten())(np.ones((2, 3, 4))),
            ValueError,
            r"layers\[1\] made shape \(2, 12\) of x; expected \(2, 3, 4\) but for axis -1",
        ),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()
