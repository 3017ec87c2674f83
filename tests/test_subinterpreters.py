"""A subinterpreter is refused, and the main interpreter does not notice."""

from __future__ import annotations

import pytest

from programs import run


@pytest.mark.parametrize("loaded_first", [False, True])
@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_refused(kind, loaded_first):
    program = f"""
        import sys
        if {loaded_first}:
            import ranvier
        if sys.version_info >= (3, 13):
            import _interpreters as interpreters
            other = interpreters.create({kind!r})
        else:
            import _xxsubinterpreters as interpreters
            other = interpreters.create(isolated={kind == "isolated"})
        code = '''
        try:
            import ranvier
        except ImportError as error:
            print(error, flush=True)
        '''
        import textwrap
        interpreters.run_string(other, textwrap.dedent(code))
        interpreters.destroy(other)
        import ranvier
        assert ranvier.relu(2.0) == 2
    """
    expected = "ranvier cannot be loaded in a subinterpreter; expected the main one"
    assert run(program) == expected
