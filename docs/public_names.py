"""A directive that documents what a module exports, and a check that nothing was left out.

.. public-names:: ranvier.optim

is what the docstring of every name of `ranvier.optim.__all__` says. With `:as:`, the names are
those of another module, which exports them too.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

# Those that `import ranvier` does not make attributes of.
IMPORTED_BY_NAME = ("ranvier.data", "ranvier.gallery", "ranvier.sklearn")


class PublicNames(SphinxDirective):
    """What the module of the argument exports."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"as": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        module = import_module(self.arguments[0])
        prefix = self.options.get("as", self.arguments[0])
        lines = [f".. currentmodule:: {prefix}", ""]
        for name in exported(module):
            lines += documented(name, getattr(module, name))
        node = nodes.Element()
        self.state.nested_parse(StringList(lines, source=module.__name__), 0, node)
        return node.children


def documented(name: str, value: Any) -> list[str]:
    """The directive for a name of the current module."""
    if isinstance(value, type):
        return [f".. autoclass:: {name}", "   :members:", ""]
    # A ufunc's signature is the first line of its docstring.
    arguments = "(...)" if isinstance(value, np.ufunc) else ""
    return [f".. autofunction:: {name}{arguments}", ""]


def exported(module: ModuleType) -> list[str]:
    """The names of a module that are not modules themselves."""
    return [
        name
        for name in module.__all__
        if not inspect.ismodule(getattr(module, name)) and not name.startswith("__")
    ]


def missing(found: set[str]) -> Iterator[str]:
    """The public names that are not among those found."""
    modules = [("ranvier", "ranvier"), *((name, name) for name in IMPORTED_BY_NAME)]
    for name, parent in modules:
        module = import_module(name)
        for public in exported(module):
            if not {f"{name}.{public}", f"{parent}.{public}"} & found:
                yield f"{name}.{public}"
        modules += [
            (f"{name}.{part}", name)
            for part in module.__all__
            if inspect.ismodule(getattr(module, part))
        ]


def check(app: Sphinx, env: BuildEnvironment) -> None:
    found = {name for name, *_ in env.get_domain("py").get_objects()}
    for name in missing(found):
        logging.getLogger(__name__).warning("%s is public and on no page", name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public-names", PublicNames)
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
