"""The command line: ``ranvier train``, ``bench``, ``gallery`` and ``info``.

Each command is a module with a function ``add(commands)``, which declares its options.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import data
from ..runtime import __version__, show_config
from . import bench, gallery, train
from ._errors import UsageError

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.

    Returns
    -------
    int
        0; 1 if nobody reads the output to its end; 2 after an error, which is one line on standard
        error; 130 if interrupted.
    """
    # A file may have a name that the terminal cannot show.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _run(argv)
        print(end="", flush=True)  # where standard output is closed, nothing
        return code
    except (UsageError, data.DataError) as error:
        return _failed(str(error))
    except MemoryError:
        return _failed("not enough memory for this model and data")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:  # data.load makes a DataError of its own
        _discard_output()
        return _failed(f"cannot write the output: {error.strerror or error}")


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = parser().parse_args(argv)
        arguments.command(arguments)
    except SystemExit as request:  # --help and --version, and rich when nobody reads its table
        return int(request.code or 0)
    return 0


def _failed(message: str) -> int:
    """Say so in one line, whatever is in the names of files."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    if sys.stderr is not None:  # else print would take standard output
        print(f"ranvier: error: {line}", file=sys.stderr)
    return 2


def _discard_output() -> None:
    """Else Python would try once more to write what is left when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def parser() -> _Parser:
    parser = _Parser(
        "ranvier",
        description="Neural networks on NumPy arrays.",
        epilog="ranvier COMMAND --help says what a command can do.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    train.add(commands)
    bench.add(commands)
    gallery.add(commands)
    info = commands.add_parser("info", help="version, instruction set, threads, compiler")
    info.set_defaults(command=lambda _: show_config())
    return parser
