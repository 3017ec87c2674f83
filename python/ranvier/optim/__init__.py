"""Optimizers on NumPy arrays, in place: one native call a step.

An optimizer is a class with the name of its rule and states, its hyperparameters and their ranges.
The update itself is the struct of the rule's name in cpp/src/ops/optimizers/. Bookkeeping, checks
and state dicts are in the base class; `functional` has the bare step, on plain arrays, and
`lr_scheduler` the schedules of the rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .adadelta import Adadelta
from .adagrad import Adagrad
from .adam import Adam
from .adamax import Adamax
from .adamw import AdamW
from .asgd import ASGD
from .averaging import ema
from .clipping import clip_grad_norm, clip_grad_value
from .lamb import LAMB
from .lion import Lion
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

if TYPE_CHECKING:
    from . import functional, lr_scheduler
else:
    from .._lazy import on_first_use

    __getattr__ = on_first_use(__name__, {"functional", "lr_scheduler"})

__all__ = [
    "ASGD",
    "LAMB",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "clip_grad_norm",
    "clip_grad_value",
    "ema",
    "functional",
    "lr_scheduler",
]


def __dir__() -> list[str]:
    return __all__
