"""Losses of margins: how far a score is on the right side, or above those of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import number
from ._loss import (
    Gradient,
    Loss,
    as_array,
    broadcast_weights,
    elementwise,
    labels_of,
    reduction_of,
    rows,
    weights_of,
)


def _margin_loss(name: str, native: str, doc: str) -> Loss:
    """A loss of the margin t = y s. {scores} in its doc is what all of them take and give."""

    def evaluate(
        gradient: Gradient | None,
        input: npt.ArrayLike,
        target: npt.ArrayLike,
        *,
        reduction: str = "mean",
        sample_weight: npt.ArrayLike | None = None,
    ) -> Any:
        return elementwise(
            native,
            gradient,
            {"input": input, "target": target},
            reduction=reduction,
            sample_weight=sample_weight,
        )

    evaluate.__name__ = evaluate.__qualname__ = name
    evaluate.__doc__ = doc.replace("{scores}", _SCORES)
    return Loss(evaluate)


_SCORES = """Parameters
    ----------
    input : array_like
        Scores s, of any size.
    target : array_like
        y, 1 or -1, of the same shape.
    {elements}"""


hinge_loss = _margin_loss(
    "hinge_loss",
    "hinge_loss",
    """Hinge loss of a margin t = y s, max(0, 1 - t), with the slope 0 at its kink.

    {scores}

    References
    ----------
    Cortes and Vapnik, Support-vector networks, Machine Learning 20 (1995).

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.hinge_loss.value_and_grad([0.5, 2.0], [1, 1], reduction="sum")
    (0.5, array([-1.,  0.]))
    """,
)

squared_hinge_loss = _margin_loss(
    "squared_hinge_loss",
    "squared_hinge_loss",
    """Squared hinge loss of a margin t = y s, max(0, 1 - t)^2.

    {scores}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.squared_hinge_loss.value_and_grad([0.5], [1])
    (0.25, array([-1.]))
    """,
)

logistic_loss = _margin_loss(
    "logistic_loss",
    "logistic_loss",
    """Logistic loss of a margin t = y s, log(1 + e^-t).

    {scores}

    Examples
    --------
    >>> from ranvier import losses
    >>> value, gradient = losses.logistic_loss.value_and_grad([0.0], [1])
    >>> round(value, 6), gradient.tolist()
    (0.693147, [-0.5])
    """,
)

soft_margin_loss = _margin_loss(
    "soft_margin_loss",
    "logistic_loss",
    """torch's name for `logistic_loss`, log(1 + e^(-y s)).

    {scores}

    Examples
    --------
    >>> from ranvier import losses
    >>> round(losses.soft_margin_loss([100.0, -100.0], [1, 1], reduction="sum"), 6)
    100.0
    """,
)

square_margin_loss = _margin_loss(
    "square_margin_loss",
    "square_margin_loss",
    """Square of the distance of a margin t = y s from 1, (1 - t)^2.

    {scores}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.square_margin_loss.value_and_grad([3.0], [1])
    (4.0, array([4.]))
    """,
)


@Loss
def hinge_embedding_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    margin: float = 1.0,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Of a distance x: x for a pair that belongs together, max(0, margin - x) for another.

    Parameters
    ----------
    input : array_like
        Distances x.
    target : array_like
        1 for what belongs together, -1 for what does not, of the same shape.
    margin : float, default 1.0
    {elements}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.hinge_embedding_loss([0.25, 0.25], [1, -1], reduction="none")
    array([0.25, 0.75])
    """
    return elementwise(
        "hinge_embedding_loss",
        gradient,
        {"input": input, "target": target},
        (number("margin", margin),),
        reduction=reduction,
        sample_weight=sample_weight,
    )


