"""What the estimators minimise: a loss of ranvier.losses, and the penalty on the weights."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from .. import losses, vjp_from_output
from .._epoch_mean import batch_weight
from .._native import _core
from .._native_training import NativeObjective
from ..activations import sigmoid
from ..losses._batch import batch_handle
from ..losses._uses import Use, classification, every_loss, regression
from ..softmax import log_softmax, log_softmax_vjp
from ._network import Perceptron

Array = npt.NDArray[Any]

CLASSIFICATION: Mapping[str, Use] = {
    loss.__name__: use for loss in every_loss() if (use := classification(loss)) is not None
}
REGRESSION: Mapping[str, Use] = {
    loss.__name__: use for loss in every_loss() if (use := regression(loss)) is not None
}


@dataclass(frozen=True)
class Choice:
    """A loss with options, and how it is used.

    `factor` multiplies the loss, and so does the number of outputs with `summed`: the mean over all
    elements becomes the sum over the outputs of a sample.
    """

    function: losses.Loss
    use: Use
    options: Mapping[str, Any] = field(default_factory=dict)
    factor: float = 1.0
    summed: bool = False


def choose(loss: Any, uses: Mapping[str, Use], own: Mapping[str, Choice]) -> Choice:
    """The loss that a name, a function of ranvier.losses or a functools.partial of one means.

    Parameters
    ----------
    loss : str or callable
    uses : mapping of str to Use
        The losses that fit.
    own : mapping of str to Choice
        What scikit-learn's names mean.
    """
    if isinstance(loss, str) and loss in own:
        return own[loss]
    function: Any = getattr(losses, loss, None) if isinstance(loss, str) else loss
    options: Mapping[str, Any] = {}
    if isinstance(loss, functools.partial) and not loss.args:
        function, options = loss.func, loss.keywords
    name = str(getattr(function, "__name__", ""))
    if name not in uses or function is not getattr(losses, name):
        raise ValueError(
            f"loss is {loss!r}; expected one of {', '.join([*own, *uses])}, the function of "
            "ranvier.losses, or a functools.partial of it with options by name"
        )
    if options.get("reduction", "mean") != "mean":
        raise ValueError(f"loss has reduction {options['reduction']!r}; expected 'mean'")
    use = uses[name]
    if name == "poisson_nll_loss" and not options.get("log_input", True):
        use = Use("numbers", "identity")
    return Choice(function, use, options)


class Objective:
    """The mean loss of a batch plus alpha / (2 n) times the sum of the squared weights.

    n is the number of samples in the batch, or the sum of their weights. The gradient of the
    penalty is left to the model, whose `decay` it sets.
    """

    def __init__(self, choice: Choice, model: Perceptron, alpha: float) -> None:
        self.function = choice.function
        self.options = choice.options
        self.through = choice.use.through
        outputs = model.linears[-1].out_features
        self.factor = choice.factor * (outputs if choice.summed else 1)
        self.model = model
        self.alpha = alpha

    def __call__(self, input: Array, target: Array) -> float:
        """The mean loss, without the penalty."""
        return float(self.factor * self.function(self._made(input), target, **self.options))

    def value_and_grad(
        self, input: Array, target: Array, *, out: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """The objective, and in `out` the gradient of the loss with respect to the output."""
        options = dict(self.options)
        if sample_weight is not None:
            options["sample_weight"] = sample_weight
        made = self._made(input)
        value, _ = self.function.value_and_grad(made, target, out=out, **options)
        if self.through == "sigmoid":
            vjp_from_output.sigmoid(out, made, out=out)
        elif self.through == "log_softmax":
            out[...] = log_softmax_vjp(out, made)
        if self.factor != 1:
            out *= self.factor
        return self.factor * float(value) + self._penalty(input, sample_weight), out

    def native_objective(self) -> NativeObjective | None:
        """The objective for native code; None where something is applied to the output first."""
        if self.through:
            return None
        weights = [linear.weight for linear in self.model.linears]
        loss = functools.partial(self.function, **self.options)
        return NativeObjective(
            batch_handle(loss, weights[0].dtype), self.factor, self.alpha, weights
        )

    def _made(self, input: Array) -> Array:
        made = input
        if self.through == "sigmoid":
            made = sigmoid(input)
        elif self.through == "log_softmax":
            made = log_softmax(input)
        return made

    def _penalty(self, input: Array, sample_weight: Array | None) -> float:
        if self.alpha == 0:
            return 0.0
        self.model.decay = self.alpha / batch_weight(input, None, sample_weight)
        norm: float = _core.norm([linear.weight for linear in self.model.linears])
        return 0.5 * self.model.decay * norm * norm
