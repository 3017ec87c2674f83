"""Derive the polynomials of cpp/src/math: python tools/fit.py [NAME ...].

Each is interpolated at Chebyshev's nodes, which is within a few per cent of the best polynomial
where the function is as smooth as these are, in 60 digits; then the coefficients are rounded to
float64 and the error is measured, relative to the function that the polynomial is part of.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

mp.mp.dps = 60

Function = Callable[[mp.mpf], mp.mpf]


@dataclass(frozen=True)
class Fit:
    """A polynomial for `function` on [low, high]; degrees for float32 and float64 results."""

    function: Function
    low: mp.mpf
    high: mp.mpf
    degrees: tuple[int, ...]
    # What an error of 1 of the polynomial is, relative to the result: 1 / function where it is all.
    share: Function
    # Where the polynomial has to be right: the nearest node is put there.
    exact: tuple[mp.mpf, ...] = ()

    def coefficients(self, degree: int) -> list[mp.mpf]:
        """Constant term first, rounded to float64."""
        count = degree + 1
        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2
        nodes = [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
        for point in self.exact:
            nearest = min(range(count), key=lambda i: abs(nodes[i] - point))
            nodes[nearest] = point
        matrix = mp.matrix(count, count)
        for i, x in enumerate(nodes):
            for j in range(count):
                matrix[i, j] = x**j
        solution = mp.lu_solve(matrix, mp.matrix([self.function(x) for x in nodes]))
        return [mp.mpf(float(c)) for c in solution]

    def error(self, coefficients: list[mp.mpf]) -> mp.mpf:
        return max(
            abs((mp.polyval(coefficients[::-1], x) - self.function(x)) * self.share(x))
            for x in mp.linspace(self.low, self.high, 1001)
        )


def exp_rest(r: mp.mpf) -> mp.mpf:
    """(e^r - 1 - r) / r^2."""
    return mp.nsum(lambda n: r**n / mp.factorial(n + 2), [0, 40])


def exp_cubic_rest(r: mp.mpf) -> mp.mpf:
    """(e^r - 1 - r - r^2/2) / r^3."""
    return mp.nsum(lambda n: r**n / mp.factorial(n + 3), [0, 40])


def log_ratio(z: mp.mpf) -> mp.mpf:
    """atanh(s) / s, z = s^2: log(1 + e) = 2 s log_ratio(s^2) with s = e / (2 + e)."""
    return mp.nsum(lambda n: z**n / (2 * n + 1), [0, 120])


def tanhshrink_ratio(z: mp.mpf) -> mp.mpf:
    """(x - tanh x) / x^3, z = x^2."""
    if z < mp.mpf("1e-12"):
        return mp.mpf(1) / 3 - 2 * z / 15 + 17 * z * z / 315
    x = mp.sqrt(z)
    return (x - mp.tanh(x)) / x**3


DENSITY = 1 / mp.sqrt(2 * mp.pi)
CENTRE = 4


def mills(t: mp.mpf) -> mp.mpf:
    """e^(t^2/2) Phi(-t), Phi the standard normal distribution function."""
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2)


GELU_ZERO = mp.findroot(lambda t: mills(t) - t * DENSITY, mp.mpf("0.75"))


def gelu_slope(t: mp.mpf) -> mp.mpf:
    """e^(t^2/2) (Phi(-t) - t phi(t)) / (t0 - t), t0 the one zero; phi the density."""
    if abs(t - GELU_ZERO) < mp.mpf(10) ** -25:
        t = GELU_ZERO + mp.mpf(10) ** -25
    return (mills(t) - t * DENSITY) / (GELU_ZERO - t)


def tail(function: Function, end: float, *degrees: int) -> Fit:
    """A function of t in [0, end] as one of u = (t - 4) / (t + 4), which bends little."""

    def of(u: mp.mpf) -> mp.mpf:
        return function(CENTRE * (1 + u) / (1 - u))

    end = mp.mpf(end)
    return Fit(of, mp.mpf(-1), (end - CENTRE) / (end + CENTRE), degrees, lambda u: 1 / of(u))


def quotient(
    function: Function, end: float, top: int, bottom: int
) -> tuple[list[float], list[float], mp.mpf]:
    """Two polynomials on [0, end] whose quotient is the function, and its relative error.

    Weighted least squares of numerator - function * denominator, where the weights follow the error
    (Lawson, 1961) and the denominator of the last round (Sanathanan and Koerner, 1963).
    """
    points = [end / 2 * (1 - mp.cos(mp.pi * i / 400)) for i in range(401)]
    values = [function(t) for t in points]
    powers = np.array([[np.longdouble(str(t / end)) ** k for k in range(20)] for t in points])
    f = np.array([np.longdouble(str(v)) for v in values])
    weights = np.ones(len(f), np.longdouble)
    below = np.ones(len(f), np.longdouble)
    best = (np.inf, np.empty(0))
    for _ in range(100):
        scale = (np.sqrt(weights) / (f * below))[:, None]
        columns = [powers[:, : top + 1], -f[:, None] * powers[:, 1 : bottom + 1]]
        solution = least_squares(scale * np.hstack(columns), scale[:, 0] * f)
        below = 1 + powers[:, 1 : bottom + 1] @ solution[top + 1 :]
        error = np.abs(powers[:, : top + 1] @ solution[: top + 1] / (below * f) - 1)
        if error.max() < best[0]:
            best = (error.max(), solution)
        weights = weights * (error / error.max() + 1e-3)
        weights /= weights.max()
    error, solution = best
    numerator = [float(c / end**k) for k, c in enumerate(solution[: top + 1])]
    denominator = [1.0, *(float(c / end**k) for k, c in enumerate(solution[top + 1 :], start=1))]
    return numerator, denominator, mp.mpf(float(error))


def least_squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """By Householder's reflections in extended precision, which numpy.linalg does not have."""
    a, b = a.copy(), b.copy()
    for k in range(a.shape[1]):
        v = a[k:, k].copy()
        v[0] += np.copysign(np.sqrt(v @ v), v[0])
        a[k:] -= np.outer(v, 2 / (v @ v) * (v @ a[k:]))
        b[k:] -= v * (2 / (v @ v) * (v @ b[k:]))
    x = np.zeros(a.shape[1], a.dtype)
    for k in reversed(range(a.shape[1])):
        x[k] = (b[k] - a[k, k + 1 :] @ x[k + 1 :]) / a[k, k]
    return x


