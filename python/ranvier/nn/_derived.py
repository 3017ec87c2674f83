"""Layers derived from the rows of a registry: the class, with its documentation."""

from __future__ import annotations

from typing import Any, TypeVar

from .module import Module

M = TypeVar("M", bound=Module)


def derived_module(
    base: type[M],
    record: Any,
    summary: str,
    *sections: str,
    call: str,
    result: str,
    **namespace: Any,
) -> type[M]:
    """A subclass by the name that the record has for it.

    Parameters
    ----------
    record : Activation or Gate
    summary : str
        The first line of the docstring.
    *sections : str
        What comes between it and the reference.
    call, result : str
        The example: what is called of `nn`, and what that prints.
    **namespace
        Further attributes of the class.
    """
    body = "\n\n".join(section.rstrip() for section in sections)
    doc = f"""{summary}

{body}

References
----------
{record.reference}.

Examples
--------
>>> import numpy as np
>>> from ranvier import nn
>>> nn.{call}
{result}
"""
    namespace |= {"__doc__": doc, "__module__": base.__module__, "record": record}
    return type(record.module, (base,), namespace)
