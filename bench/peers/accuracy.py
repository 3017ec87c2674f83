"""Accuracy of the peers: python -m bench.peers.accuracy --native PROGRAM [--every K].

Every function of torch, JAX and SciPy that computes one of the activations, and its backward pass
with a gradient of 1, judged by the program that judges ranvier (`ranvier_accuracy --judge`).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ranvier.bench.activations import JAX, JAX_OPTIONS, PARAMETERS, SCIPY, Peer, in_torch

Floats = npt.NDArray[np.float32]
Function = Callable[[Floats], Any]

PIECE = 1 << 20


def inputs(every: int) -> Iterator[Floats]:
    """Every k-th float32 in the order of the bits, a piece at a time."""
    count = 2**32 // every
    for first in range(0, count, PIECE):
        index = np.arange(first, min(first + PIECE, count), dtype=np.uint64)
        yield (index * np.uint64(every)).astype(np.uint32).view(np.float32)


def _torch_value(peer: Peer) -> Function:
    return lambda x: peer.value(torch.from_numpy(x)).numpy()


def _torch_derivative(peer: Peer) -> Function:
    def derivative(x: Floats) -> Any:
        operand = torch.from_numpy(x)
        if peer.from_output:
            operand = peer.value(operand)
        return peer.backward(torch.ones_like(operand), operand).numpy()

    return derivative


def _jax(name: str) -> tuple[Function, Function]:
    import jax

    function = partial(getattr(jax.nn, JAX[name]), **JAX_OPTIONS.get(name, {}))
    return jax.jit(function), jax.jit(jax.vmap(jax.grad(function)))


def contenders(name: str) -> Iterator[tuple[str, str, Function]]:
    """Who, which form, and the function of x."""
    peer = in_torch()[name]
    torch_name = f"torch {torch.__version__.partition('+')[0]}"
    yield torch_name, "value", _torch_value(peer)
    yield torch_name, "derivative", _torch_derivative(peer)
    if name in JAX:
        value, derivative = _jax(name)
        jax_name = f"jax {version('jax')}"
        yield jax_name, "value", value
        yield jax_name, "derivative", derivative
    if name in SCIPY:
        import scipy.special

        yield f"scipy {version('scipy')}", "value", getattr(scipy.special, SCIPY[name])


def judge(options: argparse.Namespace, name: str, who: str, form: str, function: Function) -> None:
    """Sends the function's results to the program, which prints and records their error."""
    command = [options.native, "--judge", name, form, "--who", who, "--every", str(options.every)]
    if name in PARAMETERS:
        command += ["--parameters", ",".join(map(repr, PARAMETERS[name]))]
    if options.output:
        command += ["--output", options.output]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as program:
        assert program.stdin is not None
        try:
            for x in inputs(options.every):
                with np.errstate(all="ignore"):
                    results = np.ascontiguousarray(function(x), np.float32)
                program.stdin.write(results.tobytes())
            program.stdin.close()
        except BrokenPipeError:
            pass  # recorded in an earlier run, or refused: the exit status says which
    if program.returncode != 0:
        raise SystemExit(f"{who}, {name}, {form}: {options.native} failed")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.peers.accuracy", description=__doc__)
    parser.add_argument("--native", required=True, help="the program ranvier_accuracy")
    parser.add_argument("--every", type=int, default=257, help="every K-th of all 2^32 inputs")
    parser.add_argument("--output", metavar="FILE", help="append the records there")
    parser.add_argument("names", nargs="*", help="activations; all by default")
    options = parser.parse_args()
    for name in options.names or in_torch():
        for who, form, function in contenders(name):
            print(who, flush=True)
            judge(options, name, who, form, function)
    return 0


if __name__ == "__main__":
    sys.exit(main())
