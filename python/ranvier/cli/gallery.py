"""``ranvier gallery``: a plot of every activation."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ._errors import file_errors, require

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "gallery",
        help="plot every activation and its derivative",
        description="Write a plot of each activation with its derivative, and one of all.",
    )
    parser.set_defaults(command=_gallery)
    parser.add_argument(
        "--out", default="gallery", metavar="DIR", help="folder to write to (default: %(default)s)"
    )
    parser.add_argument(
        "--format", choices=("svg", "png"), default="svg", help="default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def _gallery(arguments: argparse.Namespace) -> None:
    require("matplotlib", "gallery")
    from .. import gallery

    with file_errors(arguments.out):
        files = gallery.write(arguments.out, arguments.format)
    print(f"{len(files)} plots in {arguments.out}")
    if arguments.json:
        report = {"format": arguments.format, "files": [str(path) for path in files]}
        print(json.dumps(report), flush=True)
