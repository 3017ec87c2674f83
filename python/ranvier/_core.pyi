from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

version: str
compiler: str
openmp: int

softmax: np.ufunc
masked_softmax: np.ufunc
log_softmax: np.ufunc
masked_log_softmax: np.ufunc
logsumexp: np.ufunc
masked_logsumexp: np.ufunc
softmax_vjp: np.ufunc
log_softmax_vjp: np.ufunc

def contiguous_softmax(x: NDArray[Any]) -> NDArray[Any] | None: ...
def contiguous_log_softmax(x: NDArray[Any]) -> NDArray[Any] | None: ...
def contiguous_logsumexp(x: NDArray[Any]) -> NDArray[Any] | None: ...

maxout: np.ufunc
maxout_vjp: np.ufunc

def gate_records() -> list[dict[str, Any]]: ...
def activation_records() -> list[dict[str, Any]]: ...
def activation_index(name: str) -> int: ...
def make_function(
    general: Callable[..., Any],
    ufunc: np.ufunc,
    defaults: tuple[tuple[np.ndarray[Any, Any], ...], ...] | None,
    arrays: int,
    parameters: int,
) -> Callable[..., Any]: ...
def make_ufunc(activation: str, form: str, doc: str) -> np.ufunc | None: ...

class Optimizer:
    def __init__(
        self, rule: str, groups: list[dict[str, Any]], states: list[dict[str, Any]]
    ) -> None: ...
    def step(
        self, groups: list[dict[str, Any]], grads: list[NDArray[Any]], scale: float, /
    ) -> bool: ...
    def prepare(self, groups: list[dict[str, Any]], /) -> bool: ...
    def states(self) -> list[dict[str, Any]]: ...

def optimizer_records() -> list[dict[str, Any]]: ...
def optimizer_state_shape(rule: str, state: str, shape: tuple[int, ...]) -> tuple[int, ...]: ...
def norm(grads: list[NDArray[Any]]) -> float: ...
def take_rows(array: NDArray[Any], indices: NDArray[np.int64], out: NDArray[Any]) -> None: ...
def product(a: NDArray[Any], b: NDArray[Any], out: NDArray[Any]) -> None: ...

class Stack:
    def __init__(self, layers: list[tuple[Any, ...]], is_float32: bool) -> None: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    def forward(self, x: NDArray[Any], keep: bool) -> NDArray[Any]: ...
    def backward(
        self, grad_output: NDArray[Any], accumulate: bool, input_gradient: bool
    ) -> NDArray[Any] | None: ...

class Training:
    def __init__(
        self,
        stack: Stack,
        loss: BatchLoss,
        optimizer: Optimizer,
        trained: list[tuple[NDArray[Any], NDArray[Any], bool]],
        batch_rows: int,
        factor: float,
        penalty: float,
        max_norm: float,
    ) -> None: ...
    def run(
        self,
        groups: list[dict[str, Any]],
        inputs: NDArray[Any],
        targets: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
        order: NDArray[np.int64] | None,
        ignored: int | None,
        first: int,
        seconds: float,
        steps: int,
    ) -> tuple[int, int, float, float, int, int, float]: ...

def row_norm_work(rows: int, n: int) -> int: ...
def row_norm(
    x: NDArray[Any],
    n: int,
    weight: NDArray[Any] | None,
    bias: NDArray[Any] | None,
    eps: float,
    mean: NDArray[np.float64] | None,
    scale: NDArray[np.float64],
    y: NDArray[Any],
) -> None: ...
def row_norm_backward(
    grad_output: NDArray[Any],
    x: NDArray[Any],
    n: int,
    weight: NDArray[Any] | None,
    mean: NDArray[np.float64] | None,
    scale: NDArray[np.float64],
    work: NDArray[np.float64],
    grad_x: NDArray[Any],
    grad_weight: NDArray[Any] | None,
    grad_bias: NDArray[Any] | None,
    accumulate: bool,
) -> None: ...
def batch_norm_work(samples: int, channels: int, length: int) -> int: ...
def batch_norm(
    x: NDArray[Any],
    weight: NDArray[Any] | None,
    bias: NDArray[Any] | None,
    running_mean: NDArray[Any] | None,
    running_var: NDArray[Any] | None,
    share: float,
    eps: float,
    of_batch: bool,
    mean: NDArray[np.float64],
    scale: NDArray[np.float64],
    work: NDArray[np.float64],
    y: NDArray[Any],
) -> None: ...
def batch_norm_backward(
    grad_output: NDArray[Any],
    x: NDArray[Any],
    weight: NDArray[Any] | None,
    of_batch: bool,
    mean: NDArray[np.float64],
    scale: NDArray[np.float64],
    work: NDArray[np.float64],
    grad_x: NDArray[Any],
    grad_weight: NDArray[Any] | None,
    grad_bias: NDArray[Any] | None,
    accumulate: bool,
) -> None: ...
def num_threads() -> int: ...
def set_num_threads(count: int) -> None: ...
def requested_threads() -> int: ...
def instruction_set() -> str: ...
def available_instruction_sets() -> list[str]: ...

class Loss:
    def __init__(
        self,
        name: str,
        parameters: dict[str, float],
        reduction: str,
        unit: str = "element",
        mean_by_weight: bool = False,
        ignore_index: int = -100,
    ) -> None: ...
    def run(
        self,
        operands: tuple[NDArray[Any], ...],
        target: NDArray[Any] | None,
        weight: NDArray[Any] | None,
        sample_weight: NDArray[np.float64] | None,
        out: tuple[NDArray[Any], ...] | None,
    ) -> Any: ...
    def batch(
        self, dtype: str, weight: NDArray[Any] | None, operand: NDArray[Any] | None
    ) -> BatchLoss | None: ...

class BatchLoss:
    def begin(
        self,
        target: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
        rows: int,
        columns: int,
    ) -> float: ...
    def run(
        self, begin: int, end: int, scores: NDArray[Any], gradient: NDArray[Any] | None
    ) -> None: ...
    def value(self) -> float: ...

def loss_records() -> list[dict[str, Any]]: ...
