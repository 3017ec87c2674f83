"""Sphinx builds this folder: `nox -s docs`."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for public_names

project = "ranvier"
author = "The ranvier developers"
release = importlib.metadata.version("ranvier")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "myst_parser",
    "numpydoc",
    "sphinxarg.ext",
    "public_names",
]

nitpicky = True
default_role = "autolink"
# Those of the base class are on its page alone.
nitpick_ignore_regex = [("py:obj", "forward|backward|step|state_dict")]

# Types stand in the docstrings, and a method that overrides one says so with its base class.
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
autosummary_generate = False
numpydoc_show_class_members = False

myst_heading_anchors = 3

html_theme = "furo"
html_title = f"ranvier {release}"
