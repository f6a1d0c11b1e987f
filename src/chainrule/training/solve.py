"""Training by L-BFGS: all rows at once, one history row per iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from chainrule.calculus import penalties
from chainrule.engines.base import Engine, Rows
from chainrule.optim.rule import Update
from chainrule.plan import Plan, check_trainable
from chainrule.shapes import Array
from chainrule.training.diverged import check_finite
from chainrule.training.history import History
from chainrule.training.lbfgs import minimise
from chainrule.training.loop import Callback, EpochEnd, Outcome, begin


def solve(
    plan: Plan,
    theta: Array,
    rows: Rows,
    update: Update,
    engine: Engine,
    *,
    iterations: int,
    seed: int = 0,
    n_jobs: int | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Callable[[EpochEnd], None] | None = None,
) -> Outcome:
    """Minimise the loss of all rows plus the penalties of `update` (its rule is not used) by L-BFGS.

    The solver works in float64 around the engine's gradient, which is computed in θ's float type.
    """
    check_trainable(plan)
    decay = plan.per_entry("decay_factor")
    dtype = theta.dtype
    slots = tuple(np.zeros_like(theta) for _ in update.rule.slots)
    history = History()

    def objective(at: Array) -> tuple[float, Array]:
        session = engine.open(plan, at.astype(dtype), slots, update, seed=seed, n_jobs=n_jobs)
        loss, gradient = session.gradient(rows)
        penalty = penalties.value(at, decay, update.l1, update.l2)
        return loss + penalty, update.direction(at, gradient.astype(np.float64), decay)

    def watch(iteration: int, value: float, at: Array) -> bool:
        row = {"epoch": float(iteration), "loss": value}
        history.append(row)
        learner = begin(at.astype(dtype), update)
        event = EpochEnd(iteration, iterations, row, lambda: learner)
        if progress:
            progress(event)
        return any([callback(event) for callback in callbacks])  # noqa: C419  every one of them is called

    found = minimise(objective, theta, iterations=iterations, watch=watch)
    final = found.theta.astype(dtype)
    check_finite(plan, final, found.iterations, found.iterations)
    learner = replace(begin(final, update), step=found.iterations, epoch=found.iterations)
    return Outcome(final, learner, history, found.reason, found.iterations)
