"""Plots of the activations in the registry; this module needs matplotlib."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib.style
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ._curves import Curve, curves, defaults, family, half_width
from ._elementwise import Activation, registry
from ._style import BLUE, ORANGE, STYLE, save

__all__ = ["write"]

Format = Literal["png", "svg"]

_THIN, _MEDIUM, _THICK = 1.1, 1.6, 2.2
_DASHED = (0, (3, 1))
_COLUMNS = 6  # of the overview


def write(directory: str | Path, format: Format = "svg") -> list[Path]:
    """Write a plot of each activation, and one of all.

    Parameters
    ----------
    directory : str or path
        Made if it does not exist.
    format : {"svg", "png"}

    Returns
    -------
    list of Path
        What was written: NAME.svg for each activation, and overview.svg.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    # The look belongs to the drawing of a figure as well, not to its making alone.
    with matplotlib.style.context(STYLE):
        for record in registry():
            paths.append(directory / f"{record.name}.{format}")
            save(_plot(record), paths[-1])
        paths.append(directory / f"overview.{format}")
        save(_overview(registry()), paths[-1])
    return paths


def _plot(record: Activation) -> Figure:
    """An activation and its derivative side by side; a row for each parameter, with its family."""
    varied: list[str | None] = [*record.parameters] or [None]
    figure = Figure(figsize=(8, 0.5 + 2.9 * len(varied)), layout="constrained")
    figure.suptitle(record.name, x=0.01, ha="left", fontsize=14, fontweight="bold")
    rows = figure.subplots(len(varied), 2, sharex="col", squeeze=False)
    titles = (f"f(x) = {record.formula}", f"f'(x) = {record.derivative}")
    for axes, title, colour in zip(rows[0], titles, (BLUE, ORANGE), strict=True):
        axes.set_title(_wrapped(title), fontsize=9, color=colour)
    for row, parameter in zip(rows, varied, strict=True):
        _draw_row(row, record, parameter)
    for axes in rows[-1]:
        axes.set_xlabel("x")
    return figure


def _wrapped(title: str) -> str:
    """In lines of about the same length."""
    lines = math.ceil(len(title) / 52)
    return textwrap.fill(title, min(52, len(title) // lines + 8))


def _draw_row(row: Sequence[Axes], record: Activation, parameter: str | None) -> None:
    a = half_width(record)
    usual = defaults(record)
    thick = curves(record, usual, a)
    others = [] if parameter is None else family(record, parameter)
    thin = [curves(record, values, a) for values in others]
    colours = colormaps["viridis"](np.linspace(0, 0.85, len(others)))
    for panel, colour in enumerate((BLUE, ORANGE)):
        axes = row[panel]
        _draw_axes(axes, a, [pair[panel] for pair in (thick, *thin)])
        for pair, faint in zip(thin, colours, strict=True):
            axes.plot(pair[panel].x, pair[panel].y, color=faint, linewidth=_THIN)
        _draw(axes, thick[panel], colour, _THICK)
    if parameter is None:
        return
    shades = {
        values[parameter]: (shade, _THIN) for values, shade in zip(others, colours, strict=True)
    }
    shades[usual[parameter]] = ("0.15", _THICK)
    lines = [
        Line2D([], [], color=shade, linewidth=width, label=f"{parameter} = {value:g}")
        for value, (shade, width) in sorted(shades.items(), reverse=True)
    ]
    row[1].legend(handles=lines, loc="center left", bbox_to_anchor=(1.02, 0.5))


def _overview(records: Sequence[Activation]) -> Figure:
    """All activations in a grid, each with its derivative."""
    lines = math.ceil(len(records) / _COLUMNS)
    figure = Figure(figsize=(1.7 * _COLUMNS, 0.5 + 1.55 * lines), layout="constrained")
    grid = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
    for axes, record in zip(grid, records, strict=False):
        a = half_width(record)
        value, slope = curves(record, defaults(record), a)
        _draw_axes(axes, a, [value, slope])
        axes.plot(slope.x, slope.y, color=ORANGE, linewidth=_THIN, linestyle=_DASHED)
        axes.plot(value.x, value.y, color=BLUE, linewidth=_MEDIUM)
        axes.set_title(record.name, fontsize=9)
        axes.tick_params(labelsize=7)
        axes.set_xticks([-a, 0, a])
        axes.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        axes.grid(False)
    for axes in grid[len(records) :]:
        axes.remove()
    figure.legend(
        handles=[
            Line2D([], [], color=BLUE, linewidth=_MEDIUM, label="f"),
            Line2D([], [], color=ORANGE, linewidth=_THIN, linestyle=_DASHED, label="f'"),
        ],
        loc="outside upper right",
        ncols=2,
    )
    return figure


def _draw_axes(axes: Axes, a: int, shown: Sequence[Curve]) -> None:
    """Lines at zero, and limits that hold the curves unless they leave the square."""
    axes.axhline(0, color="0.6", linewidth=0.8, zorder=1)
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=1)
    heights = np.concatenate([curve.y[np.isfinite(curve.y)] for curve in shown])
    low, high = max(min(heights.min(), 0), -a), min(max(heights.max(), 0), a)
    margin = 0.06 * (high - low)
    axes.set_xlim(-a, a)
    axes.set_ylim(low - margin, high + margin)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _draw(axes: Axes, curve: Curve, colour: str, width: float) -> None:
    """A line that breaks at a jump; a full circle is at the value there, an empty one is not."""
    axes.plot(curve.x, curve.y, color=colour, linewidth=width, zorder=3)
    circle: dict[str, Any] = {
        "color": colour,
        "marker": "o",
        "markersize": 2 * width,
        "linestyle": "none",
    }
    for fill, side in (("white", 1), (colour, 0)):
        points = [jump[side] for jump in curve.jumps]
        if points:
            axes.plot(*zip(*points, strict=True), markerfacecolor=fill, zorder=4, **circle)
