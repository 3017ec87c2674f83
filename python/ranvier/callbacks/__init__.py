"""What a training run calls at its turning points."""

from __future__ import annotations

from .callback import Callback
from .csv_logger import CSVLogger
from .early_stopping import EarlyStopping
from .model_checkpoint import ModelCheckpoint
from .terminate_on_nan import TerminateOnNaN

__all__ = ["CSVLogger", "Callback", "EarlyStopping", "ModelCheckpoint", "TerminateOnNaN"]
