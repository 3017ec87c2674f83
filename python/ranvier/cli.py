"""The command line: ``ranvier train``, ``ranvier info`` and ``ranvier gallery``."""

from __future__ import annotations

import argparse
import io
import itertools
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from . import data, losses, nn, optim
from ._extras import require
from .callbacks import ModelCheckpoint
from .runtime import __version__, show_config
from .trainer import Trainer

__all__ = ["main"]

_LOSSES = {"cross_entropy": losses.cross_entropy}
_ACTIVATIONS: Mapping[str, type[nn.activations.Elementwise]] = {
    module.record.name: module
    for module in (getattr(nn, name) for name in nn.activations.__all__)
    if None not in module.record.parameters.values()
}
_OPTIMIZERS: Mapping[str, Callable[..., optim.Optimizer]] = {"adam": optim.Adam, "sgd": optim.SGD}
_RATES = {"adam": 1e-3, "sgd": 0.1}


class _UsageError(Exception):
    """What is wrong with the command, in one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        0; 1 if nobody reads the output to its end; 2 after an error, which is one line on standard
        error; 130 if interrupted.
    """
    # A file may have a name that the terminal cannot show.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(argv)
        print(end="", flush=True)  # where standard output is closed, nothing
        return code
    except (_UsageError, data.DataError) as error:
        return _failed(str(error))
    except MemoryError:
        return _failed("not enough memory for this model and data")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:  # data.load makes a DataError of its own
        _discard_output()
        return _failed(f"cannot write the output: {error.strerror or error}")


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parser().parse_args(argv)
        arguments.command(arguments)
    except SystemExit as request:  # --help and --version, and rich when nobody reads its table
        return int(request.code or 0)
    return 0


def _failed(message: str) -> int:
    """Say so in one line, whatever is in the names of files."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    if sys.stderr is not None:  # else print would take standard output
        print(f"ranvier: error: {line}", file=sys.stderr)
    return 2


def _discard_output() -> None:
    """Else Python would try once more to write what is left when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _parser() -> _Parser:
    parser = _Parser("ranvier", description="Neural networks on NumPy arrays.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    train = commands.add_parser(
        "train",
        help="train a classifier and test it",
        description="Train a multilayer perceptron and test it on samples it has not seen.",
    )
    train.set_defaults(command=_train)
    train.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME|PATH",
        help="digits, fashion-mnist, PATH.npz (X, y) or PATH.csv (the last column is the target) "
        "(default: %(default)s)",
    )
    train.add_argument("--data-dir", metavar="DIR", help="folder of the files of fashion-mnist")
    train.add_argument(
        "--hidden",
        type=_widths,
        default=[256, 128],
        metavar="N,N,...",
        help="widths (default: 256,128)",
    )
    train.add_argument(
        "--activation", choices=list(_ACTIVATIONS), default="relu", help="default: %(default)s"
    )
    train.add_argument(
        "--loss", choices=list(_LOSSES), default="cross_entropy", help="default: %(default)s"
    )
    train.add_argument(
        "--optimizer", choices=list(_OPTIMIZERS), default="adam", help="default: %(default)s"
    )
    rates = ", ".join(f"{rate:g} for {name}" for name, rate in _RATES.items())
    train.add_argument("--lr", type=_rate, metavar="RATE", help=f"learning rate (default: {rates})")
    for name, convert, default, text in (
        ("--epochs", _count, 20, "passes over the data (default: %(default)s)"),
        ("--batch-size", _count, 128, "samples in a mini-batch (default: %(default)s)"),
        ("--seed", _seed, 0, "fixes every bit of the result (default: %(default)s)"),
    ):
        train.add_argument(name, type=convert, default=default, metavar="N", help=text)
    train.add_argument(
        "--save",
        metavar="DIR",
        help="write model.safetensors and checkpoint.safetensors there after each epoch",
    )
    train.add_argument(
        "--resume",
        action="store_true",
        help="go on from the checkpoint in DIR, if there is one, until there are --epochs epochs",
    )
    train.add_argument("--plot", metavar="FILE", help="draw the learning curves: .svg, .png, .pdf")
    train.add_argument("--json", action="store_true", help="end with one line of JSON")
    train.add_argument("--quiet", action="store_true", help="no progress bar and no table")

    train.epilog = "--hidden '' is a linear classifier. The features of a file are standardized."

    info = commands.add_parser("info", help="version, instruction set, threads, compiler")
    info.set_defaults(command=lambda _: show_config())

    gallery = commands.add_parser(
        "gallery",
        help="plot every activation and its derivative",
        description="Write a plot of each activation with its derivative, and one of all.",
    )
    gallery.set_defaults(command=_gallery)
    gallery.add_argument(
        "--out", default="gallery", metavar="DIR", help="folder to write to (default: %(default)s)"
    )
    gallery.add_argument(
        "--format", choices=("svg", "png"), default="svg", help="default: %(default)s"
    )
    gallery.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser


