"""Where functions are tried: every exponent, subnormals, and closely around every switch."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

# Zeros of functions and derivatives, ends of ranges, and where exponentials leave float32 and
# float64 (as results: normal and subnormal; as tails of the normal distribution).
_SWITCHES = (
    *(0.5, 1.0, 2.0, 6.0, 9.01, 15.0, 17.33, 20.0, 36.74, 40.0),
    # Zeros of the derivatives of SiLU, GELU and its other forms, and Mish.
    *(-1.2784645427610738, -0.7517915246935645, -0.7524614220710162, -0.7511542554412889),
    *(-1.192431214515495, 3.0, 0.25),
    *(87.33654475, 88.0, 88.72283935, 103.2789, 103.9720, 104.0),
    *(700.0, 708.396418532264, 709.782712893384, 744.440071921381, 745.133219101941, 800.0),
    *(5.5, 12.9, 13.2, 14.17, 14.43, 37.5, 38.4, 38.58, 38.7),
)
# The last ones hold the subnormal results of tanh's derivative, of the Gaussian and of GELU's other
# forms, in float32 and in float64.
_RANGES = (
    *((-1.5, 1.5), (-20, 20), (-39, -12), (-110, 110), (-750, 750)),
    *((-53, -43), (43, 53), (-375, -353), (353, 375)),
    *((-10.3, -9.2), (-27.4, -26.5), (-11, -9.5), (-22.5, -20.5), (-440, -415), (-62, -51)),
)


def _neighbours(centre: float, dtype: Any) -> npt.NDArray[Any]:
    """The number nearest to the centre, the four on either side, and wider and wider steps."""
    middle = np.asarray(centre, dtype)
    steps = [middle]
    for direction in (-np.inf, np.inf):
        at = middle
        for _ in range(4):
            at = np.nextafter(at, dtype(direction))
            steps.append(at)
    wide = 2.0 ** -np.arange(4, np.finfo(dtype).nmant, 3)
    return np.concatenate([steps, centre * (1 + wide), centre * (1 - wide)]).astype(dtype)


@cache
def stratified(dtype: Any) -> npt.NDArray[Any]:
    """Sorted, finite and distinct points of float32 or float64, a few thousand."""
    info = np.finfo(dtype)
    rng = np.random.default_rng(20251)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp)
    repeated = np.repeat(exponents, 4096 // len(exponents) // 2 or 1)
    sizes = np.minimum(np.ldexp(rng.uniform(1, 2, len(repeated)), repeated), float(info.max))
    uniform = [rng.uniform(low, high, 400) for low, high in _RANGES]
    largest = rng.uniform(float(info.max) / 4, float(info.max), 40)
    parts = [
        sizes,
        -sizes,
        *uniform,
        largest,
        -largest,
        [0.0, info.max, -info.max, info.tiny, -info.tiny],
    ]
    for switch in _SWITCHES:
        parts += [_neighbours(switch, dtype), _neighbours(-switch, dtype)]
    points = np.unique(np.concatenate([np.asarray(p, np.float64) for p in parts]).astype(dtype))
    return points[np.isfinite(points)]


@cache
def every_half() -> npt.NDArray[np.float16]:
    """All finite numbers of float16."""
    points = np.arange(2**16, dtype=np.uint16).view(np.float16)
    return points[np.isfinite(points)]


def distinct(n: int, dtype: Any, seed: int = 0) -> npt.NDArray[Any]:
    """n different numbers of moderate size, in no order."""
    rng = np.random.default_rng(seed)
    return rng.permutation(np.linspace(-6.1, 6.3, n)).astype(dtype)
