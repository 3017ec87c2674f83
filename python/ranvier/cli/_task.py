"""What is learned, classes or numbers, and the losses that fit it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import data
from ..losses import Loss
from ..losses._uses import Use, classification, every_loss, regression
from ._errors import UsageError

__all__ = ["CLASS_LOSSES", "NUMBER_LOSSES", "load", "loss", "r2"]


def _fitting(use_of: Callable[[Loss], Use | None], use: Use) -> tuple[str, ...]:
    """The losses that are used so."""
    return tuple(loss.__name__ for loss in every_loss() if use_of(loss) == use)


# The first is that of a data set about which nothing is said.
CLASS_LOSSES = (
    *_fitting(classification, Use("classes", "softmax")),
    *_fitting(classification, Use("classes", "identity")),
)
NUMBER_LOSSES = _fitting(regression, Use("numbers", "identity"))


def load(name: str, folder: str | None) -> data.Dataset:
    """The data set; its target, if it is not classes, is a column of standardized numbers."""
    if folder is not None and name != "fashion-mnist":
        raise UsageError(f"--data-dir is {folder!r}; expected with --dataset fashion-mnist only")
    dataset = data.load(name, folder)
    if dataset.classes is not None:
        if dataset.classes < 2:
            raise UsageError(
                f"{dataset.name}: the target is the same for all samples; expected at least 2 "
                "classes"
            )
        return dataset
    mean = dataset.y_train.mean(dtype=np.float64)
    deviation = dataset.y_train.std(dtype=np.float64)
    if deviation == 0:
        raise UsageError(
            f"{dataset.name}: the target is {mean:g} for all samples to train on; expected "
            "numbers that differ"
        )
    y_train, y_test = (
        ((y - mean) / deviation).astype(np.float32)[:, np.newaxis]
        for y in (dataset.y_train, dataset.y_test)
    )
    return replace(dataset, y_train=y_train, y_test=y_test)


def loss(name: str | None, dataset: data.Dataset) -> str:
    """The name of the loss; that of such a target by default."""
    fitting = NUMBER_LOSSES if dataset.classes is None else CLASS_LOSSES
    if name is None:
        return fitting[0]
    if name not in fitting:
        kind = "a number" if dataset.classes is None else "a class"
        raise UsageError(
            f"--loss is {name!r}; expected {', '.join(fitting)}, as the target of "
            f"{dataset.name} is {kind}"
        )
    return name


def r2(predicted: npt.NDArray[Any], y: npt.NDArray[Any]) -> float:
    """The share of the variance that is explained: 1 at best, 0 for the mean of y."""
    around = np.square(y - y.mean(dtype=np.float64)).sum()
    if around == 0:
        return math.nan
    return float(1 - np.square(y - predicted.astype(np.float64)).sum() / around)
