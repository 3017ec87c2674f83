"""The training loop: against one written out by hand, and bit for bit against itself."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from ranvier import callbacks, losses, nn, optim
from ranvier._native_training import NativeTraining


def blobs(n=300, seed=0, dtype=np.float32):
    """Three clouds of points in four dimensions, 0 to 255."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    centres = np.array([[60, 60, 200, 90], [180, 70, 60, 120], [90, 200, 120, 180]])
    X = np.clip(np.rint(centres[y] + rng.normal(0, 20, (n, 4))), 0, 255)
    return X.astype(dtype), y


def model(dtype=np.float32, seed=0):
    first, second = nn.Linear(4, 16, dtype=dtype, rng=seed), nn.Linear(16, 3, dtype=dtype, rng=seed)
    return nn.Sequential(first, nn.ReLU(), second)


def trainer(
    net=None, *, lr=1e-3, loss=losses.cross_entropy, seed=0, optimizer=optim.SGD, **options
):
    net = model() if net is None else net
    return rv.Trainer(net, loss, optimizer(net.parameters(), lr=lr), seed=seed, **options)


def by_hand(state, X, y, epochs, size, lr, weights=None):
    """Gradient descent on the same network, with plain NumPy."""
    W, b, V, c = (values.copy() for values in state.values())
    weights = np.ones(len(X)) if weights is None else weights
    means = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, len(X), size):
            x, target = X[start : start + size], y[start : start + size]
            share = weights[start : start + size] / weights[start : start + size].sum()
            hidden = np.maximum(x @ W.T + b, 0)
            z = hidden @ V.T + c
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            rows = np.arange(len(x))
            total -= weights[start : start + size] @ np.log(p[rows, target])
            g = p
            g[rows, target] -= 1
            g *= share[:, None]
            h = (g @ V) * (hidden > 0)
            V -= lr * g.T @ hidden
            c -= lr * g.sum(axis=0)
            W -= lr * h.T @ x
            b -= lr * h.sum(axis=0)
        means.append(total / weights.sum())
    return np.concatenate([W.ravel(), b, V.ravel(), c]), means


@pytest.mark.parametrize("size", [1, 32, 299, 300, 1000, None])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_fit_is_the_loop_written_out(size, weighted):
    X, y = blobs(dtype=np.float64)
    X /= 255
    weights = np.random.default_rng(1).random(300) if weighted else None
    net = model(np.float64)
    rows = 300 if size is None else size
    expected, means = by_hand(net.state_dict(), X, y, 2, rows, 0.05, weights)
    history = trainer(net, lr=0.05).fit(
        X, y, epochs=2, batch_size=size, shuffle=False, sample_weight=weights
    )
    np.testing.assert_allclose(net.flat_parameters, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(history["loss"], means, rtol=1e-12)


def test_fit_learns_and_the_history_tells():
    X, y = blobs()
    net = trainer(lr=0.01, optimizer=optim.Adam)
    history = net.fit(X / 255, y, epochs=60, batch_size=32, validation_data=(X[:50] / 255, y[:50]))
    assert set(history) == {"loss", "accuracy", "seconds", "val_loss", "val_accuracy"}
    assert {len(values) for values in history.values()} == {60}
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    assert history["accuracy"][-1] > 0.97
    assert all(second > 0 for second in history["seconds"])
    tested = net.evaluate(X[:50] / 255, y[:50])
    assert tested == {"loss": history["val_loss"][-1], "accuracy": history["val_accuracy"][-1]}


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
@pytest.mark.parametrize("words", [None, 4], ids=["one axis", "two axes"])
def test_integers_go_to_an_embedding_as_they_are(words, dtype):
    # An embedding is a linear function of one-hot vectors.
    rng = np.random.default_rng(0)
    X = rng.integers(0, 7, 60 if words is None else (60, words)).astype(dtype)
    y = rng.integers(0, 3, 60)
    wide = 5 * (words or 1)
    table = nn.Embedding(7, 5, dtype=np.float64, rng=0)
    linear = nn.Linear(7, 5, bias=False, dtype=np.float64)
    linear.weight = table.weight.T
    last, other = (nn.Linear(wide, 3, dtype=np.float64, rng=1) for _ in range(2))
    net = nn.Sequential(table, nn.Flatten(), last)
    twin = nn.Sequential(linear, nn.Flatten(), other)
    one_hot = np.eye(7)[X]
    options = {"epochs": 3, "batch_size": 16}
    history = trainer(net, lr=0.5).fit(X, y, validation_data=(X[:9], y[:9]), **options)
    expected = trainer(twin, lr=0.5).fit(one_hot, y, **options)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-12)
    np.testing.assert_allclose(table.weight, linear.weight.T, rtol=1e-10, atol=1e-13)
    predicted = trainer(net).predict(X, batch_size=7)
    np.testing.assert_allclose(predicted, trainer(twin).predict(one_hot), rtol=1e-10, atol=1e-13)


