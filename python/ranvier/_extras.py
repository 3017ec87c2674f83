"""Packages that not everybody needs."""

from __future__ import annotations

from importlib import import_module

# The extra of ranvier that brings each.
_EXTRAS = {"matplotlib": "plot", "safetensors": "io", "sklearn": "sklearn"}


def require(package: str, what: str) -> None:
    """Raise an ImportError that says how to get a package, if it is not there."""
    try:
        import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:  # the package is there, and broken
            raise
        raise ImportError(
            f"{what} needs {package}, which is not installed; "
            f"pip install 'ranvier[{_EXTRAS[package]}]'",
            name=package,
        ) from None
