"""The classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import validate_data

from .. import losses
from ..activations import logsigmoid, sigmoid
from ..softmax import log_softmax, softmax
from ._estimator import MultilayerPerceptron, has_mini_batches
from ._losses import CLASSIFICATION, Choice, choose

Array = npt.NDArray[Any]

_LOG_LOSS = {
    True: Choice(losses.cross_entropy, CLASSIFICATION["cross_entropy"]),
    False: Choice(
        losses.binary_cross_entropy_with_logits,
        CLASSIFICATION["binary_cross_entropy_with_logits"],
        summed=True,
    ),
}


def _has_probabilities(estimator: MLPClassifier) -> bool:
    if hasattr(estimator, "coefs_"):
        link = estimator.out_activation_
    else:
        link = choose(estimator.loss, CLASSIFICATION, {"log_loss": _LOG_LOSS[True]}).use.link
    if link == "identity":
        raise AttributeError(
            f"loss is {estimator.loss!r}, which gives no probabilities; expected a cross-entropy, "
            "for one"
        )
    return True


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):  # type: ignore[misc]
    """Multilayer perceptron for classes, with the parameters of scikit-learn's and more.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer; with none the model is linear.
    activation : str, function, Module, or a list of them, default "relu"
        Any of `ranvier.registry()` by name or function, "identity", "logistic", or a layer such as
        `nn.LeakyReLU(0.2)`; a list has one for each hidden layer.
    solver : str, class or callable, default "adam"
        scikit-learn's "lbfgs", "sgd" and "adam", with their options from the parameters below; a
        class of `ranvier.optim`, or its name, as "RMSprop"; a functools.partial of a class, with
        options; or a function that makes an optimizer of a list of parameters. The rate is
        learning_rate_init, unless the partial or the function sets one.
    alpha : float, default 1e-4
        alpha / (2 n) times the sum of the squared weights is added to the loss of a batch of n
        samples (or of weight n), and its gradient to that of the loss, whatever the optimizer.
    batch_size : int or "auto", default "auto"
        "auto" is 200, or all samples where there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        With "invscaling" the rate is learning_rate_init / (t + 1)^power_t after t samples. With
        "adaptive" it is divided by 5 where the training would end, until it is at most 1e-6.
        Not for "adam".
    learning_rate_init : float, default 1e-3
    power_t : float, default 0.5
    max_iter : int, default 200
        Epochs, or iterations of "lbfgs", at most.
    shuffle : bool, default True
        Draw a new order of the samples for each epoch.
    random_state : int, RandomState or None, default None
        Fixes every bit of the result.
    tol : float, default 1e-4
        Training ends when the loss, or the validation score, has not improved by this for more than
        n_iter_no_change epochs.
    verbose : bool, default False
        Print the loss of each epoch.
    warm_start : bool, default False
        `fit` goes on from the parameters it finds.
    momentum : float, default 0.9
        Of "sgd".
    nesterovs_momentum : bool, default True
        Of "sgd".
    early_stopping : bool, default False
        Hold back validation_fraction of the samples (of each class, where a sample has one), stop
        by the score on them and keep the parameters of the best epoch.
    validation_fraction : float, default 0.1
    beta_1, beta_2, epsilon : float, default 0.9, 0.999 and 1e-8
        Of "adam".
    n_iter_no_change : int or inf, default 10
    max_fun : int, default 15000
        Evaluations of "lbfgs" at most.
    loss : str or function, default "log_loss"
        scikit-learn's log-loss, which for several classes of a sample is the sum over them; or one
        of `ranvier.losses`, by name or function, or a functools.partial of it. Margins and
        differences are those of 1 and -1.
    dropout : float or list of float, default 0
        The probability that a unit of a hidden layer is dropped in training, in [0, 1).
    class_weight : dict, "balanced" or None, default None
        Multiplies the weight of each sample, as everywhere in scikit-learn; not for the score of
        early_stopping.
    max_norm : float, optional
        Clips the norm of the gradient, as `optim.clip_grad_norm`.
    callbacks : sequence, default ()
        As for `Trainer`. With early_stopping the logs hold "val_loss" and "val_score".

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coefs_, intercepts_ : list of ndarray, of shapes (n_inputs, n_outputs) and (n_outputs,)
        Views of the parameters of `model_`, and what is assigned to them counts.
    model_ : nn.Sequential
        From features to scores; what makes probabilities of scores is not a part of it.
    loss_, loss_curve_, best_loss_
        The last loss, those of all epochs, and the least. They are of the training, penalty
        included. `best_loss_` is None with early_stopping; "lbfgs" has no curve.
    validation_scores_, best_validation_score_
        Accuracy after each epoch, and the best; None without early_stopping.
    n_iter_, t_ : int
        Epochs of the last fit, and samples seen since the first.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.

    Raises
    ------
    TypeError, ValueError
        If a parameter or an array does not fit.

    Notes
    -----
    float32 features are computed in float32, all else in float64. A sparse matrix is made dense:
    for `fit` as a whole, for a prediction 1,024 rows at a time. With the same parameters,
    random_state among them, and shuffle=False the weights are those of scikit-learn up to rounding;
    the order that shuffle draws is another one.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from ranvier.sklearn import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> options = {"learning_rate_init": 0.01, "tol": 0.01, "random_state": 0}
    >>> model = MLPClassifier((64,), "gelu", loss="multi_margin_loss", **options)
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.95
    True
    """

    classes_: Array
    _multilabel: bool

    def __init__(
        self,
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
        loss: Any = "log_loss",
        dropout: Any = 0.0,
        class_weight: Any = None,
        max_norm: float | None = None,
        callbacks: Sequence[Any] = (),
    ) -> None:
        self._keep(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)
        y : array_like of shape (n_samples,) or (n_samples, n_classes)
            The class of each sample, or for each class 1 or 0.
        sample_weight : array_like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        result: MLPClassifier = self._fit(X, y, sample_weight)
        return result

    @available_if(has_mini_batches)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train for one epoch, on from where the last call has ended.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array_like of shape (n_classes,), optional
            All classes there will ever be; the first call needs them.

        Returns
        -------
        self
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight is {self.class_weight!r}, which needs all samples at once; expected "
                "a dict or None, for partial_fit"
            )
        fitted = hasattr(self, "coefs_")
        if classes is not None:
            classes = unique_labels(classes)
            if fitted and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes is {classes}; expected {self.classes_}, as on the first call"
                )
        elif not fitted:
            raise ValueError("classes is None; expected all classes on the first call")
        result: MLPClassifier = self._fit(X, y, sample_weight, incremental=True, classes=classes)
        return result

    def predict(self, X: Any) -> Array:
        """The class of each sample, or for each class 1 or 0.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        decoded = self._decoded(self._scores(X))
        if self._multilabel:
            return decoded
        classes: Array = self.classes_[decoded]
        return classes

    def decision_function(self, X: Any) -> Array:
        """The scores that the classes are told by: the output of the last layer.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one score, positive for the second.
        """
        scores = self._scores(X)
        if self._multilabel or len(self.classes_) > 2:
            return scores
        score: Array = scores[:, -1] if scores.shape[1] == 1 else scores[:, 1] - scores[:, 0]
        return score

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """The probability of each class.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows of sum 1, but where a sample has several classes.
        """
        return self._probabilities(self._scores(X), softmax, sigmoid)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of the probability of each class, finite where that itself is 0.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._probabilities(self._scores(X), log_softmax, logsigmoid)

    def _probabilities(self, scores: Array, of_all: Any, of_one: Any) -> Array:
        """By softmax and sigmoid, or by their logarithms."""
        result: Array
        if self.out_activation_ == "softmax":
            result = of_all(scores)
        elif self._multilabel:
            result = of_one(scores)
        elif scores.shape[1] == 1:
            # 1 - sigmoid(s), without cancellation. A class that is the only one is certain.
            two = len(self.classes_) == 2
            result = of_one(np.hstack([-scores, scores])) if two else of_all(scores)
        else:
            result = of_all(logsigmoid(scores))  # one against the rest, of sum 1
        return result

    def _choice(self) -> Choice:
        several = not self._multilabel and len(self.classes_) > 2
        return choose(self.loss, CLASSIFICATION, {"log_loss": _LOG_LOSS[several]})

    def _validated(self, X: Any, y: Any, fresh: bool, classes: Array | None) -> tuple[Any, Array]:
        """y as the number of each sample's class, or as 1 and 0 for each class."""
        if isinstance(self.class_weight, str) and self.class_weight != "balanced":
            raise ValueError(
                f"class_weight is {self.class_weight!r}; expected 'balanced', a dict or None"
            )
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            reset=fresh,
        )
        y = y.toarray() if hasattr(y, "toarray") else y
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        check_classification_targets(y)
        multilabel = type_of_target(y) == "multilabel-indicator"
        if y.ndim == 2 and not multilabel:
            raise ValueError(
                f"y has shape {y.shape}; expected one class for each sample, or for each class 1 "
                "or 0"
            )
        labels = unique_labels(y)
        known = classes if fresh else self.classes_
        if known is None:
            known = labels
        unknown = np.setdiff1d(labels, known)
        if unknown.size or (not fresh and multilabel != self._multilabel):
            raise ValueError(f"y has the classes {labels}; expected those of classes_, {known}")
        self._multilabel = multilabel
        self.classes_ = known
        return X, y if multilabel else np.searchsorted(known, y)

    def _encoded(self, y: Array, choice: Choice, dtype: npt.DTypeLike) -> tuple[Array, int]:
        use, count = choice.use, len(self.classes_)
        if self._multilabel and use.has_output_for_each_class:
            raise ValueError(
                f"loss is {self.loss!r}, for samples of one class, and those of y have several; "
                "expected 'log_loss' or 'multilabel_soft_margin_loss', for two"
            )
        if use.targets == "classes":
            return y, count
        if self._multilabel:
            hot = y
        elif count > 2 or use.has_output_for_each_class:
            hot = y[:, np.newaxis] == np.arange(count)
        else:
            hot = y[:, np.newaxis] == 1
        target = hot.astype(dtype)
        return (2 * target - 1 if use.targets == "signs" else target), hot.shape[1]

    def _decoded(self, scores: Array) -> Array:
        if self._multilabel:
            return (scores > 0).astype(np.int64)
        if scores.shape[1] > 1:
            number: Array = scores.argmax(axis=1)
            return number
        return np.minimum(scores[:, 0] > 0, len(self.classes_) - 1).astype(np.int64)

    def _balanced(self, y: Array, sample_weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        if self._multilabel:
            result: Array = weight * compute_sample_weight(self.class_weight, y)
            return result
        # A class without weight is as good as none.
        present = np.unique(y[weight != 0])
        known = present if isinstance(self.class_weight, str) else np.arange(len(self.classes_))
        of_class = np.zeros(len(self.classes_))
        of_class[known] = compute_class_weight(
            self.class_weight,
            classes=self.classes_[known],
            y=self.classes_[y[weight != 0]],
            sample_weight=weight[weight != 0],
        )
        return weight * of_class[y]

    def _scored(self, y: Array, predicted: Array, sample_weight: Array | None) -> float:
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def _strata(self, y: Array) -> Array | None:
        return None if self._multilabel else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
