"""The project's commands: `nox` runs what a contribution has to pass."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

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


def compiler_file(session: nox.Session, compiler: str, name: str) -> str:
    """A library that comes with a compiler."""
    found = session.run(compiler, f"-print-file-name={name}", external=True, silent=True)
    assert isinstance(found, str)
    if not Path(found.strip()).is_absolute():
        session.error(f"{compiler} has no {name}")
    return found.strip()


def sanitized_tests(
    session: nox.Session, preset: str, runtime: str, env: dict[str, str], *launcher: str
) -> None:
    """The suite, or what is behind --, on an extension that a preset of CMake has built.

    Without -- all but the tests of machine code, which build their own, and those of speed.
    """
    session.install(
        ".[test]", f"-Ccmake.args=--preset={preset}", "-Ccmake.build-type=Debug", "--no-cache-dir"
    )
    own_builds = ("accuracy_program", "interface", "symbols", "vectorised")
    everything = ["-m", "not alone", *(f"--ignore=tests/test_{name}.py" for name in own_builds)]
    # Python's own allocator hides an array's end from a sanitizer. The runtime is in place before
    # Python is, but not before the launcher.
    settings = {"PYTHONMALLOC": "malloc", "LD_PRELOAD": runtime, **env}
    session.run(
        *(*launcher, "env", *(f"{name}={value}" for name, value in settings.items())),
        *(f"{session.virtualenv.location}/bin/python", "-m", "pytest"),
        *(session.posargs or everything),
        external=True,
    )


@nox.session
def asan(session: nox.Session) -> None:
    """The tests under AddressSanitizer, with Clang: hours."""
    runtime = compiler_file(session, "clang++", "libclang_rt.asan-x86_64.so")
    # What Python and NumPy keep until the process ends is no leak.
    options = "detect_leaks=0:detect_stack_use_after_return=1:allocator_may_return_null=1"
    sanitized_tests(session, "asan", runtime, {"ASAN_OPTIONS": options})


@nox.session
def ubsan(session: nox.Session) -> None:
    """The tests under UndefinedBehaviorSanitizer, with Clang: the first report ends the run."""
    runtime = compiler_file(session, "clang++", "libclang_rt.ubsan_standalone-x86_64.so")
    sanitized_tests(session, "ubsan", runtime, {"UBSAN_OPTIONS": "print_stacktrace=1"})


@nox.session
def tsan(session: nox.Session) -> None:
    """The tests under ThreadSanitizer: Clang's code and OpenMP, Archer, and GCC's runtime.

    Archer tells the runtime how OpenMP orders its threads, and no report has to be suppressed.
    Clang 14's own runtime cannot be loaded before Python.
    """
    clang = shutil.which("clang++")
    if clang is None:
        session.error("clang++ is not on PATH")
    archer = Path(clang).resolve().parent.parent / "lib/libarcher.so"
    if not archer.exists():
        session.error(f"{archer} is not there; it comes with libomp-dev")
    env = {
        "OMP_TOOL_LIBRARIES": str(archer),
        # Python, NumPy and OpenBLAS were built without it, so that it does not see their locks.
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1",
        "RANVIER_NUM_THREADS": "4",
    }
    runtime = compiler_file(session, "g++", "libtsan.so")
    # Its shadow memory does not go with much randomness of addresses.
    sanitized_tests(session, "tsan", runtime, env, "setarch", "-R")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Hostile arguments and files chosen by libFuzzer, for 1200 seconds or those behind --.

    Under AddressSanitizer and UndefinedBehaviorSanitizer. Inputs that fail stay in the folder that
    libFuzzer names; `python fuzz/target.py TEST FILE` tries one again.
    """
    session.install(
        *("atheris", ".[test]", "--no-cache-dir"),
        *("-Ccmake.args=--preset=fuzz", "-Ccmake.build-type=Debug"),
    )
    found = session.run(*("python", "-c", "import atheris; print(atheris.path())"), silent=True)
    assert isinstance(found, str)
    env = {
        "PYTHONMALLOC": "malloc",
        "LD_PRELOAD": f"{found.strip().splitlines()[-1]}/asan_with_fuzzer.so",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "RANVIER_NUM_THREADS": "1",
    }
    targets = [
        (path, name)
        for path in sorted(Path("tests").glob("test_hostile_*.py"))
        for name in re.findall(r"^def (test_\w+)\(data\)", path.read_text(), re.MULTILINE)
    ]
    seconds = int(session.posargs[0]) if session.posargs else 1200
    for path, name in targets:
        corpus = Path(session.create_tmp(), name)
        corpus.mkdir(exist_ok=True)
        session.run(
            *("env", *(f"{key}={value}" for key, value in env.items())),
            *(f"{session.virtualenv.location}/bin/python", "fuzz/target.py", f"{path}::{name}"),
            *(str(corpus), f"fuzz/seeds/{name}", f"-artifact_prefix={corpus}-"),
            *(f"-max_total_time={seconds // len(targets)}", "-max_len=2048", "-len_control=0"),
            external=True,
        )
