"""``ranvier train``: a multilayer perceptron on a data set."""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import losses, nn, optim
from ..callbacks import ModelCheckpoint
from ..optim.rules import RULES
from ..trainer import Trainer
from . import _arguments, _table, _task
from ._errors import UsageError, file_errors, require

__all__ = ["add"]

_ACTIVATIONS: Mapping[str, type[nn.activations.Elementwise]] = {
    module.record.name: module
    for module in (getattr(nn, name) for name in nn.activations.__all__)
    if None not in module.record.parameters.values()
}
_OPTIMIZERS: Mapping[str, Callable[..., optim.Optimizer]] = {
    rule.name: getattr(optim, rule.class_name)
    for rule in RULES.values()
    if rule.class_name in optim.__all__
}
_RATES = {
    **{name: RULES[name].options["lr"].default for name in _OPTIMIZERS},
    "sgd": 0.1,
}


def add(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "train",
        help="train a classifier or a regression and test it",
        description="Train a multilayer perceptron and test it on samples it has not seen: a "
        "classifier, or a regression where the target is a number.",
    )
    parser.set_defaults(command=_train)
    parser.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME|PATH",
        help="digits, fashion-mnist, PATH.npz (X, y) or PATH.csv (the last column is the target) "
        "(default: %(default)s)",
    )
    parser.add_argument("--data-dir", metavar="DIR", help="folder of the files of fashion-mnist")
    parser.add_argument(
        "--hidden",
        type=_arguments.widths,
        default=[256, 128],
        metavar="N,N,...",
        help="widths of the hidden layers; '' for none (default: 256,128)",
    )
    for option, names, usual, text in (
        ("--activation", _ACTIVATIONS, "relu", "relu"),
        (
            "--loss",
            _task.CLASS_LOSSES + _task.NUMBER_LOSSES,
            None,
            f"{_task.CLASS_LOSSES[0]} for classes, {_task.NUMBER_LOSSES[0]} for numbers",
        ),
        ("--optimizer", _OPTIMIZERS, "adam", "adam"),
    ):
        parser.add_argument(
            option,
            choices=list(names),
            default=usual,
            metavar="NAME",
            help=f"{', '.join(names)} (default: {text})",
        )
    parser.add_argument(
        "--lr",
        type=_arguments.rate,
        metavar="RATE",
        help=f"learning rate (default: {_RATES['adam']:g} for adam, {_RATES['sgd']:g} for sgd, "
        "else that of ranvier.optim)",
    )
    for name, convert, default, text in (
        ("--epochs", _arguments.count, 20, "passes over the data (default: %(default)s)"),
        ("--batch-size", _arguments.count, 128, "samples in a mini-batch (default: %(default)s)"),
        ("--seed", _arguments.seed, 0, "fixes every bit of the result (default: %(default)s)"),
    ):
        parser.add_argument(name, type=convert, default=default, metavar="N", help=text)
    parser.add_argument(
        "--save",
        metavar="DIR",
        help="write model.safetensors and checkpoint.safetensors there after each epoch",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the checkpoint in DIR, if there is one, until there are --epochs epochs",
    )
    parser.add_argument("--plot", metavar="FILE", help="draw the learning curves: .svg, .png, .pdf")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no table")

    parser.epilog = (
        "In a .csv file, the target is a class if it is not a number, or if all are whole numbers "
        "and at most 100 of them differ; in a .npz file, if it is an integer or a name. The "
        "features of a file are standardized, and so is a target that is a number: its loss is "
        "that of the standardized target."
    )


