"""Many steps in one native call: the same bits as one layer, one loss, one step after the other."""

from __future__ import annotations

import functools
import threading

import numpy as np
import pytest

import ranvier as rv
from ranvier import losses, nn, optim
from ranvier._native import _core
from ranvier._native_training import NativeTraining
from ranvier.losses._batch import batch_handle

ROWS, FEATURES, CLASSES = 203, 20, 5
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, FEATURES)).astype(np.float32)
LABELS = RNG.integers(0, CLASSES, ROWS)
NUMBERS = RNG.normal(size=(ROWS, CLASSES)).astype(np.float32)
SHARES = (np.abs(NUMBERS) / np.abs(NUMBERS).sum(axis=1, keepdims=True)).astype(np.float32)
SIGNS = np.sign(NUMBERS)
WEIGHTS = RNG.uniform(0, 2, ROWS)

OPTIMIZERS = [
    cls
    for cls in map(functools.partial(getattr, optim), optim.__all__)
    if isinstance(cls, type) and issubclass(cls, optim.Optimizer) and cls is not optim.Optimizer
]
TARGETS = {
    "cross_entropy": LABELS,
    "multi_margin_loss": LABELS,
    "multiclass_hinge_loss": LABELS,
    "binary_cross_entropy_with_logits": (NUMBERS > 0).astype(np.float32),
    "focal_loss": (NUMBERS > 0).astype(np.float32),
    "multilabel_soft_margin_loss": (NUMBERS > 0).astype(np.float32),
    **dict.fromkeys(
        ("hinge_loss", "squared_hinge_loss", "logistic_loss", "soft_margin_loss"), SIGNS
    ),
    "kl_div": SHARES,
    **dict.fromkeys(
        ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "log_cosh_loss", "quantile_loss"),
        NUMBERS,
    ),
    "poisson_nll_loss": np.abs(NUMBERS),
}
WITH_OPTIONS = {
    "class weights": (
        functools.partial(losses.cross_entropy, weight=np.array([1, 2, 0.5, 0, 1], np.float32)),
        LABELS,
    ),
    "smoothing": (functools.partial(losses.cross_entropy, label_smoothing=0.1), LABELS),
    "probabilities": (losses.cross_entropy, SHARES),
    "pos_weight": (
        functools.partial(
            losses.binary_cross_entropy_with_logits, pos_weight=np.arange(1, 6, dtype=np.float32)
        ),
        (NUMBERS > 0).astype(np.float32),
    ),
}


def model(dtype=np.float32):
    return nn.Sequential(
        nn.Linear(FEATURES, 33, rng=0, dtype=dtype),
        nn.Tanh(),
        nn.Linear(33, 17, rng=1, dtype=dtype, bias=False),
        nn.GELU(),
        nn.ReLU(),
        nn.Linear(17, CLASSES, rng=2, dtype=dtype),
    )


class EachStep:
    """A callback that wants to see every step."""

    def __init__(self):
        self.losses = []

    def on_step_end(self, trainer, loss):
        self.losses.append(loss)


def trained(way, monkeypatch, loss, target, make=optim.Adam, inputs=X, dtype=np.float32, **options):
    """Parameters, gradients, history and optimizer after some epochs, trained one way."""
    threads = options.pop("threads", 2)
    fit = {"epochs": 2, "batch_size": 64, "progress": False}
    fit |= {k: options.pop(k) for k in ("batch_size", "sample_weight", "shuffle") if k in options}
    net = model(dtype)
    optimizer = make(net.parameters())
    callbacks = [EachStep()] if way == "each step" else []
    trainer = rv.Trainer(net, loss, optimizer, seed=3, callbacks=callbacks, **options)
    native = []
    with monkeypatch.context() as patch, rv.num_threads(threads):
        of = NativeTraining.of.__func__

        def spied(cls, *args, **kwargs):
            made = None if way == "in Python" else of(cls, *args, **kwargs)
            native.append(made)
            return made

        patch.setattr(NativeTraining, "of", classmethod(spied))
        history = trainer.fit(inputs, target, **fit)
    assert (native[0] is None) == (way == "in Python"), "the way that was asked for"
    state = optimizer.state_dict()
    return {
        "parameters": [p.tobytes() for p in net.parameters()],
        "gradients": [g.tobytes() for g in net.gradients()],
        "history": {k: v for k, v in history.items() if k != "seconds"},
        "state": {
            i: {k: np.asarray(v).tobytes() for k, v in entry.items()}
            for i, entry in state["state"].items()
        },
    }, callbacks