def silu_zero() -> mp.mpf:
    return mp.findroot(lambda t: 1 + mp.exp(-t) - t, mp.mpf("1.28"))


# A little more than ln(2)/2: the multiple of ln 2 that is taken off is rounded to nearest.
HALF_LN2 = mp.log(2) / 2 * mp.mpf("1.0001")

FITS = {
    "exp, cubic": Fit(exp_cubic_rest, -HALF_LN2, HALF_LN2, (9,), lambda r: r**3 / mp.exp(r)),
    "exp in float32 arithmetic": Fit(
        exp_rest, -HALF_LN2, HALF_LN2, (5,), lambda r: r * r / mp.exp(r)
    ),
    # silu' near 0 is 1/2 + x/2 + O(x^3) if e^t0 is right, t0 its zero; in float16 it matters.
    "exp": Fit(
        exp_rest,
        -HALF_LN2,
        HALF_LN2,
        (5,),
        lambda r: r * r / mp.exp(r),
        (silu_zero() - 2 * mp.log(2),),
    ),
    "log": Fit(log_ratio, mp.mpf(0), mp.mpf(1) / 9, (5, 11), lambda z: 1 / log_ratio(z)),
    "tanhshrink": Fit(
        tanhshrink_ratio, mp.mpf(0), mp.mpf(1), (8, 16), lambda z: 1 / tanhshrink_ratio(z)
    ),
    "normal tail, float64": tail(lambda t: mills(t) * (t + CENTRE), 38.7, 23),
    "gelu slope, float64": tail(gelu_slope, 38.7, 22),
}


