"""Training by L-BFGS: all rows at once, one history row per iteration, measured as an epoch is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from chainrule.calculus import penalties
from chainrule.engines.base import Engine, Rows, Session
from chainrule.optim.rule import Update
from chainrule.plan import Plan, check_trainable
from chainrule.shapes import Array
from chainrule.training.diverged import check_finite
from chainrule.training.history import History
from chainrule.training.lbfgs import minimise
from chainrule.training.loop import Callback, EpochEnd, Outcome, begin
from chainrule.training.measuring import Watched


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
    watched: Watched | None = None,
    time_budget: float | None = None,
) -> Outcome:
    """Minimise the loss of all rows plus the penalties of `update` (its rule is not used) by L-BFGS.

    `watched` is measured after every iteration; `time_budget` are the seconds after which it ends.

    The solver works in float64 around the engine's gradient, which is computed in θ's float type.
    """
    check_trainable(plan)
    decay = plan.per_entry("decay_factor")
    dtype = theta.dtype
    slots = tuple(np.zeros_like(theta) for _ in update.rule.slots)
    history = History()
    began, is_over = time.perf_counter(), False

    def opened(at: Array) -> Session:
        return engine.open(plan, at.astype(dtype), slots, update, seed=seed, n_jobs=n_jobs)

    def objective(at: Array) -> tuple[float, Array]:
        session = opened(at)
        loss, gradient = session.gradient(rows)
        penalty = penalties.value(at, decay, update.l1, update.l2)
        return loss + penalty, update.direction(at, gradient.astype(np.float64), decay)

    def watch(iteration: int, value: float, at: Array) -> bool:
        nonlocal is_over
        row = {"epoch": float(iteration), "loss": value}
        if watched is not None:
            row.update(watched.measure(opened(at)))
        history.append(row)
        learner = begin(at.astype(dtype), update)
        event = EpochEnd(iteration, iterations, row, lambda: learner)
        if progress:
            progress(event)
        is_over = time_budget is not None and time.perf_counter() - began >= time_budget
        return any([callback(event) for callback in callbacks]) or is_over  # noqa: C419  every one of them is called

    found = minimise(objective, theta, iterations=iterations, watch=watch)
    final = found.theta.astype(dtype)
    check_finite(plan, final, found.iterations, found.iterations)
    learner = replace(begin(final, update), step=found.iterations, epoch=found.iterations)
    return Outcome(final, learner, history, "time" if is_over else found.reason, found.iterations)
