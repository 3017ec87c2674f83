"""The optimizer that the parameters ask for, and L-BFGS of SciPy on the whole of the data."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning

from .. import optim
from ..nn._quiet import quiet
from ..optim.rules import RULES
from . import _rules
from ._losses import Objective
from ._network import Perceptron

Array = npt.NDArray[Any]

_SCIKIT_LEARN = ("lbfgs", "sgd", "adam")


def _classes() -> dict[str, type[optim.Optimizer]]:
    """The optimizers of ranvier.optim, by their names."""
    names = [rule.class_name for rule in RULES.values() if rule.class_name in optim.__all__]
    return {name: getattr(optim, name) for name in names}


def check_solver(estimator: Any) -> None:
    """Raise unless the solver is one, and the parameters fit it."""
    solver = estimator.solver
    names = [*_SCIKIT_LEARN, *_classes()]
    if solver not in names and not callable(solver):
        raise ValueError(
            f"solver is {solver!r}; expected one of {', '.join(names)}, a class of ranvier.optim, "
            "or a function that makes an optimizer of a list of parameters"
        )
    if is_lbfgs(solver):
        for name, nothing in (("dropout", 0), ("max_norm", None), ("callbacks", ())):
            value = getattr(estimator, name)
            if np.any(np.asarray(value, object)):
                raise ValueError(
                    f"{name} is {value!r}; expected {nothing!r}, as solver 'lbfgs' has no steps "
                    "over mini-batches"
                )


def is_lbfgs(solver: Any) -> bool:
    return isinstance(solver, str) and solver == "lbfgs"


def follows_schedule(solver: Any) -> bool:
    """Whether `learning_rate` applies: it does not to scikit-learn's Adam."""
    return not (isinstance(solver, str) and solver == "adam")


def make_optimizer(estimator: Any, model: Perceptron) -> optim.Optimizer:
    """The optimizer of the model's parameters."""
    solver, params = estimator.solver, model.parameters()
    make: Callable[..., Any] = solver
    options: dict[str, Any] = {}
    if solver == "sgd":
        nesterov = bool(estimator.nesterovs_momentum and estimator.momentum > 0)
        make, options = _rules.SGD, {"momentum": estimator.momentum, "nesterov": nesterov}
    elif solver == "adam":
        betas = (estimator.beta_1, estimator.beta_2)
        make = optim.Adam
        options = {"betas": betas, "eps": estimator.epsilon, "eps_hat": True}
    elif isinstance(solver, str):
        make = _classes()[solver]
    elif isinstance(solver, functools.partial):
        make, options = solver.func, solver.keywords
    if isinstance(make, type):
        options = {"lr": estimator.learning_rate_init, **options}
    optimizer = make(params, **options)
    if not isinstance(optimizer, optim.Optimizer):
        raise TypeError(f"solver made {optimizer!r}; expected a ranvier Optimizer")
    return optimizer


def minimize(
    objective: Objective,
    model: Perceptron,
    X: Array,
    target: Array,
    sample_weight: Array | None,
    estimator: Any,
) -> tuple[float, int]:
    """Minimise by L-BFGS, in place; returns the objective and the number of iterations.

    References
    ----------
    Liu and Nocedal, On the limited memory BFGS method for large scale optimization, Mathematical
    Programming 45 (1989).
    """
    parameters, gradients = model.flat_parameters, model.flat_gradients
    gradient = np.empty(0)
    iterations = 0

    def value_and_gradient(x: Array) -> tuple[float, Array]:
        nonlocal gradient
        parameters[...] = x
        with quiet():
            output = model(X)
            if gradient.shape != output.shape:
                gradient = np.empty_like(output)
            value, _ = objective.value_and_grad(
                output, target, out=gradient, sample_weight=sample_weight
            )
            model.backward_parameters(gradient)
        return value, gradients.astype(np.float64)

    def report(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        nonlocal iterations
        iterations += 1
        if estimator.verbose:
            print(f"Iteration {iterations}, loss = {intermediate_result.fun:.8f}")

    model.train()
    try:
        result = scipy.optimize.minimize(
            value_and_gradient,
            parameters.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=report,
            options={
                "maxfun": estimator.max_fun,
                "maxiter": estimator.max_iter,
                "gtol": estimator.tol,
            },
        )
    finally:
        model.eval()
    parameters[...] = result.x
    if not result.success:
        warnings.warn(
            f"lbfgs stopped after {result.nit} iterations (max_iter={estimator.max_iter}) and "
            f"{result.nfev} evaluations (max_fun={estimator.max_fun}): {result.message}",
            ConvergenceWarning,
            stacklevel=5,
        )
    return float(result.fun), int(result.nit)
