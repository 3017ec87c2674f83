"""The oracle: what every function is, as a textbook formula in exact arithmetic.

Nothing here imports ranvier. A formula takes the arithmetic in which it is evaluated: `EXACT`
(mpmath, 160 bits: enough for the neighbours of a zero and for everything near underflow) or
`DOUBLE` (the C library's float64), which is all that float16 needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
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
    __hash__ = object.__hash__  # a constant is worked out once in each

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


def _silu(m: Any, x: Any) -> Any:
    return x * _sigmoid(m, x)


def _silu_slope(m: Any, x: Any) -> Any:
    return _sigmoid(m, x) * (1 + x * _sigmoid(m, -x))


def _log_one_plus_exp(m: Any, x: Any) -> Any:
    return max(x, 0) + m.log1p(m.exp(-abs(x)))


def _gelu_tanh_exponent(m: Any, x: Any) -> tuple[Any, Any]:
    """2 u, of which (1 + tanh u) / 2 is the sigmoid, and its derivative."""
    k, c = 2 * m.sqrt(2 / m.pi), m.number("0.044715")
    return k * (x + c * x * x * x), k * (1 + 3 * c * x * x)


def _gelu_tanh_slope(m: Any, x: Any) -> Any:
    z, dz = _gelu_tanh_exponent(m, x)
    return _sigmoid(m, z) * (1 + x * dz * _sigmoid(m, -z))


def _tanhshrink(m: Any, x: Any) -> Any:
    if abs(x) < 2.0**-20:  # where the difference would need many more digits
        return x * x * x * (m.number(1) / 3 - 2 * x**2 / 15 + 17 * x**4 / 315 - 62 * x**6 / 2835)
    return x - m.tanh(x)


def _squareplus(m: Any, x: Any, b: Any) -> Any:
    root = m.sqrt(x * x + b)
    return b / (2 * (root - x)) if x < 0 else (x + root) / 2


def _mish_slope(m: Any, x: Any) -> Any:
    s = _log_one_plus_exp(m, x)
    return m.tanh(s) + x * m.sech(s) ** 2 * _sigmoid(m, x)


def _clip(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def _leaky_relu(m: Any, x: Any, slope: Any) -> Any:
    return x if x > 0 else slope * x


def _step(m: Any, x: Any, below: Any) -> Any:
    return 1 if x > 0 else below


@cache
def _selu_constants(m: Any) -> tuple[Any, Any]:
    """lambda and lambda times alpha (Klambauer et al., 2017, section 2 and appendix A1)."""
    one, two = m.number(1), m.number(2)
    narrow, wide = m.erfc(one / m.sqrt(two)) * m.exp(one / 2), m.erfc(m.sqrt(two)) * m.exp(two)
    alpha = m.sqrt(two / m.pi) / (1 - narrow)
    square = 2 * wide + m.pi * narrow**2 - 2 * (2 + m.pi) * narrow + m.pi + 2
    scale = (1 - narrow) * m.sqrt(2 * m.pi / square)
    return scale, scale * alpha


REFERENCES = {
    "relu": Reference(
        lambda m, x: max(x, 0),
        lambda m, x: _step(m, x, 0),
        lambda m, y: _step(m, y, 0),
    ),
    "relu6": Reference(
        lambda m, x: _clip(x, 0, 6),
        lambda m, x: 1 if 0 < x < 6 else 0,
        lambda m, y: 1 if 0 < y < 6 else 0,
    ),
    "leaky_relu": Reference(_leaky_relu, _step, _step),
    "prelu": Reference(_leaky_relu, _step),
    "threshold": Reference(
        lambda m, x, edge, value: x if x > edge else value,
        lambda m, x, edge, value: 1 if x > edge else 0,
    ),
    "hardtanh": Reference(
        lambda m, x, low, high: _clip(x, low, high),
        lambda m, x, low, high: 1 if low < x < high else 0,
        lambda m, y, low, high: 1 if low < y < high else 0,
    ),
    "hardsigmoid": Reference(
        lambda m, x: _clip(x + 3, 0, 6) / m.number(6),
        lambda m, x: m.number(1) / 6 if -3 < x < 3 else 0,
        lambda m, y: m.number(1) / 6 if 0 < y < 1 else 0,
    ),
    "hardswish": Reference(
        lambda m, x: x * (_clip(x + 3, 0, 6) / m.number(6)),
        lambda m, x: 0 if x <= -3 else (2 * x + 3) / m.number(6) if x < 3 else 1,
    ),
    "hardshrink": Reference(
        lambda m, x, lambd: x if abs(x) > lambd else 0,
        lambda m, x, lambd: 1 if abs(x) > lambd else 0,
    ),
    "softshrink": Reference(
        lambda m, x, lambd: x - _clip(x, -lambd, lambd),
        lambda m, x, lambd: 1 if abs(x) > lambd else 0,
    ),
    "sparse_plus": Reference(
        lambda m, x: 0 if x <= -1 else (x + 1) ** 2 / 4 if x < 1 else x,
        lambda m, x: _clip((x + 1) / 2, 0, 1),
    ),
    "sparse_sigmoid": Reference(
        lambda m, x: _clip((x + 1) / 2, 0, 1),
        lambda m, x: m.number(1) / 2 if -1 < x < 1 else 0,
        lambda m, y: m.number(1) / 2 if 0 < y < 1 else 0,
    ),
    "softsign": Reference(
        lambda m, x: x / (1 + abs(x)),
        lambda m, x: 1 / (1 + abs(x)) ** 2,
        lambda m, y: (1 - abs(y)) ** 2,
    ),
    "squareplus": Reference(
        _squareplus,
        lambda m, x, b: _squareplus(m, x, b) / m.sqrt(x * x + b),
    ),
    "elu": Reference(
        lambda m, x, alpha: x if x > 0 else alpha * m.expm1(x),
        lambda m, x, alpha: 1 if x > 0 else alpha * m.exp(x),
        lambda m, y, alpha: 1 if y > 0 else y + alpha,
    ),
    "celu": Reference(
        lambda m, x, alpha: x if x > 0 else alpha * m.expm1(x / alpha),
        lambda m, x, alpha: 1 if x > 0 else m.exp(x / alpha),
        lambda m, y, alpha: 1 if y > 0 else 1 + y / alpha,
    ),
    "selu": Reference(
        lambda m, x: _selu_constants(m)[0] * x if x > 0 else _selu_constants(m)[1] * m.expm1(x),
        lambda m, x: _selu_constants(m)[0] if x > 0 else _selu_constants(m)[1] * m.exp(x),
        lambda m, y: _selu_constants(m)[0] if y > 0 else _selu_constants(m)[1] + y,
    ),
    "gaussian": Reference(
        lambda m, x: m.exp(-x * x),
        lambda m, x: -2 * x * m.exp(-x * x),
    ),
    "gelu": Reference(
        lambda m, x: x * _normal_cdf(m, x),
        lambda m, x: _normal_cdf(m, x) + x * _normal_pdf(m, x),
    ),
    "sigmoid": Reference(
        _sigmoid,
        lambda m, x: _sigmoid(m, x) * _sigmoid(m, -x),
        lambda m, y: y * (1 - y),
    ),
    "logsigmoid": Reference(
        lambda m, x: -_log_one_plus_exp(m, -x),
        lambda m, x: _sigmoid(m, -x),
        lambda m, y: -m.expm1(y),
    ),
    "softplus": Reference(
        lambda m, x, beta: _log_one_plus_exp(m, beta * x) / beta,
        lambda m, x, beta: _sigmoid(m, beta * x),
        lambda m, y, beta: -m.expm1(-beta * y),
    ),
    "tanh": Reference(
        lambda m, x: m.tanh(x),
        lambda m, x: m.sech(x) ** 2,
        lambda m, y: (1 - y) * (1 + y),
    ),
    "tanhshrink": Reference(
        _tanhshrink,
        lambda m, x: m.tanh(x) ** 2,
    ),
    "silu": Reference(_silu, _silu_slope),
    "swish": Reference(
        lambda m, x, beta: x * _sigmoid(m, beta * x),
        lambda m, x, beta: _silu_slope(m, beta * x),
    ),
    "quick_gelu": Reference(
        lambda m, x: x * _sigmoid(m, m.number("1.702") * x),
        lambda m, x: _silu_slope(m, m.number("1.702") * x),
    ),
    "gelu_tanh": Reference(
        lambda m, x: x * _sigmoid(m, _gelu_tanh_exponent(m, x)[0]),
        _gelu_tanh_slope,
    ),
    "mish": Reference(
        lambda m, x: x * m.tanh(_log_one_plus_exp(m, x)),
        _mish_slope,
    ),
}


# f and f' of the gates a f(b).
GATES = {
    "glu": REFERENCES["sigmoid"],
    "swiglu": REFERENCES["silu"],
    "geglu": REFERENCES["gelu"],
    "reglu": REFERENCES["relu"],
    "bilinear_glu": Reference(lambda m, b: b, lambda m, b: 1),
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


def gate(name: str, g: Any, a: Any, b: Any) -> tuple[Exact, Exact, Exact]:
    """a f(b), and g f(b) and g a f'(b): the gradients with respect to a and b."""
    value, first, second = [], [], []
    for numbers in zip(g, a, b, strict=True):
        gi, ai, bi = (EXACT.number(float(v)) for v in numbers)
        f, slope = GATES[name].value(EXACT, bi), GATES[name].derivative(EXACT, bi)
        value.append(ai * f)
        first.append(gi * f)
        second.append(gi * ai * slope)
    return Exact.of(value), Exact.of(first), Exact.of(second)


def maxout(row: Iterable[float], pieces: int) -> list[int]:
    """Where in the row the maximum of each group is: the first of several, or the first NaN."""
    numbers = [float(v) for v in row]
    winners = []
    for start in range(0, len(numbers), pieces):
        group = numbers[start : start + pieces]
        nans = [i for i, v in enumerate(group) if math.isnan(v)]
        winners.append(start + (nans[0] if nans else group.index(max(group))))
    return winners
