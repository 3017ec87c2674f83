"""Layers: modules with a forward and a backward pass, as torch.nn names them."""

from __future__ import annotations

from . import activations, gates, init
from .activations import *
from .batch_norm import BatchNorm1d
from .branches import Concat, Residual
from .containers import Flatten, Sequential
from .dropout import AlphaDropout, Dropout
from .embedding import Embedding
from .gates import *
from .gradcheck import GradcheckError, gradcheck
from .layer_norm import LayerNorm, RMSNorm
from .linear import Linear
from .maxout import Maxout
from .module import Buffer, Module, Parameter
from .rbf import RBF
from .softmax import LogSoftmax, Softmax
from .trainable import PReLU, Swish

__all__ = [
    "RBF",
    "AlphaDropout",
    "BatchNorm1d",
    "Buffer",
    "Concat",
    "Dropout",
    "Embedding",
    "Flatten",
    "GradcheckError",
    "LayerNorm",
    "Linear",
    "LogSoftmax",
    "Maxout",
    "Module",
    "PReLU",
    "Parameter",
    "RMSNorm",
    "Residual",
    "Sequential",
    "Softmax",
    "Swish",
    "gradcheck",
    "init",
]
__all__ += [*activations.__all__, *gates.__all__]
