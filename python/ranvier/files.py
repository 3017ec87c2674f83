"""Parameters in files: safetensors, which hold arrays and nothing that runs."""

from __future__ import annotations

import os

from . import _checkpoint, _safetensors
from .nn import Module

__all__ = ["load", "save"]


def save(module: Module, path: str | os.PathLike[str]) -> None:
    """Write the state dict of a module as a safetensors file; needs the extra ranvier[io].

    The names are torch's: ``safetensors.torch.load_file`` reads it for a ``torch.nn.Sequential`` of
    the same layers. The old file at this path, if there is one, gives way to the new one at once:
    one of them is there, and whole, even if the process is killed meanwhile.

    Parameters
    ----------
    module : nn.Module
    path : str or path
        Its folder exists.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    OSError
        If the file cannot be written.
    TypeError
        If module is none.

    See Also
    --------
    Trainer.save : what a training run needs to go on, too.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import ranvier as rv
    >>> from ranvier import nn
    >>> model, other = (nn.Sequential(nn.Linear(4, 3), nn.ReLU()) for _ in range(2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rv.save(model, Path(folder, "model.safetensors"))
    ...     rv.load(other, Path(folder, "model.safetensors"))
    >>> bool((other[0].weight == model[0].weight).all())
    True
    """
    _check_module(module)
    _safetensors.write(path, module.state_dict())


def load(module: Module, path: str | os.PathLike[str]) -> None:
    """Read a state dict into a module, all or nothing; needs the extra ranvier[io].

    Nothing is unpickled: a file from a stranger can hold wrong numbers, and no more.

    Parameters
    ----------
    module : nn.Module
        Of the same layers as the one that was saved.
    path : str or path
        What `save`, `Trainer.save` or safetensors.torch.save_file wrote.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    OSError
        If the file cannot be read.
    ValueError
        If it is not a whole safetensors file, or one of another model. The module is as before.
    TypeError
        If module is none.
    """
    _check_module(module)
    arrays, metadata = _safetensors.read(path)
    checkpoint = _checkpoint.unpack(arrays, metadata, path)
    try:
        module.load_state_dict(arrays if checkpoint is None else checkpoint["model"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error


def _check_module(module: Module) -> None:
    if not isinstance(module, Module):
        raise TypeError(f"module is {module!r}; expected a ranvier Module")
