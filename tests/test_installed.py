"""What a C++ user gets: headers and a library that are installed, found, compiled and linked."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

import ranvier as rv
from objects import Build

COMPILERS = [name for name in ("g++", "clang++", "clang++-14") if shutil.which(name)]


@pytest.fixture(scope="module")
def prefix(kernel_build, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    kernel_build.install(folder)
    return folder


def test_a_program_is_built_against_the_installed_library(checkout, prefix, tmp_path):
    project = shutil.copytree(checkout / "tests/installed", tmp_path / "project")
    build = Build(project, tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    done = subprocess.run([build.program("classifier")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"\w+: loss 0\.\d+, \d+ of 300 are right\n", done.stdout)


@pytest.mark.parametrize("wanted", ["0.0.1", "0.99", "1.0"])
def test_another_version_is_not_found(prefix, tmp_path, wanted):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18...4.1)\nproject(other LANGUAGES CXX)\n"
        f"find_package(ranvier {wanted} REQUIRED)\n"
    )
    with pytest.raises(AssertionError, match=rf"requested version \"{wanted}\""):
        Build(tmp_path, tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")


def test_what_is_installed(checkout, prefix):
    files = (path for path in prefix.rglob("*") if path.is_file())
    installed = {path.relative_to(prefix).as_posix() for path in files}
    headers = {f"include/ranvier/{p.name}" for p in (checkout / "cpp/include/ranvier").iterdir()}
    assert headers <= installed
    library = re.compile(r"lib\w*(/\w+-linux-gnu\w*)?/")
    assert sorted(library.sub("", name, count=1) for name in installed - headers) == [
        "cmake/ranvier/ranvier-config-version.cmake",
        "cmake/ranvier/ranvier-config.cmake",
        "cmake/ranvier/ranvier-targets-release.cmake",
        "cmake/ranvier/ranvier-targets.cmake",
        "libranvier.a",
    ]
    (version,) = prefix.rglob("ranvier-config-version.cmake")
    assert f'PACKAGE_VERSION "{rv.__version__}"' in version.read_text()


def test_the_package_may_be_moved(prefix, checkout):
    for path in prefix.rglob("*.cmake"):
        text = path.read_text()
        assert str(checkout) not in text and str(prefix) not in text, path.name


@pytest.mark.parametrize("compiler", COMPILERS)
def test_headers_stand_alone(checkout, compiler):
    include = checkout / "cpp/include"
    strict = ("-std=c++20", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror")
    for header in sorted(include.rglob("*.hpp")):
        line = f'#include "{header.relative_to(include).as_posix()}"\n'
        done = subprocess.run(
            [compiler, *strict, "-I", include, "-fsyntax-only", "-x", "c++", "-"],
            input=2 * line, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, f"{header.name}: {done.stderr}"


def test_the_page_shows_what_is_tested(checkout):
    blocks = re.findall(r"```(?:cpp|cmake)\n(.*?)```", (checkout / "docs/cpp.md").read_text(), re.S)
    for name in ("CMakeLists.txt", "main.cpp"):
        assert (checkout / "tests/installed" / name).read_text() in blocks, name


def test_the_page_lists_every_header(checkout):
    page = (checkout / "docs/cpp.md").read_text()
    for header in (checkout / "cpp/include/ranvier").iterdir():
        assert f"`ranvier/{header.name}`" in page
