"""ranvier: neural-network mathematics for NumPy, as native kernels on NumPy arrays."""

from __future__ import annotations

from . import activations, callbacks, derivative, losses, nn, optim, vjp, vjp_from_output
from ._elementwise import Activation, registry
from .activations import *
from .runtime import (
    __version__,
    get_num_threads,
    num_threads,
    set_num_threads,
    show_config,
)
from .softmax import log_softmax, logsumexp, softmax
from .trainer import History, Trainer
