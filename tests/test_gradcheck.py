"""nn.gradcheck finds gradients that are wrong, and where."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from checks import check_same_bits
from ranvier import losses, nn


class Cube(nn.Module):
    """x^3 times a factor, with a gradient that can be made wrong."""

    factor = nn.Parameter()

    def __init__(self, wrong_input=None, wrong_factor=None):
        super().__init__()
        self.add_parameter("factor", np.array([1.0, 2.0, 3.0], np.float32))
        self.wrong_input, self.wrong_factor = wrong_input, wrong_factor

    def forward(self, x):
        self.x = x
        return self.factor * x**3

    def backward(self, grad_output, accumulate=False):
        factor = (grad_output * self.x**3).sum(axis=0)
        if self.wrong_factor:
            factor = self.wrong_factor(factor)
        self.write_gradient("factor", factor, accumulate)
        gradient = grad_output * self.factor * 3 * self.x**2
        return self.wrong_input(gradient) if self.wrong_input else gradient


def at(index, value):
    def change(gradient):
        gradient = gradient.copy()
        gradient[index] = value(gradient[index])
        return gradient

    return change


X = np.random.default_rng(0).uniform(0.5, 1.5, (4, 3)).astype(np.float32)


def test_right_gradients():
    assert nn.gradcheck(Cube(), X, eps=1e-5, atol=1e-8, rtol=1e-6) < 1e-6
    # The relative error that it returns is that of the differences: smaller with a better step.
    assert nn.gradcheck(Cube(), X, eps=1e-2) > nn.gradcheck(Cube(), X, eps=1e-4)


@pytest.mark.parametrize(
    ("value", "scale"),
    [
        (lambda g: 1.01 * g, 0.01),
        (lambda g: -g, 2),
        (lambda g: 0 * g, 1),
        (lambda g: np.nan, np.inf),
        (lambda g: np.inf, np.inf),
    ],
)
@pytest.mark.parametrize("where", ["input", "factor"])
def test_a_wrong_gradient_is_named_with_its_place(where, value, scale):
    index = (2, 1) if where == "input" else (1,)
    module = Cube(**{f"wrong_{where}": at(index, value)})
    place = r"the input at \[2, 1\]" if where == "input" else r"factor at \[1\]"
    with pytest.raises(nn.GradcheckError, match=f"the gradient of {place} is "):
        nn.gradcheck(module, X)
    worst = nn.gradcheck(module, X, raise_exception=False)
    np.testing.assert_allclose(worst, scale, rtol=0.3)


def test_the_tolerance():
    module = Cube(wrong_input=at((0, 0), lambda g: 1.01 * g))
    assert nn.gradcheck(module, X, rtol=0.011) > 0.005
    assert nn.gradcheck(module, X, atol=1.0) < 1e-3
    with pytest.raises(nn.GradcheckError, match=r"expected at most 0\.009, with atol 1e-05"):
        nn.gradcheck(module, X, rtol=0.009)


def test_a_gradient_of_another_shape():
    with pytest.raises(nn.GradcheckError, match=r"the input has shape \(3, 4\); expected \(4, 3\)"):
        nn.gradcheck(Cube(wrong_input=np.transpose), X)


def test_the_module_remains_as_it_is():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Dropout(rng=0), nn.Tanh())
    model.backward(model(X).copy())
    before = model.state_dict()
    gradients = model.flat_gradients.copy()
    random_state = model[2].random_state()
    x = X.copy()
    nn.gradcheck(model, x)
    check_same_bits(x, X, "the input")
    check_same_bits(model.flat_gradients, gradients, "the gradients")
    for name, values in model.state_dict().items():
        check_same_bits(values, before[name], name)
    assert model[2].random_state() == random_state


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_that_of_the_module(training):
    class Checked(nn.Tanh):
        def forward(self, x):
            assert self.training == training
            return super().forward(x)

    nn.gradcheck(Checked().train(training), X)


SCORES = np.random.default_rng(0).normal(size=(4, 3))
OTHER = np.random.default_rng(1).normal(size=(4, 3))
SIGNS = np.array([1, -1, 1, -1])
LOSSES = {
    "mse_loss": (losses.mse_loss, (SCORES, OTHER), {}),
    "none": (losses.mse_loss, (SCORES, OTHER), {"reduction": "none"}),
    "cross_entropy": (
        losses.cross_entropy, (SCORES, np.array([0, 2, 1, 1])), {"label_smoothing": 0.1}
    ),
    "partial": (functools.partial(losses.lq_loss, q=3.0), (SCORES, OTHER), {"reduction": "sum"}),
    "before and after the target": (
        losses.gaussian_nll_loss, (SCORES, OTHER, np.exp(OTHER / 2)), {"full": True}
    ),
    "two inputs": (losses.cosine_embedding_loss, (SCORES, OTHER, SIGNS), {}),
    "three inputs": (losses.triplet_margin_loss, (SCORES, OTHER, OTHER[::-1]), {"margin": 3.0}),
    "scores": (
        losses.structured_hinge_loss,
        (SCORES, np.array([0, 2, 1, 1]), np.full((4, 3), 0.5)),
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    loss, arrays, options = LOSSES[name]
    assert nn.gradcheck(loss, arrays, **options, eps=1e-5, atol=1e-8, rtol=1e-6) < 1e-6


@pytest.mark.parametrize("name", LOSSES)
def test_a_wrong_gradient_of_a_loss(name, monkeypatch):
    loss, arrays, options = LOSSES[name]
    function = loss.func if isinstance(loss, functools.partial) else loss
    right = function.value_and_grad

    def wrong(*args, **kwargs):
        value, gradient = right(*args, **kwargs)
        last = gradient[-1] if isinstance(gradient, tuple) else gradient
        last[2, 1] += 0.01
        return value, gradient

    monkeypatch.setattr(function, "value_and_grad", wrong)
    with pytest.raises(nn.GradcheckError, match=r"the gradient of \w+ at \[2, 1\]"):
        nn.gradcheck(loss, arrays, **options)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.gradcheck(np.tanh, X), TypeError, "function is <ufunc 'tanh'>; expected a m"),
        (lambda: nn.gradcheck(Cube(), (X, X)), TypeError, "inputs has 2 arrays"),
        (lambda: nn.gradcheck(Cube(), X, beta=1), TypeError, "options are {'beta': 1}"),
        (lambda: nn.gradcheck(Cube(), X, eps=0), ValueError, "eps is 0; expected a positive"),
        (lambda: nn.gradcheck(Cube(), X, rtol=-1), ValueError, "rtol is -1"),
        (
            lambda: nn.gradcheck(functools.partial(losses.mse_loss, SCORES), OTHER),
            TypeError,
            "expected a partial with keywords only",
        ),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()
