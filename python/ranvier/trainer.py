"""The training loop: mini-batches, epochs, validation, callbacks."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ._batches import Array, Rows
from ._checks import integer
from ._progress import Progress
from .losses import Loss
from .nn import Module
from .nn._quiet import quiet
from .optim import Optimizer

__all__ = ["History", "Trainer"]

Logs = dict[str, float]

# Rows that a forward pass without a backward pass takes at a time.
_PREDICTED_AT_ONCE = 1024


class History(dict[str, list[float]]):
    """What each epoch gave, as lists with an entry for each.

    "loss" is the mean over the epoch's mini-batches, each before its update, and "seconds" the time
    the training took; with classes as the target, "accuracy" is the share of right predictions,
    over the same mini-batches. With validation data also "val_loss" and "val_accuracy", after the
    epoch.
    """

    def append(self, logs: Logs) -> None:
        """Add an epoch."""
        for key, value in logs.items():
            self.setdefault(key, []).append(value)


class Trainer:
    """Trains a model on arrays.

    Parameters
    ----------
    model : nn.Module
    loss : one of ranvier.losses, or a functools.partial of one
    optimizer : optim.Optimizer
        Over parameters of the model, all or some.
    scheduler : optional
        Its `step()` is called after each epoch.
    max_norm : float, optional
        Clips the norm of all gradients together, as optim.clip_grad_norm.
    callbacks : sequence of callbacks.Callback, or of objects with some of its methods
    seed : int or numpy.random.Generator, optional
        Fixes the order of the mini-batches and with it, for a given model, every bit of the result.

    Attributes
    ----------
    epoch : int
        Epochs that are complete, through all calls of `fit`.

    Raises
    ------
    TypeError
        If model, loss or optimizer is none.
    ValueError
        If the optimizer holds an array that is not a parameter of the model, or the loss is not a
        mean over the samples.

    Examples
    --------
    >>> import numpy as np
    >>> import ranvier as rv
    >>> from ranvier import losses, nn, optim
    >>> X = np.linspace(-1, 1, 200, dtype=np.float32).reshape(100, 2)
    >>> y = (X[:, 0] > 0).astype(int)
    >>> model = nn.Sequential(nn.Linear(2, 8, rng=0), nn.ReLU(), nn.Linear(8, 2, rng=1))
    >>> optimizer = optim.Adam(model.parameters(), lr=0.05)
    >>> trainer = rv.Trainer(model, losses.cross_entropy, optimizer, seed=0)
    >>> history = trainer.fit(X, y, epochs=20, batch_size=10)
    >>> history["loss"][-1] < history["loss"][0]
    True
    >>> trainer.predict(X).shape
    (100, 2)
    """

    def __init__(
        self,
        model: Module,
        loss: Loss | functools.partial[Any],
        optimizer: Optimizer,
        *,
        scheduler: Any = None,
        max_norm: float | None = None,
        callbacks: Sequence[Any] = (),
        seed: int | np.random.Generator | None = None,
    ) -> None:
        for name, value, kind in (("model", model, Module), ("optimizer", optimizer, Optimizer)):
            if not isinstance(value, kind):
                raise TypeError(f"{name} is {value!r}; expected a ranvier {kind.__name__}")
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.max_norm = max_norm
        self.callbacks = callbacks
        self.epoch = 0
        self._rng = np.random.default_rng(seed)
        self._value_and_grad = _value_and_grad(loss)
        options = {name: p.default for name, p in inspect.signature(loss).parameters.items()}
        if options.get("reduction", "mean") != "mean":
            raise ValueError(f"loss has reduction {options['reduction']!r}; expected 'mean'")
        self._ignored = options.get("ignore_index")
        self._stopping = False
        self._gradients()

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        epochs: int = 10,
        batch_size: int | None = 128,
        validation_data: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
        shuffle: bool = True,
        sample_weight: npt.ArrayLike | None = None,
        progress: bool = True,
    ) -> History:
        """Train; a second call goes on from the first.

        Parameters
        ----------
        X : array_like
            Samples along the first of at least two axes, of any real dtype; a numpy.memmap is read
            by the batch. Integers that the model takes as such stay what they are, also along one
            axis; all else is converted to the dtype of the model.
        y : array_like
            One target for each sample: an integer is a class, all else is converted to the dtype of
            the model.
        epochs : int, default 10
        batch_size : int or None, default 128
            Samples for an update; the last batch of an epoch may be smaller. None takes all, 1 is
            stochastic gradient descent.
        validation_data : (X, y), optional
            Evaluated after each epoch, and once before the first update: what does not fit raises
            then, not after an epoch.
        shuffle : bool, default True
            Draw a new order for each epoch.
        sample_weight : array_like, optional
            One for each sample; a batch in which all are 0, or all labels are ignored, is left out.
        progress : bool, default True
            Show a bar, if rich is installed and standard error is a terminal.

        Returns
        -------
        History
            Of this call's epochs.

        Raises
        ------
        ValueError, TypeError
            If an array or a number does not fit.
        """
        epochs = _at_least(0, "epochs", epochs)
        X = np.asarray(X)
        rows = len(X) if X.ndim else 0
        size = rows if batch_size is None else _at_least(1, "batch_size", batch_size)
        data = self._rows(X, y, size)
        validation = None if validation_data is None else self._validation(validation_data)
        if sample_weight is not None:
            weights = _aligned(Rows(sample_weight, np.float64, size, "sample_weight"), data[0])
            if weights.array.ndim > 1:
                raise ValueError(
                    f"sample_weight has shape {weights.array.shape}; expected ({rows},)"
                )
            data.append(weights)
        if validation is not None:
            self._evaluate(*validation)
        history = History()
        self._stopping = False
        with self._mode(training=True), Progress(progress, epochs, rows) as bar:
            self._call("on_fit_begin")
            for _ in range(epochs):
                self._call("on_epoch_begin")
                order = self._rng.permutation(rows) if shuffle and size < rows else None
                logs = self._train(_batches(data, order, size), bar)
                if validation is not None:
                    validated = self._evaluate(*validation)
                    logs.update((f"val_{key}", value) for key, value in validated.items())
                self.epoch += 1
                if self.scheduler is not None:
                    self.scheduler.step()
                self._call("on_epoch_end", logs)
                history.append(logs)
                bar.epoch(logs)
                if self._stopping:
                    break
            self._call("on_fit_end")
        return history

    def evaluate(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Logs:
        """Loss and, for classes, accuracy, in eval mode.

        Parameters
        ----------
        X, y : array_like
            As for `fit`.

        Returns
        -------
        dict
            "loss", over all samples at once, and "accuracy" if y holds classes.
        """
        return self._evaluate(*self._rows(X, y, _PREDICTED_AT_ONCE))

    def predict(self, X: npt.ArrayLike, *, batch_size: int = _PREDICTED_AT_ONCE) -> Array:
        """The model's output, in eval mode, in an array of the caller's own.

        Parameters
        ----------
        X : array_like
        batch_size : int, default 1024
            Samples at a time.
        """
        size = _at_least(1, "batch_size", batch_size)
        return self._predict(self._inputs(X, size, "X"), size)

    def stop(self) -> None:
        """End the training after the current epoch: for callbacks."""
        self._stopping = True

    def _train(self, batches: Iterator[list[Array]], bar: Progress) -> Logs:
        """One epoch."""
        model, optimizer, gradients = self.model, self.optimizer, self._gradients()
        options = {} if self.max_norm is None else {"max_norm": self.max_norm}
        after_step = [c.on_step_end for c in self.callbacks if hasattr(c, "on_step_end")]
        mean = _Mean(self._ignored)
        gradient = np.empty(0)
        start = time.perf_counter()
        for x, target, *weight in batches:
            with quiet():
                weight_sum = mean.weight(target, *weight)
                if not weight_sum:
                    continue  # nothing in this batch counts: there is no mean, nothing to learn
                output = model(x)
                if gradient.shape != output.shape:
                    gradient = np.empty_like(output)
                keywords = {"sample_weight": weight[0]} if weight else {}
                value, _ = self._value_and_grad(output, target, out=gradient, **keywords)
                mean.add(value, output, target, weight_sum)
                model.backward_parameters(gradient)
            optimizer.step(gradients, **options)
            for call in after_step:
                call(self, value)
            if bar.visible:
                bar.advance(len(x))
        return {**mean.logs(), "seconds": time.perf_counter() - start}

    def _predict(self, rows: Rows, size: int) -> Array:
        result = np.empty(0)
        done = 0
        with self._mode(training=False):
            for (x,) in _batches([rows], None, size):
                output = self.model(x)
                if done == 0:
                    result = np.empty((len(rows), *output.shape[1:]), output.dtype)
                result[done : done + len(x)] = output
                done += len(x)
        return result

    def _evaluate(self, inputs: Rows, targets: Rows) -> Logs:
        output = self._predict(inputs, _PREDICTED_AT_ONCE)
        target = targets.whole()
        mean = _Mean(self._ignored)
        mean.add(self.loss(output, target), output, target, 1)
        return mean.logs()

    @property
    def _dtype(self) -> np.dtype[Any]:
        parameters = self.model.parameters()
        return parameters[0].dtype if parameters else np.dtype(np.float32)

    def _rows(
        self, X: npt.ArrayLike, y: npt.ArrayLike, size: int, names: Sequence[str] = ("X", "y")
    ) -> list[Rows]:
        inputs = self._inputs(X, size, names[0])
        target = np.asarray(y)
        if target.dtype == np.uint64 and target.size and target.max() >= 2**63:
            raise ValueError(f"{names[1]} has the label {target.max()}; expected less than 2**63")
        dtype = np.int64 if target.dtype.kind in "biu" else self._dtype
        return [inputs, _aligned(Rows(target, dtype, size, names[1]), inputs)]

    def _inputs(self, X: npt.ArrayLike, size: int, name: str) -> Rows:
        """Rows that the model can be given: of one axis, numbers might be samples or features."""
        array = np.asarray(X)
        if self.model.takes_integers and array.dtype.kind in "iu":
            return Rows(array, array.dtype, size, name)
        rows = Rows(array, self._dtype, size, name)
        if array.ndim == 1:
            raise ValueError(
                f"{name} has shape {array.shape}; expected at least 2 axes: {name}[None] is one "
                f"sample, {name}[:, None] has one feature"
            )
        return rows

    def _validation(self, pair: tuple[npt.ArrayLike, npt.ArrayLike]) -> list[Rows]:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            what = f"{len(pair)} entries" if isinstance(pair, (tuple, list)) else type(pair)
            raise ValueError(f"validation_data is of {what}; expected a pair (X, y)")
        names = ("validation_data[0]", "validation_data[1]")
        return self._rows(*pair, _PREDICTED_AT_ONCE, names)

    def _gradients(self) -> list[Array]:
        """The model's gradients in the order of the optimizer's parameters."""
        gradient_of = dict(
            zip(map(_memory, self.model.parameters()), self.model.gradients(), strict=True)
        )
        held = [p for group in self.optimizer.param_groups for p in group["params"]]
        strange = [i for i, parameter in enumerate(held) if _memory(parameter) not in gradient_of]
        if strange:
            raise ValueError(
                f"optimizer holds {len(held)} arrays of which number {strange[0]} is not a "
                "parameter of the model; expected arrays of model.parameters()"
            )
        return [gradient_of[_memory(parameter)] for parameter in held]

    @contextmanager
    def _mode(self, training: bool) -> Iterator[None]:
        before = [(module, module.training) for module in self.model.modules()]
        self.model.train(training)
        try:
            yield
        finally:
            for module, mode in before:
                module.training = mode

    def _call(self, name: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            method = getattr(callback, name, None)
            if method is not None:
                method(self, *arguments)


class _Mean:
    """Loss and accuracy over batches; samples whose label is ignored count for neither."""

    def __init__(self, ignored: int | None) -> None:
        self._ignored = ignored
        self._loss = 0.0
        self._weight = 0.0
        self._right = 0
        self._rows = 0

    def weight(self, target: Array, sample_weight: Array | None = None) -> float:
        """What a batch counts for."""
        counted = self._counted(target)
        if sample_weight is None:
            return float(np.count_nonzero(counted))
        each = counted.reshape(len(target), -1).sum(axis=1)
        return float(sample_weight @ each)

    def _counted(self, target: Array) -> Array:
        counted: Array = np.ones(len(target), bool)
        if target.dtype.kind == "i" and self._ignored is not None:
            counted = target != self._ignored
        return counted

    def add(self, loss: float, output: Array, target: Array, weight: float) -> None:
        self._loss += float(loss) * float(weight)
        self._weight += float(weight)
        if target.dtype.kind == "i" and output.ndim == 2 and target.ndim == 1:
            counted = self._counted(target)
            right = (output.argmax(axis=1) == target) & counted
            self._right += int(np.count_nonzero(right))
            self._rows += int(np.count_nonzero(counted))

    def logs(self) -> Logs:
        logs = {"loss": self._loss / self._weight if self._weight else float("nan")}
        if self._rows:
            logs["accuracy"] = self._right / self._rows
        return logs


def _batches(data: list[Rows], order: Array | None, size: int) -> Iterator[list[Array]]:
    rows = len(data[0])
    for start in range(0, rows, size):
        stop = min(start + size, rows)
        if order is None:
            yield [part.between(start, stop) for part in data]
        else:
            chosen = order[start:stop]
            yield [part.at(chosen) for part in data]


def _aligned(rows: Rows, inputs: Rows) -> Rows:
    if len(rows) != len(inputs):
        raise ValueError(
            f"{rows.name} has {len(rows)} rows; expected {len(inputs)}, as {inputs.name}"
        )
    return rows


def _memory(array: Array) -> tuple[int, tuple[int, ...]]:
    """What two arrays over the same memory have in common, however each was made."""
    return array.ctypes.data, array.shape


def _value_and_grad(loss: Callable[..., Any]) -> Callable[..., tuple[Any, Array]]:
    if isinstance(loss, functools.partial):
        return functools.partial(_value_and_grad(loss.func), *loss.args, **loss.keywords)
    function: Callable[..., tuple[Any, Array]] | None = getattr(loss, "value_and_grad", None)
    if function is None:
        raise TypeError(
            f"loss is {loss!r}; expected a function of ranvier.losses, or a functools.partial of "
            "one"
        )
    return function


def _at_least(least: int, name: str, value: int) -> int:
    number = integer(name, value)
    if number < least:
        raise ValueError(f"{name} is {value}; expected at least {least}")
    return number
