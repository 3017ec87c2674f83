"""ranvier: neural-network mathematics for NumPy, as native kernels on NumPy arrays."""

from typing import TYPE_CHECKING

from . import _native, activations, gates
from ._elementwise import Activation, registry
from .activations import *
from .gates import *
from .maxout import maxout
from .runtime import (
    __version__,
    get_num_threads,
    num_threads,
    set_num_threads,
    show_config,
)
from .softmax import log_softmax, logsumexp, softmax, softmin

# Who only calls functions does not wait for layers and training to load.
if TYPE_CHECKING:
    from . import callbacks, derivative, info, losses, nn, optim, vjp, vjp_from_output
    from .files import load, save
    from .history import History
    from .trainer import Trainer
else:
    from ._lazy import on_first_use

    __getattr__ = on_first_use(
        __name__,
        {"callbacks", "derivative", "info", "losses", "nn", "optim", "vjp", "vjp_from_output"},
        {"History": "history", "Trainer": "trainer", "load": "files", "save": "files"},
    )

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


def __dir__() -> list[str]:
    return __all__
