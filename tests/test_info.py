"""Entropy, cross-entropy and divergence against their definitions in many digits."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

import ranvier as rv
from ranvier import info

RNG = np.random.default_rng(3)
P = RNG.dirichlet(np.ones(9), 5)
Q = RNG.dirichlet(np.ones(9), 5)


def exact(term, *rows):
    with mp.workdps(40):
        return float(mp.fsum(term(*map(mp.mpf, values)) for values in zip(*rows, strict=True)))


@pytest.mark.parametrize("base", [2, np.e, 10, 0.5])
def test_definitions(base):
    scale = math.log(base)
    for p, q in zip(P, Q, strict=True):
        entropy = exact(lambda a: -a * mp.log(a), p) / scale
        cross = exact(lambda a, b: -a * mp.log(b), p, q) / scale
        divergence = exact(lambda a, b: a * mp.log(a / b), p, q) / scale
        assert info.entropy(p, base=base) == pytest.approx(entropy, rel=1e-14)
        assert info.cross_entropy(p, q, base=base) == pytest.approx(cross, rel=1e-14)
        assert info.kl_divergence(p, q, base=base) == pytest.approx(divergence, rel=1e-13)


def test_axes_broadcasting_and_dtypes():
    np.testing.assert_allclose(info.entropy(P.T, axis=0), info.entropy(P), rtol=1e-15)
    assert info.cross_entropy(P, Q[0]).shape == (5,)
    assert info.entropy(P.astype(np.float32)).dtype == np.float32
    assert info.kl_divergence([1, 0], [1, 0]) == 0
    assert rv.info is info


def test_edges():
    assert info.entropy([1.0, 0.0]) == 0
    assert info.cross_entropy([1.0, 0.0], [0.0, 1.0]) == np.inf
    assert info.kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert info.kl_divergence([0.0, 1.0], [0.0, 1.0]) == 0
    assert math.isnan(info.entropy([np.nan, 1.0]))
    close = P[0] * (1 + 1e-9 * np.where(np.arange(9) % 2, 1, -1))
    expected = exact(lambda a, b: a * mp.log(a / b), P[0], close)
    assert info.kl_divergence(P[0], close) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: info.entropy([-0.5, 1.5]), ValueError, "p has the value -0.5"),
        (lambda: info.entropy(["a"]), TypeError, "p has dtype <U1"),
        (lambda: info.entropy([1.0], base=1), ValueError, "base is 1"),
        (lambda: info.entropy([1.0], base=-2), ValueError, "base is -2"),
        (lambda: info.kl_divergence([1.0], [-1.0]), ValueError, "q has the value -1.0"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
