"""What happens at the end of each epoch: curves, the learning rate, and when to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..trainer import Trainer
from ._solvers import follows_schedule

# As in scikit-learn: by which "adaptive" divides the rate, and the least that it divides.
_DIVISOR = 5.0
_LEAST_RATE = 1e-6


class Monitor:
    """A callback that keeps the attributes of an estimator and ends its training.

    Parameters
    ----------
    estimator : estimator
    samples : int
        How many an epoch sees.
    score : callable or None
        Gives the score of the validation data, where there is any.
    """

    def __init__(self, estimator: Any, samples: int, score: Callable[[], float] | None) -> None:
        self.converged = False
        self._estimator = estimator
        self._samples = samples
        self._score = score

    def on_epoch_end(self, trainer: Trainer, logs: dict[str, float]) -> None:
        e = self._estimator
        e.n_iter_ += 1
        e.t_ += self._samples
        e.loss_ = logs["loss"]
        e.loss_curve_.append(e.loss_)
        self._say(f"Iteration {e.n_iter_}, loss = {e.loss_:.8f}")
        improved = self._improved(e.loss_) if self._score is None else self._scored(logs)
        e._epochs_without_improvement = 0 if improved else e._epochs_without_improvement + 1
        follows = follows_schedule(e.solver)
        if follows and e.learning_rate == "invscaling":
            trainer.optimizer.lr = e.learning_rate_init / (e.t_ + 1) ** e.power_t
        if e._epochs_without_improvement > e.n_iter_no_change:
            what = "Training loss" if self._score is None else "Validation score"
            message = (
                f"{what} did not improve more than tol={e.tol:f} for {e.n_iter_no_change} "
                "consecutive epochs."
            )
            adapts = follows and e.learning_rate == "adaptive"
            if adapts and trainer.optimizer.lr > _LEAST_RATE:
                trainer.optimizer.lr /= _DIVISOR
                e._epochs_without_improvement = 0
                self._say(f"{message} Setting learning rate to {trainer.optimizer.lr:f}")
            else:
                self._say(f"{message}{' Learning rate too small.' if adapts else ''} Stopping.")
                self.converged = True
                trainer.stop()

    def _improved(self, loss: float) -> bool:
        e = self._estimator
        improved = not loss > e.best_loss_ - e.tol
        e.best_loss_ = min(e.best_loss_, loss)
        return improved

    def _scored(self, logs: dict[str, float]) -> bool:
        e = self._estimator
        assert self._score is not None
        score = logs["val_score"] = self._score()
        e.validation_scores_.append(score)
        self._say(f"Validation score: {score:f}")
        improved = not score < e.best_validation_score_ + e.tol
        if score > e.best_validation_score_:
            e.best_validation_score_ = score
            e._best_parameters = [p.copy() for p in e.model_.parameters()]
        return improved

    def _say(self, text: str) -> None:
        if self._estimator.verbose:
            print(text)
