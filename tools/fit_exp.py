"""Derive the polynomials under the exponential (cpp/src/math/exp.hpp).

With |r| <= ln(2)/2, e^r - 1 = r + r^2 q(r). q is interpolated at Chebyshev's nodes, which is within
a few per cent of the best polynomial here. Run it as

    python tools/fit_exp.py
"""

from __future__ import annotations

import mpmath as mp

mp.mp.dps = 60
# A little more than ln(2)/2: the multiple of ln 2 that is taken off is rounded to nearest.
EDGE = mp.log(2) / 2 * mp.mpf("1.0001")


def q(r: mp.mpf) -> mp.mpf:
    return mp.nsum(lambda n: r**n / mp.factorial(n + 2), [0, 40])


def interpolate(degree: int) -> list[mp.mpf]:
    """Coefficients of q, constant term first."""
    count = degree + 1
    nodes = [EDGE * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    matrix = mp.matrix(count, count)
    for i, r in enumerate(nodes):
        for j in range(count):
            matrix[i, j] = r**j
    return list(mp.lu_solve(matrix, mp.matrix([q(r) for r in nodes])))


def main() -> None:
    for kind, degree in (("float32 in float64", 4), ("float32", 5), ("float64", 9)):
        coefficients = [mp.mpf(float(c)) for c in interpolate(degree)]
        worst = max(
            abs((1 + r + r * r * mp.polyval(coefficients[::-1], r)) / mp.exp(r) - 1)
            for r in mp.linspace(-EDGE, EDGE, 2001)
        )
        size = mp.nstr(mp.log(worst, 2), 5)
        print(f"{kind}: degree {degree + 2} in all, relative error 2^{size}")
        for value in coefficients:
            print("   ", float(value).hex(), f"// {mp.nstr(value, 20)}")


if __name__ == "__main__":
    main()
