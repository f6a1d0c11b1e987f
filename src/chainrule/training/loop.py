"""The training loop: epochs handed to an engine, measured, recorded, and stopped in time.

An engine runs whole epochs at once. Where nothing has to be looked at between two epochs (no validation, no callbacks),
several epochs go in one call; the numbers do not change with that, since row orders, step tables and random draws are
all addressed by the epoch and the step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.engines.base import Engine, Rows, Session
from chainrule.engines.reference import backward_pass, forward_pass
from chainrule.engines.trace import Trace
from chainrule.errors import SettingError
from chainrule.layers.layer import Pass
from chainrule.metrics import Metric
from chainrule.optim.rule import Update
from chainrule.optim.schedules import Schedule, schedules
from chainrule.plan import Plan, check_trainable
from chainrule.shapes import Array, Ints
from chainrule.training.diverged import check_finite, diverged
from chainrule.training.history import History
from chainrule.training.interrupt import interruptible
from chainrule.training.measuring import watched
from chainrule.training.orders import row_orders
from chainrule.training.state import Learner as Learner
from chainrule.training.state import Snapshot
from chainrule.training.state import begin as begin
from chainrule.training.stopping import Best, EarlyStopping

_CALL_SECONDS = 0.05  # how long one call of the engine may take before the loop wants to look up
_LOOKED_AT = 64  # rows of a look at the layers
_KEEP_SECONDS = 2.0  # how often a snapshot is offered to be kept


@dataclass(frozen=True)
class Settings:
    """How to train. `batch_size` None is full batch; `shuffle` draws a new order of the rows for every epoch; `in_units`
    brings targets and outputs to the unit that metrics are told in."""

    update: Update
    epochs: int
    batch_size: int | None = 32
    seed: int = 0
    shuffle: bool = True
    schedule: Schedule = field(default_factory=lambda: schedules.get("constant"))
    stopping: EarlyStopping | None = None
    metrics: tuple[Metric, ...] = ()
    time_budget: float | None = None
    in_units: Callable[[Any], Array] | None = None


@dataclass(frozen=True, eq=False)
class EpochEnd:
    """What a callback sees after an epoch: its row of the history, how to get the weights, and, where training goes by
    steps, how to get the pass of a few training rows with every delta and gradient.

    Where several networks are trained, `member` (from 0) is the one whose epoch ended, `row` and `learner` are its own, and
    `epoch` of `epochs` counts those of all together: it rises with every call, whatever the order of the networks."""

    epoch: int
    epochs: int
    row: Mapping[str, float]
    learner: Callable[[], Learner]
    look: Callable[[], Trace] | None = None
    member: int = 0


Callback = Callable[[EpochEnd], bool | None]
"""Called after every epoch, one call at a time and all in the thread that called `fit`; True asks to stop."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What training leaves behind: the weights to use, the state to go on from, and why it stopped.

    `stopped`: "epochs", "early", "time", "callback" or "interrupted". `best_epoch` is the epoch of `theta`.
    """

    theta: Array
    learner: Learner
    history: History
    stopped: str
    best_epoch: int


def train(
    plan: Plan,
    start: Learner | Snapshot,
    rows: Rows,
    settings: Settings,
    engine: Engine,
    *,
    validation: Rows | None = None,
    callbacks: Sequence[Callback] = (),
    progress: Callable[[EpochEnd], None] | None = None,
    keep: Callable[[Snapshot], None] | None = None,
    n_jobs: int | None = None,
) -> Outcome:
    """Train a plan on rows from a state, and return the outcome.

    From a `Snapshot` the training goes on to the same bits as if it had never stopped; `keep` is handed one every few
    seconds and at the end. `progress` is told of epochs, possibly several at once; `callbacks` are called after each and
    may stop the training.
    Ctrl-C ends it after the step that is running and keeps what was learned.

    Raises `DivergedError` CR601 at the first number that is not finite; nothing is returned then.
    """
    check_trainable(plan)
    if settings.stopping and settings.stopping.monitor.startswith("val_") and validation is None:
        raise SettingError(
            "CR204", "early stopping watches the validation rows, and there are none", hint="set validation=0.1"
        )
    snapshot = start if isinstance(start, Snapshot) else Snapshot(start, History())
    at = snapshot.learner
    session = engine.open(plan, at.theta, at.slots, settings.update, seed=settings.seed, n_jobs=n_jobs)
    return _Run(plan, snapshot, rows, settings, session, validation, tuple(callbacks), progress, keep).go()


@dataclass
class _Run:
    """One training run: the things that change while it goes on."""

    plan: Plan
    start: Snapshot
    rows: Rows
    settings: Settings
    session: Session
    validation: Rows | None
    callbacks: tuple[Callback, ...]
    progress: Callable[[EpochEnd], None] | None
    keep: Callable[[Snapshot], None] | None

    def __post_init__(self) -> None:
        count = len(self.rows)
        self.batch_size = count if self.settings.batch_size is None else min(self.settings.batch_size, count)
        self.steps_per_epoch = -(-count // self.batch_size)
        # One batch of all rows is the same in any order.
        self.order_seed = self.settings.seed if self.settings.shuffle and self.batch_size < count else None
        self.steps = self.settings.epochs * self.steps_per_epoch
        self.step, self.epoch = self.start.learner.step, self.start.learner.epoch
        self.history = History(self.start.history)
        self.best = self.start.best or (Best(self.settings.stopping) if self.settings.stopping else None)
        self.watched = watched(
            self.plan, self.rows, self.validation, self.settings.metrics, self.settings.in_units, self.settings.seed
        )
        self.seconds, self.kept = 0.0, time.perf_counter()

    def go(self) -> Outcome:
        began = time.perf_counter()
        stopped = "epochs"
        with interruptible() as interrupted:
            while self.epoch < self.settings.epochs:
                if self.best and self.best.waited >= self.best.rule.patience:
                    stopped = "early"  # found in the snapshot that this run goes on from
                    break
                if interrupted():
                    stopped = "interrupted"
                    break
                if self._stretch(self._epochs_at_once()):
                    stopped = "early" if self.best and self.best.waited >= self.best.rule.patience else "callback"
                    break
                if self.keep and time.perf_counter() - self.kept >= _KEEP_SECONDS:
                    self.keep(Snapshot(self._learner(), self.history, self.best))
                    self.kept = time.perf_counter()
                budget = self.settings.time_budget
                if budget is not None and time.perf_counter() - began >= budget:
                    stopped = "time" if self.epoch < self.settings.epochs else stopped
                    break
        learner = self._learner()
        check_finite(self.plan, learner.theta, self.step, self.epoch)
        if self.keep:
            self.keep(Snapshot(learner, self.history, self.best))
        if self.best and self.best.theta is not None:
            return Outcome(self.best.theta, learner, self.history, stopped, self.best.epoch)
        return Outcome(learner.theta, learner, self.history, stopped, self.epoch)

    def _epochs_at_once(self) -> int:
        left = self.settings.epochs - self.epoch
        if self.validation is not None or self.callbacks or self.settings.metrics or self.best:
            return 1
        if not self.seconds:
            return 1
        room = max(1, 2**22 // len(self.rows))  # the row orders handed over stay below 32 MiB
        return max(1, min(left, room, int(_CALL_SECONDS / self.seconds)))

    def _stretch(self, epochs: int) -> bool:
        """Train some epochs and record them; True when it is time to stop."""
        began = time.perf_counter()
        order = row_orders(self.order_seed, self.epoch, epochs, len(self.rows))
        first, count = self.step, epochs * self.steps_per_epoch
        counts = np.arange(first, first + count, dtype=np.int64)
        multipliers = self.settings.schedule.at(counts, self.steps, self.steps_per_epoch)
        table = self.settings.update.rule.table(first + 1, multipliers)
        steps = self.session.train(self.rows, order, self.batch_size, table, first)
        if not steps.finite:
            raise self._diverged(order, len(steps.losses) - 1)
        self.step += count
        self.seconds = (time.perf_counter() - began) / epochs
        columns = {
            "epoch": np.arange(self.epoch + 1, self.epoch + epochs + 1, dtype=np.float64),
            "loss": self._epoch_losses(steps.losses.reshape(epochs, self.steps_per_epoch), order),
            **{name: np.full(epochs, value) for name, value in self.watched.measure(self.session).items()},
            "learning_rate": table["learning_rate"][self.steps_per_epoch - 1 :: self.steps_per_epoch],
            "seconds": np.full(epochs, self.seconds),
        }
        self.epoch += epochs
        self.history.extend(columns)
        return self._tell({name: float(column[-1]) for name, column in columns.items()})

    def _tell(self, row: Mapping[str, float]) -> bool:
        """Tell who asked of the last epoch; True when it is time to stop. Several epochs go at once only when nobody but
        `progress` listens."""
        event = EpochEnd(self.epoch, self.settings.epochs, row, self._learner, self._look)
        if self.progress:
            self.progress(event)
        asked = [callback(event) for callback in self.callbacks]
        return (self.best is not None and self._watch(row)) or any(asked)

    def _watch(self, row: Mapping[str, float]) -> bool:
        assert self.best is not None
        monitor = self.best.rule.monitor
        if monitor not in row:
            raise SettingError("CR203", f"early stopping cannot watch {monitor!r}", expected="one of " + ", ".join(row))
        value = row[monitor]
        return self.best.see(self.epoch, value, self.session.export()[0] if self.best.is_better(value) else None)

    def _epoch_losses(self, losses: Array, order: Ints) -> Array:
        """The batches' losses of every epoch as one: their sum, or their mean weighted as the loss weighs its rows."""
        assert self.plan.objective is not None
        if self.plan.objective.reduction == "sum":
            sums: Array = losses.sum(axis=1)
            return sums
        starts = np.arange(0, order.shape[1], self.batch_size)
        if self.rows.weights is None:
            per_batch = np.diff(starts, append=order.shape[1]).astype(np.float64)[None, :]
        else:
            per_batch = np.add.reduceat(self.rows.weights[order].astype(np.float64), starts, axis=1)
        total = per_batch.sum(axis=1)
        means: Array = (losses * per_batch).sum(axis=1) / np.where(total > 0, total, 1.0)
        return means

    def _look(self) -> Trace:
        theta, few = self.session.export()[0], np.arange(min(_LOOKED_AT, len(self.rows)))
        with np.errstate(over="ignore", invalid="ignore"):
            return backward_pass(forward_pass(self.plan, theta, self.rows.take(few), Pass(few)), to_inputs=False)

    def _learner(self) -> Learner:
        theta, slots = self.session.export()
        return Learner(theta, slots, self.step, self.epoch)

    def _diverged(self, order: Ints, failed: int) -> Exception:
        epoch, batch = divmod(failed, self.steps_per_epoch)
        index = order[epoch][batch * self.batch_size : (batch + 1) * self.batch_size]
        step = self.step + failed
        return diverged(self.session.trace(self.rows, index, step), step + 1, self.epoch + epoch + 1)