# Of a float32 result; the products with two of the largest float32 numbers need tails up to 24.
QUOTIENTS = {
    "normal tail, float32": (mills, 24.0, 5, 6),
    "gelu slope, float32": (gelu_slope, 24.0, 5, 5),
}


def gelu_tanh_zero() -> mp.mpf:
    """Of 1 + e^z - t z'(t), z = -2 sqrt(2/pi) (t + c t^3)."""
    k, c = 2 * mp.sqrt(2 / mp.pi), mp.mpf(0.044715)
    return mp.findroot(
        lambda t: 1 + mp.exp(-k * (t + c * t**3)) - k * (t + 3 * c * t**3), mp.mpf("0.75")
    )


def mish_zero() -> mp.mpf:
    return mp.findroot(
        lambda t: 4 * (1 - t) + mp.exp(-t) * (6 - 4 * t) + 4 * mp.exp(-2 * t) + mp.exp(-3 * t),
        mp.mpf("1.19"),
    )


SELU_ALPHA = -mp.sqrt(2 / mp.pi) / (mp.erfc(1 / mp.sqrt(2)) * mp.exp(mp.mpf(1) / 2) - 1)
SELU_SCALE = (
    (1 - mp.erfc(1 / mp.sqrt(2)) * mp.sqrt(mp.e))
    * mp.sqrt(2 * mp.pi)
    * (
        2 * mp.erfc(mp.sqrt(2)) * mp.e**2
        + mp.pi * mp.erfc(1 / mp.sqrt(2)) ** 2 * mp.e
        - 2 * (2 + mp.pi) * mp.erfc(1 / mp.sqrt(2)) * mp.sqrt(mp.e)
        + mp.pi
        + 2
    )
    ** mp.mpf("-0.5")
)

# -t0 is where the derivative is 0.
CONSTANTS: dict[str, Callable[[], mp.mpf]] = {
    "gelu t0": lambda: GELU_ZERO,
    "silu t0": silu_zero,
    "silu e^-t0": lambda: mp.exp(-silu_zero()),
    "gelu_tanh t0": gelu_tanh_zero,
    "gelu_tanh e^z(-t0)": lambda: (
        gelu_tanh_zero() * 0
        + mp.exp(
            -2 * mp.sqrt(2 / mp.pi) * (gelu_tanh_zero() + mp.mpf(0.044715) * gelu_tanh_zero() ** 3)
        )
    ),
    "2 sqrt(2/pi)": lambda: 2 * mp.sqrt(2 / mp.pi),
    "mish t0": mish_zero,
    "mish e^-t0": lambda: mp.exp(-mish_zero()),
    "selu alpha": lambda: SELU_ALPHA,
    "selu lambda": lambda: SELU_SCALE,
    "selu lambda alpha": lambda: SELU_SCALE * SELU_ALPHA,
    "ln 2": lambda: mp.log(2),
}


def main(names: list[str]) -> None:
    for name, fit in FITS.items():
        for degree in fit.degrees if not names or name in names else ():
            coefficients = fit.coefficients(degree)
            size = mp.nstr(mp.log(fit.error(coefficients), 2), 5)
            print(f"{name}: degree {degree}, relative error 2^{size}")
            print("   ", ", ".join(float(c).hex() for c in coefficients))
    for name, (function, end, top, bottom) in QUOTIENTS.items():
        if not names or name in names:
            *polynomials, relative = quotient(function, end, top, bottom)
            size = mp.nstr(mp.log(relative, 2), 5)
            print(f"{name}: degrees {top} and {bottom}, relative error 2^{size}")
            for polynomial in polynomials:
                print("   ", ", ".join(c.hex() for c in polynomial))
    for name, constant in CONSTANTS.items():
        if not names or name in names:
            value = constant()
            high = mp.mpf(float(value))
            print(name, "=", mp.nstr(value, 25), float(high).hex(), float(value - high).hex())


if __name__ == "__main__":
    main(sys.argv[1:])
