"""Multilayer perceptrons with scikit-learn's interface: `MLPClassifier` and `MLPRegressor`.

`import ranvier` does not import this: it needs scikit-learn, ``pip install 'ranvier[sklearn]'``.
"""

from __future__ import annotations

from .._extras import require

require("sklearn", "ranvier.sklearn")

from .classifier import MLPClassifier  # noqa: E402
from .regressor import MLPRegressor  # noqa: E402

__all__ = ["MLPClassifier", "MLPRegressor"]
