"""How long a training will take, measured on a few of its own steps; and how many epochs fit a budget."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from chainrule.data.table import Note
from chainrule.engines.base import Engine
from chainrule.engines.choose import choose
from chainrule.prepare import SCORE_FOLDS, Prepared, Trial
from chainrule.trained import rounds_of
from chainrule.training.loop import begin
from chainrule.training.orders import watched_count
from chainrule.training.side_by_side import side_by_side

_STEPS = 24  # timed; one call before them warms the engine up
_SHARE = 0.9  # of a budget that is planned for: the rest is left for the score, and for a machine that is busy
_LEAST_EPOCHS = 8


def seconds_for(prepared: Prepared, trial: Trial) -> float:
    """What all trainings will take together: those of the model and, where the score comes from folds, of the folds."""
    return trial.request.epochs * seconds_per_epoch(trial) * _trainings(prepared)


def seconds_per_epoch(trial: Trial, members: int | None = None) -> float:
    """One epoch of all members of a trial (or of so many), with the look at the rows that are measured at its end. Those that
    will be at work at once are timed at once."""
    request, rows = trial.request, trial.rows
    train, watched = len(rows), len(trial.validation or ())
    if request.members > 1 and trial.validation is None:  # each trains on four fifths and watches one
        train, watched = round(0.8 * train), round(0.2 * train)
    if watched:
        watched += watched_count(train, watched, bool(request.metrics))
    engine = choose(request.engine, trial.network.plan, request.update, request.dtype)

    def job(threads: int, tell: Callable[[None], bool]) -> float:
        step, look = _timed(trial, engine, threads)
        return train * step + watched * look

    total = 0.0
    for turn, times in Counter(rounds_of(trial, members or request.members)).items():
        each = side_by_side([partial(job, turn.threads)] * turn.jobs, turn.jobs, lambda number, event: False)
        total += times * float(np.mean(each))
    return total


def _timed(trial: Trial, engine: Engine, threads: int) -> tuple[float, float]:
    """Seconds to train on a row, and to look at one."""
    request, rows = trial.request, trial.rows
    batch = min(trial.batch_size or len(rows), len(rows))
    some = min(len(rows), _STEPS * batch)
    start = begin(trial.theta, request.update)
    session = engine.open(
        trial.network.plan, start.theta, start.slots, request.update, seed=request.seed, n_jobs=threads
    )
    order = np.arange(some, dtype=np.int64)[None, :]
    table = request.update.rule.table(1, np.full(-(-some // batch), 1e-9))
    x = np.ascontiguousarray(rows.x[:some])
    took = []
    for _ in range(3):
        began = time.perf_counter()
        session.train(rows, order, batch, table, 0)
        trained = time.perf_counter()
        session.predict(x)
        took.append((trained - began, time.perf_counter() - trained))
    training, looking = (float(min(part[1:])) / some for part in zip(*took, strict=True))
    return training, looking


def within(prepared: Prepared, trial: Trial, epochs: int | None = None) -> Prepared:
    """The same with as few epochs, or networks, as the time budget leaves, so that the schedule is run to its end.

    `epochs` are those that a run was begun with; only without a preset is a training cut off instead.
    """
    request = prepared.request
    if request.preset is None or request.time_budget is None:
        return prepared
    each = request.time_budget / _trainings(prepared)
    per_epoch = seconds_per_epoch(trial)
    members = request.members
    if members > 1 and per_epoch * _LEAST_EPOCHS > _SHARE * each:
        members, per_epoch = 1, seconds_per_epoch(trial, 1)
    possible = epochs or min(request.epochs, max(_LEAST_EPOCHS, int(_SHARE * each / per_epoch)))
    request = replace(
        request, epochs=possible, patience=min(request.patience, possible), members=members, time_budget=each
    )
    if (possible, members) == (prepared.request.epochs, prepared.request.members):
        return replace(prepared, request=request)
    fewer = "" if members == prepared.request.members else f", one network in place of {prepared.request.members}"
    text = f"{possible} epochs in place of {prepared.request.epochs}{fewer}, to end within the time"
    return replace(prepared, request=request, notes=(*prepared.notes, Note("time", "time budget", text)))


def _trainings(prepared: Prepared) -> int:
    """How many times the model is trained: once, and for every fold of the score."""
    by_folds = not len(prepared.parts.test) and prepared.request.choices.test is None
    return 1 + SCORE_FOLDS * by_folds
