"""From a prepared trial to trained weights: one network, or several merged into one, calibrated where a preset asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from chainrule.engines.base import Engine, Rows
from chainrule.engines.choose import choose
from chainrule.engines.native import NativeEngine, thread_count
from chainrule.members import logits, merged, temperature, tempered
from chainrule.metrics import catalog
from chainrule.network import Network
from chainrule.prepare import Prepared, Trial, member_trials
from chainrule.presets import preset_of
from chainrule.run import Run
from chainrule.shapes import Array
from chainrule.training.history import History
from chainrule.training.loop import EpochEnd, Outcome, begin, train
from chainrule.training.measuring import watched
from chainrule.training.side_by_side import Round, rounds, side_by_side
from chainrule.training.solve import solve


@dataclass(frozen=True, eq=False)
class Trained:
    """A network, its weights, and how they came about.

    `best_epochs` has an entry for every member; `history` is the mean over the members. `temperature` is what the logits
    were divided by, None where nothing was calibrated.
    """

    network: Network
    theta: Array
    history: History
    stopped: str
    epochs: int
    best_epochs: tuple[int, ...]
    engine: str
    temperature: float | None = None


def train_trial(prepared: Prepared, trial: Trial, run: Run | None = None) -> Trained:
    """Train what the trial asks for; several networks side by side."""
    engine = _engine(trial)
    members = member_trials(prepared, trial) if trial.request.members > 1 else []
    if members:
        found, stopped = _train_members(trial, members, engine)
    else:
        found = [_train(trial, engine, run)]
        stopped = found[0].outcome.stopped
    outcomes = [one.outcome for one in found]
    network, theta, history = trial.network, outcomes[0].theta, outcomes[0].history
    if members:
        network, theta = merged(network, [one.theta for one in outcomes])
        history = _mean([one.history for one in outcomes])
    trained = Trained(
        network, theta, history, stopped, min(one.learner.epoch for one in outcomes),
        tuple(one.best_epoch for one in outcomes), engine.name,
    )  # fmt: skip
    said = [one.said for one in found if one.said is not None]
    return _calibrated(trained, said) if said else trained


def rounds_of(trial: Trial, members: int) -> list[Round]:
    """How the networks of a trial share the threads: side by side where all of the work is done by compiled code, which
    lets go of Python's lock; else one after another."""
    request, engine = trial.request, _engine(trial)
    threads = thread_count(request.n_jobs)
    compiled = isinstance(engine, NativeEngine) and engine.is_all_compiled(trial.network.plan, request.update)
    if members == 1 or not compiled or any(metric.name not in catalog for metric in request.metrics):
        return [Round(1, threads)] * members
    return rounds(members, threads)


@dataclass(frozen=True, eq=False)
class _Found:
    """What one network learned; `said` are the rows that it watched with its logits in place of the inputs, where the
    probabilities are to be calibrated."""

    outcome: Outcome
    said: Rows | None


def _engine(trial: Trial) -> Engine:
    request = trial.request
    return choose(request.engine, trial.network.plan, request.update, request.dtype)


def _train(trial: Trial, engine: Engine, run: Run | None = None) -> _Found:
    """Train one network."""
    request, plan, settings = trial.request, trial.network.plan, trial.settings
    if request.solver == "lbfgs":
        outcome = solve(
            plan, trial.theta, trial.rows, request.update, engine, iterations=request.epochs, seed=request.seed,
            n_jobs=request.n_jobs, callbacks=request.callbacks, progress=request.progress,
            watched=watched(
                plan, trial.rows, trial.validation, settings.metrics, settings.in_units, request.seed
            ), time_budget=request.time_budget,
        )  # fmt: skip
    else:
        start = begin(trial.theta, request.update)
        outcome = train(
            plan, start if run is None else run.start(start, settings), trial.rows, settings, engine,
            validation=trial.validation, callbacks=request.callbacks, progress=request.progress,
            keep=None if run is None else run.keep, n_jobs=request.n_jobs,
        )  # fmt: skip
    return _Found(outcome, _said(trial, outcome.theta, engine))


def _train_members(trial: Trial, members: list[Callable[[], Trial]], engine: Engine) -> tuple[list[_Found], str]:
    """Train several networks, side by side where that is faster, and why they stopped. After a stop some may be missing."""
    request, count, began = trial.request, len(members), time.perf_counter()
    turns = rounds_of(trial, count)
    at_once = turns[0].jobs
    epochs = [0] * count
    has_asked = False

    def hear(number: int, event: EpochEnd) -> bool:
        nonlocal has_asked
        epochs[number] = event.epoch
        event = replace(event, epoch=sum(epochs), epochs=count * event.epochs, member=number)
        if request.progress is not None:
            request.progress(event)
        asked = [callback(event) for callback in request.callbacks]  # all of them, whatever one says
        has_asked = any(asked)
        return has_asked

    def job(number: int, tell: Callable[[EpochEnd], bool]) -> _Found:
        turn = number // at_once
        budget = request.time_budget
        if budget is not None:
            budget = max(1e-3, (budget - (time.perf_counter() - began)) / (len(turns) - turn))
        member = members[number]()
        asked = replace(
            member.request, callbacks=(tell,), progress=None, time_budget=budget, n_jobs=turns[turn].threads
        )
        found = _train(replace(member, request=asked), engine)
        epochs[number] = request.epochs  # also where it ended early
        return found

    found = side_by_side([partial(job, number) for number in range(count)], at_once, hear)
    if has_asked:
        return found, "callback"
    is_cut = len(found) < count or any(one.outcome.stopped in ("callback", "interrupted") for one in found)
    return found, "interrupted" if is_cut else found[-1].outcome.stopped


def _mean(histories: list[History]) -> History:
    epochs = min(history.epochs for history in histories)
    return History(
        {name: np.mean([history[name][:epochs] for history in histories], axis=0).tolist() for name in histories[0]}
    )


def _said(trial: Trial, theta: Array, engine: Engine) -> Rows | None:
    """The rows that were watched with the logits in place of their inputs, where there are any and a preset's classifier
    is to be calibrated."""
    request, network, rows = trial.request, trial.network, trial.validation
    wanted = request.preset is not None and preset_of(request.preset).is_calibrated
    if not wanted or rows is None or network.output_activation not in ("sigmoid", "softmax"):
        return None
    return replace(rows, x=logits(network, theta, rows.x, engine, request.n_jobs))


def _calibrated(trained: Trained, said: list[Rows]) -> Trained:
    """With the probabilities calibrated on rows that the weights were not trained on."""
    weights = [rows.weights for rows in said if rows.weights is not None]
    t = temperature(
        Rows(
            np.concatenate([rows.x for rows in said]), np.concatenate([rows.y for rows in said if rows.y is not None]),
            np.concatenate(weights) if weights else None,
        )
    )  # fmt: skip
    return replace(trained, theta=tempered(trained.network, trained.theta, t), temperature=t)