def check(monkeypatch, loss, target, **options):
    expected, _ = trained("in Python", monkeypatch, loss, target, **options)
    for way, threads in (("at once", 1), ("at once", 2), ("at once", 3), ("each step", 2)):
        found, callbacks = trained(way, monkeypatch, loss, target, threads=threads, **options)
        for what, value in expected.items():
            assert found[what] == value, f"{what}, {way} on {threads} threads"
        for callback in callbacks:
            assert callback.losses, "each step was seen"


@pytest.mark.parametrize("make", OPTIMIZERS, ids=lambda cls: cls.__name__)
def test_every_optimizer(monkeypatch, make):
    check(monkeypatch, losses.cross_entropy, LABELS, make=make)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", TARGETS)
def test_losses(monkeypatch, name, weighted):
    options = {"sample_weight": WEIGHTS} if weighted else {}
    check(monkeypatch, getattr(losses, name), TARGETS[name], **options)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", WITH_OPTIONS)
def test_losses_with_options(monkeypatch, case, weighted):
    options = {"sample_weight": WEIGHTS} if weighted else {}
    check(monkeypatch, *WITH_OPTIONS[case], **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [None, 1, 2, 7, 64, 67, 101, 203, 500])
def test_sizes_of_batches(monkeypatch, batch_size, dtype):
    check(monkeypatch, losses.cross_entropy, LABELS, batch_size=batch_size, dtype=dtype)


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.float64),
        lambda x: (10 * x).astype(np.int8),
        lambda x: (10 * x).astype(np.uint16),
        lambda x: x > 0,
        np.asfortranarray,
        lambda x: x.astype(np.float16),
        lambda x: x.astype(">f4"),
        lambda x: np.repeat(x, 2, axis=0)[::2],
    ],
    ids=["float64", "int8", "uint16", "bool", "Fortran", "float16", "swapped", "strided"],
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_inputs_of_any_numbers_and_strides(monkeypatch, convert, shuffle):
    inputs = convert(X)
    check(monkeypatch, losses.cross_entropy, LABELS, inputs=inputs, shuffle=shuffle)
    check(monkeypatch, losses.mse_loss, NUMBERS.astype(np.float64), inputs=inputs)


def test_labels_and_samples_that_do_not_count(monkeypatch):
    labels = LABELS.copy()
    labels[::3] = -100
    labels[:64] = -100
    check(monkeypatch, losses.cross_entropy, labels, shuffle=False)
    labels[128:] = -100  # the last batches: no step knows that it is the last
    check(monkeypatch, losses.cross_entropy, labels, shuffle=False)
    weights = WEIGHTS.copy()
    weights[64:] = 0
    check(monkeypatch, losses.cross_entropy, LABELS, sample_weight=weights, shuffle=False)


def test_clipped_gradients(monkeypatch):
    check(monkeypatch, losses.cross_entropy, LABELS, max_norm=0.1)
    check(monkeypatch, losses.cross_entropy, LABELS, max_norm=1e9)


def test_a_part_of_the_parameters(monkeypatch):
    def make(params):
        return optim.SGD([params[0], params[4]], lr=0.1, momentum=0.9)

    check(monkeypatch, losses.cross_entropy, LABELS, make=make)


def test_groups_and_a_schedule_between_epochs(monkeypatch):
    def make(params):
        return optim.Adam([{"params": params[:2], "lr": 1e-2}, {"params": params[2:]}])

    rates = []
    for way in ("in Python", "at once"):
        net = model()
        optimizer = make(net.parameters())
        trainer = rv.Trainer(
            net,
            losses.cross_entropy,
            optimizer,
            scheduler=optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.1),
            seed=0,
        )
        with monkeypatch.context() as patch:
            if way == "in Python":
                patch.setattr(NativeTraining, "of", classmethod(lambda *a, **k: None))
            trainer.fit(X, LABELS, epochs=3, batch_size=64, progress=False)
        rates.append((net.flat_parameters.tobytes(), [g["lr"] for g in optimizer.param_groups]))
    assert rates[0] == rates[1]


def test_a_state_that_is_loaded_between_epochs_is_gone_on_from():
    def half_way(trainer):
        trainer.optimizer.load_state_dict(trainer.optimizer.state_dict())

    class Reload:
        def on_epoch_end(self, trainer, logs):
            half_way(trainer)

    results = []
    for callbacks in ([], [Reload()]):
        net = model()
        optimizer = optim.Adam(net.parameters())
        trainer = rv.Trainer(net, losses.cross_entropy, optimizer, seed=0, callbacks=callbacks)
        trainer.fit(X, LABELS, epochs=3, batch_size=64, progress=False)
        results.append(net.flat_parameters.tobytes())
    assert results[0] == results[1]


