"""Tables for people: rich's where rich is installed, else plain text in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

__all__ = ["show"]


def show(
    rows: Sequence[Sequence[str]], header: Sequence[str] | None = None, title: str | None = None
) -> None:
    """Print a table.

    Parameters
    ----------
    rows : sequence of sequences of str
    header : sequence of str, optional
        The names of the columns. With them, all but the first two are numbers, to the right.
    title : str, optional
    """
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        _show_plain(rows, header, title)
        return
    if header is None:
        table = Table(show_header=False)
    else:
        table = Table(
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            pad_edge=False,
            title=title,
            title_justify="left",
            title_style="bold",
        )
    for column, name in enumerate(header or ()):
        # Numbers are narrower than their names: on 80 columns, there is no room for that.
        narrow = name.replace(" ", "\n").replace("-", "-\n")
        justify: Literal["right", "left"] = "right" if column > 1 else "left"
        table.add_column(narrow, justify=justify, no_wrap=column != 1, vertical="bottom")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, emoji=False, highlight=False).print(table)


def _show_plain(
    rows: Sequence[Sequence[str]], header: Sequence[str] | None, title: str | None
) -> None:
    lines = [header, *rows] if header else rows
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if title:
        print(title)
    for line in lines:
        cells = [
            cell.rjust(width) if header and column > 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