def _train(arguments: argparse.Namespace) -> None:
    if arguments.resume and arguments.save is None:
        raise _UsageError("--resume needs --save DIR: it goes on from the checkpoint there")
    dataset = data.load(arguments.dataset, arguments.data_dir)
    if dataset.classes is None:
        raise _UsageError(
            f"the target of {dataset.name} is not a class but a number; expected classes, as the "
            f"loss is {arguments.loss}"
        )
    rate = _RATES[arguments.optimizer] if arguments.lr is None else arguments.lr
    run = {
        "dataset": dataset.name,
        "train_samples": len(dataset.x_train),
        "test_samples": len(dataset.x_test),
        "layers": [dataset.x_train.shape[1], *arguments.hidden, dataset.classes],
        "activation": arguments.activation,
        "loss": arguments.loss,
        "optimizer": arguments.optimizer,
        "lr": rate,
        "batch_size": arguments.batch_size,
        "seed": arguments.seed,
    }
    trainer = _trainer(arguments, run)
    if arguments.plot is not None:
        _check_plot(arguments.plot)
    validation = None if arguments.plot is None else (dataset.x_test, dataset.y_test)
    with _file_errors():
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
        "test_accuracy": tested["accuracy"],
    }
    if not arguments.quiet:
        _show(report)
    if arguments.json:
        print(json.dumps(report, allow_nan=False), flush=True)


def _trainer(arguments: argparse.Namespace, run: dict[str, Any]) -> Trainer:
    """A new one, or one that goes on from the checkpoint."""
    model = _perceptron(run["layers"], _ACTIVATIONS[run["activation"]], run["seed"])
    optimizer = _OPTIMIZERS[run["optimizer"]](model.parameters(), lr=run["lr"])
    loss = _LOSSES[run["loss"]]
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
    _require("safetensors", "--save")
    with _file_errors():
        folder.mkdir(parents=True, exist_ok=True)
        if arguments.resume and checkpoint.exists():
            try:
                return Trainer.resume(checkpoint, model, loss, optimizer, callbacks=callbacks)
            except ValueError as error:
                raise _UsageError(str(error)) from None
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
    _require("matplotlib", "--plot")
    from . import _learning_curves

    if Path(path).suffix not in _learning_curves.FORMATS:
        expected = ", ".join(_learning_curves.FORMATS)
        raise _UsageError(f"--plot is {path!r}; expected a name that ends in {expected}")
    if not Path(path).absolute().parent.is_dir():
        raise _UsageError(f"{path}: no such folder")


def _require(package: str, what: str) -> None:
    try:
        require(package, what)
    except ImportError as error:
        raise _UsageError(str(error)) from None


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise _UsageError(f"{error.filename}: {error.strerror or error}") from None


def _gallery(arguments: argparse.Namespace) -> None:
    _require("matplotlib", "gallery")
    from . import gallery

    try:
        files = gallery.write(arguments.out, arguments.format)
    except OSError as error:
        where = error.filename or arguments.out
        raise _UsageError(f"{where}: {error.strerror or error}") from None
    print(f"{len(files)} plots in {arguments.out}")
    if arguments.json:
        report = {"format": arguments.format, "files": [str(path) for path in files]}
        print(json.dumps(report), flush=True)


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
        "test loss": f"{report['test_loss']:.4f}"
        if report["test_loss"] is not None
        else "not finite",
        "test accuracy": f"{report['test_accuracy']:.4f}",
    }
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        for name, text in rows.items():
            print(f"{name:14}{text}")
        return
    table = Table(show_header=False)
    for name, text in rows.items():
        table.add_row(name, text)
    Console(markup=False, emoji=False).print(table)


def _finite(value: float) -> float | None:
    """What JSON can hold: it has no word for infinity or NaN."""
    return value if math.isfinite(value) else None


def _number(convert: Callable[[str], Any], least: float, most: float, expected: str) -> Any:
    """A converter of an argument that must lie in [least, most]."""

    def number(text: str) -> Any:
        try:
            value = convert(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r}; expected {expected}")
        return value

    return number


_count = _number(int, 1, 2**31 - 1, "a positive integer")
_seed = _number(int, 0, math.inf, "an integer that is not negative")
_rate = _number(float, sys.float_info.min, sys.float_info.max, "a positive, finite number")


def _widths(text: str) -> list[int]:
    return [_count(width) for width in text.split(",")] if text.strip() else []
