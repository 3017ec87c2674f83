"""The kernels as built: object files, their symbols, and the loops in their machine code."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


def _run(*command: str | Path) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _tool(name: str) -> str:
    """On the search path, or from the Python package of the same name."""
    found = shutil.which(name)
    spec = importlib.util.find_spec(name) if found is None else None
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        found = shutil.which(name, path=os.pathsep.join([str(package / "data/bin"), str(package)]))
    assert found is not None, f"{name} is neither on PATH nor installed as a Python package"
    return found


class Build:
    """A project that CMake builds."""

    def __init__(self, source: Path, folder: Path, *options: str) -> None:
        self._cmake, self._ninja = _tool("cmake"), _tool("ninja")
        self._folder = folder
        _run(
            *(self._cmake, "-S", source, "-B", folder, "-G", "Ninja"),
            *(f"-DCMAKE_MAKE_PROGRAM={self._ninja}", *options),
        )

    def program(self, name: str) -> Path:
        """An executable of the build."""
        _run(self._ninja, "-C", self._folder, name)
        return self._folder / name


class KernelBuild(Build):
    """The library without Python, built from the source tree as a release is.

    The kernels take minutes. With ccache, that is once, whatever the folder.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        options = ["-DRANVIER_PYTHON=OFF", "-DRANVIER_TESTS=ON"]
        if shutil.which("ccache") is not None:
            options.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
        super().__init__(source, folder, *options)

    def kernels(self) -> dict[str, list[KernelObject]]:
        """The objects of every instruction set, one for each family of kernels."""
        text = _run(self._ninja, "-C", self._folder, "-t", "targets", "all")
        pattern = r"(\S*ranvier_(\w+)\.dir/\S*/isa/\w+\.cpp\.o(?:bj)?):"
        targets = sorted(set(re.findall(pattern, text)))
        assert targets, "the build has no target ranvier_INSTRUCTIONSET with objects of its own"
        _run(self._ninja, "-C", self._folder, *(path for path, _ in targets))
        result: dict[str, list[KernelObject]] = {}
        for path, name in targets:
            result.setdefault(name, []).append(KernelObject(name, self._folder / path))
        return result

    def install(self, prefix: Path) -> None:
        """What `cmake --install` puts in place."""
        _run(self._ninja, "-C", self._folder, "ranvier")
        _run(self._cmake, "--install", self._folder, "--prefix", prefix)


@dataclass(frozen=True)
class Instruction:
    address: int
    mnemonic: str
    operands: str

    @property
    def jump_target(self) -> int | None:
        match = re.match(r"([0-9a-f]+) <", self.operands) if self.mnemonic[0] == "j" else None
        return int(match.group(1), 16) if match else None


# Width of a full vector register and how the assembler spells it.
REGISTERS = {"avx512": "zmm", "avx2": "ymm", "baseline": "xmm", "neon": r"v\d+\.(?:4s|2d|8h|16b)"}
# Arithmetic on packed numbers; the group is what it computes.
_PACKED = re.compile(
    r"v?(add|sub|mul|div|min|max|sqrt|cmp|and|or|xor|blend)\w*p[sd]|v(fn?m)(?:add|sub)\d+p[sd]"
    r"|v?p(add|sub|and|or|xor|sll|srl|sra|ternlog|max|min|cmp|blend)\w*"
    r"|f(add|sub|mul|div|ml[as]|min|max|sqrt|cm|abs|neg)\w*|(bsl|bif|bit)"
)


@dataclass(frozen=True)
class Function:
    """A function of an object: its instructions and the names it refers to (calls among them)."""

    instructions: list[Instruction]
    references: set[str]

    def vector_arithmetic(self, register: str) -> set[str]:
        """What is computed on full registers between a backward jump and its target: in a loop."""
        addresses = [i.address for i in self.instructions]
        inside: set[int] = set()
        for at, jump in enumerate(self.instructions):
            target = jump.jump_target
            if target is not None and addresses[0] <= target <= jump.address:
                inside.update(range(bisect_left(addresses, target), at))
        found = (
            (_PACKED.fullmatch(self.instructions[k].mnemonic), self.instructions[k].operands)
            for k in inside
        )
        return {
            next(filter(None, match.groups()))
            for match, operands in found
            if match is not None and re.search(register, operands)
        }


# What a relocation adds to the target of a call: on x86-64 a call counts from its end, 4 bytes on.
_CALL_ADDENDS = (0, 4)


@dataclass(frozen=True)
class KernelObject:
    instruction_set: str
    path: Path

    @cached_property
    def symbols(self) -> list[tuple[str, str]]:
        """(kind, demangled name), as nm has them."""
        lines = _run("nm", "-C", "--format=posix", self.path).splitlines()
        matches = (re.match(r"(.*?) ([A-Za-z])(?: +[0-9a-f]+)* *$", line) for line in lines)
        return [(m.group(2), m.group(1)) for m in matches if m is not None]

    @cached_property
    def sections(self) -> list[str]:
        return re.findall(r"^\s*\d+ (\S+)", _run("objdump", "-h", self.path), re.MULTILINE)

    @cached_property
    def functions(self) -> dict[str, Function]:
        text = _run("objdump", "-d", "-r", "-C", "--no-show-raw-insn", self.path)
        bodies: dict[str, str] = {}
        places: dict[str, str] = {}  # section+offset, as a call of a local function has it: name
        for section in text.split("Disassembly of section ")[1:]:
            title = section[: section.index(":")]
            for block in re.split(r"^(?=[0-9a-f]+ <.*>:$)", section, flags=re.MULTILINE)[1:]:
                header, _, body = block.partition("\n")
                start, _, name = header.partition(" <")
                bodies[name[:-2]] = body
                for addend in _CALL_ADDENDS:
                    offset = int(start, 16) - addend
                    places[f"{title}{offset:+#x}" if offset else title] = name[:-2]
        result: dict[str, Function] = {}
        for name, body in bodies.items():
            rows = re.findall(r"^ *([0-9a-f]+):\t(\S+)[ \t]*(.*)$", body, re.MULTILINE)
            targets = re.findall(r"R_\w+\t(.*)$", body, re.MULTILINE)
            result[name] = Function(
                [Instruction(int(a, 16), m, o) for a, m, o in rows],
                {places.get(t, re.sub(r"[+-]0x[0-9a-f]+$", "", t)) for t in targets},
            )
        return result

    def vector_arithmetic(self, name: str) -> set[str]:
        """Of a function and of everything it calls in this object."""
        seen: set[str] = set()
        todo = [name]
        result: set[str] = set()
        while todo:
            at = todo.pop()
            if at not in seen and at in self.functions:
                seen.add(at)
                result |= self.functions[at].vector_arithmetic(REGISTERS[self.instruction_set])
                todo += self.functions[at].references
        return result
