"""Small experiments on a sample of rows: how the loss bends, how far one step moves, which learning rates get somewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule.calculus.loss import row_factors
from chainrule.engines.base import Rows, Session
from chainrule.engines.choose import choose
from chainrule.engines.reference import backward_pass, forward_pass, targets
from chainrule.layers.layer import Pass
from chainrule.optim.rule import Update
from chainrule.plan import Plan
from chainrule.request import with_rate
from chainrule.shapes import Array
from chainrule.training.again import advance
from chainrule.training.loop import Settings
from chainrule.training.state import begin

LOWER = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
HIGHER = (1e1, 1e2, 1e3, 1e4)
TRIED = 1000  # steps with something else changed
_STEPS = 200
_POWER = 20  # rounds of power iteration: λ to a few per cent
_BEND_ROWS = 500


def loss_of(plan: Plan, outputs: Array, rows: Rows) -> float:
    """The reduced loss of rows whose outputs are known."""
    objective = plan.objective
    assert objective is not None and rows.y is not None
    with np.errstate(all="ignore"):
        losses = objective.loss.per_example(targets(plan, rows.y, outputs.dtype), outputs)
        factors = row_factors(len(rows), rows.weights, objective.reduction, np.dtype(np.float64))
        return float((factors * losses).sum())


def slope(plan: Plan, theta: Array, rows: Rows) -> Array:
    """∂L/∂θ over the rows, outside training."""
    with np.errstate(all="ignore"):
        trace = backward_pass(forward_pass(plan, theta, rows, Pass(np.arange(len(rows)))), to_inputs=False)
    assert trace.gradient is not None
    return trace.gradient


def sharpness(plan: Plan, theta: Array, rows: Rows) -> float:
    """λ, the largest eigenvalue of the Hessian, by power iteration on Hessian-vector products.

    A product H·v is the central difference of two gradients, (∇L(θ + εv) − ∇L(θ − εv)) / 2ε, in float64: its error is of
    the order ε², about 1e-8 here. The power iteration finds the eigenvalue of the largest size. Gradient descent on a
    quadratic with this λ grows where the learning rate is above 2/λ (LeCun et al., Efficient BackProp, 1998, section 5).
    """
    theta = theta.astype(np.float64)
    if len(rows) > _BEND_ROWS:
        rows = rows.take(np.arange(_BEND_ROWS))
    v = np.random.default_rng(0).normal(size=theta.size)
    v /= np.linalg.norm(v)
    found = 0.0
    epsilon = 1e-4 * max(1.0, float(np.linalg.norm(theta)) / np.sqrt(theta.size))
    for _ in range(_POWER):
        product = (slope(plan, theta + epsilon * v, rows) - slope(plan, theta - epsilon * v, rows)) / (2.0 * epsilon)
        size = float(np.linalg.norm(product))
        if not np.isfinite(size) or size == 0.0:
            return found if size == 0.0 else np.inf
        now = float(v @ product)
        done = abs(now - found) <= 1e-3 * abs(now)
        found, v = now, product / size
        if done:
            break
    return abs(found)


def update_ratios(plan: Plan, theta: Array, rows: Rows, update: Update, batch_size: int) -> Mapping[str, float]:
    """‖Δθ‖/‖θ‖ per weight matrix for the second of two steps from θ (a rule with a memory needs one to begin)."""
    batch = rows.take(np.arange(min(batch_size, len(rows))))
    engine = choose("reference", plan, update, theta.dtype)
    session = engine.open(plan, theta, begin(theta, update).slots, update, seed=0)
    before = theta
    with np.errstate(all="ignore"):
        for step in range(2):
            before = session.export()[0]
            table = update.rule.table(step + 1, np.ones(1))
            if not session.train(batch, np.arange(len(batch))[None, :], len(batch), table, step).finite:
                return {}
        moved = session.export()[0].astype(np.float64) - before
        found = {}
        for param in plan.params:
            if param.name[0] == "W":
                size = float(np.linalg.norm(before[param.where]))
                found[param.name] = float(np.linalg.norm(moved[param.where])) / size if size else np.inf
    return found


def try_rates(
    plan: Plan,
    start: Array,
    rows: Rows,
    update: Update,
    batch_size: int,
    steps: int,
    seed: int,
    multiples: Sequence[float],
) -> Mapping[float, float]:
    """The loss of the rows after at most 200 steps (never more than the training made) for multiples of the rule's rate."""
    count = max(1, min(steps, _STEPS)) if steps else _STEPS
    return {
        multiple: descend(plan, start, rows, with_multiple(update, multiple), batch_size, count, seed)
        for multiple in multiples
    }


def with_multiple(update: Update, multiple: float) -> Update:
    """The same update with a multiple of its learning rate."""
    rule = with_rate(update.rule, update.rule.learning_rate * multiple)
    return Update(rule, update.l1, update.l2, update.clip_value, update.clip_norm)


def descend(plan: Plan, start: Array, rows: Rows, update: Update, batch_size: int, steps: int, seed: int) -> float:
    """The loss of the rows, outside training, after some steps from `start`; infinity where it is not finite."""
    session = descended(plan, start, rows, update, batch_size, steps, seed)
    if session is None:
        return np.inf
    with np.errstate(all="ignore"):
        found = loss_of(plan, session.predict(rows.x).astype(np.float64), rows)
    return found if np.isfinite(found) else np.inf


def descended(
    plan: Plan, start: Array, rows: Rows, update: Update, batch_size: int, steps: int, seed: int
) -> Session | None:
    """A session that has made some steps from `start`; None where it met a number that is not finite."""
    batch = min(batch_size, len(rows))
    per_epoch = -(-len(rows) // batch)
    settings = Settings(update, epochs=-(-steps // per_epoch), batch_size=batch, seed=seed)
    engine = choose("auto", plan, update, start.dtype)
    session = engine.open(plan, start, begin(start, update).slots, update, seed=seed, n_jobs=1)
    return session if advance(session, rows, settings, 0, steps).failed is None else None
