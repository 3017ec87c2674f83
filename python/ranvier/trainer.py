"""The training loop: mini-batches, epochs, validation, callbacks."""

from __future__ import annotations

import copy
import functools
import inspect
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _checkpoint
from ._batches import Array, Rows, batches
from ._checks import at_least, check_mapping
from ._epoch_mean import EpochMean, Steps, batch_weight, counted_labels, right_labels
from ._interrupts import Interrupts
from ._memory import location
from ._native_training import NativeTraining
from ._progress import Progress
from .history import History, Logs
from .losses import Loss
from .nn import Module
from .optim import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Trainer"]

# Rows that a forward pass without a backward pass takes at a time.
_PREDICTED_AT_ONCE = 1024


class Trainer:
    """Trains a model on arrays.

    Parameters
    ----------
    model : nn.Module
    loss : one of ranvier.losses, or a functools.partial of one
    optimizer : optim.Optimizer
        Over parameters of the model, all or some.
    scheduler : optional
        Its `step()` is called after each epoch: with the loss of the validation data, or of the
        training where there are none, if it has a true `takes_loss`, as
        optim.lr_scheduler.ReduceLROnPlateau has. To be saved it has `state_dict()` and
        `load_state_dict()`.
    max_norm : float, optional
        Clips the norm of all gradients together, as optim.clip_grad_norm.
    callbacks : sequence of callbacks.Callback, or of objects with some of its methods
    seed : int or numpy.random.Generator, optional
        Fixes the order of the mini-batches and with it, for a given model, every bit of the result.

    Attributes
    ----------
    epoch : int
        Epochs that are complete, through all calls of `fit`.
    history : History
        What they gave, likewise.

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
        self.history = History()
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

        Ctrl-C takes effect after the step, evaluation or callback under way: parameters, optimizer
        and layers are then those of a whole step. A second one takes effect at once.

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
        epochs = at_least(0, "epochs", epochs)
        X = np.asarray(X)
        rows = len(X) if X.ndim else 0
        size = rows if batch_size is None else at_least(1, "batch_size", batch_size)
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
        with (
            Interrupts() as interrupts,
            self._mode(training=True),
            self._stops(),
            Progress(progress, epochs, rows) as bar,
        ):
            native = self._native(data, size)
            self._call("on_fit_begin")
            while history.epochs < epochs and not self._stopping:
                self._call("on_epoch_begin")
                order = self._rng.permutation(rows) if shuffle and size < rows else None
                if native is not None and not native.is_current():
                    native = self._native(data, size)
                logs = self._train(data, order, native, bar, interrupts)
                if validation is not None:
                    validated = self._evaluate(*validation)
                    logs.update((f"val_{key}", value) for key, value in validated.items())
                self.epoch += 1
                if self.scheduler is not None:
                    takes_loss = getattr(self.scheduler, "takes_loss", False)
                    loss = (logs.get("val_loss", logs["loss"]),)
                    self.scheduler.step(*(loss if takes_loss else ()))
                self._call("on_epoch_end", logs)
                history.append(logs)
                self.history.append(logs)
                self._call("on_epoch_complete", logs)
                bar.epoch(logs)
                interrupts.check()
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
        size = at_least(1, "batch_size", batch_size)
        return self._predict(self._inputs(X, size, "X"), size)

    def stop(self) -> None:
        """End the training after the step or the callback under way: for callbacks.

        The epoch ends as any other, with evaluation and on_epoch_end.
        """
        self._stopping = True

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that `resume` needs as one safetensors file; needs the extra ranvier[io].

        Parameters and buffers, the optimizer's state and options, the scheduler's state, the number
        of epochs, the random generators of the trainer and of the layers that have a
        `random_state()`, the history, and the state of the callbacks that have a `state_dict()`.
        Arrays are tensors, all else is JSON; nothing is pickled. The old file at this path gives
        way to the new one at once: one of them is there, and whole, even if the process is killed
        meanwhile.

        Parameters
        ----------
        path : str or path
            Its folder exists.

        Raises
        ------
        ImportError
            If safetensors is not installed.
        OSError
            If the file cannot be written.
        TypeError
            If the scheduler has no `state_dict()`, or a state has something in it that is not a
            number, a string, None, an array, or a list, tuple or dict of such.

        See Also
        --------
        callbacks.ModelCheckpoint : saves after each epoch.
        """
        _checkpoint.write(path, self._state())

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike[str],
        model: Module,
        loss: Loss | functools.partial[Any],
        optimizer: Optimizer,
        *,
        scheduler: Any = None,
        max_norm: float | None = None,
        callbacks: Sequence[Any] = (),
        seed: int | np.random.Generator | None = None,
    ) -> Self:
        """A trainer that goes on from what `save` wrote, to the same bits.

        The next `fit` is the rest of the one that was interrupted: if the run has been stopped in
        the epoch that was saved, it trains no more. What was saved in the middle of an epoch, after
        Ctrl-C, goes on with the next.

        Parameters
        ----------
        path : str or path
        model, loss, optimizer, scheduler, max_norm, callbacks
            Made as for the run that was saved; parameters and states are then those of the file,
            and so are the optimizer's options.
        seed : int or numpy.random.Generator, optional
            A generator that layers share goes on from where it was; a number does nothing.

        Returns
        -------
        Trainer

        Raises
        ------
        ImportError
            If safetensors is not installed.
        OSError
            If the file cannot be read.
        ValueError
            If it is damaged, or does not fit what is given. Nothing is changed then.
        TypeError
            As for a new trainer.

        Examples
        --------
        >>> import tempfile
        >>> import numpy as np
        >>> import ranvier as rv
        >>> from ranvier import losses, nn, optim
        >>> X, y = np.eye(4, dtype=np.float32), np.arange(4)
        >>> def parts():
        ...     model = nn.Sequential(nn.Linear(4, 4, rng=0))
        ...     return model, losses.cross_entropy, optim.Adam(model.parameters())
        >>> trainer = rv.Trainer(*parts(), seed=0)
        >>> history = trainer.fit(X, y, epochs=3)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     trainer.save(f"{folder}/run.safetensors")
        ...     again = rv.Trainer.resume(f"{folder}/run.safetensors", *parts())
        >>> again.epoch, again.history == trainer.history
        (3, True)
        """
        trainer = cls(
            model,
            loss,
            optimizer,
            scheduler=scheduler,
            max_norm=max_norm,
            callbacks=callbacks,
            seed=seed,
        )
        state = _checkpoint.read(path)
        before = copy.deepcopy(trainer._state())
        try:
            trainer._load(state)
        except BaseException as error:
            trainer._load(before)
            if not isinstance(error, Exception):
                raise
            text = error if isinstance(error, (TypeError, ValueError)) else repr(error)
            raise ValueError(f"{os.fspath(path)}: {text}") from error
        return trainer

    def _state(self) -> dict[str, Any]:
        if self.scheduler is not None and not _has_state(self.scheduler):
            raise TypeError(
                f"scheduler is {self.scheduler!r}; expected one with state_dict() and "
                "load_state_dict(), to be saved"
            )
        return {
            "epoch": self.epoch,
            "stopping": self._stopping,
            "history": dict(self.history),
            "random": self._rng.bit_generator.state,
            "model": self.model.state_dict(),
            "layers": [layer.random_state() for layer in self._random_layers()],
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "callbacks": [[type(c).__name__, c.state_dict()] for c in self._callbacks_with_state()],
        }

    def _load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; if that does not fit, some of it may be loaded."""
        missing = [key for key in self._state() if key not in state]
        if missing:
            raise ValueError(f"the state lacks {missing}")
        epoch = at_least(0, "epoch", state["epoch"])
        check_mapping(state["history"], "history")
        history = History({key: list(values) for key, values in state["history"].items()})
        callbacks = self._callbacks_with_state()
        names = [type(callback).__name__ for callback in callbacks]
        saved_names = [name for name, _ in state["callbacks"]]
        if names != saved_names:
            raise ValueError(f"callbacks with a state are {names}; expected {saved_names}")
        for callback, (_, saved) in zip(callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(saved)
        self.model.load_state_dict(state["model"])
        layers = self._random_layers()
        for layer, saved in zip(layers, _as_many(layers, state["layers"], "layers"), strict=True):
            layer.set_random_state(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        if (self.scheduler is None) != (state["scheduler"] is None):
            raise ValueError(
                f"scheduler is {self.scheduler!r}; expected "
                + ("none" if state["scheduler"] is None else "that of the run that was saved")
            )
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self._rng.bit_generator.state = state["random"]
        self.epoch, self.history, self._stopping = epoch, history, bool(state["stopping"])

    def _random_layers(self) -> list[Any]:
        return [layer for layer in self.model.modules() if hasattr(layer, "random_state")]

    def _callbacks_with_state(self) -> list[Any]:
        return [callback for callback in self.callbacks if _has_state(callback)]

    def _train(
        self,
        data: list[Rows],
        order: Array | None,
        native: NativeTraining | None,
        bar: Progress,
        interrupts: Interrupts,
    ) -> Logs:
        """One epoch, or its beginning when it is stopped."""
        steps = self._steps(data, order) if native is None else native.steps(order)
        after_step = [c.on_step_end for c in self.callbacks if hasattr(c, "on_step_end")]
        advance = bar.advance if bar.visible else None
        mean = EpochMean()
        start = time.perf_counter()
        for step in steps:
            mean.add(step)
            for call in after_step:
                call(self, step.last_loss)
            if advance is not None:
                advance(step.rows)
            if self._stopping or interrupts.pending:
                break
        interrupts.check()
        return {**mean.logs(), "seconds": time.perf_counter() - start}

    def _steps(self, data: list[Rows], order: Array | None) -> Iterator[Steps]:
        """The steps of an epoch, one layer after the other."""
        model, optimizer, gradients = self.model, self.optimizer, self._gradients()
        options = {} if self.max_norm is None else {"max_norm": self.max_norm}
        gradient = np.empty(0)
        for x, target, *weight in batches(data, order):
            with model._quiet():
                counted = counted_labels(target, self._ignored)
                weight_sum = batch_weight(target, counted, *weight)
                if not weight_sum:
                    continue  # nothing in this batch counts: there is no mean, nothing to learn
                output = model(x)
                if gradient.shape != output.shape:
                    gradient = np.empty_like(output)
                keywords = {"sample_weight": weight[0]} if weight else {}
                value, _ = self._value_and_grad(output, target, out=gradient, **keywords)
                model.backward_parameters(gradient)
            optimizer.step(gradients, **options)
            right = right_labels(output, target, counted)
            yield Steps(len(x), float(value) * weight_sum, weight_sum, *right, float(value))

    def _native(self, data: list[Rows], size: int) -> NativeTraining | None:
        """The training loop in native code, where all that takes part has a native form."""
        each_step = any(hasattr(callback, "on_step_end") for callback in self.callbacks)
        return NativeTraining.of(
            self.model,
            self.loss,
            self.optimizer,
            self._gradients(),
            data,
            size,
            max_norm=self.max_norm,
            ignored=self._ignored,
            each_step=each_step,
        )

    def _predict(self, rows: Rows, size: int) -> Array:
        result = np.empty(0)
        done = 0
        with self._mode(training=False):
            for (x,) in batches([rows], None):
                output = self.model(x)
                if done == 0:
                    result = np.empty((len(rows), *output.shape[1:]), output.dtype)
                result[done : done + len(x)] = output
                done += len(x)
        return result

    def _evaluate(self, inputs: Rows, targets: Rows) -> Logs:
        output = self._predict(inputs, _PREDICTED_AT_ONCE)
        target = targets.whole()
        loss = float(self.loss(output, target))
        right = right_labels(output, target, counted_labels(target, self._ignored))
        mean = EpochMean()
        mean.add(Steps(len(output), loss, 1.0, *right, loss))
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
        pairs = zip(self.model.parameters(), self.model.gradients(), strict=True)
        gradient_of = {location(parameter): gradient for parameter, gradient in pairs}
        held = [p for group in self.optimizer.param_groups for p in group["params"]]
        strange = [i for i, parameter in enumerate(held) if location(parameter) not in gradient_of]
        if strange:
            raise ValueError(
                f"optimizer holds {len(held)} arrays of which number {strange[0]} is not a "
                "parameter of the model; expected arrays of model.parameters()"
            )
        return [gradient_of[location(parameter)] for parameter in held]

    @contextmanager
    def _mode(self, training: bool) -> Iterator[None]:
        before = [(module, module.training) for module in self.model.modules()]
        self.model.train(training)
        try:
            yield
        finally:
            for module, mode in before:
                module.training = mode

    @contextmanager
    def _stops(self) -> Iterator[None]:
        """A request to stop ends one fit, not the next."""
        try:
            yield
        finally:
            self._stopping = False

    def _call(self, name: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            method = getattr(callback, name, None)
            if method is not None:
                method(self, *arguments)


def _aligned(rows: Rows, inputs: Rows) -> Rows:
    if len(rows) != len(inputs):
        raise ValueError(
            f"{rows.name} has {len(rows)} rows; expected {len(inputs)}, as {inputs.name}"
        )
    return rows


def _has_state(thing: Any) -> bool:
    return hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")


def _as_many(mine: Sequence[Any], saved: Any, what: str) -> list[Any]:
    if len(saved) != len(mine):
        raise ValueError(f"{len(mine)} {what} have a random state; expected {len(saved)}")
    return list(saved)


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