def test_which_modules_take_integers():
    table = nn.Embedding(3, 2)
    assert table.takes_integers
    assert nn.Sequential(nn.Sequential(table), nn.Linear(2, 2)).takes_integers
    assert not nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU())).takes_integers
    assert not nn.Sequential().takes_integers
    with pytest.raises(TypeError, match="x is of float32; expected an array of integers"):
        trainer(nn.Sequential(table)).predict([[0.0, 1.0]])


class Recorder(nn.Module):
    """A model that writes down what it sees: each row of X holds its own number."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(1, 2, rng=0)
        self.seen = []

    def forward(self, x):
        self.seen.append(x[:, 0].astype(int).tolist())
        return self.inner(x)

    def backward(self, grad_output, accumulate=False):
        return self.inner.backward(grad_output, accumulate)


@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffle", "in order"])
@pytest.mark.parametrize("size", [1, 7, 10, 23, 24, None])
def test_each_epoch_sees_every_row_once(size, shuffle):
    net = Recorder()
    X = np.arange(23.0)[:, None]
    trainer(net, lr=1e-6).fit(X, np.arange(23) % 2, epochs=3, batch_size=size, shuffle=shuffle)
    step = min(size or 23, 23)
    steps = -(-23 // step)
    assert len(net.seen) == 3 * steps
    epochs = np.concatenate([np.ravel(batch) for batch in net.seen]).reshape(3, 23).tolist()
    for epoch in epochs:
        assert sorted(epoch) == list(range(23))
    assert [len(batch) for batch in net.seen[: steps - 1]] == [step] * (steps - 1)
    if shuffle and step < 23:
        assert epochs[0] != epochs[1] != epochs[2] != list(range(23))
    else:
        assert epochs == [list(range(23))] * 3


def test_inputs_and_targets_stay_together():
    # Only samples of class 1 count, and the model gives each of them the same loss.
    net = Recorder()
    net.inner.weight = [[0], [0]]
    net.inner.bias = [0, 3]
    X, y = np.arange(50.0)[:, None], (np.arange(50) % 5 == 0).astype(int)
    weights = np.where(y == 1, 1.0, 0.0)
    history = trainer(net, lr=1e-12).fit(X, y, epochs=1, batch_size=8, sample_weight=weights)
    assert history["loss"][0] == pytest.approx(np.log1p(np.exp(-3)))


def test_a_batch_without_weight_is_left_out():
    X, y = blobs()
    run, same = trainer(optimizer=optim.Adam), trainer(optimizer=optim.Adam)
    weights = np.where(np.arange(300) < 100, 1.0, 0.0)
    run.fit(X, y, epochs=2, batch_size=50, shuffle=False, sample_weight=weights)
    same.fit(X[:100], y[:100], epochs=2, batch_size=50, shuffle=False)
    check_same_bits(run.model.flat_parameters, same.model.flat_parameters, "left out")


def trained(seed=0, epochs=(3,), net_seed=0, optimizer=optim.Adam, **options):
    X, y = blobs()
    run = trainer(model(seed=net_seed), seed=seed, lr=0.01, optimizer=optimizer)
    lost = [run.fit(X, y, epochs=n, batch_size=32, **options)["loss"] for n in epochs]
    return run.model.flat_parameters.copy(), [value for values in lost for value in values]


def test_the_same_seed_gives_the_same_bits():
    parameters, lost = trained()
    again, lost_again = trained()
    check_same_bits(again, parameters, "same seed")
    assert lost == lost_again
    assert np.any(trained(seed=1)[0] != parameters)
    assert np.any(trained(seed=None)[0] != trained(seed=None)[0])


def test_a_second_fit_goes_on_from_the_first():
    parameters, lost = trained(epochs=(5,))
    in_two, lost_in_two = trained(epochs=(2, 3))
    check_same_bits(in_two, parameters, "two fits")
    assert lost_in_two == lost


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_bits_do_not_depend_on_threads(threads):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 200)).astype(np.float32), rng.integers(0, 300, 600)

    def run():
        net = nn.Sequential(nn.Linear(200, 300, rng=0), nn.GELU(), nn.Linear(300, 300, rng=1))
        trainer(net, optimizer=optim.Adam).fit(X, y, epochs=2, batch_size=250)
        return net.flat_parameters

    with rv.num_threads(threads):
        result = run()
    with rv.num_threads(3):
        check_same_bits(run(), result, f"3 and {threads} threads")


def memmap(X, folder):
    path = folder / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffle", "in order"])
@pytest.mark.parametrize(
    "convert",
    [
        lambda X, _: X.astype(np.float64),
        lambda X, _: X.astype(np.uint8),
        lambda X, _: X.astype(np.float16),
        lambda X, _: X.astype(">f4"),
        lambda X, _: np.asfortranarray(X),
        lambda X, _: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X, _: X[::-1].copy()[::-1],
        lambda X, _: X.tolist(),
        lambda X, folder: memmap(X, folder),
        lambda X, folder: memmap(np.asfortranarray(X.astype(np.float64)), folder),
    ],
    ids=[
        "float64",
        "uint8",
        "float16",
        "swapped",
        "fortran",
        "strided",
        "reversed",
        "list",
        "memmap",
        "memmap of float64",
    ],
)
def test_input_of_any_kind_gives_the_same_bits(convert, shuffle, tmp_path):
    X, y = blobs()
    results = []
    for inputs, target in ((X, y), (convert(X, tmp_path), y.astype(np.uint8).tolist())):
        run = trainer()
        run.fit(inputs, target, epochs=2, batch_size=64, shuffle=shuffle)
        results.append((run.model.flat_parameters, run.predict(inputs)))
    for expected, got in zip(*results, strict=True):
        check_same_bits(got, expected, "converted")


def test_class_probabilities_as_the_target():
    X, y = blobs()
    net, same = trainer(), trainer()
    history = net.fit(X, np.eye(3)[y], epochs=2)
    assert "accuracy" not in history and "accuracy" not in net.evaluate(X, np.eye(3)[y])
    same.fit(X, y, epochs=2)
    np.testing.assert_allclose(net.model.flat_parameters, same.model.flat_parameters, rtol=1e-5)


def test_evaluate_and_predict():
    X, y = blobs(2500)
    run = trainer()
    weight, bias, second, c = run.model.parameters()
    scores = np.maximum(X.astype(float) @ weight.T + bias, 0) @ second.T + c
    predicted = run.predict(X)
    np.testing.assert_allclose(predicted, scores, rtol=1e-4, atol=1e-3)
    for size in (1, 999, 2500, 9999):
        np.testing.assert_allclose(run.predict(X, batch_size=size), predicted, rtol=1e-4, atol=1e-3)
    assert not np.shares_memory(run.predict(X[:5]), run.predict(X[:5]))
    tested = run.evaluate(X, y)
    shifted = scores - scores.max(axis=1, keepdims=True)
    expected = np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(2500), y])
    assert tested["loss"] == pytest.approx(expected, rel=1e-5)
    assert tested["accuracy"] == np.mean(scores.argmax(axis=1) == y)


def test_modes_are_put_back():
    X, y = blobs(40)
    run = trainer(callbacks=[Failing()])
    run.model[1].eval()
    run.predict(X)
    run.evaluate(X, y)
    with pytest.raises(ZeroDivisionError):
        run.fit(X, y, epochs=1)
    assert [layer.training for layer in run.model] == [True, False, True]


class Failing:
    def on_epoch_end(self, trainer, logs):
        raise ZeroDivisionError


class Diary(callbacks.Callback):
    def __init__(self):
        self.lines = []

    def on_fit_begin(self, trainer):
        self.lines.append("fit")

    def on_epoch_begin(self, trainer):
        self.lines.append(f"epoch {trainer.epoch}")

    def on_step_end(self, trainer, loss):
        assert np.isfinite(loss)
        self.lines.append("step")

    def on_epoch_end(self, trainer, logs):
        self.lines.append("end")
        logs["lr"] = trainer.optimizer.lr
        if trainer.epoch == 2:
            trainer.stop()

    def on_fit_end(self, trainer):
        self.lines.append("fitted")


def test_callbacks_in_their_order():
    diary = Diary()

    class OnlyOne:
        def on_fit_end(self, trainer):
            diary.lines.append("the other's")

    X, y = blobs(100)
    run = trainer(callbacks=[diary, OnlyOne(), callbacks.Callback()])
    history = run.fit(X, y, epochs=9, batch_size=50)
    epoch = ["step", "step", "end"]
    expected = ["fit", "epoch 0", *epoch, "epoch 1", *epoch, "fitted", "the other's"]
    assert diary.lines == expected
    assert history["lr"] == [1e-3, 1e-3]
    assert run.epoch == 2
    # Stopping ends one fit, not the next.
    assert len(run.fit(X, y, epochs=2)["loss"]) == 2


def test_the_scheduler_steps_once_an_epoch():
    class Halve:
        def step(self):
            run.optimizer.lr /= 2

    X, y = blobs(100)
    run = trainer(scheduler=Halve(), lr=1.0)
    run.fit(X, y, epochs=3, batch_size=10)
    assert run.optimizer.lr == 0.125


@pytest.mark.parametrize("validated", [True, False])
def test_a_plateau_is_judged_by_the_loss(validated):
    class Recorded(optim.lr_scheduler.ReduceLROnPlateau):
        def step(self, metrics, epoch=None):
            judged.append(metrics)
            super().step(metrics, epoch)

    judged = []
    X, y = blobs(100)
    net = model()
    optimizer = optim.SGD(net.parameters(), lr=1e-3)
    scheduler = Recorded(optimizer, patience=0, threshold=1e9, threshold_mode="abs", factor=0.5)
    run = rv.Trainer(net, losses.cross_entropy, optimizer, scheduler=scheduler, seed=0)
    data = (X[:20] / 2, y[:20]) if validated else None
    history = run.fit(X, y, epochs=3, validation_data=data)
    assert judged == history["val_loss" if validated else "loss"]
    assert optimizer.lr == 1e-3 / 4  # the first epoch is the best


def test_a_schedule_over_a_training():
    X, y = blobs(100)
    run = trainer(lr=1.0)
    run.scheduler = optim.lr_scheduler.MultiStepLR(run.optimizer, [2, 3], gamma=0.5)
    run.fit(X, y, epochs=1)
    assert run.optimizer.lr == 1.0
    run.fit(X, y, epochs=2)
    assert run.optimizer.lr == 0.25


def test_max_norm_clips_the_step():
    X, y = blobs(100)
    run = trainer(max_norm=1e-3, lr=1.0)
    before = run.model.flat_parameters.copy()
    run.fit(X, y, epochs=1, batch_size=None)
    moved = np.linalg.norm((run.model.flat_parameters - before).astype(float))
    assert moved == pytest.approx(1e-3, rel=1e-2)


def test_gradients_follow_the_optimizers_order():
    X, y = blobs()
    net, same = model(), model()
    weights, biases = net.parameters()[::2], net.parameters()[1::2]
    groups = [{"params": biases[::-1]}, {"params": weights}]
    grouped = rv.Trainer(net, losses.cross_entropy, optim.Adam(groups), seed=0)
    plain = rv.Trainer(same, losses.cross_entropy, optim.Adam(same.parameters()), seed=0)
    for run in (grouped, plain):
        run.fit(X, y, epochs=2)
    check_same_bits(net.flat_parameters, same.flat_parameters, "grouped")
    # Some of the parameters are enough: the others stay.
    first = net[0].weight.copy()
    rv.Trainer(net, losses.cross_entropy, optim.SGD(net[2].parameters())).fit(X, y, epochs=1)
    check_same_bits(net[0].weight, first, "not in the optimizer")


def test_options_of_the_loss():
    X, y = blobs()
    smooth = functools.partial(losses.cross_entropy, label_smoothing=0.5)
    assert trainer(loss=smooth).evaluate(X, y)["loss"] == pytest.approx(
        losses.cross_entropy(trainer().predict(X), y, label_smoothing=0.5)
    )
    run = trainer(loss=functools.partial(smooth, ignore_index=1))
    other = trainer()
    run.fit(X, y, epochs=1)
    other.fit(X, y, epochs=1)
    assert np.any(run.model.flat_parameters != other.model.flat_parameters)


def test_an_optimizer_made_before_the_model_trains_it():
    X, y = blobs()
    layers = [nn.Linear(4, 16, rng=0), nn.ReLU(), nn.Linear(16, 3, rng=0)]
    optimizer = optim.SGD([p for layer in layers for p in layer.parameters()], lr=0.01)
    net, same = nn.Sequential(*layers), model()
    rv.Trainer(net, losses.cross_entropy, optimizer, seed=0).fit(X, y, epochs=2)
    trainer(same, lr=0.01).fit(X, y, epochs=2)
    for got, expected in zip(net.parameters(), same.parameters(), strict=True):
        check_same_bits(got, expected, "trained")


@pytest.mark.parametrize(
    "options",
    [{"weight": np.array([1, 5, 50], np.float32)}, {"ignore_index": 2}],
    ids=["weight", "ignore_index"],
)
def test_evaluate_is_the_loss_over_all_samples_at_once(options):
    X, y = blobs(2500)
    y = np.sort(y)  # so that no batch is like another
    loss = functools.partial(losses.cross_entropy, **options)
    run = trainer(loss=loss)
    assert run.evaluate(X, y)["loss"] == pytest.approx(loss(run.predict(X), y), rel=1e-6)


def test_ignored_samples_count_neither_for_the_loss_nor_for_the_accuracy():
    X, y = blobs(300)
    run = trainer(loss=functools.partial(losses.cross_entropy, ignore_index=2), lr=1e-12)
    y = np.sort(y)  # the last batches are of ignored samples only
    history = run.fit(X, y, epochs=1, batch_size=10, shuffle=False)
    tested = run.evaluate(X, y)
    kept = trainer(lr=1e-12).evaluate(X[y != 2], y[y != 2])
    assert tested == pytest.approx(kept, rel=1e-6)
    for name, value in kept.items():
        assert history[name] == pytest.approx([value], rel=1e-4)
    weighted = run.fit(X, y, epochs=1, batch_size=10, shuffle=False, sample_weight=np.full(300, 2))
    assert weighted["loss"] == pytest.approx(history["loss"], rel=1e-6)
    assert np.isnan(run.evaluate(X, np.full(300, 2))["loss"])


def test_values_beyond_the_models_dtype_pass_without_a_warning():
    X, y = np.full((6, 4), 1e300), np.full((6, 3), 1e300)
    with np.errstate(all="raise"):
        run = trainer()
        run.fit(X, y, epochs=1)
        run.evaluate(X, y)


def test_a_step_allocates_nothing():
    class Peak:
        peak = 0

        def on_epoch_begin(self, trainer):
            self.steps = 0

        def on_step_end(self, trainer, loss):
            self.steps += 1
            if trainer.epoch == 1 and self.steps == 2:
                self.before = tracemalloc.get_traced_memory()[0]
                tracemalloc.reset_peak()
            elif trainer.epoch == 1 and self.steps == 9:
                self.peak = tracemalloc.get_traced_memory()[1] - self.before

    rng = np.random.default_rng(0)
    X, y = rng.random((9 * 1024 + 5, 64)), rng.integers(0, 3, 9 * 1024 + 5)
    net = nn.Sequential(nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, 3))
    watch = Peak()
    run = trainer(net, optimizer=optim.Adam, callbacks=[watch])
    tracemalloc.start()
    run.fit(X, y, epochs=2, batch_size=1024)
    tracemalloc.stop()
    # The labels and probabilities of a batch take 8 kB and 12 kB, its inputs 512 kB.
    assert 0 < watch.peak < 16384, f"{watch.peak} bytes in a step"


def test_an_input_that_is_not_contiguous_is_not_copied():
    X, y = np.zeros((64, 50_000), np.float32).T, np.zeros(50_000, int)
    run = trainer(nn.Sequential(nn.Linear(64, 3)))
    tracemalloc.start()
    run.fit(X, y, epochs=1, batch_size=5000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 2, f"{peak} bytes for an input of {X.nbytes}"


@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffle", "in order"])
@pytest.mark.parametrize(
    ("dtype", "offset"),
    [("<f4", 0), ("<f2", 0), (">f4", 0), ("<f4", 1)],
    ids=["float32", "float16", "swapped", "unaligned"],
)
def test_a_memmap_larger_than_memory_is_read_by_the_batch(tmp_path, dtype, offset, shuffle):
    # A tebibyte, of which the disk holds what is not 0.
    rows, features = 2**20, 2**20 // np.dtype(dtype).itemsize
    with open(tmp_path / "X", "wb") as file:
        file.truncate(offset + rows * 2**20)
    X = np.memmap(tmp_path / "X", dtype, "r", offset, (rows, features))

    class AfterSome:
        steps = 0

        def on_step_end(self, trainer, loss):
            self.steps += 1
            if self.steps == 5:
                trainer.stop()

    run = trainer(nn.Sequential(nn.Linear(features, 2, rng=0)), callbacks=[AfterSome()])
    y = np.zeros(rows, np.int64)
    tracemalloc.start()
    run.fit(X, y, epochs=1, batch_size=4, shuffle=shuffle)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The order of the rows, gradients, and a few copies of a batch.
    assert peak < 8 * rows + 32 * 2**20, f"{peak} bytes"


class StopAfter:
    """A callback that ends the training after so many steps."""

    def __init__(self, steps):
        self.left = steps

    def on_step_end(self, trainer, loss):
        self.left -= 1
        if self.left == 0:
            trainer.stop()


class Interrupted:
    """The native part of an optimizer; a Ctrl-C comes as soon as one of its steps is done."""

    def __init__(self, native, left):
        self.native, self.left = native, left

    def step(self, *arguments):
        done = self.native.step(*arguments)
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)
        return done

    def states(self):
        return self.native.states()


@pytest.fixture
def default_sigint():
    """Where a shell started the tests in the background, it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("steps", [1, 7, 10, 13])
