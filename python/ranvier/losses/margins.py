"""Losses of margins: how far a score is on the right side, or above those of the others."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ._call import Call
from ._loss import Loss, loss


def _margin_loss(name: str, native: str, doc: str, in_torch: bool = False) -> Loss:
    """A loss of the margin t = y s. {scores} in its doc is what all of them take and give."""

    def evaluate(
        call: Call,
        input: npt.ArrayLike,
        target: npt.ArrayLike,
        *,
        reduction: str = "mean",
        sample_weight: npt.ArrayLike | None = None,
    ) -> Any:
        return call.elementwise(
            native,
            input,
            target,
            reduction=reduction,
            sample_weight=sample_weight,
        )

    evaluate.__name__ = evaluate.__qualname__ = name
    evaluate.__doc__ = doc.replace("{scores}", _SCORES)
    return loss(native, in_torch=in_torch)(evaluate)


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
    in_torch=True,
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


@loss("hinge_embedding_loss")
def hinge_embedding_loss(
    call: Call,
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
    return call.elementwise(
        "hinge_embedding_loss",
        input,
        target,
        margin=margin,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("margin_ranking_loss")
def margin_ranking_loss(
    call: Call,
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
    return call.elementwise(
        "margin_ranking_loss",
        input1,
        target,
        input2,
        margin=margin,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss(
    "binary_cross_entropy_with_logits",
    formula="mean over the classes of the binary cross-entropy of scores",
)
def multilabel_soft_margin_loss(
    call: Call,
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
    return call.elementwise(
        "binary_cross_entropy_with_logits",
        input,
        target,
        unit="row_mean",
        weight=weight,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("hinge_loss", formula="sum over the classes of max(0, 1 - y_j s_j)", in_torch=False)
def multilabel_hinge_loss(
    call: Call,
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
    return call.elementwise(
        "hinge_loss",
        input,
        target,
        unit="row",
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("multiclass_hinge", formula="w_y sum max(0, margin - s_y + s_j)^p / C")
def multi_margin_loss(
    call: Call,
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
    return call.rows(
        "multiclass_hinge",
        input,
        target=target,
        margin=margin,
        p=p,
        mean=True,
        weight=weight,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("multiclass_hinge", formula="sum max(0, s_j - s_y + margin)", in_torch=False)
def multiclass_hinge_loss(
    call: Call,
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
    return call.rows(
        "multiclass_hinge",
        input,
        target=target,
        margin=margin,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("multilabel_margin")
def multilabel_margin_loss(
    call: Call,
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
    return call.rows(
        "multilabel_margin",
        input,
        target=target,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("structured_hinge", in_torch=False)
def structured_hinge_loss(
    call: Call,
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
    return call.rows(
        "structured_hinge",
        scores,
        costs,
        target=target,
        reduction=reduction,
        sample_weight=sample_weight,
    )
