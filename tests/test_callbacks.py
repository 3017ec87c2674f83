"""The callbacks, on runs whose figures are written down beforehand, and on true ones."""

from __future__ import annotations

import csv
import math
import os

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from ranvier import losses, nn, optim
from ranvier.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    TerminateOnNaN,
)

NAN, INF = math.nan, math.inf


class Script(Callback):
    """Says what an epoch gave, and gives the model parameters that are the epoch's number."""

    def __init__(self, name, values):
        self.name, self.values = name, values

    def on_epoch_end(self, trainer, logs):
        value = self.values[trainer.epoch - 1]
        if value is not None:
            logs[self.name] = value
        trainer.model.flat_parameters.fill(trainer.epoch)


def run(*callbacks, seed=0, **options):
    net = nn.Sequential(nn.Linear(2, 2, rng=0))
    optimizer = optim.SGD(net.parameters(), lr=1e-3)
    return rv.Trainer(
        net, losses.cross_entropy, optimizer, seed=seed, callbacks=callbacks, **options
    )


X, Y = np.eye(2, dtype=np.float32), np.arange(2)


def fit(trainer, epochs, **options):
    return trainer.fit(X, Y, epochs=epochs, **options)


# EarlyStopping: the epochs it lets pass are counted by hand.


@pytest.mark.parametrize(
    ("values", "options", "epochs", "best", "best_epoch"),
    [
        ([3, 2, 1, 0], {}, 4, 0, 4),
        ([3, 2, 2, 1], {}, 3, 2, 2),
        ([3, 2, 4, 1], {"patience": 1}, 3, 2, 2),
        ([3, 2, 4, 1, 1, 2, 0], {"patience": 2}, 6, 1, 4),
        ([3, 2.5, 2, 1.5, 1], {"patience": 2, "min_delta": 1}, 3, 3, 1),
        ([3, 2.5, 1.5, 1.2, 0.9], {"patience": 2, "min_delta": 1}, 5, 1.5, 3),
        ([NAN, 3, NAN, 2, NAN, NAN, 1], {"patience": 2}, 6, 2, 4),
        ([NAN, NAN, 1], {"patience": 2}, 2, INF, 0),
        ([-INF, 1, -INF], {"patience": 2}, 3, -INF, 1),
        ([1, 2, 3, 3, 2], {"mode": "max", "patience": 2}, 5, 3, 3),
        ([1, 2, 3, 3, 2], {"mode": "min", "patience": 3}, 4, 1, 1),
    ],
)  # fmt: skip
def test_early_stopping(values, options, epochs, best, best_epoch):
    stopping = EarlyStopping("x", **options)
    trainer = run(Script("x", values), stopping)
    history = fit(trainer, len(values))
    assert trainer.epoch == len(history["loss"]) == epochs
    assert stopping.best == best and stopping.best_epoch == best_epoch
    # What is not restored stays as the last epoch left it.
    assert trainer.model.flat_parameters.tolist() == [epochs] * 6


@pytest.mark.parametrize(
    ("monitor", "largest"),
    [("val_loss", False), ("loss", False), ("accuracy", True), ("val_accuracy", True),
     ("acc", True), ("val_auc", True), ("x", False)],
)  # fmt: skip
def test_the_mode_follows_from_the_name(monitor, largest):
    for make in (EarlyStopping, lambda name, **o: ModelCheckpoint("path", name, **o)):
        assert make(monitor).best == (-INF if largest else INF)
        assert make(monitor, mode="min").best == INF
        assert make(monitor, mode="max").best == -INF


@pytest.mark.parametrize("epochs", [3, 5, 9])
def test_the_best_is_restored_whether_stopped_early_or_not(epochs):
    stopping = EarlyStopping("x", patience=3, restore_best=True)
    trainer = run(Script("x", [3, 1, 2, 2, 2, 0]), stopping)
    fit(trainer, epochs)
    assert trainer.epoch == min(epochs, 5)
    assert trainer.model.flat_parameters.tolist() == [2] * 6


def test_two_fits_are_as_one_and_one_that_was_ended_has_new_patience():
    values = [3, 2, 4, 4, 4, 4, 1, 5, 5, 5]
    parted, whole = EarlyStopping("x", patience=3), EarlyStopping("x", patience=3)
    trainer = run(Script("x", values), parted)
    for _ in range(4):
        fit(trainer, 1)
    assert parted.wait == 2
    fit(trainer, 9)
    same = run(Script("x", values), whole)
    fit(same, 9)
    assert trainer.epoch == same.epoch == 5
    fit(same, 9)
    assert same.epoch == 10 and whole.best == 1


def test_nothing_to_restore():
    trainer = run(Script("x", [NAN]), EarlyStopping("x", restore_best=True))
    fit(trainer, 1)
    assert trainer.model.flat_parameters.tolist() == [1] * 6


