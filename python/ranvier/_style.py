"""How the plots look; this module needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

# Of Okabe and Ito, told apart with every kind of colour vision.
BLUE, ORANGE = "#0072B2", "#D55E00"

STYLE: list[Any] = [
    "default",
    {
        "axes.axisbelow": True,
        "axes.edgecolor": "0.6",
        "axes.grid": True,
        "axes.labelcolor": "0.25",
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "font.size": 9,
        "grid.color": "0.92",
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "lines.solid_capstyle": "butt",
        "path.simplify_threshold": 0.2,
        "text.color": "0.15",
        "xtick.bottom": False,  # the grid is there
        "xtick.labelcolor": "0.25",
        "ytick.left": False,
        "ytick.labelcolor": "0.25",
        "svg.hashsalt": "ranvier",
        # Outlines of letters would be most of the file. Verdana is as wide as DejaVu Sans.
        "svg.fonttype": "none",
        "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    },
]


def save(figure: Figure, path: Path) -> None:
    """The same drawing is the same file: without a date, and without matplotlib's version."""
    unsaid = {".svg": ("Date", "Creator"), ".png": ("Software",)}.get(path.suffix)
    metadata = None if unsaid is None else {"Title": path.stem, **dict.fromkeys(unsaid)}
    figure.savefig(path, dpi=150, metadata=metadata)
