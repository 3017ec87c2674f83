"""Derive the rational approximations under GELU and its derivative (cpp/src/math/normal.hpp).

With phi and Phi the density and the distribution function of the standard normal, and t = |x|:

    Phi(-t)             = exp(-t^2/2) * R(t),             R(t) = exp(t^2/2) erfc(t/sqrt 2) / 2
    Phi(-t) - t phi(-t) = exp(-t^2/2) * (t0 - t) * Q(t),  t0 the zero of GELU's derivative

R and Q are smooth and positive, so a ratio of two polynomials gives both to a small *relative*
error on the whole tail. The fit is a linearised least-squares problem in the relative error,
repeated with the last denominator and Lawson's weights until the error is level (Lawson, 1961;
Sanathanan and Koerner, 1963). Everything is done in mpmath; run it as

    python tools/fit_gelu.py
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

mp.mp.dps = 70
POINTS = 160
DENSITY = 1 / mp.sqrt(2 * mp.pi)


def mills(t: mp.mpf) -> mp.mpf:
    """Phi(-t) exp(t^2/2)."""
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2)


ZERO = mp.findroot(lambda t: mills(t) - t * DENSITY, mp.mpf("0.75"))


def slope(t: mp.mpf) -> mp.mpf:
    """(Phi(-t) - t phi(t)) exp(t^2/2) / (t0 - t)."""
    if abs(t - ZERO) < mp.mpf(10) ** -25:
        t = ZERO + mp.mpf(10) ** -25
    return (mills(t) - t * DENSITY) / (ZERO - t)


def rational(
    f: Callable[[mp.mpf], mp.mpf], end: float, top: int, bottom: int, rounds: int = 40
) -> tuple[list[mp.mpf], list[mp.mpf], float]:
    """Numerator, denominator (constant term first, its own is 1) and the largest relative error."""
    angles = [(mp.mpf(2 * i + 1) / (4 * POINTS)) * mp.pi for i in range(POINTS)]
    # Chebyshev-like spacing, denser towards 0 where the functions bend
    x = [end * (1 - mp.cos(a)) ** mp.mpf("1.5") for a in angles]
    y = [f(t) for t in x]
    weight = [mp.mpf(1)] * POINTS
    below = [mp.mpf(1)] * POINTS
    best: tuple[list[mp.mpf], list[mp.mpf], float] | None = None
    for _ in range(rounds):
        size = top + 1 + bottom
        matrix = mp.matrix(POINTS, size)
        right = mp.matrix(POINTS, 1)
        for i in range(POINTS):
            w = mp.sqrt(weight[i]) / (y[i] * below[i])
            for j in range(top + 1):
                matrix[i, j] = w * x[i] ** j
            for j in range(1, bottom + 1):
                matrix[i, top + j] = -w * y[i] * x[i] ** j
            right[i] = w * y[i]
        solution = mp.lu_solve(matrix.T * matrix, matrix.T * right)
        numerator = [solution[j] for j in range(top + 1)]
        denominator = [mp.mpf(1)] + [solution[top + j] for j in range(1, bottom + 1)]
        below = [mp.polyval(denominator[::-1], t) for t in x]
        error = [
            abs(mp.polyval(numerator[::-1], t) / b / v - 1)
            for t, b, v in zip(x, below, y, strict=True)
        ]
        worst = float(max(error))
        if best is None or worst < best[2]:
            best = (numerator, denominator, worst)
        weight = [w * (e / max(error) + mp.mpf("0.02")) for w, e in zip(weight, error, strict=True)]
        total = sum(weight)
        weight = [w * POINTS / total for w in weight]
    assert best is not None
    return best


def main() -> None:
    print("t0 =", mp.nstr(ZERO, 40))
    cases = (
        ("R, float32", mills, 15.0, 4, 5),
        ("Q, float32", slope, 15.0, 5, 5),
        ("R, float64", mills, 38.7, 10, 11),
        ("Q, float64", slope, 38.7, 10, 10),
    )
    for name, f, end, top, bottom in cases:
        numerator, denominator, error = rational(f, end, top, bottom)
        size = mp.nstr(mp.log(error, 2), 5)
        print(f"{name} on [0, {end}], degrees {top}/{bottom}: relative error 2^{size}")
        for label, coefficients in (("numerator", numerator), ("denominator", denominator)):
            print(" ", label)
            for value in coefficients:
                print("   ", float(value).hex(), f"// {mp.nstr(value, 20)}")


if __name__ == "__main__":
    main()
