"""What the classifier and the regressor have in common: parameters, training, attributes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .. import losses
from ..trainer import Trainer
from ._losses import Choice, Objective
from ._monitor import Monitor
from ._network import Perceptron, build
from ._parameters import check_parameters, for_each_layer, hidden_sizes
from ._solvers import check_solver, is_lbfgs, make_optimizer, minimize

Array = npt.NDArray[Any]

_LISTS = ("coefs_", "intercepts_")


def has_mini_batches(estimator: MultilayerPerceptron) -> bool:
    """Whether there is a partial_fit: for scikit-learn's available_if."""
    if is_lbfgs(estimator.solver):
        raise AttributeError(
            f"solver is {estimator.solver!r}, which has no mini-batches; expected another for "
            "partial_fit"
        )
    return True


class MultilayerPerceptron(BaseEstimator):  # type: ignore[misc]
    """Base of the estimators."""

    hidden_layer_sizes: Any
    activation: Any
    solver: Any
    alpha: float
    batch_size: Any
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    loss: Any
    dropout: Any
    max_norm: float | None
    callbacks: Sequence[Any]

    model_: Perceptron
    coefs_: list[Array]
    intercepts_: list[Array]
    _trainer: Trainer | None
    _stops_early: bool | None

    def _keep(self, arguments: Mapping[str, Any]) -> None:
        """Set the attributes that have the names of the arguments of __init__."""
        for name, value in arguments.items():
            if name != "self":
                setattr(self, name, value)

    # What differs.

    def _choice(self) -> Choice:
        """The loss of this problem and its use."""
        raise NotImplementedError

    def _validated(self, X: Any, y: Any, fresh: bool, classes: Array | None) -> tuple[Any, Array]:
        """X and y as arrays, or X as a sparse matrix; keeps what they say about the problem."""
        raise NotImplementedError

    def _encoded(self, y: Array, choice: Choice, dtype: npt.DTypeLike) -> tuple[Array, int]:
        """The targets of the loss, and how many outputs it takes."""
        raise NotImplementedError

    def _decoded(self, scores: Array) -> Array:
        """Predictions, in the form that _validated gives y."""
        raise NotImplementedError

    def _balanced(self, y: Array, sample_weight: Array | None) -> Array | None:
        """The weights to train with."""
        return sample_weight

    def _scored(self, y: Array, predicted: Array, sample_weight: Array | None) -> float:
        raise NotImplementedError

    def _strata(self, y: Array) -> Array | None:
        return None

    # Training.

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        classes: Array | None = None,
    ) -> Any:
        check_parameters(self)
        check_solver(self)
        hidden = hidden_sizes(self.hidden_layer_sizes)
        if incremental and self.early_stopping:
            raise ValueError("early_stopping is True; expected False, for partial_fit")
        fresh = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = self._validated(X, y, fresh, classes)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        random = check_random_state(self.random_state)
        dtype = X.dtype if fresh else self.coefs_[0].dtype
        choice = self._choice()
        target, outputs = self._encoded(y, choice, dtype)
        X = X.toarray() if hasattr(X, "toarray") else X
        parts = None
        if not (incremental and not fresh and self._trainer is not None):
            model = build(
                [X.shape[1], *hidden, outputs],
                for_each_layer("activation", self.activation, len(hidden)),
                for_each_layer("dropout", self.dropout, len(hidden)),
                dtype,
                random,
            )
            if not fresh:
                model.load_state_dict(self._model().state_dict())
            parts = self._split(y, random)  # before the seed is drawn, as scikit-learn's
            self._trainer = self._new_trainer(model, choice, random)
            self.model_ = model
        else:
            self._model()
        self._show_parameters()
        if fresh or self._stops_early != self._stopping():
            self._begin(outputs, choice)
        if self._trainer is None:
            objective = Objective(choice, self.model_, float(self.alpha))
            weights = self._balanced(y, sample_weight)
            self.loss_, self.n_iter_ = minimize(objective, self.model_, X, target, weights, self)
        else:
            self._train(self._trainer, X, y, target, sample_weight, parts, incremental)
        self.model_.eval()
        if not all(np.isfinite(parameter).all() for parameter in self.model_.parameters()):
            raise ValueError(
                "a weight is not finite after the training; expected a smaller learning_rate_init, "
                "or features of about the same, moderate size (see StandardScaler)"
            )
        return self

    def _new_trainer(
        self, model: Perceptron, choice: Choice, random: np.random.RandomState
    ) -> Trainer | None:
        """What trains the model by mini-batches; None where that is left to L-BFGS."""
        if is_lbfgs(self.solver):
            return None
        return Trainer(
            model,
            cast(losses.Loss, Objective(choice, model, float(self.alpha))),
            make_optimizer(self, model),
            max_norm=self.max_norm,
            seed=random.randint(2**31 - 1),
        )

    def _begin(self, outputs: int, choice: Choice) -> None:
        """The attributes before the first epoch."""
        self.n_outputs_ = outputs
        self.n_layers_ = len(self.model_.linears) + 1
        self.out_activation_ = choice.use.link
        self.n_iter_ = 0
        self.t_ = 0
        self._stops_early = stops = self._stopping()
        if stops is None:
            return
        self._epochs_without_improvement = 0
        self.loss_curve_: list[float] = []
        self.best_loss_ = None if stops else np.inf
        self.validation_scores_: list[float] | None = [] if stops else None
        self.best_validation_score_ = -np.inf if stops else None

    def _stopping(self) -> bool | None:
        """Whether the training stops early; None if it has no epochs."""
        return None if is_lbfgs(self.solver) else bool(self.early_stopping)

    def _train(
        self,
        trainer: Trainer,
        X: Array,
        y: Array,
        target: Array,
        sample_weight: Array | None,
        parts: tuple[Array, Array] | None,
        incremental: bool,
    ) -> None:
        """Epochs of mini-batches."""
        model = self.model_
        score: Callable[[], float] | None = None
        validation = None
        if parts is not None:
            rows, held = parts
            X_held, y_held = X[held], y[held]
            weight_held = None if sample_weight is None else sample_weight[held]
            validation = X_held, target[held]
            X, y, target = X[rows], y[rows], target[rows]
            sample_weight = None if sample_weight is None else sample_weight[rows]

            def score() -> float:
                model.eval()
                predicted = self._decoded(model.scores(X_held))
                model.train()
                if not np.isfinite(predicted).all():
                    return float("nan")
                return self._scored(y_held, predicted, weight_held)

        samples = len(X)
        size = min(200, samples) if self.batch_size == "auto" else int(self.batch_size)
        if size > samples:
            warnings.warn(
                f"batch_size is {size}, and there are {samples} samples: all are one batch",
                stacklevel=4,
            )
        monitor = Monitor(self, samples, score)
        trainer.callbacks = (monitor, *self.callbacks)
        self.n_iter_ = 0
        try:
            trainer.fit(
                X,
                target,
                epochs=1 if incremental else self.max_iter,
                batch_size=min(size, samples),
                validation_data=validation,
                shuffle=bool(self.shuffle),
                sample_weight=self._balanced(y, sample_weight),
                progress=False,
            )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        finally:
            trainer.callbacks = ()
        if self.n_iter_ == self.max_iter and not (monitor.converged or incremental):
            warnings.warn(
                f"max_iter={self.max_iter} epochs are over and the training has not converged",
                ConvergenceWarning,
                stacklevel=4,
            )
        if parts is not None:
            for parameter, best in zip(model.parameters(), self._best_parameters, strict=True):
                parameter[...] = best

    def _split(self, y: Array, random: np.random.RandomState) -> tuple[Array, Array] | None:
        """The rows to train with and those held back to stop by, if any are."""
        if not self._stopping():
            return None
        rows, held = train_test_split(
            np.arange(len(y)),
            test_size=self.validation_fraction,
            random_state=random,
            stratify=self._strata(y),
        )
        if len(held) < 2:
            raise ValueError(
                f"validation_fraction is {self.validation_fraction!r} of {len(y)} samples; "
                "expected at least 2 to validate with"
            )
        return rows, held

    # The model and its parameters.

    def _show_parameters(self) -> None:
        """The lists of scikit-learn, whose arrays are views of the model's parameters."""
        self.coefs_ = [linear.weight.T for linear in self.model_.linears]
        self.intercepts_ = [linear.bias for linear in self.model_.linears]

    def _model(self) -> Perceptron:
        """The model with what the lists hold: they may have been assigned to."""
        arrays = zip(self.model_.linears, self.coefs_, self.intercepts_, strict=True)
        for linear, coefficients, intercepts in arrays:
            if not np.may_share_memory(linear.weight, coefficients):
                linear.weight = coefficients.T
            if not np.may_share_memory(linear.bias, intercepts):
                linear.bias = intercepts
        return self.model_

    def __getstate__(self) -> dict[str, Any]:
        """Without the lists: pickled, a view would be an array of its own."""
        if hasattr(self, "coefs_"):
            self._model()
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in _LISTS}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        super().__setstate__(state)
        if "model_" in state:
            self._show_parameters()

    def _scores(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(
            self,
            X,
            accept_sparse=["csr", "csc"],
            dtype=(np.float64, np.float32),
            reset=False,
        )
        return self._model().scores(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
