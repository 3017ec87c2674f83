"""Objects compiled for one instruction set leave nothing behind that another machine might run.

A weak symbol outside the instruction set's own namespace may be the copy that the linker keeps for
everybody; a static initialiser runs before the processor has been asked what it can do; a call into
the C library is a formula that is not the project's own.
"""

from __future__ import annotations

import re

# What a compiler calls by itself to copy and clear memory and to address data.
_FROM_THE_COMPILER = {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


def without_return_type(name: str) -> str:
    """A template function's demangled name starts with its return type."""
    return re.sub(r"^(?:[\w:<>, *&]+ )?(?=ranvier::\w+::)", "", name)


def test_weak_symbols_are_in_the_namespace_of_the_instruction_set(kernel_objects):
    for kernels in kernel_objects.values():
        weak = [name for kind, name in kernels.symbols if kind in "WwVvu"]
        assert weak, f"nm lists no kernels in {kernels.path.name}"
        own = f"ranvier::{kernels.instruction_set}::"
        foreign = [name for name in weak if not without_return_type(name).startswith(own)]
        assert not foreign, (
            f"{kernels.path.name} has weak symbols outside {own}, which may replace the copies "
            f"that every machine runs: {foreign}"
        )


def test_strong_symbols_are_the_table(kernel_objects):
    for kernels in kernel_objects.values():
        strong = {name for kind, name in kernels.symbols if kind in "TDRBCG"}
        assert strong == {f"ranvier::{kernels.instruction_set}::table"}, kernels.path.name


def test_no_static_initialisers(kernel_objects):
    for kernels in kernel_objects.values():
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


def test_nothing_is_called_in_the_c_library(kernel_objects):
    for kernels in kernel_objects.values():
        undefined = {name for kind, name in kernels.symbols if kind == "U"}
        foreign = sorted(undefined - _FROM_THE_COMPILER)
        assert not foreign, f"{kernels.path.name} calls {', '.join(foreign)}"
