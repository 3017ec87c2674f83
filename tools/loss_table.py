"""The table in docs/losses.md, from the rows of the losses and what their functions say."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from ranvier import losses
from ranvier.losses._uses import every_loss

PAGE = Path(__file__).resolve().parent.parent / "docs" / "losses.md"
BEGIN = "<!-- Written by tools/generate.py from the rows of the losses. -->\n"
EVERYWHERE = {"weight", "reduction", "sample_weight"}  # options that the page describes itself
END = "<!-- End of the table. -->\n"


def page() -> str:
    """docs/losses.md with the table that belongs there."""
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "\n" + "\n".join(_table()) + "\n\n" + END + after


def _table() -> Iterator[str]:
    yield "| loss | of an element, or of a sample | slope at a kink | source |"
    yield "|---|---|---|---|"
    for loss in every_loss():
        yield _row(loss)
    yield "| zero_one_loss * | 1 for a wrong prediction; a metric, without a gradient | | |"


def _row(loss: losses.Loss) -> str:
    first = loss.rows[0]
    options = inspect.signature(loss).parameters.values()
    named = [p.name for p in options if p.default is not p.empty and p.name not in EVERYWHERE]
    name = loss.__name__ + (f"({', '.join(named)})" if named else "")
    graded = [operand.name for operand in first.operands if operand.graded]
    formula = loss.formula
    if len(graded) > 1:
        formula += f"; gradients of {', '.join(graded[:-1])} and {graded[-1]}"
    cells = (name + ("" if loss.in_torch else " *"), formula, first.kink, first.reference)
    return "| " + " | ".join(cells) + " |"
