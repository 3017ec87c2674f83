"""Layers: modules with a forward and a backward pass, as torch.nn names them."""

from __future__ import annotations

from . import activations
from .activations import *
from .containers import Flatten, Sequential
from .linear import Linear
from .module import Module, Parameter
from .trainable import PReLU, Swish

__all__ = ["Flatten", "Linear", "Module", "PReLU", "Parameter", "Sequential", "Swish"]
__all__ += activations.__all__
