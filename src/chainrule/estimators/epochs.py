"""One epoch of steps as scikit-learn's solvers "sgd" and "adam" make them, and what goes from one epoch to the next.

The penalty of a batch is ½ α ‖W‖² / S, where S is the number of its rows or the sum of their weights. A session knows one
strength of the penalty, so that a batch with another S (mostly the last of an epoch) has a session of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.calculus import penalties
from chainrule.engines.base import Engine, Session
from chainrule.errors import DivergedError
from chainrule.estimators.examples import Examples
from chainrule.estimators.watching import Measure
from chainrule.metrics import Metric
from chainrule.optim.rule import Rule, Update
from chainrule.plan import Plan
from chainrule.shapes import Array, Ints
from chainrule.training.diverged import Failure, NotFinite, diverged
from chainrule.training.history import History
from chainrule.training.loop import Callback
from chainrule.training.orders import watched_part

_TABLE = 2048  # steps whose scalars are made at once


@dataclass
class Optimizer:
    """What an optimizer remembers from one call to the next: its rate, the steps it made, its slots (in θ's order)."""

    learning_rate: float
    step: int
    slots: tuple[Array, ...]


@dataclass
class State:
    """Everything that training changes. θ is what the next step begins with, `best_theta` that of the best epoch."""

    theta: Array
    optimizer: Optimizer
    rows_seen: int = 0
    curve: list[float] = field(default_factory=list)
    best_loss: float | None = np.inf
    scores: list[float] | None = None
    best_score: float | None = None
    best_theta: Array | None = None
    waited: int = 0
    epochs: int = 0
    history: History = field(default_factory=History)


@dataclass(frozen=True, eq=False)
class Job:
    """What to train, on what, and when to stop. `reported` turns the data's losses of an epoch into scikit-learn's own.

    `score` rates the outputs for the validation rows; with `stops_by_score` training stops, and keeps the best, by it.
    """

    plan: Plan
    rule: Rule
    engine: Engine
    examples: Examples
    batch_size: int
    alpha: float
    max_iter: int
    tol: float
    patience: float
    schedule: str
    power_t: float
    shuffle: bool
    random: np.random.RandomState
    seed: int
    reported: Callable[[Array, Ints], Array]
    validation: Examples | None = None
    score: Callable[[Array], float] | None = None
    stops_by_score: bool = False
    single: bool = False
    verbose: bool = False
    metrics: tuple[Metric, ...] = ()
    measure: Measure | None = None
    callbacks: Sequence[Callback] = ()
    time_budget: float | None = None
    n_jobs: int | None = None


class Trainer:
    """Sessions over one θ: another one goes on where the strength of the penalty changes. Two are kept open, since mostly it
    is the last batch of an epoch alone that has another strength."""

    def __init__(self, job: Job, state: State) -> None:
        self.job, self.optimizer = job, state.optimizer
        self.decay = job.plan.per_entry("decay_factor")
        self.strength = 0.0
        self.steps_per_epoch = -(-len(job.examples) // job.batch_size)
        self.session: Session
        self.sessions: dict[float, Session] = {}
        self.scalars: dict[str, Array] = {}
        self.made: range = range(0)
        self.watched = watched_part(job.examples, job.validation, job.seed, has_metrics=bool(job.metrics))
        self._open(state.theta, state.optimizer.slots, self._strengths(np.arange(len(job.examples)))[0])
        self.size = self._penalty(state.theta)

    def _open(self, theta: Array, slots: tuple[Array, ...], strength: float) -> None:
        job, self.strength = self.job, strength
        if strength in self.sessions:
            self.session = self.sessions[strength]
            self.session.load(theta, slots)
            return
        if len(self.sessions) == 2:
            del self.sessions[next(iter(self.sessions))]
        update = Update(job.rule, l2=strength)
        self.session = job.engine.open(job.plan, theta, slots, update, seed=job.seed, n_jobs=job.n_jobs)
        self.sessions[strength] = self.session

    def export(self) -> tuple[Array, tuple[Array, ...]]:
        return self.session.export()

    def _penalty(self, theta: Array) -> float:
        """½ ‖W‖²."""
        if not self.job.alpha:
            return 0.0
        with np.errstate(over="ignore"):
            size = penalties.value(theta, self.decay, 0.0, 1.0)
        if not np.isfinite(size):
            raise self._penalty_overflows(theta)
        return size

    def _penalty_overflows(self, theta: Array) -> DivergedError:
        step, entry = self.optimizer.step, int(np.argmax(np.abs(theta)))
        param = next(param for param in self.job.plan.params if entry < param.offset + param.size)
        place = ", ".join(str(int(i)) for i in np.unravel_index(entry - param.offset, param.shape))
        error = DivergedError(
            "CR601", f"training met a number that is not finite: the square of {param.name}[{place}]",
            where=f"step {step}, epoch {1 + step // self.steps_per_epoch}, layer {param.layer}", expected="finite numbers",
            got=str(theta[entry]), hint="use a smaller learning rate, or scale the inputs and the target",
        )  # fmt: skip
        unit = int(np.unravel_index(entry - param.offset, param.shape)[0])
        found = NotFinite(f"layer {param.layer}, unit {unit}", f"the square of {param.name}[{place}]", str(theta[entry]),
                          "penalty", param.layer, unit)  # fmt: skip
        error.failure = Failure(step, 1 + step // self.steps_per_epoch, found)
        return error

    def _strengths(self, order: Ints) -> Array:
        """α / S of every batch."""
        starts = np.arange(0, len(order), self.job.batch_size)
        weights = self.job.examples.weights
        if weights is None:
            sums = np.diff(np.append(starts, len(order))).astype(np.float64)
        else:
            sums = np.add.reduceat(weights[order].astype(np.float64), starts)
        return np.divide(self.job.alpha, sums, out=np.zeros_like(sums), where=sums > 0)

    def epoch(self, order: Ints) -> Array:
        """Train on all rows in this order; the loss of every batch before its step, penalty included."""
        job, batch = self.job, self.job.batch_size
        strengths = self._strengths(order)
        losses = np.empty(len(strengths))
        changes = np.flatnonzero(np.diff(strengths)) + 1
        at_once = max(1, job.examples.block // batch)
        for first, last in zip([0, *changes], [*changes, len(strengths)], strict=True):
            if strengths[first] != self.strength:
                self._open(*self.export(), float(strengths[first]))
            for start in range(first, last, at_once if job.examples.is_sparse else last):
                stop = min(start + at_once, last) if job.examples.is_sparse else last
                losses[start:stop] = self._steps(order[start * batch : stop * batch], stop - start)
        if not job.alpha:
            return job.reported(losses, order)
        before, self.size = self.size, self._penalty(self.export()[0])
        # ‖W‖² moves little within an epoch; between its ends it is taken to move in a straight line.
        sizes = before + (self.size - before) * np.arange(len(losses)) / len(losses)
        return job.reported(losses, order) + strengths * sizes

    def _steps(self, index: Ints, count: int) -> Array:
        job, optimizer = self.job, self.optimizer
        table = self._table(count)
        rows, numbers = job.examples.at(index)
        steps = self.session.train(rows, numbers[None, :], job.batch_size, table, optimizer.step)
        if not steps.finite:
            failed = len(steps.losses) - 1
            batch = numbers[failed * job.batch_size : (failed + 1) * job.batch_size]
            step = optimizer.step + failed
            raise diverged(self.session.trace(rows, batch, step), step + 1, 1 + step // self.steps_per_epoch)
        optimizer.step += count
        return steps.losses

    def _table(self, count: int) -> dict[str, Array]:
        """The step table of the next steps, of whose scalars many are made at once."""
        rule, first = self.job.rule, self.optimizer.step + 1
        if first not in self.made or first + count - 1 not in self.made:
            self.made = range(first, first + max(count, _TABLE))
            self.scalars = rule.scalars(np.arange(self.made.start, self.made.stop, dtype=np.float64))
        start = first - self.made.start
        multiplier = self.optimizer.learning_rate / rule.learning_rate
        rates: Array = rule.learning_rate * np.full(count, multiplier)
        return {
            "learning_rate": rates,
            **{name: column[start : start + count] for name, column in self.scalars.items()},
        }
