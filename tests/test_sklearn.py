"""scikit-learn's interface: its own checks, its own perceptrons as oracle, and what is added."""

from __future__ import annotations

import copy
import doctest
import functools
import pickle
import subprocess
import sys
import warnings
from typing import ClassVar

import numpy as np
import pytest
import scipy.sparse
import threadpoolctl
from sklearn import datasets, neural_network
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import ranvier as rv
from checks import check_same_bits
from ranvier import losses, nn, optim, sklearn
from ranvier.callbacks import Callback
from ranvier.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


CHECKS = parametrize_with_checks([MLPClassifier(), MLPRegressor()]).mark


# Up to scikit-learn 1.8 the checks come from a generator, of which pytest 9.1 warns.
@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def standardized(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def numbers():
    """Of diabetes, y from 0 to 1."""
    X, y = standardized(datasets.load_diabetes)
    return X, (y - y.min()) / np.ptp(y)


def weights(y):
    return np.random.default_rng(0).random(len(y))


def flat(estimator):
    return np.concatenate([p.ravel() for p in (*estimator.coefs_, *estimator.intercepts_)])


IRIS = standardized(datasets.load_iris)
TWO_KINDS = IRIS[0][50:], IRIS[1][50:]
DIABETES = numbers()
PAIR = DIABETES[0], np.c_[DIABETES[1], DIABETES[1] ** 2]
SEVERAL = datasets.make_multilabel_classification(200, 10, n_classes=4, random_state=0)
ONE = IRIS[0], np.full(150, "one")
PARAMETERS = [
    {},
    {"activation": "logistic", "hidden_layer_sizes": (9, 7), "alpha": 0.5},
    {"activation": "tanh", "hidden_layer_sizes": 9, "batch_size": 32},
    {"activation": "identity", "hidden_layer_sizes": [], "batch_size": 64},
    {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    {"solver": "sgd", "learning_rate_init": 0.02},
    {"solver": "sgd", "momentum": 0.0, "batch_size": 40},
    {"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "power_t": 0.2},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05, "tol": 1e-2,
     "n_iter_no_change": 2, "max_iter": 60},
    {"learning_rate": "invscaling"},  # has no effect on Adam
    {"tol": 1e-2, "n_iter_no_change": 3, "max_iter": 100},
    {"solver": "lbfgs", "max_iter": 8},
    {"solver": "lbfgs", "max_fun": 5, "alpha": 1.0},
]  # fmt: skip
PROBLEMS = {
    "two classes": ("MLPClassifier", TWO_KINDS, {}),
    "three classes": ("MLPClassifier", IRIS, {}),
    "several": ("MLPClassifier", SEVERAL, {}),
    "numbers": ("MLPRegressor", DIABETES, {}),
    "pairs": ("MLPRegressor", PAIR, {}),
    "counts": ("MLPRegressor", DIABETES, {"loss": "poisson"}),
}


def both(problem, weighted, dtype=np.float64, **parameters):
    """The estimator of ranvier and that of scikit-learn, trained alike."""
    kind, (X, y), options = PROBLEMS[problem]
    sizes = {"hidden_layer_sizes": 12, "max_iter": 25}
    arguments = {"random_state": 3, "shuffle": False, **sizes, **options, **parameters}
    fit = {"sample_weight": weights(y)} if weighted else {}
    return [
        getattr(module, kind)(**arguments).fit(X.astype(dtype), y, **fit)
        for module in (sklearn, neural_network)
    ]


# With several outputs scikit-learn reports the mean and takes the gradient of the sum: the training
# ends elsewhere, and L-BFGS gets a gradient that is not that of its function.
CASES = [
    (parameters, problem)
    for parameters in PARAMETERS
    for problem in PROBLEMS
    if problem != "pairs" or not {"tol", "solver"} & parameters.keys() or "momentum" in parameters
]


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(("parameters", "problem"), CASES, ids=str)
def test_the_weights_are_those_of_scikit_learn(parameters, problem, weighted):
    ours, theirs = both(problem, weighted, **parameters)
    np.testing.assert_allclose(flat(ours), flat(theirs), rtol=1e-6, atol=1e-9)
    X = PROBLEMS[problem][1][0]
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-9)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    if problem not in ("pairs", "counts") and not weighted:  # else it reports another mean
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-8)
        if parameters.get("solver") == "lbfgs":
            assert not hasattr(ours, "loss_curve_")
        else:
            np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8)
            assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=1e-8)
            assert ours.validation_scores_ is ours.best_validation_score_ is None
    if hasattr(theirs, "predict_proba"):
        probabilities = theirs.predict_proba(X)
        np.testing.assert_allclose(ours.predict_proba(X), probabilities, atol=1e-9)
        logarithms = theirs.predict_log_proba(X)
        np.testing.assert_allclose(ours.predict_log_proba(X), logarithms, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_float32_is_computed_in_float32(problem):
    ours, theirs = both(problem, False, np.float32)
    assert {p.dtype for p in (*ours.coefs_, *ours.intercepts_)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(flat(ours), flat(theirs), rtol=1e-4, atol=1e-5)
    X = PROBLEMS[problem][1][0].astype(np.float32)
    assert ours.predict(X).dtype == theirs.predict(X).dtype


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("problem", ["two classes", "several", "numbers", "pairs"])
def test_early_stopping_is_that_of_scikit_learn(problem, weighted):
    options = {"early_stopping": True, "learning_rate_init": 0.01, "max_iter": 60}
    ours, theirs = both(problem, weighted, n_iter_no_change=4, **options)
    np.testing.assert_allclose(flat(ours), flat(theirs), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-9)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    assert (ours.n_iter_, ours.t_, ours.best_loss_) == (theirs.n_iter_, theirs.t_, None)


def test_the_output_of_verbose_is_that_of_scikit_learn(capsys):
    printed = []
    for estimator in (MLPRegressor, neural_network.MLPRegressor):
        estimator(
            solver="sgd", learning_rate="adaptive", learning_rate_init=0.05, tol=1e-2, max_iter=40,
            n_iter_no_change=3, shuffle=False, random_state=0, verbose=True,
        ).fit(*DIABETES)  # fmt: skip
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "Iteration 1, loss = " in printed[0] and "Setting learning rate to 0.01" in printed[0]


@threadpoolctl.threadpool_limits.wrap(1, user_api="blas")
def test_digits_and_diabetes():
    # Matrices this small are multiplied in a tenth of the time by one thread.
    X, y = datasets.load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    ours, theirs = (
        module.MLPClassifier(max_iter=60, random_state=0).fit(X_train, y_train)
        for module in (sklearn, neural_network)
    )
    assert ours.score(X_test, y_test) >= max(0.96, theirs.score(X_test, y_test) - 0.01)
    options = {"hidden_layer_sizes": 9, "learning_rate_init": 0.01, "alpha": 1.0}
    ours, theirs = (
        cross_val_score(module.MLPRegressor(random_state=0, **options), *DIABETES).mean()
        for module in (sklearn, neural_network)
    )
    assert ours >= max(0.4, theirs - 0.03)


def linear(loss, y, X=IRIS[0], **options):
    """The step that one update with rate 1 takes from the same linear model."""
    kind = MLPRegressor if y.dtype.kind == "f" else MLPClassifier
    options = {
        "alpha": 0.0, "solver": optim.SGD, "batch_size": len(y), "random_state": 0, **options,
    }  # fmt: skip
    start, end = (
        kind(hidden_layer_sizes=(), loss=loss, max_iter=1, learning_rate_init=rate, **options).fit(
            X, y
        )
        for rate in (1e-300, 1.0)
    )
    return flat(start) - flat(end)


Y = IRIS[1]
TWO = (Y == 1).astype(int)
SAME = [
    # Each loss with its equal, and the factor between the two.
    ("nll_loss", "cross_entropy", Y, 1),
    ("kl_div", "cross_entropy", Y, 1 / 3),
    ("kl_div", "cross_entropy", TWO, 1 / 2),
    ("log_loss", "cross_entropy", Y, 1),
    ("log_loss", "binary_cross_entropy_with_logits", TWO, 1),
    ("log_loss", "multilabel_soft_margin_loss", SEVERAL[1], 4),
    ("binary_cross_entropy", "binary_cross_entropy_with_logits", Y, 1),
    ("logistic_loss", "binary_cross_entropy_with_logits", TWO, 1),
    ("soft_margin_loss", "logistic_loss", Y, 1),
    ("multilabel_soft_margin_loss", "logistic_loss", Y, 1),
    (functools.partial(losses.focal_loss, gamma=0), "logistic_loss", Y, 1),
    ("mse_loss", "square_margin_loss", Y, 1),
    ("lq_loss", "mse_loss", Y, 1),
    ("multi_margin_loss", "multiclass_hinge_loss", Y, 1 / 3),
    ("multilabel_hinge_loss", "hinge_loss", Y, 3),
    ("squared_error", "mse_loss", DIABETES[1], 1 / 2),
    ("squared_error", "mse_loss", PAIR[1], 1),
    ("poisson", "poisson_nll_loss", PAIR[1], 2),
    ("poisson_nll_loss", losses.poisson_nll_loss, DIABETES[1], 1),
    ("binary_cross_entropy", "binary_cross_entropy_with_logits", DIABETES[1], 1),
    (functools.partial(losses.huber_loss, delta=1e6), "mse_loss", DIABETES[1], 1 / 2),
    (functools.partial(losses.quantile_loss, quantile=0.5), "l1_loss", DIABETES[1], 1 / 2),
]


@pytest.mark.parametrize(
    ("loss", "equal", "y", "factor"), SAME, ids=[f"{case[0]} {i}" for i, case in enumerate(SAME)]
)
def test_losses_that_are_the_same_take_the_same_step(loss, equal, y, factor):
    X = {150: IRIS[0], 200: SEVERAL[0], 442: DIABETES[0]}[len(y)]
    step, expected = linear(loss, y, X), factor * linear(equal, y, X)
    if len(expected) == 2 * len(step):  # two outputs for two classes: their difference counts
        expected = np.diff(expected.reshape(-1, 2)).ravel() / 2
    np.testing.assert_allclose(step, expected, rtol=1e-7, atol=1e-12)


def test_the_first_step_written_out():
    # From the formulas: hinges of signs, of classes, and the penalty over the sum of the weights.
    X, n, w = IRIS[0], len(Y), weights(Y)
    draw = np.random.RandomState(0)
    bound = np.sqrt(6 / (4 + 3))
    W, b = draw.uniform(-bound, bound, (4, 3)), draw.uniform(-bound, bound, 3)
    signs = 2.0 * (Y[:, None] == np.arange(3)) - 1
    scores = X @ W + b
    margins = scores - scores[np.arange(n), Y][:, None] + 1
    margins[np.arange(n), Y] = 0
    of_classes = (margins > 0).astype(float)
    of_classes[np.arange(n), Y] = -of_classes.sum(axis=1)
    for loss, share, g in (
        ("hinge_loss", 3, -signs * (signs * scores < 1)),
        ("square_margin_loss", 3, 2 * (scores - signs)),
        ("multiclass_hinge_loss", 1, of_classes),
    ):
        g = g * w[:, None] / w.sum() / share
        model = MLPClassifier(
            (), loss=loss, alpha=7.0, solver=optim.SGD, learning_rate_init=0.5, max_iter=1,
            random_state=0,
        ).fit(X, Y, w)  # fmt: skip
        np.testing.assert_allclose(model.coefs_[0], W - 0.5 * (X.T @ g + 7 / w.sum() * W))
        np.testing.assert_allclose(model.intercepts_[0], b - 0.5 * g.sum(axis=0))


OF_DIFFERENCES = [
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "lq_loss", "log_cosh_loss",
    "quantile_loss",
]  # fmt: skip
OF_MARGINS = [
    "multi_margin_loss", "multiclass_hinge_loss", "hinge_loss", "squared_hinge_loss",
    "square_margin_loss", "multilabel_hinge_loss",
]  # fmt: skip
OF_PROBABILITIES = [
    "cross_entropy", "nll_loss", "kl_div", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "focal_loss", "multilabel_soft_margin_loss",
    "logistic_loss", "soft_margin_loss",
]  # fmt: skip
REGRESSOR_LOSSES = [*OF_DIFFERENCES, "poisson_nll_loss", *OF_PROBABILITIES[3:5]]


@pytest.mark.parametrize("y", [TWO, np.array(["a", "b", "c"])[Y]], ids=["two", "three"])
@pytest.mark.parametrize("name", [*OF_DIFFERENCES, *OF_MARGINS, *OF_PROBABILITIES])
def test_a_classifier_learns_with_every_loss(name, y):
    options = {"learning_rate_init": 0.02, "max_iter": 80, "random_state": 0}
    model = MLPClassifier((16,), loss=name, **options).fit(IRIS[0], y)
    assert model.score(IRIS[0], y) >= 0.93
    same = MLPClassifier((16,), loss=getattr(losses, name), **options).fit(IRIS[0], y)
    check_same_bits(flat(model), flat(same), "by function")
    scores = model.decision_function(IRIS[0])
    classes = np.unique(y)
    decided = (scores > 0).astype(int) if len(classes) == 2 else scores.argmax(axis=1)
    np.testing.assert_array_equal(classes[decided], model.predict(IRIS[0]))
    unfitted = MLPClassifier(loss=name)
    assert hasattr(model, "predict_proba") == hasattr(unfitted, "predict_proba")
    assert hasattr(model, "predict_proba") == (name in OF_PROBABILITIES)
    if name in OF_PROBABILITIES:
        p = model.predict_proba(IRIS[0])
        np.testing.assert_allclose(p.sum(axis=1), 1)
        np.testing.assert_array_equal(classes[p.argmax(axis=1)], model.predict(IRIS[0]))
        np.testing.assert_allclose(np.exp(model.predict_log_proba(IRIS[0])), p)
    else:
        with pytest.raises(AttributeError, match="predict_proba"):
            model.predict_proba(IRIS[0])


@pytest.mark.parametrize("name", REGRESSOR_LOSSES)
def test_a_regressor_learns_with_every_loss(name):
    X, y = DIABETES
    model = MLPRegressor(name, (16,), learning_rate_init=0.01, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.5
    prediction = model.predict(X)
    if name.startswith("binary"):
        assert prediction.min() > 0 and prediction.max() < 1
    if name == "poisson_nll_loss":
        assert prediction.min() > 0


@pytest.mark.parametrize("name", ["log_loss", "hinge_loss", "multilabel_hinge_loss", "focal_loss"])
def test_several_classes_of_a_sample(name):
    X, y = SEVERAL
    X = StandardScaler().fit_transform(X)
    options = {"loss": name, "learning_rate_init": 0.02, "random_state": 0}
    model = MLPClassifier((16,), **options).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == y.shape and (predicted == y).mean() > 0.9
    np.testing.assert_array_equal(predicted, (model.decision_function(X) > 0))
    sparse = MLPClassifier((16,), **options).fit(X, scipy.sparse.csr_matrix(y))
    check_same_bits(flat(model), flat(sparse), "sparse y")


def test_an_only_class_is_certain():
    model = MLPClassifier(max_iter=2, random_state=0).fit(*ONE)
    assert set(model.predict(ONE[0])) == {"one"}
    assert np.all(model.predict_proba(ONE[0]) == 1)


@pytest.mark.parametrize("record", rv.registry(), ids=lambda record: record.name)
def test_every_activation(record):
    required = None in record.parameters.values() and record.name != "prelu"
    module = getattr(nn, record.module)
    options = {"learning_rate_init": 0.02, "max_iter": 60, "random_state": 0}
    if required:
        with pytest.raises(ValueError, match=rf"{record.name}.*needs.*nn\.{record.module}\("):
            MLPClassifier((16,), record.name).fit(*IRIS)
        specs = [module(0.0, 0.0)]
    else:
        specs = [record.name, getattr(rv, record.name), module, [record.name]]
    models = [MLPClassifier((16,), spec, **options).fit(*IRIS) for spec in specs]
    assert models[0].score(*IRIS) > 0.9
    assert type(models[0].model_[1]) is module
    for model in models[1:]:
        check_same_bits(flat(model), flat(models[0]), repr(model.activation))


def test_an_activation_for_each_layer_and_a_module_that_stays_as_it_was():
    layer = nn.PReLU(init=0.1, dtype=np.float64)
    model = MLPClassifier((6, 5, 4), ["identity", layer, nn.ELU(0.5)], max_iter=3, random_state=0)
    model.fit(*IRIS)
    assert repr([*model.model_]) == repr(
        [
            nn.Linear(4, 6), nn.Linear(6, 5), nn.PReLU(), nn.Linear(5, 4), nn.ELU(0.5),
            nn.Linear(4, 3),
        ]
    )  # fmt: skip
    assert layer.weight == 0.1 != model.model_[2].weight
    assert model.get_params()["activation"][1] is layer


def test_the_first_weights_of_a_mixed_list():
    bounds = [2, 6, 6]  # of the sigmoid, of tanh, and of the output as the layer before it
    model = MLPClassifier(
        (50, 40), ["sigmoid", "tanh"], learning_rate_init=1e-300, max_iter=1, random_state=0
    ).fit(*IRIS)
    for factor, W in zip(bounds, model.coefs_, strict=True):
        bound = np.sqrt(factor / sum(W.shape))
        assert 0.95 * bound < np.abs(W).max() <= bound


OPTIMIZERS = [
    name
    for name, value in vars(optim).items()
    if isinstance(value, type) and issubclass(value, optim.Optimizer) and name != "Optimizer"
]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name):
    cls = getattr(optim, name)
    rate = {"Adadelta": 1.0, "SGD": 0.2, "ASGD": 0.2, "Lion": 3e-3, "Rprop": 1e-2}.get(name, 0.02)
    options = {"max_iter": 80, "random_state": 0, "batch_size": 150 if name == "Rprop" else 30}
    makers = [
        name,
        cls,
        functools.partial(cls),
        functools.partial(cls, lr=rate),
        lambda parameters: cls(parameters, lr=rate),
    ]
    rates = [rate, rate, rate, 1e-9, 1e-9]
    models = [
        MLPClassifier((16,), solver=maker, learning_rate_init=lr, **options).fit(*IRIS)
        for maker, lr in zip(makers, rates, strict=True)
    ]
    assert models[0].score(*IRIS) > 0.93
    for model in models[1:]:
        check_same_bits(flat(model), flat(models[0]), repr(model.solver))


def test_the_options_of_a_partial_count():
    plain = linear("log_loss", TWO)
    solver = functools.partial(optim.SGD, weight_decay=0.5)
    start = MLPClassifier((), learning_rate_init=1e-300, max_iter=1, random_state=0)
    W = flat(start.fit(IRIS[0], TWO))
    np.testing.assert_allclose(linear("log_loss", TWO, solver=solver), plain + 0.5 * W)


class Recorder(nn.Module):
    """In the place of dropout: drops every second unit, and writes down what it was made with."""

    made: ClassVar[list] = []

    def __init__(self, p=0.5, *, rng=None):
        super().__init__()
        Recorder.made.append((p, rng))

    def forward(self, x):
        if self.training:
            x = x.copy()
            x[:, ::2] = 0
        return x

    def backward(self, grad_output, accumulate=False):
        g = grad_output.copy()
        g[:, ::2] = 0
        return g


@pytest.mark.parametrize(("dropout", "expected"), [(0.3, [0.3, 0.3]), ([0, 0.2], [0.2])])
def test_dropout(monkeypatch, dropout, expected):
    monkeypatch.setattr(nn, "Dropout", Recorder, raising=False)
    monkeypatch.setattr(Recorder, "made", [])
    model = MLPClassifier((6, 4), "tanh", dropout=dropout, max_iter=5, random_state=0).fit(*IRIS)
    assert [p for p, _ in Recorder.made] == expected
    seeds = [rng for _, rng in Recorder.made]
    assert len(set(seeds)) == len(seeds)
    kinds = [type(layer).__name__ for layer in model.model_]
    both = ["Linear", "Tanh", "Recorder"]
    assert kinds == [*(both if len(expected) == 2 else both[:2]), *both, "Linear"]
    # A unit that is always dropped learns nothing; a prediction drops none.
    first = clone(model).set_params(learning_rate_init=1e-300)
    drawn = first.fit(*IRIS).intercepts_[1]
    np.testing.assert_array_equal(model.intercepts_[1][::2], drawn[::2])
    assert np.all(model.intercepts_[1][1::2] != drawn[1::2])
    W, b = model.coefs_, model.intercepts_
    hidden = np.tanh(np.tanh(IRIS[0] @ W[0] + b[0]) @ W[1] + b[1])
    np.testing.assert_allclose(model.decision_function(IRIS[0]), hidden @ W[2] + b[2])
    again = MLPClassifier((6, 4), "tanh", dropout=dropout, max_iter=5, random_state=0).fit(*IRIS)
    assert [rng for _, rng in Recorder.made[-len(seeds) :]] == seeds
    check_same_bits(flat(again), flat(model), "again")


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("balanced", [False, True], ids=["dict", "balanced"])
def test_class_weights_are_sample_weights(balanced, weighted):
    X, y = IRIS[0][:120], np.array(["a", "b", "c"])[Y[:120]]
    w = np.r_[np.zeros(20), weights(y)[20:]] if weighted else np.ones(120)
    sums = {name: w[y == name].sum() for name in "abc"}
    share = (
        {name: w.sum() / (3 * sums[name]) for name in "abc"} if balanced else {"a": 3.0, "c": 0.5}
    )
    of_class = np.array([share.get(name, 1.0) for name in y])
    options = {"max_iter": 20, "random_state": 0}
    model = MLPClassifier(class_weight="balanced" if balanced else share, **options)
    if not balanced:
        model.set_params(class_weight={"b": 1.0, **share})
    model.fit(X, y, w if weighted else None)
    expected = MLPClassifier(**options).fit(X, y, w * of_class)
    np.testing.assert_allclose(flat(model), flat(expected), rtol=1e-9)
    assert np.abs(flat(model) - flat(MLPClassifier(**options).fit(X, y, w))).max() > 1e-3


def test_max_norm_clips_the_step():
    step = linear("cross_entropy", Y)
    assert np.linalg.norm(step) > 0.1
    clipped = linear("cross_entropy", Y, max_norm=0.1)
    np.testing.assert_allclose(clipped, step * 0.1 / np.linalg.norm(step), rtol=1e-4)


class Follower(Callback):
    def __init__(self, last):
        self.last = last
        self.logs = []

    def on_epoch_end(self, trainer, logs):
        self.logs.append(dict(logs))
        if len(self.logs) == self.last:
            trainer.stop()


@pytest.mark.parametrize("early", [False, True])
def test_callbacks_see_the_logs_and_stop(early):
    follower = Follower(3)
    model = MLPClassifier(callbacks=[follower], early_stopping=early, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(*IRIS)
    assert model.n_iter_ == len(follower.logs) == len(model.loss_curve_) == 3
    assert [logs["loss"] for logs in follower.logs] == model.loss_curve_
    assert ("val_loss" in follower.logs[0]) == early
    if early:
        assert [logs["val_score"] for logs in follower.logs] == model.validation_scores_
    assert pickle.loads(pickle.dumps(model)).n_iter_ == 3


def test_early_stopping_keeps_the_best_and_holds_back_of_each_class():
    X, y = IRIS
    order = np.argsort(y)
    tested = []

    class Scored(MLPClassifier):
        def _scored(self, y, predicted, sample_weight):
            tested.append((np.bincount(y).tolist(), flat(self).copy()))
            return [0.1, 0.5, 0.3, 0.2][len(tested) - 1]

    model = Scored(early_stopping=True, validation_fraction=0.2, max_iter=4, random_state=0)
    model.fit(X[order], y[order])
    assert tested[0][0] == [10, 10, 10]
    check_same_bits(flat(model), tested[1][1], "the best epoch")
    assert model.validation_scores_ == [0.1, 0.5, 0.3, 0.2]
    assert model.best_validation_score_ == 0.5


@pytest.mark.parametrize("form", ["csr_matrix", "csc_matrix", "csr_array"])
def test_sparse_features(form):
    X = np.where(np.abs(IRIS[0]) > 0.5, IRIS[0], 0)
    sparse = getattr(scipy.sparse, form)(X)
    models = [MLPClassifier(max_iter=5, random_state=0).fit(x, Y) for x in (X, sparse)]
    check_same_bits(flat(models[0]), flat(models[1]), form)
    check_same_bits(models[0].predict_proba(X), models[1].predict_proba(sparse), form)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_same_random_state_same_bits(estimator):
    X, y = IRIS if estimator is MLPClassifier else DIABETES
    runs = [
        flat(estimator(max_iter=5, batch_size=20, random_state=state).fit(X, y))
        for state in (0, 0, np.random.RandomState(0), 1)
    ]
    check_same_bits(runs[0], runs[1], "the same")
    check_same_bits(runs[0], runs[2], "as a generator")
    assert np.abs(runs[0] - runs[3]).max() > 0.01
    unshuffled = estimator(max_iter=5, batch_size=20, random_state=0, shuffle=False).fit(X, y)
    assert np.abs(runs[0] - flat(unshuffled)).max() > 1e-4


def test_warm_start_goes_on_from_the_parameters():
    options = {"solver": "SGD", "learning_rate_init": 0.1, "shuffle": False, "random_state": 0}
    whole = MLPClassifier((8,), "prelu", max_iter=6, **options).fit(*IRIS)
    parts = MLPClassifier((8,), "prelu", max_iter=3, warm_start=True, **options)
    parts.fit(*IRIS).fit(*IRIS)
    check_same_bits(flat(parts), flat(whole), "3 + 3 epochs")
    check_same_bits(parts.model_[1].weight, whole.model_[1].weight, "of PReLU")
    assert (parts.n_iter_, parts.t_, parts.loss_curve_) == (3, 900, whole.loss_curve_)
    fresh = clone(parts).set_params(warm_start=False).fit(*IRIS)
    assert len(fresh.fit(*IRIS).loss_curve_) == 3
    parts.set_params(solver="lbfgs", max_iter=50).fit(*IRIS)
    assert parts.loss_ < whole.loss_
    with pytest.raises(ValueError, match=r"0\.weight has shape"):
        parts.set_params(hidden_layer_sizes=(7,)).fit(*IRIS)
    with pytest.raises(ValueError, match=r"y has the classes .*expected those of classes_"):
        parts.set_params(hidden_layer_sizes=(8,)).fit(IRIS[0], Y + 1)


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
@pytest.mark.parametrize("solver", ["adam", "sgd", "Adam"])
def test_partial_fit_goes_on_to_the_same_bits_from_a_pickle(copied, solver):
    model = MLPClassifier((8,), "prelu", solver=solver, batch_size=20, random_state=0)
    with pytest.raises(ValueError, match="classes is None; expected all classes on the first call"):
        model.partial_fit(*IRIS)
    model.partial_fit(*IRIS, classes=[0, 1, 2, 7]).partial_fit(IRIS[0][:70], Y[:70])
    assert model.classes_.tolist() == [0, 1, 2, 7] and model.predict_proba(IRIS[0]).shape[1] == 4
    clones = [model, copied(model)]
    for each in clones:
        for _ in range(3):
            each.partial_fit(*IRIS)
    check_same_bits(flat(clones[0]), flat(clones[1]), "after the copy")
    check_same_bits(clones[0].model_[1].weight, clones[1].model_[1].weight, "PReLU")
    assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (1, 670, 5)
    with pytest.raises(ValueError, match=r"y has the classes \[3\]; expected those of classes_"):
        model.partial_fit(IRIS[0], np.full(150, 3))
    with pytest.raises(ValueError, match=r"classes is \[0 1\]; expected \[0 1 2 7\]"):
        model.partial_fit(*IRIS, classes=[0, 1])


def test_partial_fit_is_one_epoch_of_fit():
    options = {"shuffle": False, "batch_size": 30, "random_state": 0}
    fitted = MLPRegressor(max_iter=4, **options).fit(*DIABETES)
    parts = MLPRegressor(**options)
    for _ in range(4):
        parts.partial_fit(*DIABETES)
    check_same_bits(flat(parts), flat(fitted), "4 epochs")
    assert fitted.partial_fit(*DIABETES).t_ == 5 * len(DIABETES[1])


@pytest.mark.parametrize("pickled", [False, True], ids=["", "pickled"])
def test_the_lists_are_the_parameters(pickled):
    model = MLPClassifier((5,), max_iter=2, random_state=0).fit(*IRIS)
    if pickled:
        model = pickle.loads(pickle.dumps(model))
    assert np.shares_memory(model.coefs_[0], model.model_[0].weight)
    model.coefs_[1][...] = 0
    model.intercepts_[1] = np.array([0.0, 3.0, 0.0])
    assert set(model.predict(IRIS[0])) == {1}
    model.intercepts_ = [np.zeros(5), np.array([0.0, 0.0, 3.0])]
    assert set(pickle.loads(pickle.dumps(model)).predict(IRIS[0])) == {2}
    assert set(model.predict(IRIS[0])) == {2}
    moved = model.partial_fit(*IRIS).intercepts_[1]
    np.testing.assert_allclose(moved, [0, 0, 3], atol=2e-3)
    assert np.any(moved != [0, 0, 3])


def test_searches_and_pipelines():
    grid = {
        "mlpclassifier__activation": ["gelu", nn.LeakyReLU(0.2), ["mish"]],
        "mlpclassifier__solver": ["lbfgs", functools.partial(optim.Adam, lr=0.01)],
        "mlpclassifier__loss": [functools.partial(losses.cross_entropy, label_smoothing=0.1)],
    }
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=40, random_state=0))
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(*IRIS)
    assert search.best_score_ > 0.9 and len(search.cv_results_["params"]) == 6
    assert clone(search.best_estimator_)[1].get_params()["loss"].keywords["label_smoothing"] == 0.1


def test_a_run_that_ends_before_it_converges_warns():
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs are over"):
        MLPClassifier(max_iter=2).fit(*IRIS)
    with pytest.warns(ConvergenceWarning, match=r"lbfgs stopped after 2 iterations \(max_iter=2\)"):
        MLPClassifier(solver="lbfgs", max_iter=2).fit(*IRIS)
    with pytest.warns(UserWarning, match="batch_size is 151, and there are 150 samples"):
        MLPClassifier(batch_size=151, max_iter=2).fit(*IRIS)


def test_interrupted_it_keeps_what_it_has_learned():
    class Interrupting(Callback):
        def on_epoch_end(self, trainer, logs):
            if trainer.epoch == 4:
                raise KeyboardInterrupt

    model = MLPClassifier(callbacks=(Interrupting(),), random_state=0)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(*IRIS)
    expected = MLPClassifier(max_iter=4, random_state=0).fit(*IRIS)
    check_same_bits(flat(model), flat(expected), "4 epochs")
    assert model.n_iter_ == 4 and not model.model_.training


def test_weights_that_are_not_finite_are_an_error():
    with pytest.raises(ValueError, match="a weight is not finite after the training"):
        MLPRegressor(solver="sgd", learning_rate_init=1e10).fit(*DIABETES)


def wrong(match, error=ValueError, data=IRIS, kind=MLPClassifier, method="fit", **parameters):
    name = f"{kind.__name__} {' '.join(parameters)}: {match}"
    return pytest.param(match, error, data, kind, method, parameters, id=name[:80])


REGRESSION = {"data": DIABETES, "kind": MLPRegressor}
ERRORS = [
    wrong(r"alpha is -1; expected a number in \[0, inf\)", alpha=-1),
    wrong(r"alpha is nan; expected a number in \[0, inf\)", alpha=float("nan")),
    wrong("tol is 'x'; expected a number", TypeError, tol="x"),
    wrong(r"learning_rate_init is 0; expected a number in \(0, inf\)", learning_rate_init=0),
    wrong(r"momentum is 1.5; expected a number in \[0, 1\]", momentum=1.5),
    wrong(r"power_t is -1; expected a number in \[0, inf\)", power_t=-1),
    wrong(r"validation_fraction is 1.0; expected a number in \[0, 1\)", validation_fraction=1.0),
    wrong(r"beta_1 is 1; expected a number in \[0, 1\)", beta_1=1),
    wrong(r"beta_2 is -0.1; expected a number in \[0, 1\)", beta_2=-0.1),
    wrong(r"epsilon is 0; expected a number in \(0, inf\)", epsilon=0),
    wrong("max_iter is 0; expected a positive integer", max_iter=0),
    wrong("max_fun is 0; expected a positive integer", max_fun=0),
    wrong("batch_size is 0; expected a positive integer", batch_size=0),
    wrong("batch_size is 'all'; expected an integer", TypeError, batch_size="all"),
    wrong("n_iter_no_change is 2.5; expected an integer", TypeError, n_iter_no_change=2.5),
    wrong("shuffle is 1; expected True or False", TypeError, shuffle=1),
    wrong("learning_rate is 'slow'; expected one of constant, invsc", learning_rate="slow"),
    wrong(r"max_norm is 0; expected a number in \(0, inf\]", max_norm=0),
    wrong("callbacks is None; expected a list or a tuple", TypeError, callbacks=None),
    wrong(r"hidden_layer_sizes is \(5, 0\); expected positive", hidden_layer_sizes=(5, 0)),
    wrong("hidden_layer_sizes is 5.5; expected an int", TypeError, hidden_layer_sizes=5.5),
    wrong(r"dropout is 1; expected a number in \[0, 1\)", dropout=1),
    wrong("dropout has 2 entries; expected 1, one for each hidden", dropout=[0.1, 0.1]),
    wrong("activation has 2 entries; expected 1, one for each", activation=["relu", "relu"]),
    wrong("activation is 'sine'; expected .*identity, logistic, relu", activation="sine"),
    wrong("activation is <ufunc 'tanh'>; expected a function of ranvier", activation=np.tanh),
    wrong("solver is 'nag'; expected one of lbfgs, sgd, adam,.* Adam, ", solver="nag"),
    wrong("solver is 5; expected one of", solver=5),
    wrong(r"solver made \[\]; expected a ranvier Optimizer", TypeError, solver=lambda p: []),
    wrong("dropout is 0.5; expected 0, as solver 'lbfgs'", solver="lbfgs", dropout=0.5),
    wrong("max_norm is 1.0; expected None, as solver", solver="lbfgs", max_norm=1.0),
    wrong(r"callbacks is \[.*; expected \(\), as", solver="lbfgs", callbacks=[Callback()]),
    wrong("loss is 'mse'; expected one of log_loss, cross_entropy,", loss="mse"),
    wrong("loss is <function .*; expected one of log_loss", loss=np.mean),
    wrong("loss is 'zero_one_loss'; expected one of", loss="zero_one_loss"),
    wrong("loss is <loss triplet_margin_loss>; expected", loss=losses.triplet_margin_loss),
    wrong(
        "loss has reduction 'sum'; expected 'mean'",
        loss=functools.partial(losses.cross_entropy, reduction="sum"),
    ),
    wrong("loss is 'cross_entropy'; expected one of squared_error, poisson, mse_loss",
          loss="cross_entropy", **REGRESSION),
    wrong("loss is 'cross_entropy', for samples of one class", data=SEVERAL, loss="cross_entropy"),
    wrong("y is from -1 to 1; expected from 0 to inf, as the loss is 'poisson'",
          loss="poisson", data=(IRIS[0], Y - 1.0), kind=MLPRegressor),
    wrong("y is from 0 to 2; expected from 0 to 1, as the loss",
          loss="binary_cross_entropy", data=(IRIS[0], Y * 1.0), kind=MLPRegressor),
    wrong(r"y has shape \(150, 2\); expected one class", data=(IRIS[0], np.c_[Y, Y])),
    wrong("Unknown label type: continuous", data=DIABETES),
    wrong("validation_fraction is 0.001 of 442 samples; expected at least 2",
          early_stopping=True, validation_fraction=0.001, **REGRESSION),
    wrong("early_stopping is True; expected False, for partial_fit",
          method="partial_fit", early_stopping=True, **REGRESSION),
    wrong("class_weight is 'balanced', which needs all samples",
          method="partial_fit", class_weight="balanced"),
    wrong("class_weight is 'even'; expected 'balanced', a dict or None", class_weight="even"),
]  # fmt: skip


@pytest.mark.parametrize(("match", "error", "data", "kind", "method", "parameters"), ERRORS)
def test_errors(match, error, data, kind, method, parameters):
    model = kind(**{"max_iter": 2, **parameters})
    with pytest.raises(error, match=match):
        getattr(model, method)(*data)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_lbfgs_has_no_partial_fit(estimator):
    assert not hasattr(estimator(solver="lbfgs"), "partial_fit")
    assert hasattr(estimator(), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        estimator(solver="lbfgs").partial_fit(*IRIS)


def test_only_who_asks_imports_scikit_learn():
    def run(code):
        command = [sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    quiet = run("import sys, ranvier; sys.exit(any(m.startswith('sklearn') for m in sys.modules))")
    assert quiet.returncode == 0, quiet.stderr
    missing = run("import sys; sys.modules['sklearn'] = None; import ranvier.sklearn")
    assert "ranvier.sklearn needs sklearn, which is not installed" in missing.stderr
    assert "pip install 'ranvier[sklearn]'" in missing.stderr


def test_page(checkout):
    result = doctest.testfile(str(checkout / "docs/sklearn.md"), module_relative=False)
    assert result.attempted > 5 and result.failed == 0