@pytest.mark.usefixtures("default_sigint")
def test_an_interrupt_waits_for_the_end_of_the_step(monkeypatch, steps):
    # One step after the other, in Python.
    monkeypatch.setattr(NativeTraining, "of", classmethod(lambda *args, **options: None))
    X, y = blobs(100)
    run = trainer(optimizer=optim.Adam)
    run.optimizer._native = Interrupted(run.optimizer._native, steps)
    with pytest.raises(KeyboardInterrupt):
        run.fit(X, y, epochs=9, batch_size=10)

    same = trainer(optimizer=optim.Adam, callbacks=[StopAfter(steps)])
    same.fit(X, y, epochs=9, batch_size=10)
    check_same_bits(run.model.flat_parameters, same.model.flat_parameters, "parameters")
    got, expected = (r.optimizer.state_dict()["state"] for r in (run, same))
    assert got[0]["step"] == expected[0]["step"] == steps
    for number, state in expected.items():
        check_same_bits(got[number]["exp_avg"], state["exp_avg"], f"moment {number}")
    # The epoch of the interrupt is not complete, and the next fit is not interrupted.
    assert run.epoch == (steps - 1) // 10
    run.fit(X, y, epochs=1)


@pytest.mark.usefixtures("default_sigint")
def test_an_interrupt_ends_the_native_steps_with_a_whole_one():
    X, y = blobs(100)
    run = trainer(optimizer=optim.Adam)
    press = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    press.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        run.fit(X, y, epochs=10**7, batch_size=10)
    assert time.perf_counter() - start < 10
    press.join()
    steps = run.optimizer.state_dict()["state"][0]["step"]

    same = trainer(optimizer=optim.Adam, callbacks=[StopAfter(steps)])
    same.fit(X, y, epochs=steps, batch_size=10)
    check_same_bits(run.model.flat_parameters, same.model.flat_parameters, "parameters")
    assert run.epoch in (steps // 10, (steps - 1) // 10)


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize(
    ("method", "steps"), [("on_fit_begin", 1), ("on_epoch_end", 4), ("on_epoch_complete", 4)]
)
@pytest.mark.usefixtures("default_sigint")
def test_an_interrupt_waits_for_the_callbacks(method, steps, epochs):
    lines = []

    class Presses(callbacks.Callback):
        steps = 0

        def on_step_end(self, trainer, loss):
            self.steps += 1

        def on_fit_end(self, trainer):
            lines.append("fitted")

    def press(self, trainer, *_):
        signal.raise_signal(signal.SIGINT)
        lines.append("pressed")

    setattr(Presses, method, press)
    presses = Presses()
    run = trainer(callbacks=[presses])
    with pytest.raises(KeyboardInterrupt):
        run.fit(*blobs(20), epochs=epochs, batch_size=5)
    assert lines == ["pressed"] and presses.steps == steps
    assert run.epoch == len(run.history.get("loss", ())) == (method != "on_fit_begin")


@pytest.mark.usefixtures("default_sigint")
def test_a_second_interrupt_comes_through_at_once():
    class Hangs:
        def on_step_end(self, trainer, loss):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("it did not come through")

    with pytest.raises(KeyboardInterrupt):
        trainer(callbacks=[Hangs()]).fit(*blobs(20), epochs=1)


@pytest.mark.usefixtures("default_sigint")
def test_a_handler_of_the_program_stands_and_threads_have_none():
    seen = []

    class Presses:
        def on_step_end(self, trainer, loss):
            if threading.current_thread() is threading.main_thread():
                signal.raise_signal(signal.SIGINT)

    def fit():
        seen.append(len(trainer(callbacks=[Presses()]).fit(*blobs(20), epochs=2)["loss"]))

    other = threading.Thread(target=fit)
    other.start()
    other.join()
    signal.signal(signal.SIGINT, lambda *_: seen.append("own"))
    fit()
    assert seen == [2, "own", "own", 2]
    signal.signal(signal.SIGINT, signal.default_int_handler)


HUGE_LABELS = np.full(300, 2**63, np.uint64)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda X, y: trainer(loss=np.mean), TypeError, "loss is <function mean"),
        (lambda X, y: trainer(loss="cross_entropy"), TypeError, "loss is 'cross_entropy'"),
        (
            lambda X, y: rv.Trainer(model(), losses.cross_entropy, optim.SGD([np.ones(3)])),
            ValueError,
            "optimizer holds 1 arrays of which number 0 is not a parameter",
        ),
        (lambda X, y: trainer().fit(X, y[:-1]), ValueError, "y has 299 rows; expected 300, as X"),
        (lambda X, y: trainer().fit(X[:0], y[:0]), ValueError, r"X has shape \(0, 4\)"),
        (lambda X, y: trainer().fit(3.0, y), ValueError, r"X has shape \(\)"),
        (lambda X, y: trainer().fit(X.astype(str), y), TypeError, "X has dtype <U"),
        (lambda X, y: trainer().fit(X * 1j, y), TypeError, "X has dtype complex"),
        (lambda X, y: trainer().fit(X, y.astype(object)), TypeError, "y has dtype object"),
        (lambda X, y: trainer().fit(X, y, epochs=-1), ValueError, "epochs is -1"),
        (
            lambda X, y: trainer().fit(X, y, epochs=1.5),
            TypeError,
            "epochs is 1.5; expected an integer",
        ),
        (lambda X, y: trainer().fit(X, y, batch_size=0), ValueError, "batch_size is 0"),
        (lambda X, y: trainer().predict(X, batch_size=-1), ValueError, "batch_size is -1"),
        (lambda X, y: trainer().fit(X, y, sample_weight=[1.0]), ValueError, "sample_weight has 1"),
        (
            lambda X, y: trainer().fit(X, y, sample_weight=np.ones((300, 2))),
            ValueError,
            r"sample_weight has shape \(300, 2\); expected \(300,\)",
        ),
        (lambda X, y: trainer().fit(X[:, 0], y), ValueError, r"X has shape \(300,\); .* 2 axes"),
        (lambda X, y: trainer().evaluate(X[:, 0], y), ValueError, r"X has shape \(300,\); .* 2 ax"),
        (lambda X, y: trainer().predict(X[0]), ValueError, r"X has shape \(4,\); .*: X\[None\] is"),
        (
            lambda X, y: trainer().fit(X, HUGE_LABELS),
            ValueError,
            "y has the label 9223372036854775",
        ),
        (
            lambda X, y: trainer().evaluate(X, HUGE_LABELS),
            ValueError,
            "expected less than 2\\*\\*63",
        ),
        (lambda X, y: trainer().fit(X, y, batch_size="all"), TypeError, "batch_size is 'all'; exp"),
        (
            lambda X, y: rv.Trainer(None, losses.cross_entropy, optim.SGD([np.ones(3)])),
            TypeError,
            "model is None; expected a ranvier Module",
        ),
        (
            lambda X, y: rv.Trainer(model(), losses.cross_entropy, None),
            TypeError,
            "optimizer is None; expected a ranvier Optimizer",
        ),
        *(
            (
                lambda X, y, r=reduction: trainer(
                    loss=functools.partial(losses.cross_entropy, reduction=r)
                ),
                ValueError,
                f"loss has reduction '{reduction}'; expected 'mean'",
            )
            for reduction in ("sum", "none")
        ),
        (lambda X, y: trainer().fit(X[:, :3], y), ValueError, r"expected \(\*, 4\)"),
        (lambda X, y: trainer().fit(X, y + 1), IndexError, "label"),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call(*blobs())