@Loss
def margin_ranking_loss(
    gradient: Gradient | None,
    input1: npt.ArrayLike,
    input2: npt.ArrayLike,
    target: npt.ArrayLike,
    margin: float = 0.0,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Of two scores that should be in an order, max(0, margin - y (x1 - x2)).

    `value_and_grad` gives the gradients of input1 and input2.

    Parameters
    ----------
    input1, input2 : array_like
        Scores x1 and x2, of one shape.
    target : array_like
        y, 1 where x1 should be above x2 and -1 where below, of the same shape.
    margin : float, default 0.0
    {elements}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.margin_ranking_loss([1.0, 2.0], [3.0, 0.0], [1, 1], reduction="none")
    array([2., 0.])
    """
    return elementwise(
        "margin_ranking_loss",
        gradient,
        {"input1": input1, "target": target, "input2": input2},
        (number("margin", margin),),
        reduction=reduction,
        sample_weight=sample_weight,
    )


def _over_classes(
    name: str,
    mean: bool,
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    weight: npt.ArrayLike | None,
    reduction: str,
    sample_weight: npt.ArrayLike | None,
) -> Any:
    """The sum, or the mean, of an elementwise loss over the last axis."""
    scores = as_array(input)
    if scores.ndim < 1:
        raise ValueError("input has shape (); expected (C,) or (N, C)")
    classes = max(1, scores.shape[-1])
    if sample_weight is not None and scores.ndim == 1:
        # Of a single sample, all classes have the weight.
        sample_weight = np.broadcast_to(
            weights_of(sample_weight, "sample_weight", (), np.float64), scores.shape
        )
    share = 1.0 / classes if mean else 1.0
    result = elementwise(
        name,
        gradient,
        {"input": scores, "target": target},
        reduction=reduction,
        weight=weight,
        sample_weight=sample_weight,
        # The mean over all elements is already that over the classes.
        share=share * classes if reduction == "mean" else share,
    )
    if reduction != "none":
        return result
    total = result.sum(-1, dtype=np.float64)
    return (total / classes if mean else total).astype(scores.dtype)


@Loss
def multilabel_soft_margin_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Mean over the classes of the binary cross-entropy of scores.

    Parameters
    ----------
    input : array_like, shape (N, C) or (C,)
        Scores (logits).
    target : array_like
        1 for the classes of a sample, 0 for the others, of the same shape.
    weight : array_like, shape (C,), optional
        The weight of each class.
    {samples}

    Examples
    --------
    >>> from ranvier import losses
    >>> value, gradient = losses.multilabel_soft_margin_loss.value_and_grad([[0.0, 0.0]], [[1, 0]])
    >>> round(value, 6), gradient.tolist()
    (0.693147, [[-0.25, 0.25]])
    """
    return _over_classes(
        "binary_cross_entropy_with_logits",
        True,
        gradient,
        input,
        target,
        weight,
        reduction,
        sample_weight,
    )


@Loss
def multilabel_hinge_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Sum over the classes of the hinge loss, sum_j max(0, 1 - y_j s_j).

    Parameters
    ----------
    input : array_like, shape (N, C) or (C,)
        Scores s.
    target : array_like
        y, 1 for the classes of a sample and -1 for the others, of the same shape.
    {samples}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.multilabel_hinge_loss([[0.5, 0.5]], [[1, -1]])
    2.0
    """
    return _over_classes(
        "hinge_loss", False, gradient, input, target, None, reduction, sample_weight
    )


@Loss
def multi_margin_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: npt.ArrayLike | None = None,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Hinges of the other classes' scores, w_y sum_(j != y) max(0, margin - s_y + s_j)^p / C.

    Parameters
    ----------
    input : array_like, shape (N, C) or (C,)
        Scores s.
    target : array_like of int, shape (N,) or ()
        The class y of each sample.
    p : {1, 2}, default 1
    margin : float, default 1.0
    weight : array_like, shape (C,), optional
        The weight w_c of each class.
    {samples}

    References
    ----------
    Weston and Watkins, Support vector machines for multi-class pattern recognition, ESANN 1999.

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.multi_margin_loss.value_and_grad([[0.0, 0.5]], [0])
    (0.75, array([[-0.5,  0.5]]))
    """
    power = number("p", p)
    if power not in (1, 2):
        raise ValueError(f"p is {p!r}; expected 1 or 2")
    scores = as_array(input)
    return rows(
        "multiclass_hinge",
        gradient,
        {"input": scores},
        labels=labels_of(target, scores.shape[:-1]),
        parameters=(number("margin", margin), power, scores.shape[-1] if scores.ndim else 1),
        weight=weight,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@Loss
def multiclass_hinge_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    margin: float = 1.0,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """The textbook's multiclass hinge loss, sum_(j != y) max(0, s_j - s_y + margin).

    Parameters
    ----------
    input : array_like, shape (N, C) or (C,)
        Scores s.
    target : array_like of int, shape (N,) or ()
        The class y of each sample.
    margin : float, default 1.0
    {samples}

    References
    ----------
    Weston and Watkins, Support vector machines for multi-class pattern recognition, ESANN 1999.

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.multiclass_hinge_loss.value_and_grad([[3.0, 5.0, -1.0]], [0])
    (3.0, array([[-1.,  1.,  0.]]))
    """
    scores = as_array(input)
    return rows(
        "multiclass_hinge",
        gradient,
        {"input": scores},
        labels=labels_of(target, scores.shape[:-1]),
        parameters=(number("margin", margin), 1.0, 1.0),
        reduction=reduction,
        sample_weight=sample_weight,
    )


@Loss
def multilabel_margin_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Hinges between a sample's classes t and the others, sum max(0, 1 - s_t + s_j) / C.

    Parameters
    ----------
    input : array_like, shape (N, C) or (C,)
        Scores s.
    target : array_like of int, of the same shape
        The classes of each sample; the first -1 ends the list.
    {samples}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.multilabel_margin_loss([[0.0, 1.0, 0.0, 0.0]], [[1, -1, 0, 0]])
    0.0
    """
    scores = as_array(input)
    return rows(
        "multilabel_margin",
        gradient,
        {"input": scores},
        labels=labels_of(target, scores.shape),
        reduction=reduction,
        sample_weight=sample_weight,
    )


@Loss
def structured_hinge_loss(
    gradient: Gradient | None,
    scores: npt.ArrayLike,
    target: npt.ArrayLike,
    costs: npt.ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Hinge loss with a cost for each wrong answer, max_j (s_j + cost_j) - s_y.

    Parameters
    ----------
    scores : array_like, shape (N, C) or (C,)
        Scores s of C answers.
    target : array_like of int, shape (N,) or ()
        The right answer y of each sample.
    costs : array_like
        The cost of each answer, broadcast to the shape of scores; 0 for the right one.
    {samples}

    References
    ----------
    Tsochantaridis, Joachims, Hofmann and Altun, Large margin methods for structured and
    interdependent output variables, Journal of Machine Learning Research 6 (2005).

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.structured_hinge_loss.value_and_grad([[1.0, 0.5]], [0], [[0.0, 2.0]])
    (1.5, array([[-1.,  1.]]))
    """
    answers = as_array(scores)
    return rows(
        "structured_hinge",
        gradient,
        {
            "scores": answers,
            "costs": broadcast_weights(costs, "costs", answers.shape, answers.dtype),
        },
        labels=labels_of(target, answers.shape[:-1]),
        reduction=reduction,
        sample_weight=sample_weight,
    )


class _Metric:
    """A function without a gradient that says so."""

    __name__ = "zero_one_loss"

    def value_and_grad(self, *args: Any, **kwargs: Any) -> Any:
        """Raises TypeError: the share of wrong predictions has no gradient."""
        raise TypeError(
            "zero_one_loss is a metric and has no gradient; train with cross_entropy, for one"
        )

    def __call__(
        self,
        input: npt.ArrayLike,
        target: npt.ArrayLike,
        *,
        reduction: str = "mean",
        sample_weight: npt.ArrayLike | None = None,
    ) -> Any:
        """The share of wrong predictions.

        Parameters
        ----------
        input : array_like, shape (N, C), (C,), or that of target
            Scores of C classes, of which the first largest is the prediction; or predicted classes,
            integers.
        target : array_like of int, shape (N,) or ()
            The class of each sample.
        reduction : {"mean", "sum", "none"}, default "mean"
        sample_weight : array_like, shape (N,), optional
            Multiplies the loss of each sample; the mean is then the weighted one.

        Returns
        -------
        float or ndarray
            With reduction "none", 1 for a wrong prediction and 0 for a right one.

        Examples
        --------
        >>> from ranvier import losses
        >>> losses.zero_one_loss([[0.1, 0.9], [0.8, 0.2]], [1, 1])
        0.5
        """
        reduction_of(reduction)
        predicted = as_array(input)
        if predicted.dtype.kind == "f":
            if predicted.ndim not in (1, 2) or not predicted.shape[-1]:
                raise ValueError(f"input has shape {predicted.shape}; expected (N, C) or (C,)")
            predicted = predicted.argmax(-1)
        elif predicted.dtype.kind not in "iu":
            raise TypeError(f"input has dtype {predicted.dtype}; expected scores or integers")
        labels = labels_of(target, predicted.shape)
        wrong = (predicted != labels).astype(np.float64)
        weights = np.ones(wrong.shape)
        if sample_weight is not None:
            weights = weights_of(sample_weight, "sample_weight", wrong.shape, np.float64)
        if reduction == "none":
            return wrong * weights
        total = np.float64((wrong * weights).sum())
        with np.errstate(all="ignore"):
            return float(total / weights.sum() if reduction == "mean" else total)

    def __repr__(self) -> str:
        return "<loss zero_one_loss>"

    def __reduce__(self) -> str:
        return self.__name__


zero_one_loss = _Metric()
