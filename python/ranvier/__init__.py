"""ranvier: neural-network mathematics for NumPy, as native kernels on NumPy arrays."""

from . import (
    activations,
    callbacks,
    derivative,
    gates,
    info,
    losses,
    nn,
    optim,
    vjp,
    vjp_from_output,
)
from ._elementwise import Activation, registry
from .activations import *
from .files import load, save
from .gates import *
from .history import History
from .maxout import maxout
from .runtime import (
    __version__,
    get_num_threads,
    num_threads,
    set_num_threads,
    show_config,
)
from .softmax import log_softmax, logsumexp, softmax, softmin
from .trainer import Trainer

__all__ = [
    "Activation",
    "History",
    "Trainer",
    "__version__",
    "activations",
    "callbacks",
    "derivative",
    "gates",
    "get_num_threads",
    "info",
    "load",
    "log_softmax",
    "logsumexp",
    "losses",
    "maxout",
    "nn",
    "num_threads",
    "optim",
    "registry",
    "save",
    "set_num_threads",
    "show_config",
    "softmax",
    "softmin",
    "vjp",
    "vjp_from_output",
]
__all__ += [*activations.__all__, *gates.__all__]
