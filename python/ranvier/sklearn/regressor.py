"""The regressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from .. import losses
from ..activations import sigmoid
from ..losses._uses import Use
from ..nn._quiet import quiet
from ._estimator import MultilayerPerceptron, has_mini_batches
from ._losses import REGRESSION, Choice, choose

Array = npt.NDArray[Any]

_OWN = {
    "squared_error": Choice(losses.mse_loss, Use("numbers", "identity"), factor=0.5, summed=True),
    "poisson": Choice(losses.poisson_nll_loss, Use("numbers", "exp"), summed=True),
}
# What y can be where the prediction is of such a kind.
_RANGES = {"identity": (-np.inf, np.inf), "exp": (0.0, np.inf), "logistic": (0.0, 1.0)}


class MLPRegressor(RegressorMixin, MultiOutputMixin, MultilayerPerceptron):  # type: ignore[misc]
    """Multilayer perceptron for numbers, with the parameters of scikit-learn's and more.

    Parameters
    ----------
    loss : str or function, default "squared_error"
        scikit-learn's "squared_error", half the square, or "poisson", with the exponential as
        output; both summed over the outputs of a sample. Or one of `ranvier.losses`, by name or
        function, or a functools.partial of it: `functools.partial(losses.quantile_loss,
        quantile=0.9)`. With a loss of probabilities the output is the sigmoid, and y from 0 to 1.
    hidden_layer_sizes : int or sequence of int, default (100,)
    activation : str, function, Module, or a list of them, default "relu"
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, \
random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, dropout, max_norm, \
callbacks
        As for `MLPClassifier`; early_stopping goes by R^2.

    Attributes
    ----------
    coefs_, intercepts_, model_, loss_, loss_curve_, best_loss_, validation_scores_, \
best_validation_score_, n_iter_, t_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, \
out_activation_
        As for `MLPClassifier`.

    Raises
    ------
    TypeError, ValueError
        If a parameter or an array does not fit.

    Notes
    -----
    As for `MLPClassifier`. With several outputs the loss is the sum over them that scikit-learn
    takes the gradient of, where it reports the mean; and its "poisson" reports the deviance, which
    differs from the loss here by what the model has no influence on.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from ranvier.sklearn import MLPRegressor
    >>> X, y = make_regression(200, 5, noise=1, random_state=0)
    >>> model = MLPRegressor("huber_loss", (50,), "silu", learning_rate_init=0.05, random_state=0)
    >>> model.fit(X, y / y.std()).score(X, y / y.std()) > 0.99
    True
    """

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 1e-4,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 1e-3,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        max_norm: float | None = None,
        callbacks: Sequence[Any] = (),
    ) -> None:
        self._keep(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        result: MLPRegressor = self._fit(X, y, sample_weight)
        return result

    @available_if(has_mini_batches)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch, on from where the last call has ended.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        self
        """
        result: MLPRegressor = self._fit(X, y, sample_weight, incremental=True)
        return result

    def predict(self, X: Any) -> Array:
        """The numbers for each sample.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        return self._decoded(self._scores(X))

    def _choice(self) -> Choice:
        return choose(self.loss, REGRESSION, _OWN)

    def _validated(self, X: Any, y: Any, fresh: bool, classes: Array | None) -> tuple[Any, Array]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=fresh,
        )
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _encoded(self, y: Array, choice: Choice, dtype: npt.DTypeLike) -> tuple[Array, int]:
        low, high = _RANGES[choice.use.link]
        if y.min() < low or y.max() > high:
            raise ValueError(
                f"y is from {y.min():g} to {y.max():g}; expected from {low:g} to {high:g}, as the "
                f"loss is {self.loss!r}"
            )
        with quiet():
            target = y.reshape(len(y), -1).astype(dtype)
        return target, target.shape[1]

    def _decoded(self, scores: Array) -> Array:
        if self.out_activation_ == "exp":
            with quiet():
                scores = np.exp(scores)
        elif self.out_activation_ == "logistic":
            scores = sigmoid(scores)
        return scores.ravel() if scores.shape[1] == 1 else scores

    def _scored(self, y: Array, predicted: Array, sample_weight: Array | None) -> float:
        return float(r2_score(y, predicted, sample_weight=sample_weight))
