"""The training loop in native code: many steps in one call."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._batches import Array, Rows, batches
from ._epoch_mean import Steps
from ._native import _core
from .losses._batch import batch_handle
from .nn import Module
from .optim import Optimizer


class NativeObjective(NamedTuple):
    """A loss of native code and what is made of it: the objective of a step."""

    loss: Any  # of _core
    factor: float = 1.0  # multiplies the loss
    penalty: float = 0.0  # over 2 n, times the sum of squares of the penalised parameters
    penalised: Sequence[Array] = ()


# Seconds after which Python is asked whether to go on: for Ctrl-C and the progress bar.
_AT_ONCE = 0.05
_MANY = 2**62


class NativeTraining:
    """Steps of a model whose layers, loss and optimizer all have a native form.

    The results have the same bits as those of the steps one layer after the other. See `of`.
    """

    def __init__(
        self,
        training: Any,
        optimizer: Optimizer,
        data: list[Rows],
        ignored: int | None,
        each_step: bool,
    ) -> None:
        self._training = training
        self._optimizer = optimizer
        self._native = optimizer.native()
        self._data = data
        self._ignored = ignored
        self._steps_at_once = 1 if each_step else _MANY
        # Taken a batch at a time in Python, if native code cannot read the arrays as they lie.
        self._whole = [part.as_it_lies() for part in data[:2]]
        self._weights = [part.whole() for part in data[2:]]

    @classmethod
    def of(
        cls,
        model: Module,
        loss: Any,
        optimizer: Optimizer,
        gradients: Sequence[Array],
        data: list[Rows],
        size: int,
        *,
        max_norm: float | None,
        ignored: int | None,
        each_step: bool,
    ) -> NativeTraining | None:
        """Prepare the training on data, or return None where something has no native form.

        Parameters
        ----------
        model, loss, optimizer
            As for a Trainer.
        gradients : sequence of ndarray
            Of the model, in the order of the optimizer's parameters.
        data : list of Rows
            Inputs, targets and, if there are any, weights.
        size : int
            Rows of a batch.
        max_norm : float, optional
        ignored : int, optional
            The label of samples that do not count.
        each_step : bool
            Whether each step is to be seen by itself.
        """
        stack = model._whole_stack(data[0].array.shape)
        handle = optimizer.native()
        target = data[1]
        if stack is None or handle is None or target.dtype not in (np.int64, stack.dtype):
            return None
        own = getattr(loss, "native_objective", None)
        objective = NativeObjective(batch_handle(loss, stack.dtype)) if own is None else own()
        if objective is None or objective.loss is None:
            return None
        # Where these do not fit, the layers and the loss themselves say what is wrong.
        axes = 1 if objective.loss.takes_a_label(target.dtype == np.int64) else 2
        features = math.prod(data[0].array.shape[1:])
        if target.array.ndim != axes or features != stack.handle().inputs:
            return None
        if axes == 2 and target.array.shape[1] != stack.handle().outputs:
            return None
        penalised = {id(array) for array in objective.penalised}
        trained = [
            (parameter, gradient, id(parameter) in penalised)
            for parameter, gradient in zip(_parameters(optimizer), gradients, strict=True)
        ]
        training = _core.Training(
            stack.handle(),
            objective.loss,
            handle,
            trained,
            size,
            objective.factor,
            objective.penalty,
            max_norm or 0.0,
        )
        return cls(training, optimizer, data, ignored, each_step)

    def is_current(self) -> bool:
        """Whether the optimizer still has the state that was prepared."""
        return self._optimizer.native() is self._native

    def steps(self, order: Array | None) -> Iterator[Steps]:
        """Train for an epoch, some steps at a time."""
        if all(part is not None for part in self._whole):
            yield from self._run([*self._whole, *self._weights], order)
        else:
            for parts in batches(self._data, order):
                yield from self._run(
                    [np.require(part, requirements=["C", "A"]) for part in parts], None
                )

    def _run(self, parts: Sequence[Any], order: Array | None) -> Iterator[Steps]:
        inputs, targets, *weights = parts
        first, rows = 0, len(inputs)
        while first < rows:
            reached, count, *sums = self._training.run(
                self._optimizer.param_groups,
                inputs,
                targets,
                weights[0] if weights else None,
                order,
                self._ignored,
                first,
                _AT_ONCE,
                self._steps_at_once,
            )
            self._optimizer.count_steps(count)
            if count:
                yield Steps(reached - first, *sums)
            first = reached


def _parameters(optimizer: Optimizer) -> list[Array]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
