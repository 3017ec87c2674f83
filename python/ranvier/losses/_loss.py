"""A loss as users have it: a function with `value_and_grad`, over one pass of native code.

A loss is written as a function of (call, arrays..., options...) under the decorator `loss`, which
names the rows that it uses. It settles what the options mean, and asks the call for a row.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ._call import Evaluation
from ._records import RECORDS, Record

_ELEMENTS = """reduction : {"mean", "sum", "none"}, default "mean"
        "none" gives the loss of each element.
    sample_weight : array_like, shape (N,), optional
        Multiplies the losses of each sample along the first axis; the mean is then the weighted
        one.

    Returns
    -------
    float or ndarray
        With reduction "none" an array of the shape and dtype of the input. The mean over nothing,
        or over no weight at all, is NaN.

    Raises
    ------
    TypeError
        If the input is not float32 or float64, or another array neither of its dtype nor of
        integers or bool.
    ValueError
        If a shape does not fit, or an option is out of its range. Nothing is written then.
"""
_SAMPLES = _ELEMENTS.replace(
    '"none" gives the loss of each element.', '"none" gives the loss of each sample.'
).replace(
    "an array of the shape and dtype of the input. The",
    "an array of the dtype of the input, a value for each sample. The",
)


class Loss:
    """A loss: call it for the value, or `value_and_grad` for the value and its gradient.

    Attributes
    ----------
    rows : tuple of Record
        The native rows that it uses, by its options; the first is that of the defaults.
    formula : str
        Of an element, or of a sample.
    in_torch : bool
        Whether torch.nn.functional has a function of this name.
    """

    __name__: str

    def __init__(
        self,
        evaluate: Callable[..., Any],
        rows: tuple[Record, ...],
        formula: str | None = None,
        in_torch: bool = True,
    ) -> None:
        functools.update_wrapper(self, evaluate)
        signature = inspect.signature(evaluate)
        _, *parameters = signature.parameters.values()
        self.__signature__ = signature.replace(parameters=parameters)
        if evaluate.__doc__:
            doc = evaluate.__doc__.replace("{elements}", _ELEMENTS.rstrip())
            self.__doc__ = doc.replace("{samples}", _SAMPLES.rstrip())
        self._evaluate = evaluate
        self.rows = rows
        self.formula = formula or rows[0].formula
        self.in_torch = in_torch

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._evaluate(Evaluation(), *args, **kwargs)

    def value_and_grad(self, *args: Any, out: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        """The loss and its gradient with respect to input, in one pass.

        Parameters
        ----------
        *args, **kwargs
            As for the loss itself.
        out : ndarray, or a tuple of them, optional
            Where to write the gradient: of the shape and dtype of input, in memory of its own. One
            for each input, where the loss has several.

        Returns
        -------
        value : float or ndarray
            What the loss itself returns.
        gradient : ndarray, or a tuple of them
            `out`, or new arrays. With reduction "none", the gradient of the sum.

        Raises
        ------
        TypeError, ValueError, IndexError
            As the loss itself, and for an `out` that does not fit. Nothing is written then.
        """
        call = Evaluation(graded=True, out=out)
        value = self._evaluate(call, *args, **kwargs)
        return value, call.gradient

    def __repr__(self) -> str:
        return f"<loss {self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__


def loss(
    *rows: str, formula: str | None = None, in_torch: bool = True
) -> Callable[[Callable[..., Any]], Loss]:
    """Make a loss of a function; see `Loss` for the arguments."""

    def decorate(evaluate: Callable[..., Any]) -> Loss:
        return Loss(evaluate, tuple(RECORDS[row] for row in rows), formula, in_torch)

    return decorate
