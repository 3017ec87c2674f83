"""The table of the optimizers in docs/optimizers.md, from the rows of optimizers.def."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ranvier import optim
from ranvier.optim.rules import RULES, Rule

PAGE = Path(__file__).resolve().parent.parent / "docs" / "optimizers.md"
START = "<!-- Written by tools/generate.py from the rows of optimizers.def. -->\n"
END = "<!-- End of what is written. -->\n"


def page() -> str:
    """The page with the table between its marks as it should be."""
    before, _, rest = PAGE.read_text().partition(START)
    _, _, after = rest.partition(END)
    return before + START + "".join(f"{line}\n" for line in _rows()) + END + after


def _rows() -> Iterator[str]:
    yield "| optimizer | step | options | state | weight decay | source |"
    yield "|---|---|---|---|---|---|"
    for rule in RULES.values():
        if rule.class_name in optim.__all__:
            cells = (
                rule.class_name,
                rule.formula,
                _options(rule),
                _state(rule),
                rule.weight_decay,
                rule.reference,
            )
            yield f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _options(rule: Rule) -> str:
    return ", ".join(f"{o.name}={_short(o.default)}" for o in rule.options.values())


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_short, value))})"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _state(rule: Rule) -> str:
    arrays = [s.name + (f" (with {s.option})" if s.option else "") for s in rule.states.values()]
    return "; ".join([", ".join(arrays), *([", ".join(rule.carried)] if rule.carried else [])])
