"""What SECURITY.md promises: no connection, no process, no code from data, no other file."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Modules that connect, start something or make code of data; and functions that do.
FORBIDDEN_MODULES = {
    *("asyncio", "ctypes", "dill", "ftplib", "http", "joblib", "marshal", "multiprocessing"),
    *("pickle", "shelve", "smtplib", "socket", "subprocess", "urllib", "requests", "webbrowser"),
}
FORBIDDEN_CALLS = {
    *("eval", "exec", "compile", "__import__"),
    *(
        "os.system",
        "os.popen",
        "os.fork",
        "os.execv",
        "os.execve",
        "os.posix_spawn",
        "os.startfile",
    ),
}


def violations(text: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            names = []
        found += [name for name in names if name.split(".")[0] in FORBIDDEN_MODULES]
        if isinstance(node, ast.Call):
            if ast.unparse(node.func) in FORBIDDEN_CALLS:
                found.append(ast.unparse(node.func))
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False":
                    found.append("allow_pickle")
            if ast.unparse(node.func) == "np.load" and "allow_pickle" not in {
                keyword.arg for keyword in node.keywords
            }:
                found.append("np.load without allow_pickle=False")
            if any(k.arg == "shell" for k in node.keywords):
                found.append("shell")
    return found


def test_source_has_no_way_to_do_it(checkout):
    sources = sorted((checkout / "python/ranvier").rglob("*.py"))
    assert len(sources) > 50
    found = {str(path): names for path in sources if (names := violations(path.read_text()))}
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from urllib.request import urlopen",
        "eval('1')",
        "import os; os.system('ls')",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_what_the_source_check_finds(line):
    assert violations(line)


def seen(folder: Path, *arguments: str) -> list[str]:
    script = Path(__file__).parent / "audited.py"
    command = [sys.executable, str(script), str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_use_of_the_api(tmp_path):
    lines = seen(tmp_path)
    own = f"open {os.path.realpath(tmp_path)}"
    assert any("model.safetensors" in line for line in lines), "the hook saw no file"
    assert not [line for line in lines if line != own and not line.startswith(own + os.sep)]


def test_what_the_hook_sees(tmp_path):
    lines = seen(tmp_path, "offend")
    for event in ("socket.", "subprocess.Popen", "os.system", "pickle.find_class", "exec", "open"):
        assert any(line.startswith(event) for line in lines), f"{event} was not seen"
