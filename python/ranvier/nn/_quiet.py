"""No floating-point warnings: to a model, infinity and NaN are values like any other.

numpy.errstate takes longer than a small layer, so whoever calls several layers enters it once.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType

import numpy as np

_active = ContextVar("_active", default=False)


class quiet:
    """Context manager: NumPy warns of nothing inside; what is nested costs next to nothing."""

    _token: Token[bool] | None = None

    def __enter__(self) -> None:
        if not _active.get():
            self._token = _active.set(True)
            self._errors = np.errstate(all="ignore")
            self._errors.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token is not None:
            self._errors.__exit__(kind, error, trace)
            _active.reset(self._token)
            self._token = None