def test_what_has_no_native_form_is_trained_in_python():
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    class OwnStep(optim.SGD):
        def step(self, grads, *, max_norm=None):
            super().step(grads, max_norm=max_norm)

    class Whole(nn.Sequential):
        def forward(self, x):
            return super().forward(x)

    layers = [nn.Linear(FEATURES, CLASSES, rng=0)]
    for net, make in (
        (nn.Sequential(Doubled(FEATURES, CLASSES, rng=0)), optim.SGD),
        (nn.Sequential(*layers), OwnStep),
        (Whole(nn.Linear(FEATURES, CLASSES, rng=0)), optim.SGD),
    ):
        trainer = rv.Trainer(net, losses.cross_entropy, make(net.parameters(), lr=0.1), seed=0)
        data = trainer._rows(X, LABELS, 64)
        assert trainer._native(data, 64) is None
        history = trainer.fit(X, LABELS, epochs=2, batch_size=64, progress=False)
        assert history["loss"][1] < history["loss"][0]


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (LABELS + 1, IndexError, "target has the label 5 at position"),
        (NUMBERS[:, 0], ValueError, "target has"),
        (NUMBERS[:, :3], ValueError, "target has"),
    ],
    ids=["label", "one number a row", "fewer columns"],
)
def test_what_does_not_fit_is_said_before_a_parameter_changes(target, error, message):
    loss = losses.cross_entropy if target.dtype == np.int64 else losses.mse_loss
    net = model()
    before = net.flat_parameters.copy()
    trainer = rv.Trainer(net, loss, optim.SGD(net.parameters(), lr=1.0), seed=0)
    with pytest.raises((error, TypeError), match=message):
        trainer.fit(X, target, epochs=1, batch_size=500, progress=False)
    np.testing.assert_array_equal(net.flat_parameters, before)


def test_a_probability_out_of_range_stops_before_its_step():
    net = nn.Sequential(nn.Linear(FEATURES, 1, rng=0))
    optimizer = optim.SGD(net.parameters(), lr=1.0)
    trainer = rv.Trainer(net, losses.binary_cross_entropy, optimizer, seed=0)
    before = net.flat_parameters.copy()
    with pytest.raises(ValueError, match="input has"):
        trainer.fit(X, np.ones((ROWS, 1), np.float32), epochs=1, batch_size=500, progress=False)
    np.testing.assert_array_equal(net.flat_parameters, before)
    assert not optimizer.state_dict()["state"] or optimizer.state_dict()["state"][0] == {}


def native(gradients=None, stack=None, batch_rows=8, **options):
    net = nn.Sequential(nn.Linear(3, 2, rng=0)) if stack is None else stack
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    loss = batch_handle(losses.mse_loss, np.float32)
    gradients = net.gradients() if gradients is None else gradients
    trained = [(p, g, False) for p, g in zip(net.parameters(), gradients, strict=False)]
    handle = net._whole_stack((8, 3)).handle()
    training = _core.Training(handle, loss, optimizer.native(), trained, batch_rows, 1.0, 0.0, 0.0)
    return training, optimizer


RUN = {
    "inputs": np.ones((8, 3), np.float32),
    "targets": np.ones((8, 2), np.float32),
    "sample_weight": None,
    "order": None,
    "ignored": None,
    "first": 0,
    "seconds": 1.0,
    "steps": 10,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": np.ones((8, 4), np.float32)},
        {"inputs": np.ones((8, 6), np.float32)[:, ::2]},
        {"inputs": np.ones((8, 3), np.float16)},
        {"inputs": np.ones((8, 3), complex)},
        {"inputs": np.ones((9, 3), np.float32)},
        {"inputs": None},
        {"targets": np.ones((7, 2), np.float32)},
        {"targets": np.ones((8, 1), np.float32)},
        {"targets": np.ones(8, np.float32)},
        {"targets": np.ones((8, 2), object)},
        {"sample_weight": np.ones(7)},
        {"sample_weight": np.ones(8, np.float32)},
        {"order": np.arange(9)},
        {"order": np.array([-1, 0])},
        {"order": np.arange(8, dtype=np.int32)},
        {"order": np.arange(16)[::2]},
        {"steps": 0},
    ],
    ids=str,
)
def test_a_run_that_would_leave_an_array_is_refused(wrong):
    training, optimizer = native()
    before = optimizer.param_groups[0]["params"][0].copy()
    with pytest.raises((TypeError, ValueError, IndexError)):
        training.run(optimizer.param_groups, **{**RUN, **wrong})
    np.testing.assert_array_equal(optimizer.param_groups[0]["params"][0], before)
    training.run(optimizer.param_groups, **RUN)
    assert np.any(optimizer.param_groups[0]["params"][0] != before)