def test_an_error_in_the_arguments_changes_nothing():
    X, y = blobs()
    run = trainer()
    before = run.model.flat_parameters.copy()
    with pytest.raises(ValueError, match="sample_weight"):
        run.fit(X, y, sample_weight=np.ones(3))
    check_same_bits(run.model.flat_parameters, before, "after the error")
    assert run.epoch == 0
    assert trainer().fit(X, y, epochs=0) == {}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X, y: X, ValueError, "validation_data is of .*ndarray.*; expected a pair"),
        (lambda X, y: (X,), ValueError, "validation_data is of 1 entries; expected a pair"),
        (lambda X, y: (X[:0], y[:0]), ValueError, r"validation_data\[0\] has shape \(0, 4\)"),
        (lambda X, y: (X[:, 0], y), ValueError, r"validation_data\[0\] has shape \(300,\)"),
        (lambda X, y: (X, y[1:]), ValueError, r"validation_data\[1\] has 299 rows; expected 300"),
        (lambda X, y: (X, y.astype(str)), TypeError, r"validation_data\[1\] has dtype <U"),
        (lambda X, y: (X, HUGE_LABELS), ValueError, r"validation_data\[1\] has the label 92233"),
        (lambda X, y: (X[:, :3], y), ValueError, r"shape \(300, 3\); expected \(\*, 4\)"),
        (lambda X, y: (X, y + 1), IndexError, "label 3"),
    ],
)
def test_validation_data_that_do_not_fit_change_nothing(change, error, message):
    X, y = blobs()
    run = trainer()
    before = run.model.flat_parameters.copy()
    with pytest.raises(error, match=message):
        run.fit(X, y, validation_data=change(X, y))
    check_same_bits(run.model.flat_parameters, before, "after the error")


def test_the_bar_is_silent_without_a_terminal_or_rich(capsys, monkeypatch):
    X, y = blobs()
    trainer().fit(X, y, epochs=1)
    monkeypatch.setitem(sys.modules, "rich", None)
    trainer().fit(X, y, epochs=1)
    assert capsys.readouterr() == ("", "")


def test_the_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    X, y = blobs()
    bits = []
    for progress in (True, False):
        run = trainer()
        run.fit(X, y, epochs=3, batch_size=10, progress=progress, validation_data=(X, y))
        bits.append(run.model.flat_parameters)
        out, err = capsys.readouterr()
        assert out == ""
        assert ("epoch 3/3" in err and "val_accuracy" in err) == progress
    check_same_bits(bits[0], bits[1], "with and without the bar")
