"""Objects compiled for one instruction set leave nothing behind that another machine might run.

A weak symbol outside the instruction set's own namespace may be the copy that the linker keeps for
everybody; a static initialiser runs before the processor has been asked what it can do; a call into
the C library is a formula that is not the project's own.
"""

from __future__ import annotations

import re

import pytest

# What a compiler calls by itself to copy and clear memory and to address data.
_FROM_THE_COMPILER = {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


def without_return_type(name: str) -> str:
    """A template function's demangled name starts with its return type."""
    return re.sub(r"^(?:[\w:<>, *&]+? )?(?=ranvier::\w+::)", "", name)


@pytest.fixture
def objects(kernel_objects):
    return [kernels for several in kernel_objects.values() for kernels in several]


def test_weak_symbols_are_in_the_namespace_of_the_instruction_set(objects):
    for kernels in objects:
        weak = [name for kind, name in kernels.symbols if kind in "WwVvu"]
        assert weak, f"nm lists no kernels in {kernels.path.name}"
        own = f"ranvier::{kernels.instruction_set}::"
        foreign = [name for name in weak if not without_return_type(name).startswith(own)]
        assert not foreign, (
            f"{kernels.path.name} has weak symbols outside {own}, which may replace the copies "
            f"that every machine runs: {foreign}"
        )


def test_strong_symbols_are_tables(objects):
    for kernels in objects:
        strong = [name for kind, name in kernels.symbols if kind in "TDRBCG"]
        table = rf"ranvier::{kernels.instruction_set}::(elementwise_float\d+|\w+_table(_float\d+)?)"
        assert strong, kernels.path.name
        foreign = [name for name in strong if not re.fullmatch(table, name)]
        assert not foreign, f"{kernels.path.name} defines {foreign}"


def test_no_static_initialisers(objects):
    for kernels in objects:
        sections = [s for s in kernels.sections if re.match(r"\.(init|fini)_array|\.[cd]tors", s)]
        functions = [
            name
            for _, name in kernels.symbols
            if re.search(
                r"_GLOBAL__|global constructors|static_initialization|guard variable", name
            )
        ]
        assert not sections + functions, (
            f"{kernels.path.name} runs code when it is loaded: {sections + functions}"
        )


def test_nothing_is_called_in_the_c_library(objects):
    for kernels in objects:
        undefined = {name for kind, name in kernels.symbols if kind == "U"}
        foreign = sorted(undefined - _FROM_THE_COMPILER)
        assert not foreign, f"{kernels.path.name} calls {', '.join(foreign)}"