@pytest.mark.parametrize(
    "make", [EarlyStopping, lambda name: ModelCheckpoint("a", name, save_best_only=True)]
)
def test_a_quantity_that_is_not_there(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"monitor is 'val_loss'; the logs have \['loss', 'acc"):
        fit(run(make("val_loss")), 1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: EarlyStopping(patience=-1), ValueError, "patience is -1; expected at least 0"),
        (lambda: EarlyStopping(patience=1.5), TypeError, "patience is 1.5; expected an integer"),
        (lambda: EarlyStopping(mode="best"), ValueError, "mode is 'best'; expected 'auto', 'min'"),
        (lambda: EarlyStopping(min_delta=-1), ValueError, "min_delta is -1; expected a finite"),
        (lambda: EarlyStopping(min_delta=NAN), ValueError, "min_delta is nan"),
        (lambda: EarlyStopping(min_delta="a"), TypeError, "min_delta is 'a'; expected a number"),
        (lambda: ModelCheckpoint("a", mode=3), ValueError, "mode is 3; expected"),
        (lambda: ModelCheckpoint("a", every_n_epochs=0), ValueError, "every_n_epochs is 0"),
        (lambda: CSVLogger("a", ""), ValueError, "separator is ''; expected one character"),
        (lambda: CSVLogger("a", ";;"), ValueError, "separator is ';;'; expected one character"),
    ],
)
def test_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ModelCheckpoint.


def saved(path):
    """Which epoch's parameters a file has."""
    net = nn.Sequential(nn.Linear(2, 2))
    rv.load(net, path)
    (value,) = set(net.flat_parameters.tolist())
    return value


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"every_n_epochs": 4}, [4]),
        ({"save_best_only": True}, [2, 5]),
        ({"save_best_only": True, "mode": "max"}, [2, 3, 4]),
        ({"save_best_only": True, "every_n_epochs": 3}, [3, 6]),
    ],
)
def test_which_epochs_are_saved(tmp_path, options, expected, weights_only):
    values = [NAN, 2, 3, 4, 1, 2]
    checkpoint = ModelCheckpoint(
        tmp_path / "{epoch}", "x", save_weights_only=weights_only, **options
    )
    fit(run(Script("x", values), checkpoint), 6)
    assert sorted(os.listdir(tmp_path)) == [str(epoch) for epoch in expected]
    for epoch in expected:
        assert saved(tmp_path / str(epoch)) == epoch
    if options.get("save_best_only"):
        assert checkpoint.best == values[expected[-1] - 1]


def test_the_path_is_formatted_and_its_folders_are_made(tmp_path):
    checkpoint = ModelCheckpoint(f"{tmp_path}/runs/{{epoch:03d}}-{{x:.2f}}.safetensors")
    # It holds what a callback behind it adds, too.
    fit(run(checkpoint, Script("x", [1.5, 0.25])), 2)
    names = ["001-1.50.safetensors", "002-0.25.safetensors"]
    assert sorted(os.listdir(tmp_path / "runs")) == names
    with pytest.raises(ValueError, match=r"path is '{y}'; expected a format of \['epoch', 'loss'"):
        fit(run(ModelCheckpoint("{y}")), 1)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("stop", [1, 2, 3, 4, 5])
def test_whatever_the_order_of_the_callbacks_each_goes_on_as_it_was(tmp_path, stop, first):
    """A run that dies after one file is written and before the other is."""
    values = [2, 3, 1, 4, 5, 6]

    def callbacks(folder, dies):
        class Dies:
            def on_epoch_complete(self, trainer, logs):
                if dies and trainer.epoch == stop:
                    raise ZeroDivisionError

        best = ModelCheckpoint(folder / "best", "x", save_best_only=True, save_weights_only=True)
        others = [EarlyStopping("x", patience=2), best]
        last = ModelCheckpoint(folder / "run")
        parts = [last, Dies(), *others] if first else [*others, last, Dies()]
        # Both orders give the same state: that after every on_epoch_end.
        return [Script("x", values), *parts]

    fit(run(*callbacks(tmp_path / "whole", False)), 6)
    dying = run(*callbacks(tmp_path / "dying", True))
    with pytest.raises(ZeroDivisionError):
        fit(dying, 6)
    net = nn.Sequential(nn.Linear(2, 2, rng=1))
    again = rv.Trainer.resume(
        tmp_path / "dying/run", net, losses.cross_entropy, optim.SGD(net.parameters(), lr=1e-3),
        callbacks=callbacks(tmp_path / "dying", False),
    )  # fmt: skip
    fit(again, 6 - stop)
    assert again.epoch == 5
    assert saved(tmp_path / "dying/best") == saved(tmp_path / "whole/best") == 3
    assert saved(tmp_path / "dying/run") == saved(tmp_path / "whole/run") == 5


# CSVLogger.


def table(path, delimiter=","):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_the_log_is_the_history(tmp_path):
    trainer = run(CSVLogger(tmp_path / "log.csv"))
    history = fit(trainer, 3, validation_data=(X, Y))
    header, *rows = table(tmp_path / "log.csv")
    assert header == ["epoch", *history]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    for i, row in enumerate(rows):
        assert [float(text) for text in row[1:]] == [values[i] for values in history.values()]
    assert b"\r" not in (tmp_path / "log.csv").read_bytes()


