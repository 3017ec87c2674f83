"""Multilayer perceptrons with scikit-learn's interface: `MLPClassifier` and `MLPRegressor`.

`import ranvier` does not import this: it needs scikit-learn, ``pip install 'ranvier[sklearn]'``.
"""

from __future__ import annotations

try:
    from sklearn.utils.validation import validate_data as _
except ImportError as error:
    raise ImportError(
        "ranvier.sklearn needs scikit-learn 1.7 or newer; pip install 'ranvier[sklearn]'"
    ) from error

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
