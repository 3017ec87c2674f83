"""Rows == references == exports == stubs == benchmarks == documentation, in both directions."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import ranvier as rv
from operations import operations
from ranvier.bench import activations as bench
from reference import GATES, REFERENCES

ROWS = {record.name: record for record in rv.registry()}
FORMS = {
    "value": rv.activations,
    "derivative": rv.derivative,
    "vjp": rv.vjp,
    "vjp_from_output": rv.vjp_from_output,
}
# What stands beside the activations in a module; test_gates.py looks at the gates.
BESIDE = {
    "derivative": {*GATES, "maxout"},
    "vjp": {*GATES, "maxout", "log_softmax", "softmax", "softmin"},
}


def check_same_names(found: set[str], expected: set[str], where: str, source: str) -> None:
    missing, unknown = sorted(expected - found), sorted(found - expected)
    assert not missing, f"{where} lacks {', '.join(missing)}, which {source} has"
    assert not unknown, f"{where} has {', '.join(unknown)}, which {source} has not"


def with_output_form() -> set[str]:
    return {name for name, r in REFERENCES.items() if r.derivative_from_output is not None}


def expected_names(form: str) -> set[str]:
    return with_output_form() if form == "vjp_from_output" else set(ROWS)


def test_rows_of_the_source(checkout):
    text = (checkout / "cpp/src/ops/activations.def").read_text()
    rows = set(re.findall(r"^RV_ACTIVATION\(\s*(\w+)", text, re.MULTILINE))
    check_same_names(set(ROWS), rows, "rv.registry()", "activations.def")


def test_references():
    check_same_names(set(REFERENCES), set(ROWS), "tests/reference.py", "rv.registry()")


@pytest.mark.parametrize("form", FORMS)
def test_exports(form):
    names = set(FORMS[form].__all__) - BESIDE.get(form, set())
    source = "reference.py" if form == "vjp_from_output" else "rv.registry()"
    check_same_names(names, expected_names(form), FORMS[form].__name__, source)
    for name in names:
        assert callable(getattr(FORMS[form], name))


def test_top_level_names():
    check_same_names({n for n in ROWS if hasattr(rv, n)}, set(ROWS), "ranvier", "rv.registry()")
    for name in ROWS:
        assert getattr(rv, name) is getattr(rv.activations, name)


def declared(stub: Path) -> dict[str, ast.AST]:
    """Public names of a stub, with the statement that declares each."""
    result: dict[str, ast.AST] = {}
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            result[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            result[node.target.id] = node
    return {name: node for name, node in result.items() if not name.startswith("_")}


@pytest.mark.parametrize("form", FORMS)
def test_stubs(form):
    stub = Path(FORMS[form].__file__).with_suffix(".pyi")
    assert stub.is_file(), f"the installed package has no {stub.name}"
    names = declared(stub)
    source = "reference.py" if form == "vjp_from_output" else "rv.registry()"
    check_same_names(set(names) - BESIDE.get(form, set()), expected_names(form), stub.name, source)
    arrays = 1 if form in ("value", "derivative") else 2
    for name in expected_names(form):
        node = names[name]
        if isinstance(node, ast.FunctionDef):
            positional = [*node.args.posonlyargs, *node.args.args]
            given = [argument.arg for argument in positional[arrays:]]
            assert given == list(ROWS[name].parameters), f"{stub.name}: parameters of {name}"
        else:
            assert not ROWS[name].parameters, f"{stub.name}: {name} has parameters"


@pytest.mark.parametrize(
    "module",
    [*FORMS.values(), rv.gates, rv.nn.activations, rv.nn.gates],
    ids=lambda module: module.__name__,
)
def test_a_stub_lists_what_a_star_import_takes(module):
    stub = Path(module.__file__).with_suffix(".pyi")
    defined, listed = set(), []
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.Assign):
            listed += ast.literal_eval(node.value)
        elif isinstance(node, ast.AnnAssign):
            defined.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
    assert sorted(listed) == sorted(module.__all__)
    assert set(listed) <= defined, f"{stub.name} lists {sorted(set(listed) - defined)}"


def test_package_is_typed():
    assert (Path(rv.__file__).parent / "py.typed").is_file()


def test_benchmarks(checkout):
    path = checkout / "python/ranvier/bench/activations.py"
    assert path.is_file(), f"{path} does not exist"
    # Read, not imported: the peers themselves are not installed where the tests run.
    tables = [
        node.body[-1].value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "in_torch"
    ]
    assert len(tables) == 1, f"{path} has no function in_torch"
    assert isinstance(tables[0], ast.Dict), f"in_torch in {path} returns no dict written out"
    names = {ast.literal_eval(key) for key in tables[0].keys if key is not None}
    assert {*bench.JAX, *bench.JAX_OPTIONS, *bench.SCIPY, *bench.PARAMETERS} <= names
    check_same_names(names, set(ROWS), "in_torch in bench/activations.py", "rv.registry()")


def test_documentation(checkout):
    index = (checkout / "docs/activations.md").read_text()
    linked = set(re.findall(r"^\| \[\w+\]\(functions/(\w+)\.md\)", index, re.MULTILINE))
    check_same_names(linked, set(ROWS), "docs/activations.md", "rv.registry()")
    folder = checkout / "docs/functions"
    pages, plots = ({path.stem for path in folder.glob(f"*.{end}")} for end in ("md", "svg"))
    check_same_names(pages, set(ROWS), "docs/functions/*.md", "rv.registry()")
    check_same_names(plots, {*ROWS, "overview"}, "docs/functions/*.svg", "rv.registry()")


@pytest.mark.parametrize("name", ROWS)
def test_page(checkout, name):
    text = (checkout / f"docs/functions/{name}.md").read_text()
    record = ROWS[name]
    assert text.startswith(f"# {name}\n") and f"]({name}.svg)" in text
    for expected in (record.formula, record.derivative, record.reference):
        assert expected in text.replace(r"\|", "|")
    for dtype, bound in record.bounds.items():
        assert f"| {dtype} | {bound.value:.4g} | {bound.derivative:.4g} |" in text


@pytest.mark.parametrize("name", ROWS)
def test_record_is_complete(name):
    record = ROWS[name]
    assert set(record.bounds) == {"float16", "float32", "float64"}
    for dtype, most in (("float16", 0.51), ("float32", 1), ("float64", 8)):
        assert 0 <= record.bounds[dtype].value <= most
        assert 0 <= record.bounds[dtype].derivative <= most
    assert len(record.special_values) == 4
    assert record.formula
    assert record.derivative
    assert re.search(r"\b(19|20)\d\d\b", record.reference), f"{name}: a reference without a year"


def test_records_cannot_be_changed():
    record = rv.registry()[0]
    with pytest.raises(AttributeError):
        record.name = "other"
    with pytest.raises(TypeError):
        record.bounds["float32"] = None
    rv.registry().clear()
    assert rv.registry(), "the list returned is not the caller's own"


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_function_is_what_its_row_says(operation):
    function = operation.function
    assert operation.name in function.__name__
    assert "Parameters\n---" in (function.__doc__ or "")
    assert operation.record.reference in function.__doc__
    if not operation.record.parameters:
        assert isinstance(function, np.ufunc)
        return
    parameters = inspect.signature(function).parameters
    names = list(parameters)[operation.arrays : -1]
    assert names == list(operation.record.parameters)
    for name, default in operation.record.parameters.items():
        given = parameters[name].default
        assert given is inspect.Parameter.empty if default is None else given == default