def test_the_log_of_several_fits_with_other_quantities(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv", separator=";")
    values = [0.5, None, np.float32(0.25), 1 / 3, 7]
    trainer = run(Script("x; y", values), logger)
    fit(trainer, 2)
    fit(trainer, 3, validation_data=(X, Y))
    header, *rows = table(tmp_path / "log.csv", ";")
    assert header[:5] == ["epoch", "loss", "accuracy", "seconds", "x; y"]
    assert sorted(header[5:]) == ["val_accuracy", "val_loss"]
    assert [row[4] for row in rows] == ["0.5", "nan", "0.25", repr(1 / 3), "7"]
    expected = trainer.history["val_loss"]
    got = [float(row[header.index("val_loss")]) for row in rows]
    np.testing.assert_array_equal(got, expected)
    assert np.isnan(got).tolist() == [True, True, False, False, False]


def test_the_log_has_each_epoch_as_soon_as_it_is_over(tmp_path):
    class Reader:
        lines = ()

        def on_epoch_begin(self, trainer):
            self.lines += (len(table(tmp_path / "log.csv")),)

        def on_epoch_complete(self, trainer, logs):
            self.on_epoch_begin(trainer)

    reader = Reader()
    (tmp_path / "log.csv").write_text("of another run\n" * 9)
    trainer = run(CSVLogger(tmp_path / "log.csv"), reader)
    fit(trainer, 3)
    (tmp_path / "log.csv").unlink()
    fit(trainer, 1)
    assert reader.lines == (0, 2, 2, 3, 3, 4, 4, 5)
    (tmp_path / "log.csv").unlink()
    fit(trainer, 0)
    assert [row[0] for row in table(tmp_path / "log.csv")] == ["epoch", "1", "2", "3", "4"]
    fit(run(CSVLogger(tmp_path / "empty.csv")), 0)
    assert table(tmp_path / "empty.csv") == []
    with pytest.raises(FileNotFoundError, match=r"gone/log\.csv"):
        fit(run(CSVLogger(tmp_path / "gone/log.csv")), 1)


# TerminateOnNaN and stop.


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_terminate_on_nan_at_the_batch(bad):
    seen = []

    class Watch(Callback):
        def on_step_end(self, trainer, loss):
            seen.append(loss)

        def on_epoch_end(self, trainer, logs):
            seen.append("end")

    targets = np.zeros((40, 1))
    targets[25] = bad
    net = nn.Sequential(nn.Linear(2, 1, rng=0))
    trainer = rv.Trainer(
        net, losses.mse_loss, optim.SGD(net.parameters()), callbacks=[TerminateOnNaN(), Watch()]
    )
    history = trainer.fit(np.ones((40, 2)), targets, epochs=5, batch_size=10, shuffle=False)
    assert np.isfinite(seen[:2]).all() and not np.isfinite(seen[2]) and seen[3:] == ["end"]
    assert trainer.epoch == 1 and not np.isfinite(history["loss"][0])


def test_terminate_on_nan_lets_finite_losses_pass():
    trainer = run(TerminateOnNaN())
    fit(trainer, 7)
    assert trainer.epoch == 7


@pytest.mark.parametrize(
    ("method", "steps", "epochs"),
    [("on_fit_begin", 0, 0), ("on_epoch_begin", 1, 1), ("on_step_end", 1, 1),
     ("on_epoch_end", 2, 1), ("on_epoch_complete", 2, 1), ("on_fit_end", 6, 3)],
)  # fmt: skip
def test_stop_takes_effect_after_the_step_under_way(method, steps, epochs):
    class Count(Callback):
        steps = 0

        def on_step_end(self, trainer, loss):
            self.steps += 1

    class Stop:
        pass

    setattr(Stop, method, lambda self, trainer, *_: trainer.stop())
    count = Count()
    trainer = run(Stop(), count)
    fit(trainer, 3, batch_size=1)
    assert (count.steps, trainer.epoch) == (steps, epochs)
    trainer.callbacks = [count]
    fit(trainer, 3, batch_size=1)
    assert trainer.epoch == epochs + 3


def test_callbacks_change_no_bit(tmp_path):
    rng = np.random.default_rng(0)
    inputs, targets = rng.standard_normal((90, 2)), rng.integers(0, 2, 90)
    plain = run()
    watched = run(
        TerminateOnNaN(), EarlyStopping(patience=99), ModelCheckpoint(tmp_path / "a"),
        CSVLogger(tmp_path / "b"),
    )  # fmt: skip
    for trainer in (plain, watched):
        trainer.fit(inputs, targets, epochs=4, batch_size=8, validation_data=(inputs, targets))
    check_same_bits(watched.model.flat_parameters, plain.model.flat_parameters, "with callbacks")
