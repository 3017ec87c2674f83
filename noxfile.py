"""The project's commands: `nox` runs what a contribution has to pass."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "venv"

TOOLS = (
    *("ruff", "mypy", "clang-format==23.1.5", "numpy>=2.2"),
    *("matplotlib", "rich", "safetensors", "scikit-learn"),
)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, formatting of the C++, and the files that are written from the registry."""
    session.install(*TOOLS, ".")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    listed = session.run("git", "ls-files", "*.cpp", "*.hpp", external=True, silent=True)
    assert isinstance(listed, str)
    session.run("clang-format", "--dry-run", "--Werror", *listed.split())
    session.run("python", "tools/generate.py", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """The test suite on an installed wheel."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
@nox.parametrize("isa", ["baseline", "avx2", "avx512"])
def isa(session: nox.Session, isa: str) -> None:
    """The kernels' own tests on one instruction set."""
    session.install(".[test]")
    kernels = [
        f"tests/test_{name}.py" for name in ("elementwise", "gates", "softmax", "cross_entropy")
    ]
    session.run("pytest", *kernels, *session.posargs, env={"RANVIER_ISA": isa})


@nox.session
def warnings(session: nox.Session) -> None:
    """Everything compiled with warnings as errors, by each compiler that is named behind --."""
    session.install("cmake", "ninja", "pybind11", "numpy>=2.0")
    found = session.run("pybind11-config", "--cmakedir", silent=True)
    assert isinstance(found, str)
    for compiler in session.posargs or ("g++", "clang++"):
        build = f"{session.create_tmp()}/{compiler}"
        session.run(
            "cmake",
            *("-S", ".", "-B", build, "-G", "Ninja"),
            "-DRANVIER_WERROR=ON",
            "-DRANVIER_TESTS=ON",
            f"-DCMAKE_CXX_COMPILER={compiler}",
            f"-DPython_EXECUTABLE={session.virtualenv.location}/bin/python",
            f"-Dpybind11_DIR={found.strip()}",
        )
        session.run("cmake", "--build", build)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as HTML in build/docs; a warning is an error."""
    session.install(".[docs]")
    options = ("-W", "--keep-going", "-j", "auto")
    session.run("sphinx-build", *options, *session.posargs, "docs", "build/docs")


@nox.session
def bench(session: nox.Session) -> None:
    """The whole comparison with the peers, which come from PyPI: half an hour."""
    session.install(".[bench]")
    session.run("ranvier", "bench", "--all", *session.posargs)


@nox.session
def accuracy(session: nox.Session) -> None:
    """The error of every function over all float32 inputs, 10^8 float64 and all float16: an hour.

    Behind -- what ranvier_accuracy takes, for one run of that instead: --every 257, names, ...
    """
    session.install("cmake", "ninja")
    build = session.create_tmp()
    session.run(
        "cmake",
        *("-S", ".", "-B", build, "-G", "Ninja"),
        *("-DRANVIER_PYTHON=OFF", "-DRANVIER_TESTS=ON"),
    )
    session.run("cmake", "--build", build, "--target", "ranvier_accuracy")
    everything = ((), ("--float64", "100000000"), ("--float16",))
    for options in [session.posargs] if session.posargs else everything:
        session.run(
            f"{build}/ranvier_accuracy",
            *("--output", f"{build}/accuracy.jsonl", *options),
            external=True,
        )
    session.log(f"python tools/accuracy_table.py {build}/accuracy.jsonl writes the tables")
