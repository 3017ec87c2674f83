"""Packages that not everybody needs."""

from __future__ import annotations

from importlib.util import find_spec

# The extra of ranvier that brings each.
_EXTRAS = {"matplotlib": "plot", "safetensors": "io"}


def require(package: str, what: str) -> None:
    """Raise an ImportError that says how to get a package, if it is not there."""
    if find_spec(package) is None:
        raise ImportError(
            f"{what} needs {package}, which is not installed; "
            f"pip install 'ranvier[{_EXTRAS[package]}]'",
            name=package,
        )
