"""Names of a package that are loaded when they are first used, and not with it (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(
    package: str, modules: set[str], members: Mapping[str, str] | None = None
) -> Callable[[str], Any]:
    """The `__getattr__` of a package.

    Parameters
    ----------
    package : str
        Its name.
    modules : set of str
        Those of its modules that are attributes themselves.
    members : mapping of str to str, optional
        Other names, each with the module that defines it.
    """
    found = {} if members is None else members

    def __getattr__(name: str) -> Any:
        if name in modules:
            return import_module(f".{name}", package)  # which becomes an attribute
        if name in found:
            value = getattr(import_module(f".{found[name]}", package), name)
            setattr(sys.modules[package], name, value)
            return value
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__
