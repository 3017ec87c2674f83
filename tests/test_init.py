"""Initial values: their distributions, in place, whatever the strides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from checks import check_same_bits
from ranvier import nn
from ranvier.nn import init

SHAPE = (200, 100, 3, 3)
FAN_IN, FAN_OUT = 900, 1800
# Name: the call, the standard deviation, the bound (None for a normal distribution).
RANDOM = {
    "uniform_": (lambda t, rng: init.uniform_(t, -1, 3, rng=rng), 4 / math.sqrt(12), None),
    "normal_": (lambda t, rng: init.normal_(t, 1, 0.5, rng=rng), 0.5, None),
    "xavier_uniform_": (
        lambda t, rng: init.xavier_uniform_(t, gain=2, rng=rng),
        2 * math.sqrt(2 / (FAN_IN + FAN_OUT)), 2 * math.sqrt(6 / (FAN_IN + FAN_OUT)),
    ),
    "xavier_normal_": (
        lambda t, rng: init.xavier_normal_(t, rng=rng), math.sqrt(2 / (FAN_IN + FAN_OUT)), None
    ),
    "kaiming_uniform_": (
        lambda t, rng: init.kaiming_uniform_(t, a=0.5, rng=rng),
        math.sqrt(2 / 1.25 / FAN_IN), math.sqrt(6 / 1.25 / FAN_IN),
    ),
    "kaiming_normal_": (
        lambda t, rng: init.kaiming_normal_(t, mode="fan_out", nonlinearity="tanh", rng=rng),
        5 / 3 / math.sqrt(FAN_OUT), None,
    ),
    "lecun_normal_": (
        lambda t, rng: init.lecun_normal_(t, rng=rng), 1 / math.sqrt(FAN_IN), None
    ),
    "trunc_normal_": (
        # The variance of N(0, 1) between -1 and 1 is 0.29113.
        lambda t, rng: init.trunc_normal_(t, 0, 2, -2, 2, rng=rng), 2 * math.sqrt(0.29112509), 2
    ),
    "orthogonal_": (
        lambda t, rng: init.orthogonal_(t, gain=3, rng=rng), 3 / math.sqrt(FAN_IN), None
    ),
}  # fmt: skip
MEANS = {"uniform_": 1, "normal_": 1}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RANDOM)
def test_distribution(name, dtype):
    fill, std, bound = RANDOM[name]
    tensor = np.empty(SHAPE, dtype)
    assert fill(tensor, 0) is tensor
    # Of 180,000 draws: the standard error of the mean is 0.0024 std, that of std at most 0.0017.
    np.testing.assert_allclose(tensor.std(), std, rtol=0.01)
    assert abs(tensor.mean() - MEANS.get(name, 0)) < 0.012 * std
    kurtosis = ((tensor - tensor.mean()) ** 4).mean() / tensor.var() ** 2
    if bound is not None:
        assert 0.999 * bound < np.abs(tensor).max() <= np.nextafter(dtype(bound), dtype(9))
        assert kurtosis < 2.2
    elif name != "uniform_":
        assert abs(kurtosis - 3) < 0.1


@pytest.mark.parametrize("name", RANDOM)
def test_seeds_and_strides(name):
    fill, _, _ = RANDOM[name]
    tensor = fill(np.empty((20, 6)), 5)
    check_same_bits(fill(np.empty((20, 6)), np.random.default_rng(5)), tensor, "generator")
    check_same_bits(fill(np.empty((40, 12))[::2, ::-2], 5), tensor, "strides")
    check_same_bits(fill(np.empty((20, 6), np.float32), 5), tensor.astype(np.float32), "float32")
    assert np.any(fill(np.empty((20, 6)), 6) != tensor)
    assert np.any(fill(np.empty((20, 6)), None) != fill(np.empty((20, 6)), None))


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2),
        (0.5, 1.5, -2, 2),
        (0, 1, -math.inf, math.inf),
        (0, 1, 0.5, math.inf),
        (0, 1, 5, 6),
        (0, 1, -9, -4),
        (0, 1, 40, 50),
        (10, 0.1, -2, 2),
        (0, 100, -1e-3, 1e-3),
    ],
)
def test_truncated_normal(mean, std, a, b):
    n = 20_000
    values = np.sort(init.trunc_normal_(np.empty(n), mean, std, a, b, rng=0))
    assert a <= values[0] and values[-1] <= b
    # Kolmogorov and Smirnov: the largest difference of the distribution functions; 2.3 / sqrt(n)
    # is exceeded with probability 5e-5.
    low, high = (a - mean) / std, (b - mean) / std
    flip = low + high > 0  # there, the upper tail has the digits
    if flip:
        low, high, values = -high, -low, 2 * mean - values[::-1]

    def below(z):
        return np.vectorize(lambda v: math.erfc(-v / math.sqrt(2)) / 2)(z)

    if below(high) > 1e-300:
        exact = (below((values - mean) / std) - below(low)) / (below(high) - below(low))
    else:  # so far out, the tail is exponential
        exact = np.exp(-high * ((values - mean) / std - high))
    assert np.abs(exact - (np.arange(n) + 0.5) / n).max() < 2.3 / math.sqrt(n)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3), (20, 2, 3)])
def test_orthogonal(shape):
    q = init.orthogonal_(np.empty(shape), gain=2, rng=0).reshape(shape[0], -1)
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-13)


def test_the_signs_of_an_orthogonal_matrix_are_fair():
    matrices = [init.orthogonal_(np.empty((2, 2)), rng=seed) for seed in range(400)]
    positive = [m[0, 0] > 0 for m in matrices], [np.linalg.det(m) > 0 for m in matrices]
    for share in map(np.mean, positive):
        assert abs(share - 0.5) < 0.12


@pytest.mark.parametrize(("sparsity", "zeros"), [(0, 0), (0.1, 1), (0.25, 3), (0.5, 5), (1, 10)])
def test_sparse(sparsity, zeros):
    values = init.sparse_(np.empty((10, 2000)), sparsity, std=0.5, rng=0)
    assert ((values == 0).sum(axis=0) == zeros).all()
    if 0 < zeros < 10:
        np.testing.assert_allclose((values == 0).mean(axis=1), zeros / 10, atol=0.06)
    if zeros < 10:
        np.testing.assert_allclose(values[values != 0].std(), 0.5, rtol=0.05)


def test_constants():
    assert init.constant_(np.empty((2, 2), np.float32), 0.5).tolist() == [[0.5, 0.5]] * 2
    assert init.ones_(np.empty(3)).tolist() == [1] * 3
    assert init.zeros_(np.empty(3)).tolist() == [0] * 3
    assert init.eye_(np.empty((2, 3))).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert np.isinf(init.constant_(np.empty(1, np.float32), 1e300)).all()
    assert init.normal_(np.empty(())).shape == ()


@pytest.mark.parametrize(
    ("shape", "groups", "ones"),
    [
        ((2, 2, 3), 1, [(0, 0, 1), (1, 1, 1)]),
        ((3, 2, 4), 1, [(0, 0, 2), (1, 1, 2)]),
        ((2, 3, 3, 5), 1, [(0, 0, 1, 2), (1, 1, 1, 2)]),
        ((4, 2, 1, 1, 3), 2, [(0, 0, 0, 0, 1), (1, 1, 0, 0, 1), (2, 0, 0, 0, 1), (3, 1, 0, 0, 1)]),
    ],
)
def test_dirac(shape, groups, ones):
    values = init.dirac_(np.full(shape, 7.0), groups)
    assert [tuple(map(int, i)) for i in np.argwhere(values)] == ones
    assert values.sum() == len(ones)


def test_gains():
    for name, gain in {
        "linear": 1, "conv1d": 1, "conv2d": 1, "conv3d": 1, "conv_transpose1d": 1,
        "conv_transpose2d": 1, "conv_transpose3d": 1, "sigmoid": 1, "tanh": 5 / 3,
        "relu": 1.4142135623730951, "selu": 0.75, "leaky_relu": math.sqrt(2 / 1.0001),
    }.items():  # fmt: skip
        assert init.calculate_gain(name) == pytest.approx(gain, rel=1e-15)
    assert init.calculate_gain("leaky_relu", 0.2) == pytest.approx(math.sqrt(2 / 1.04))


def test_a_parameter_is_initialised_in_the_models_memory():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    flat = model.flat_parameters
    init.constant_(model[0].weight, 2)
    init.zeros_(model[0].bias)
    assert flat.tolist() == [2] * 6 + [0] * 2


MATRIX = np.ones((3, 2))
READ_ONLY = np.ones((3, 2))
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: init.ones_([1.0]), TypeError, "tensor is a list; expected an ndarray"),
        (lambda: init.zeros_(np.ones(2, int)), TypeError, "tensor has dtype int64; expected a fl"),
        (lambda: init.normal_(READ_ONLY), ValueError, "tensor is read-only"),
        (lambda: init.uniform_(MATRIX, 2, 1), ValueError, "a, b are 2, 1; expected finite numbers"),
        (lambda: init.uniform_(MATRIX, 0, np.nan), ValueError, "a, b are 0, nan"),
        (lambda: init.normal_(MATRIX, std=-1), ValueError, "std is -1; expected a finite number"),
        (lambda: init.trunc_normal_(MATRIX, a=1, b=1), ValueError, "a, b are 1, 1; expected a le"),
        (lambda: init.trunc_normal_(MATRIX, std=0), ValueError, "std is 0; expected a positive"),
        (lambda: init.constant_(MATRIX, "x"), TypeError, "val is 'x'; expected a number"),
        (lambda: init.eye_(np.ones(3)), ValueError, r"tensor has shape \(3,\); expected 2 axes"),
        (lambda: init.dirac_(MATRIX), ValueError, r"\(3, 2\); expected 3, 4 or 5 axes"),
        (lambda: init.dirac_(np.ones((3, 2, 1)), 2), ValueError, "groups is 2; expected a divisor"),
        (lambda: init.xavier_normal_(np.ones(3)), ValueError, r"\(3,\); expected at least 2 axes"),
        (lambda: init.orthogonal_(np.ones(3)), ValueError, r"\(3,\); expected at least 2 axes"),
        (lambda: init.sparse_(np.ones(3), 0.5), ValueError, r"\(3,\); expected 2 axes"),
        (lambda: init.sparse_(MATRIX, 1.5), ValueError, "sparsity is 1.5; expected a number from"),
        (lambda: init.kaiming_normal_(MATRIX, mode="fan"), ValueError, "mode is 'fan'; expected"),
        (
            lambda: init.kaiming_uniform_(MATRIX, nonlinearity="gelu"),
            ValueError,
            "nonlinearity is 'gelu'; expected one of linear, ",
        ),
    ],
)
def test_errors_name_the_argument_and_write_nothing(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert (MATRIX == 1).all()