def test_a_training_of_parts_that_do_not_fit_is_refused():
    with pytest.raises(ValueError, match="batch_rows is 0"):
        native(batch_rows=0)
    with pytest.raises(ValueError, match="trained has length 1; expected 2"):
        native(gradients=[np.zeros((2, 3), np.float32)])
    with pytest.raises(ValueError, match=r"grads\[0\] has shape"):
        native(gradients=[np.zeros((3, 3), np.float32), np.zeros(2, np.float32)])
    with pytest.raises(TypeError, match=r"grads\[1\] has dtype float64"):
        native(gradients=[np.zeros((2, 3), np.float32), np.zeros(2)])
    with pytest.raises(TypeError):
        _core.Training(None, None, None, [], 1, 1.0, 0.0, 0.0)


def test_a_run_from_beyond_the_end_does_nothing():
    training, optimizer = native()
    reached, steps, *_ = training.run(optimizer.param_groups, **{**RUN, "first": 8})
    assert (reached, steps) == (8, 0)


def test_limits_of_steps_add_up():
    whole, optimizer = native(batch_rows=3)
    whole.run(optimizer.param_groups, **RUN)
    apart, other = native(batch_rows=3)
    reached = [0]
    while reached[-1] < 8:
        limit = {"first": reached[-1], "steps": 1}
        first, steps, *_ = apart.run(other.param_groups, **{**RUN, **limit})
        assert steps == 1
        reached.append(first)
    assert reached == [0, 3, 6, 8]
    for a, b in zip(*(o.param_groups[0]["params"] for o in (optimizer, other)), strict=True):
        assert a.tobytes() == b.tobytes()


def test_threads_that_train_with_one_optimizer_take_turns():
    net = nn.Sequential(nn.Linear(3, 2, rng=0))
    optimizer = optim.Adam(net.parameters())
    loss = batch_handle(losses.mse_loss, np.float32)
    trained = [(p, g, False) for p, g in zip(net.parameters(), net.gradients(), strict=True)]
    handle = net._whole_stack((8, 3)).handle()
    training = _core.Training(handle, loss, optimizer.native(), trained, 3, 1.0, 0.0, 0.0)
    made = []

    def train():
        for _ in range(200):
            made.append(training.run(optimizer.param_groups, **RUN)[1])
            optimizer.step(net.gradients())
            made.append(1)

    threads = [threading.Thread(target=train) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == 4 * 200 * 4
    assert optimizer.state_dict()["state"][0]["step"] == sum(made)


WIDE = RNG.normal(size=(300, 80)).astype(np.float32)


def wide_run(threads, batch_size, callbacks=()):
    """A model whose step is worth many threads."""
    layers = [nn.Linear(80, 300, rng=0), nn.Tanh(), nn.Linear(300, 200, rng=1), nn.Tanh()]
    net = nn.Sequential(*layers, nn.Linear(200, CLASSES, rng=2))
    optimizer = optim.Adam(net.parameters(), lr=1e-2)
    trainer = rv.Trainer(net, losses.cross_entropy, optimizer, seed=0, callbacks=callbacks)
    labels = np.arange(300) % CLASSES
    with rv.num_threads(threads):
        trainer.fit(WIDE, labels, epochs=4, batch_size=batch_size, progress=False)
    return net.flat_parameters.tobytes(), net.flat_gradients.tobytes()


@pytest.mark.parametrize("batch_size", [128, 149, None])
def test_the_same_bits_on_any_number_of_threads(batch_size):
    expected = wide_run(1, batch_size)
    for threads in (2, 3, 4, 7):
        assert wide_run(threads, batch_size) == expected, f"{threads} threads"


@pytest.mark.parametrize(("planned", "then"), [(3, 2), (7, 4), (7, 3), (5, 1), (2, 6)])
def test_a_team_of_another_size_than_was_planned(planned, then):
    class Change:
        def on_epoch_end(self, trainer, logs):
            rv.set_num_threads(then)

    assert wide_run(planned, 128, [Change()]) == wide_run(1, 128)
