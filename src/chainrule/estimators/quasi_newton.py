"""Training by L-BFGS as scikit-learn's solver "lbfgs" does it: all rows at once, penalty ½ α ‖W‖² / S."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.calculus import penalties
from chainrule.engines.base import Engine, Session
from chainrule.estimators.contract import ConvergenceWarning, both
from chainrule.estimators.examples import Examples, loss_and_gradient
from chainrule.optim.rule import Update
from chainrule.optim.rules import rules
from chainrule.plan import Plan
from chainrule.shapes import Array
from chainrule.training.diverged import check_finite
from chainrule.training.history import History
from chainrule.training.lbfgs import minimise
from chainrule.training.loop import Callback, EpochEnd, Learner

_DECREASE = 2.220446049250313e-09  # SciPy's `ftol`, which scikit-learn leaves as it is


@dataclass(frozen=True, eq=False)
class Solved:
    """θ, the value of the data's loss plus the penalty there, the iterations made, and their history."""

    theta: Array
    value: float
    penalty: float
    iterations: int
    history: History


class _Enough(Exception):
    """The solver has asked for the loss as often as it may."""


def solve(
    plan: Plan,
    theta: Array,
    examples: Examples,
    engine: Engine,
    *,
    alpha: float,
    max_iter: int,
    max_fun: int,
    tol: float,
    n_jobs: int | None = None,
    verbose: bool = False,
    callbacks: Sequence[Callback] = (),
    stop: Callable[[], bool] = lambda: False,
    measure: Callable[[Session], dict[str, float]] | None = None,
) -> Solved:
    """Minimise until no entry of the gradient is above `tol`, or a step gains next to nothing.

    `measure` adds numbers to the history after every iteration.
    """
    dtype = theta.dtype
    decay = plan.per_entry("decay_factor")
    total = len(examples) if examples.weights is None else float(examples.weights.sum(dtype=np.float64))
    strength = alpha / total
    update = Update(rules.get("gradient_descent"))
    history = History()
    asked = 0
    at: Array = np.array(theta, np.float64)
    reached: tuple[Array, float] | None = None

    def opened(at: Array) -> Session:
        return engine.open(plan, at.astype(dtype), (), update, seed=0, n_jobs=n_jobs)

    def objective(at: Array) -> tuple[float, Array]:
        nonlocal asked, reached
        if asked >= max_fun:
            raise _Enough
        asked += 1
        loss, gradient = loss_and_gradient(opened(at), examples)
        slope = gradient.astype(np.float64) + penalties.slope(at, decay, 0.0, strength)
        value = loss + penalties.value(at, decay, 0.0, strength)
        reached = reached or (at, value)
        return value, slope

    def watch(iteration: int, value: float, at: Array) -> bool:
        nonlocal reached
        reached = (at, value)
        row = {"epoch": float(iteration), "loss": value}
        if measure is not None:
            row |= measure(opened(at))
        history.append(row)
        if verbose:
            print(f"Iteration {iteration}, loss = {value:.8f}")
        event = EpochEnd(iteration, max_iter, row, lambda: Learner(at.astype(dtype), (), iteration, iteration))
        wanted = [callback(event) for callback in callbacks]  # all of them are told
        return any(wanted) or stop()

    try:
        found = minimise(
            objective, at, iterations=max_iter, gradient_tolerance=tol, decrease_tolerance=_DECREASE, watch=watch
        )
        at, value, reason = found.theta, found.value, found.reason
    except _Enough:
        assert reached is not None
        (at, value), reason = reached, "function calls"
    # Where not even the steepest way down lowers the loss, as at a kink of ReLU, there is nothing left to converge to.
    limits = {"iterations": f"max_iter={max_iter} is reached", "function calls": f"max_fun={max_fun} is reached"}
    if not history.epochs:
        limits["line search"] = "no step lowers the loss"
    if reason in limits:
        warnings.warn(
            f"lbfgs failed to converge: {limits[reason]}. Scale the inputs, or raise the limit.",
            both(ConvergenceWarning), stacklevel=5,
        )  # fmt: skip
    final = at.astype(dtype)
    check_finite(plan, final, history.epochs, history.epochs)
    return Solved(final, value, penalties.value(at, decay, 0.0, strength), history.epochs, history)
