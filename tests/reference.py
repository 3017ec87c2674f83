"""The oracle: what every function is, as a textbook formula in exact arithmetic.

Nothing here imports ranvier. A formula takes the arithmetic in which it is evaluated: `EXACT`
(mpmath, 160 bits: enough for the neighbours of a zero and for everything near underflow) or
`DOUBLE` (the C library's float64), which is all that float16 needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

_mp = mpmath.MPContext()
_mp.prec = 160


def _erfc(x: Any) -> Any:
    # mpmath's own series needs the argument's square as an integer; here both limits are long past.
    return _mp.erfc(x) if abs(x) < 10**6 else _mp.mpf(2 if x < 0 else 0)


def _without_overflow(f: Callable[[float], float]) -> Callable[[float], float]:
    def function(x: float) -> float:
        try:
            return f(x)
        except OverflowError:
            return math.inf

    return function


_cosh = _without_overflow(math.cosh)


class _Arithmetic(SimpleNamespace):
    """Functions by the names that mpmath and the C library share, and those that differ."""

    library: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.library, name)


EXACT = _Arithmetic(library=_mp, number=_mp.mpf, erfc=_erfc, pi=+_mp.pi)
DOUBLE = _Arithmetic(
    library=math,
    number=float,
    exp=_without_overflow(math.exp),
    expm1=_without_overflow(math.expm1),
    sech=lambda x: 1 / _cosh(x),
)


@dataclass(frozen=True)
class Reference:
    """An activation: f(x, p...), f'(x, p...) and, where there is one, f' as a function of y = f."""

    value: Callable[..., Any]
    derivative: Callable[..., Any]
    derivative_from_output: Callable[..., Any] | None = None


def _sigmoid(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


def _normal_cdf(m: Any, x: Any) -> Any:
    return m.erfc(-x / m.sqrt(m.number(2))) / 2


def _normal_pdf(m: Any, x: Any) -> Any:
    return m.exp(-x * x / 2) / m.sqrt(2 * m.pi)


REFERENCES = {
    "relu": Reference(
        lambda m, x: max(x, 0),
        lambda m, x: 1 if x > 0 else 0,
        lambda m, y: 1 if y > 0 else 0,
    ),
    "leaky_relu": Reference(
        lambda m, x, slope: x if x > 0 else slope * x,
        lambda m, x, slope: 1 if x > 0 else slope,
        lambda m, y, slope: 1 if y > 0 else slope,
    ),
    "sigmoid": Reference(
        lambda m, x: _sigmoid(m, x),
        lambda m, x: _sigmoid(m, x) * _sigmoid(m, -x),
        lambda m, y: y * (1 - y),
    ),
    "tanh": Reference(
        lambda m, x: m.tanh(x),
        lambda m, x: m.sech(x) ** 2,
        lambda m, y: (1 - y) * (1 + y),
    ),
    "silu": Reference(
        lambda m, x: x * _sigmoid(m, x),
        lambda m, x: _sigmoid(m, x) * (1 + x * _sigmoid(m, -x)),
    ),
    "gelu": Reference(
        lambda m, x: x * _normal_cdf(m, x),
        lambda m, x: _normal_cdf(m, x) + x * _normal_pdf(m, x),
    ),
}


@dataclass(frozen=True)
class Exact:
    """Numbers (high + low) 2^exponent with 1/2 <= |high| < 1: 106 bits, and no limit of range."""

    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    exponent: npt.NDArray[np.int64]

    @staticmethod
    def of(numbers: Iterable[Any]) -> Exact:
        rows = []
        for number in numbers:
            mantissa, exponent = _mp.frexp(_mp.mpf(number))
            high = float(mantissa)
            # e^(10^300) has an exponent of 300 digits; the first ten are enough.
            exponent = max(-(2**40), min(2**40, int(exponent)))
            rows.append((high, float(mantissa - high), exponent))
        high, low, exponents = zip(*rows, strict=True)
        return Exact(np.array(high), np.array(low), np.array(exponents, np.int64))

    def __getitem__(self, index: Any) -> Exact:
        return Exact(self.high[index], self.low[index], self.exponent[index])

    def rounded(self, dtype: Any) -> npt.NDArray[Any]:
        """To the nearest number of the dtype."""
        quotient, spacing = self._in_units(np.finfo(dtype))
        nearest = np.rint(quotient)
        # A tie of `high` alone is decided by what is below it.
        tie = np.abs(quotient - np.trunc(quotient)) == 0.5
        toward_low = np.where(self.low > 0, np.ceil(quotient), np.floor(quotient))
        nearest = np.where(tie & (self.low != 0), toward_low, nearest)
        with np.errstate(over="ignore"):
            return np.ldexp(nearest, _within_int32(spacing)).astype(dtype)

    def _in_units(self, info: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """High part in units of the last place, and the exponent of that unit (subnormal too)."""
        precision = info.nmant + 1
        spacing = np.maximum(self.exponent - 1, info.minexp) - info.nmant
        # Rounding up to a power of 2 moves to the next binade, whose last place is twice as large.
        up = (np.abs(np.ldexp(self.high, precision)) >= 2.0**precision - 0.5) & (
            self.exponent - precision == spacing
        )
        spacing = spacing + up
        return np.ldexp(self.high, _within_int32(self.exponent - spacing)), spacing

    def ulp_error(self, got: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """|got - exact| in units of the last place of the correctly rounded result.

        An infinity is right where the correctly rounded result is one; NaN never is.
        """
        info = np.finfo(got.dtype)
        quotient, spacing = self._in_units(info)
        low = np.ldexp(self.low, _within_int32(self.exponent - spacing))
        mantissa, exponent = np.frexp(got.astype(np.float64))
        with np.errstate(all="ignore"):
            mine = np.ldexp(mantissa, _within_int32(exponent - spacing))
            error = np.abs((mine - quotient) - low)
        overflow = np.isinf(self.rounded(got.dtype))
        right = overflow & (got == np.copysign(np.inf, self.high))
        finite = np.isfinite(got) & ~overflow
        return np.where(right, 0.0, np.where(finite, error, np.inf))


def _within_int32(exponent: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return np.clip(exponent, -5000, 5000).astype(np.int32)


def evaluate(
    formula: Callable[..., Any], x: npt.NDArray[Any], parameters: Iterable[float] = ()
) -> Exact:
    """The formula at every x, exactly; the parameters are those that the dtype of x can hold."""
    held = [EXACT.number(float(x.dtype.type(p))) for p in parameters]
    return Exact.of(formula(EXACT, EXACT.number(float(v)), *held) for v in x)


def evaluate_in_double(
    formula: Callable[..., Any], x: npt.NDArray[Any], parameters: Iterable[float] = ()
) -> npt.NDArray[np.float64]:
    """The formula at every x, in float64."""
    held = [float(x.dtype.type(p)) for p in parameters]
    return np.array([float(formula(DOUBLE, float(v), *held)) for v in x])


def limits_and_zero(formula: Callable[..., Any], parameters: Iterable[float] = ()) -> list[float]:
    """The formula toward -infinity, at 0 and toward +infinity, rounded to float64."""
    held = [EXACT.number(p) for p in parameters]
    far = EXACT.number(2) ** 2000
    exact = Exact.of(formula(EXACT, x, *held) for x in (-far, EXACT.number(0), far))
    return exact.rounded(np.float64).tolist()


def _row(x: Iterable[float], keep: Iterable[bool] | None, temperature: float) -> list[Any]:
    t = EXACT.number(temperature)
    scaled = [EXACT.number(float(v)) / t for v in x]
    kept = [True] * len(scaled) if keep is None else list(keep)
    return [v if k else None for v, k in zip(scaled, kept, strict=True)]


def _log_sum(row: list[Any]) -> tuple[Any, Any]:
    """The largest entry and log sum exp(entry - largest)."""
    entries = [v for v in row if v is not None]
    top = max(entries)
    rest = list(entries)
    rest.remove(top)
    # 160 bits hold 1 + e^-100 as 1 + something; log1p keeps what lies below that as well.
    return top, EXACT.log1p(sum((EXACT.exp(v - top) for v in rest), EXACT.number(0)))


def softmax(x: Any, keep: Any = None, temperature: float = 1.0) -> Exact:
    """Of one row of finite numbers; 0 where keep is False."""
    row = _row(x, keep, temperature)
    top, log_sum = _log_sum(row)
    return Exact.of(0 if v is None else EXACT.exp(v - top - log_sum) for v in row)


def log_softmax(x: Any, temperature: float = 1.0) -> Exact:
    """Of one row of finite numbers."""
    row = _row(x, None, temperature)
    top, log_sum = _log_sum(row)
    return Exact.of(v - top - log_sum for v in row)


def logsumexp(x: Any, keep: Any = None) -> Exact:
    """Of one row of finite numbers: an array of one."""
    return Exact.of([sum(_log_sum(_row(x, keep, 1.0)), EXACT.number(0))])
