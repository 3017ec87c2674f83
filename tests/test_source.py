"""Rules of the source that no compiler checks: layers, headers, and where threads start."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ranvier as rv

# From the bottom up. Rows are data, and isa/kernels.hpp and the public headers are declarations of
# plain types: everybody may include them.
LAYERS = (
    r"src/ops/\w+\.def",
    r"src/isa/kernels\.hpp|include/ranvier/\w+\.h(pp)?",
    r"src/math/\w+\.hpp",
    r"src/ops/(activations|losses|optimizers)/\w+\.hpp",
    r"src/ops/\w+\.hpp",
    r"src/isa/\w+\.[ch]pp",
    r"src/runtime/\w+\.[ch]pp",
    r"src/layers/\w+\.[ch]pp",
    r"bindings/\w+\.[ch]pp",
)
PER_INSTRUCTION_SET = r"src/(math|ops|isa)/"
HEADERS_THAT_DEFINE_NOTHING = {"cstddef", "cstdint"}


@pytest.fixture(scope="module")
def sources(checkout) -> dict[Path, str]:
    """Text of every C++ file without its comments, by path inside cpp/."""
    root = checkout / "cpp"
    found = {
        path.relative_to(root): re.sub(r"//.*|/\*.*?\*/", "", path.read_text())
        for path in sorted(root.rglob("*"))
        if path.suffix in {".hpp", ".cpp", ".def", ".h"}
    }
    assert len(found) > 20, f"{root} has only {len(found)} sources"
    return found


def layer(path: Path) -> int:
    for number, pattern in enumerate(LAYERS):
        if re.fullmatch(pattern, path.as_posix()):
            return number
    raise AssertionError(f"cpp/{path} is in none of the layers that this test knows")


def included(path: Path, text: str, sources: dict[Path, str]) -> list[Path]:
    """The project's own files that a file includes."""
    result = []
    for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE):
        candidates = [path.parent / name, Path("src") / name, Path("include") / name]
        normal = [Path(*_without_parents(c)) for c in candidates]
        (target,) = [c for c in dict.fromkeys(normal) if c in sources] or [None]
        assert target is not None, f"cpp/{path} includes {name}, which is not in cpp/"
        result.append(target)
    return result


def _without_parents(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return parts


def test_includes_point_downwards(sources):
    for path, text in sources.items():
        for target in included(path, text, sources):
            below = layer(target) < layer(path)
            beside = layer(target) == layer(path) and target.parent == path.parent
            assert below or beside, f"cpp/{path} includes cpp/{target}, which is above it"


def test_includes_have_no_cycle(sources):
    graph = {path: included(path, text, sources) for path, text in sources.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError(
            f"includes in a circle: {' -> '.join(map(str, error.args[1]))}"
        ) from None


def test_per_instruction_set_sources_include_no_header_that_defines_functions(sources):
    looked_at = [path for path in sources if re.match(PER_INSTRUCTION_SET, path.as_posix())]
    assert looked_at
    for path in looked_at:
        headers = set(re.findall(r"^\s*#\s*include\s*<([^>]+)>", sources[path], re.MULTILINE))
        foreign = sorted(headers - HEADERS_THAT_DEFINE_NOTHING)
        assert not foreign, (
            f"cpp/{path} includes <{'>, <'.join(foreign)}>: what it defines inline would be "
            f"compiled for one instruction set and linked for all"
        )


def test_only_one_file_starts_threads(sources):
    starts = re.compile(
        r"#\s*pragma\s+omp\s+(?!simd\b)(?!declare\s+simd\b)\w*.*|std::j?thread\b|std::async\b"
        r"|pthread_create|<thread>|<execution>"
    )
    found = {path.as_posix() for path, text in sources.items() if starts.search(text)}
    assert found == {"src/runtime/threads.cpp"}, f"threads are started in {sorted(found)}"


def test_kernels_keep_their_floating_point_semantics(checkout):
    build = (checkout / "CMakeLists.txt").read_text()
    assert "-ffp-contract=off" in build
    for option in ("-ffast-math", "-Ofast", "-funsafe-math", "-fassociative-math", "-ffinite-math",
                   "-march=native"):  # fmt: skip
        assert option not in build, f"CMakeLists.txt sets {option}"


def python_imports(path: Path, package: Path) -> set[str]:
    """Modules of the package that a module imports when it is itself imported."""
    own = path.relative_to(package).with_suffix("")
    base = list(own.parts[:-1])
    modules = {
        ".".join(p.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
        for p in package.rglob("*.py")
    }
    result = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (
            node.level or (node.module or "").startswith("ranvier")
        ):
            # `from .x import y`: y may be a module itself.
            start = base[: len(base) - node.level + 1] if node.level else []
            module = (node.module or "").removeprefix("ranvier").strip(".")
            stem = ".".join([*start, *filter(None, module.split("."))])
            for alias in node.names:
                full = f"{stem}.{alias.name}".strip(".")
                result.add(full if full in modules else stem)
    return result - {"", "__init__"}


def test_python_imports_point_downwards(checkout):
    package = checkout / "python/ranvier"
    graph = {
        ".".join(p.relative_to(package).with_suffix("").parts).removesuffix(".__init__"): (
            python_imports(p, package)
        )
        for p in sorted(package.rglob("*.py"))
        if p != package / "__init__.py"
    }
    # A package's __init__ imports its parts, and the parts may not import it back.
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise AssertionError(f"imports in a circle: {' -> '.join(error.args[1])}") from None
    for module, imports in graph.items():
        assert module == "__main__" or "cli" not in imports, f"{module} imports the command line"


def test_public_names():
    names: dict[str, object] = {}
    exec("from ranvier import *", names)
    assert names.keys() - {"__builtins__"} == set(rv.__all__)
    assert {"Trainer", "nn", "relu", "softmax", "__version__"} <= set(rv.__all__)
    assert len(set(rv.__all__)) == len(rv.__all__)
    assert not {"annotations", "np", "Any"} & set(dir(rv))


def test_only_one_module_loads_the_core(checkout):
    package = checkout / "python/ranvier"
    pattern = re.compile(r"from \.+ import _core|import ranvier\._core|from ranvier import _core")
    loads = {p.name for p in package.rglob("*.py") if pattern.search(p.read_text())}
    assert loads == {"_native.py"}, f"_core is loaded by {sorted(loads)}"


def test_references_do_not_import_what_they_judge(checkout):
    for name in ("reference.py", "points.py", "oracle.py", "checks.py"):
        for node in ast.walk(ast.parse((checkout / "tests" / name).read_text())):
            imported = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import)
                else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            )  # fmt: skip
            for module in imported:
                assert module.split(".")[0] not in {"ranvier", "operations"}, f"{name}: {module}"
