"""Every example in the docstrings and on the pages of the activations runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re

import pytest

import ranvier
from operations import operations

MODULES = [
    ranvier.__name__,
    *(
        module.name
        for module in pkgutil.walk_packages(ranvier.__path__, "ranvier.")
        if not module.name.endswith(("._core", ".__main__"))
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_module(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0, f"{result.failed} of {result.attempted} examples of {name} fail"


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_generated_docstring(operation):
    example = doctest.DocTestParser().get_doctest(
        operation.function.__doc__, {}, str(operation), None, None
    )
    given_by_default = None not in operation.record.parameters.values()
    if operation.form in ("value", "derivative") and given_by_default:
        assert example.examples, f"{operation} has no example"
    assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.parametrize("name", ["training", "tutorial"])
def test_session(checkout, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)  # the examples write files
    result = doctest.testfile(str(checkout / f"docs/{name}.md"), module_relative=False)
    assert result.attempted > 20 and result.failed == 0


@pytest.mark.parametrize("name", [record.name for record in ranvier.registry()])
def test_page(checkout, name):
    path = checkout / f"docs/functions/{name}.md"
    (text,) = re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)
    example = doctest.DocTestParser().get_doctest(text, {}, name, str(path), None)
    assert f"rv.{name}(" in text and f"rv.vjp.{name}(" in text
    assert doctest.DocTestRunner().run(example).failed == 0
