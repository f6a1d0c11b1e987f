"""The laws of an engine: its gradient, its predictions and its steps are those of the definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.engines.base import Engine, Rows, Session
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import PromiseError
from chainrule.laws.cases import Case
from chainrule.laws.law import show
from chainrule.optim.rule import Rule, Update
from chainrule.optim.rules import rules
from chainrule.shapes import Array
from chainrule.steps import backward, forward, update

EPOCHS, BATCH = 2, 3
RATE = 1e-3  # small enough that a summed loss behind an exponential does not run away

# Sums in another order differ by some rounding per term; a few dozen terms and steps let it grow.
CLOSE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 2e-3}


def open_session(engine: Engine, case: Case, change: Update, dtype: Any) -> Session | None:
    """The engine's session for this case, or None where it refuses."""
    if engine.refuses(case.plan, change, np.dtype(dtype)) is not None:
        return None
    theta = case.theta.astype(dtype)
    slots = tuple(np.zeros_like(theta) for _ in change.rule.slots)
    return engine.open(case.plan, theta, slots, change, seed=case.run.seed)


def rows_of(case: Case, dtype: Any) -> Rows:
    """The case's rows in this float type."""
    y, weights = (None if array is None else array.astype(dtype) for array in (case.rows.y, case.rows.weights))
    return Rows(np.ascontiguousarray(case.rows.x, dtype), y, weights)


def gradients_are_those_of_the_definition(case: Case, engine: Engine, dtype: Any = np.float64) -> None:
    """`gradient` and `predict` agree with the reference engine's."""
    change = Update(rules.get("gradient_descent"))
    session, reference = (open_session(e, case, change, dtype) for e in (engine, ReferenceEngine()))
    if session is None or reference is None:
        return
    rows = rows_of(case, dtype)
    (loss, gradient), (said, slope) = session.gradient(rows), reference.gradient(rows)
    _close(case, engine, "the loss", np.array([loss]), np.array([said]), dtype)
    _close(case, engine, "the gradient", gradient, slope, dtype)
    _close(case, engine, "the prediction", session.predict(rows.x), reference.predict(rows.x), dtype)


def training_is_the_four_steps(case: Case, engine: Engine, rule: Rule, dtype: Any = np.float64) -> None:
    """`train` moves θ as forward, backward and update do, called one by one: one step counted per batch."""
    rule = replace(rule, constants={**rule.constants, "learning_rate": RATE})
    change = Update(rule, l2=0.01)
    session = open_session(engine, case, change, dtype)
    if session is None:
        return
    rows, seed = rows_of(case, dtype), case.run.seed
    order = np.stack([np.random.default_rng([70, epoch]).permutation(len(rows)) for epoch in range(EPOCHS)])
    theta: Array = case.theta.astype(dtype)
    memory: dict[str, Any] = {}
    losses = []
    for number, index in enumerate(np.concatenate([_batches(epoch) for epoch in order])):
        index = index[index >= 0]
        part = rows.take(index)
        trace = forward(
            case.network, theta, part.x, part.y, sample_weight=part.weights, training=True, seed=seed, step=number,
            rows=index,
        )  # fmt: skip
        losses.append(trace.loss)
        theta = update(change, theta, backward(trace), memory=memory)
    steps = len(losses)
    done = session.train(rows, order, BATCH, rule.table(1, np.ones(steps)), 0)
    if len(done.losses) != steps:
        raise _refusal(case, engine, "one loss per step", str(steps), str(len(done.losses)))
    _close(case, engine, "the losses of the steps", done.losses, np.array(losses, float), dtype)
    moved, slots = session.export()
    _close(case, engine, f"θ after {steps} steps of {rule.name}", moved, theta, dtype)
    for name, slot, said in zip(rule.slots, slots, memory["slots"], strict=True):
        _close(case, engine, f"the slot {name} of {rule.name}", slot, said, dtype)


def _batches(epoch: Array) -> Array:
    """One row of row numbers per batch, filled up with −1."""
    padded = np.full(-(-len(epoch) // BATCH) * BATCH, -1)
    padded[: len(epoch)] = epoch
    return padded.reshape(-1, BATCH)


def _close(case: Case, engine: Engine, what: str, got: Array, said: Array, dtype: Any) -> None:
    size = max(1.0, float(np.abs(said).max(initial=0.0)))
    off = float(np.abs(np.asarray(got, np.float64) - said).max(initial=0.0)) if got.shape == said.shape else np.inf
    allowed = CLOSE[np.dtype(dtype)] * size
    if not off <= allowed:
        raise _refusal(case, engine, f"{what} is that of the definition", f"within {allowed:g}", show(off))


def _refusal(case: Case, engine: Engine, says: str, expected: str, got: str) -> PromiseError:
    return PromiseError(
        "CR208", f"the engine {engine.name!r} breaks a law on {case.name}: {says}", expected=expected, got=got,
        hint="please report it, with the network and the seed",
    )  # fmt: skip


@dataclass(frozen=True)
class EngineLaw:
    """A promise of an engine, checked on a case."""

    name: str
    says: str
    check: Callable[..., None]


LAWS = (
    EngineLaw(
        "definition", "loss, gradient and predictions are the reference's", gradients_are_those_of_the_definition
    ),
    EngineLaw("four steps", "training is forward, backward and update", training_is_the_four_steps),
)
