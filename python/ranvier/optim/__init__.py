"""Optimizers on NumPy arrays, in place: one native call a step.

An optimizer is a class with the names of its rule and states, its hyperparameters and the scalars
that the native rule reads (the struct of the same name in cpp/src/ops/optimizers.hpp). Bookkeeping,
checks and state dicts are in the base class.
"""

from __future__ import annotations

from .adam import Adam
from .averaging import ema
from .clipping import clip_grad_norm, clip_grad_value
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "clip_grad_norm", "clip_grad_value", "ema"]