def _train(arguments: argparse.Namespace) -> None:
    if arguments.resume and arguments.save is None:
        raise UsageError("--resume needs --save DIR: it goes on from the checkpoint there")
    dataset = _task.load(arguments.dataset, arguments.data_dir)
    loss = _task.loss(arguments.loss, dataset)
    rate = _RATES[arguments.optimizer] if arguments.lr is None else arguments.lr
    run = {
        "dataset": dataset.name,
        "train_samples": len(dataset.x_train),
        "test_samples": len(dataset.x_test),
        "layers": [dataset.x_train.shape[1], *arguments.hidden, dataset.classes or 1],
        "activation": arguments.activation,
        "loss": loss,
        "optimizer": arguments.optimizer,
        "lr": rate,
        "batch_size": arguments.batch_size,
        "seed": arguments.seed,
    }
    trainer = _trainer(arguments, run)
    if arguments.plot is not None:
        _check_plot(arguments.plot)
    validation = None if arguments.plot is None else (dataset.x_test, dataset.y_test)
    with file_errors():
        trainer.fit(
            dataset.x_train,
            dataset.y_train,
            epochs=max(arguments.epochs - trainer.epoch, 0),
            batch_size=arguments.batch_size,
            validation_data=validation,
            progress=not arguments.quiet,
        )
        if arguments.plot is not None:
            trainer.history.plot(arguments.plot, title=dataset.name)
    tested = trainer.evaluate(dataset.x_test, dataset.y_test)
    report = {
        **run,
        "parameters": trainer.model.flat_parameters.size,
        "epochs": trainer.epoch,
        "seconds_per_epoch": trainer.history["seconds"],
        "train_loss": _finite(trainer.history["loss"][-1]),
        "test_loss": _finite(tested["loss"]),
    }
    if dataset.classes is None:
        report["test_r2"] = _finite(_task.r2(trainer.predict(dataset.x_test), dataset.y_test))
    else:
        report["test_accuracy"] = tested["accuracy"]
    if not arguments.quiet:
        _show(report)
    if arguments.json:
        print(json.dumps(report, allow_nan=False), flush=True)


def _trainer(arguments: argparse.Namespace, run: dict[str, Any]) -> Trainer:
    """A new one, or one that goes on from the checkpoint."""
    model = _perceptron(run["layers"], _ACTIVATIONS[run["activation"]], run["seed"])
    optimizer = _OPTIMIZERS[run["optimizer"]](model.parameters(), lr=run["lr"])
    loss = getattr(losses, run["loss"])
    if arguments.save is None:
        return Trainer(model, loss, optimizer, seed=run["seed"])
    folder = Path(arguments.save)
    checkpoint = folder / "checkpoint.safetensors"
    plain = str(folder).replace("{", "{{").replace("}", "}}")
    callbacks = [
        _SameRun(run),
        ModelCheckpoint(f"{plain}/model.safetensors", save_weights_only=True),
        ModelCheckpoint(f"{plain}/{checkpoint.name}"),
    ]
    require("safetensors", "--save")
    with file_errors():
        folder.mkdir(parents=True, exist_ok=True)
        if arguments.resume and checkpoint.exists():
            try:
                return Trainer.resume(checkpoint, model, loss, optimizer, callbacks=callbacks)
            except ValueError as error:
                raise UsageError(str(error)) from None
    return Trainer(model, loss, optimizer, callbacks=callbacks, seed=run["seed"])


class _SameRun:
    """The options of a run as a part of its checkpoint: with others it would be another run."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options

    def state_dict(self) -> Mapping[str, Any]:
        return self._options

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        for name, value in self._options.items():
            if state_dict.get(name) != value:
                raise ValueError(
                    f"{name} is {value!r}; expected {state_dict.get(name)!r}, as before"
                )


def _check_plot(path: str) -> None:
    """Raise before hours of training, not after them."""
    require("matplotlib", "--plot")
    from .. import _learning_curves

    if Path(path).suffix not in _learning_curves.FORMATS:
        expected = ", ".join(_learning_curves.FORMATS)
        raise UsageError(f"--plot is {path!r}; expected a name that ends in {expected}")
    if not Path(path).absolute().parent.is_dir():
        raise UsageError(f"{path}: no such folder")


def _perceptron(
    widths: list[int], activation: type[nn.activations.Elementwise], seed: int
) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs, rng=rng), activation()]
    return nn.Sequential(*layers[:-1])


def _show(report: Mapping[str, Any]) -> None:
    seconds = report["seconds_per_epoch"]
    rows = {
        "data": f"{report['dataset']}: {report['train_samples']:,} samples to train, "
        f"{report['test_samples']:,} to test",
        "model": f"{'-'.join(map(str, report['layers']))} {report['activation']}, "
        f"{report['parameters']:,} parameters",
        "training": f"{report['epochs']} epochs of {sum(seconds) / len(seconds):.3f} s",
        f"test {report['loss']}": _number(report["test_loss"]),
    }
    if "test_accuracy" in report:
        rows["test accuracy"] = f"{report['test_accuracy']:.4f}"
    else:
        rows["test R²"] = _number(report["test_r2"])
    _table.show(list(rows.items()))


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"


def _finite(value: float) -> float | None:
    """What JSON can hold: it has no word for infinity or NaN."""
    return value if math.isfinite(value) else None
