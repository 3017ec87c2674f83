"""Plots of the history of a training run; this module needs matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from . import _style

FORMATS = tuple(f".{name}" for name in sorted(Figure().canvas.get_supported_filetypes()))
_COLUMNS = 3
_MOST_MARKED = 20  # points that are told apart as points


def draw(
    history: Mapping[str, Sequence[float]], path: str | PathLike[str] | None, title: str
) -> Figure:
    """A panel for each quantity; written to the path, if there is one."""
    quantities = [*dict.fromkeys(key.removeprefix("val_") for key in history if key != "seconds")]
    columns = min(len(quantities), _COLUMNS)
    lines = math.ceil(len(quantities) / columns)
    with matplotlib.style.context(_style.STYLE):
        figure = Figure(figsize=(0.4 + 3.6 * columns, 2.8 * lines), layout="constrained")
        if title:
            figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        for axes, quantity in zip(panels, quantities, strict=False):
            _draw_panel(axes, history, quantity)
        for axes in panels[len(quantities) :]:
            axes.remove()
        if path is not None:
            _style.save(figure, Path(path))
    return figure


def _draw_panel(axes: Axes, history: Mapping[str, Sequence[float]], quantity: str) -> None:
    curves = {
        "training": (history.get(quantity), _style.BLUE),
        "validation": (history.get(f"val_{quantity}"), _style.ORANGE),
    }
    for label, (values, colour) in curves.items():
        if values is not None:
            marker = "o" if len(values) <= _MOST_MARKED else ""
            epochs = range(1, len(values) + 1)
            axes.plot(epochs, values, color=colour, label=label, marker=marker, markersize=3)
    axes.set_title(quantity.replace("_", " "))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    if f"val_{quantity}" in history:
        axes.legend()
