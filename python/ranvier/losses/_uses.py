"""How a model is trained with a loss, from what the loss's row says of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .. import losses
from ._loss import Loss
from ._records import RECORDS

Link = Literal["identity", "logistic", "softmax", "exp"]
Targets = Literal["classes", "indicators", "signs", "numbers"]
Through = Literal["", "log_softmax", "sigmoid"]


@dataclass(frozen=True)
class Use:
    """How a loss is used.

    Attributes
    ----------
    targets : {"classes", "indicators", "signs", "numbers"}
        What the loss wants of y: the number of the class; for each output 1 or 0, or 1 or -1; the
        numbers themselves.
    link : {"identity", "logistic", "softmax", "exp"}
        What makes a prediction, or a probability, of the output.
    through : {"", "log_softmax", "sigmoid"}
        What the loss wants to be applied to the output first.
    """

    targets: Targets
    link: Link
    through: Through = ""

    @property
    def has_output_for_each_class(self) -> bool:
        """Whether two classes take two outputs, and a sample cannot have several classes."""
        return self.targets == "classes" or self.link == "softmax"


def every_loss() -> list[Loss]:
    """Return the losses of ranvier.losses in the order of their rows."""
    order = [*RECORDS]
    public = [getattr(losses, name) for name in losses.__all__]
    found = [loss for loss in public if isinstance(loss, Loss)]
    return sorted(found, key=lambda loss: order.index(loss.rows[0].name))


_OF_CLASSES: Mapping[str, Targets] = {
    "class": "classes",
    "shares": "indicators",
    "indicators": "indicators",
    "signs": "signs",
    "numbers": "signs",
}
_THROUGH: Mapping[str, Through] = {"logarithms": "log_softmax", "probabilities": "sigmoid"}


def _kinds(loss: Loss) -> tuple[str, str] | None:
    """Return the kinds of input and target; None for a loss that takes more than these."""
    row = loss.rows[0]
    kinds = [*(operand.kind for operand in row.operands), *filter(None, [row.labels])]
    return (kinds[0], kinds[1]) if len(kinds) == 2 else None


def classification(loss: Loss) -> Use | None:
    """How a classifier uses it, if it can."""
    input, target = _kinds(loss) or ("", "")
    if target not in _OF_CLASSES:
        return None
    links: Mapping[str, Link] = {
        "numbers": "identity",
        "scores": "identity",
        "logits": "softmax" if target == "class" else "logistic",
        "logarithms": "softmax",
        "probabilities": "logistic",
    }
    if input not in links:
        return None
    return Use(_OF_CLASSES[target], links[input], _THROUGH.get(input, ""))


def regression(loss: Loss) -> Use | None:
    """How a regressor uses it, if it can: one output for each number."""
    links: Mapping[tuple[str, str] | None, Link] = {
        ("numbers", "numbers"): "identity",
        ("log_rates", "counts"): "exp",
        ("rates", "counts"): "identity",
        ("logits", "shares"): "logistic",
        ("probabilities", "shares"): "logistic",
    }
    kinds = _kinds(loss)
    if kinds is None or kinds not in links or loss.formula != loss.rows[0].formula:
        return None
    return Use("numbers", links[kinds], _THROUGH.get(kinds[0], ""))
