"""What every stack of layers promises, over stacks and batches that Hypothesis chooses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import check_same_bits
from layouts import views
from ranvier import nn

DTYPES = st.sampled_from((np.float32, np.float64))
WIDTH = 6
# Of rows of WIDTH numbers, to as many.
BLOCKS = {
    "linear": lambda t: nn.Linear(WIDTH, WIDTH, dtype=t),
    "linear without bias": lambda t: nn.Linear(WIDTH, WIDTH, bias=False, dtype=t),
    "tanh": lambda t: nn.Tanh(),
    "gelu": lambda t: nn.GELU(),
    "relu": lambda t: nn.ReLU(),
    "prelu": lambda t: nn.PReLU(dtype=t),
    "layer norm": lambda t: nn.LayerNorm(WIDTH, dtype=t),
    "rms norm": lambda t: nn.RMSNorm(WIDTH, dtype=t),
    "batch norm": lambda t: nn.BatchNorm1d(WIDTH, dtype=t),
    "softmax": lambda t: nn.Softmax(dim=-1),
    "gate": lambda t: nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH, dtype=t), nn.SwiGLU()),
    "maxout": lambda t: nn.Maxout(WIDTH, WIDTH, dtype=t),
    "residual": lambda t: nn.Residual(nn.Sequential(nn.Linear(WIDTH, WIDTH, dtype=t), nn.SiLU())),
    "rbf": lambda t: nn.RBF(WIDTH, WIDTH, dtype=t),
}
EACH_BLOCK = pytest.mark.parametrize("block", BLOCKS)
OTHERS = st.lists(st.sampled_from(sorted(BLOCKS)), max_size=2)


def model(names: list[str], dtype: Any) -> nn.Sequential:
    return nn.Sequential(*(BLOCKS[name](dtype) for name in names))


def batch(rows: int, seed: int, dtype: Any) -> Any:
    return np.random.default_rng(seed).normal(0, 2, (rows, WIDTH)).astype(dtype)


@EACH_BLOCK
@given(data=st.data(), dtype=DTYPES, rows=st.integers(2, 9), seed=st.integers(0, 999))
def test_rows_of_a_batch_do_not_see_each_other(block, data, dtype, rows, seed):
    """In eval mode, the same bits alone, in company, and in any layout."""
    names = [*data.draw(OTHERS), block, *data.draw(OTHERS)]
    layers = model(names, dtype).eval()
    x = batch(rows, seed, dtype)
    y = layers(x)
    begin = data.draw(st.integers(0, rows - 1))
    end = data.draw(st.integers(begin + 1, rows))
    check_same_bits(layers(x[begin:end]), y[begin:end], f"{names}, rows {begin} to {end}")
    check_same_bits(layers(data.draw(views(x, aligned=True))), y, f"{names}, laid out otherwise")


@EACH_BLOCK
@given(data=st.data(), dtype=DTYPES, rows=st.integers(2, 9), seed=st.integers(0, 999))
def test_sequential_is_its_layers_one_by_one(block, data, dtype, rows, seed):
    names = [*data.draw(OTHERS), block, *data.draw(OTHERS)]
    together, apart = model(names, dtype), model(names, dtype)
    apart.load_state_dict(together.state_dict())
    x, g = batch(rows, seed, dtype), batch(rows, seed + 1, dtype)
    y = x
    for layer in apart:
        y = layer(y)
    check_same_bits(together(x), y, f"{names} forward")
    of_x = g
    for layer in reversed(list(apart)):
        of_x = layer.backward(of_x)
    check_same_bits(together.backward(g), of_x, f"{names} backward")
    for got, expected in zip(together.gradients(), apart.gradients(), strict=True):
        check_same_bits(got, expected, f"{names}, gradient of a parameter")
