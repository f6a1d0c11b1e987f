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
from chainrule.member_trials import member_trials, readings
from chainrule.members import blend, blended, logits, merged, temperature, tempered, widened
from chainrule.metrics import catalog
from chainrule.network import Network
from chainrule.prepare import Prepared, Trial
from chainrule.presets import preset_of
from chainrule.run import Run
from chainrule.shapes import Array
from chainrule.training.history import History
from chainrule.training.loop import EpochEnd, Outcome, begin, train
from chainrule.training.measuring import watched
from chainrule.training.side_by_side import Round, rounds, side_by_side
from chainrule.training.solve import solve

_PROBABLE = ("sigmoid", "softmax")


@dataclass(frozen=True, eq=False)
class Trained:
    """A network, its weights, and how they came about.

    `best_epochs` has an entry for every member; `history` is the mean over the members. `temperature` is what the logits
    were divided by, None where nothing was calibrated. `pieces_share` is the share of those networks in the answer that
    read numbers in pieces too, None where all do or none.
    """

    network: Network
    theta: Array
    history: History
    stopped: str
    epochs: int
    best_epochs: tuple[int, ...]
    engine: str
    temperature: float | None = None
    pieces_share: float | None = None


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
    share, said = _weighed(trial, found)
    if members:
        kinds, count = 1 if share is None else 2, len(found)
        of_kind = (1.0,) if share is None else (share, 1.0 - share)
        shares = [of_kind[number % kinds] / len(range(number % kinds, count, kinds)) for number in range(count)]
        network, theta = merged(network, [one.theta for one in outcomes], shares)
        history = _mean([one.history for one in outcomes])
    trained = Trained(
        network, theta, history, stopped, min(one.learner.epoch for one in outcomes),
        tuple(one.best_epoch for one in outcomes), engine.name, pieces_share=share,
    )  # fmt: skip
    wanted = trial.request.preset is not None and preset_of(trial.request.preset).is_calibrated
    if said is None or not wanted or network.output_activation not in _PROBABLE:
        return trained
    return _calibrated(trained, said)


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
    """What one network of a preset learned; `said` are the rows that it watched with what it says of them before the output
    function in place of the inputs."""

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
        if member.kept is None:
            return found
        theta = widened(trial.network, member.network, found.outcome.theta, member.kept)
        return replace(found, outcome=replace(found.outcome, theta=theta))

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
    """The rows that were watched with what a preset's network says of them in place of their inputs."""
    request, rows = trial.request, trial.validation
    if request.preset is None or rows is None:
        return None
    return replace(rows, x=logits(trial.network, theta, rows.x, engine, request.n_jobs))


def _weighed(trial: Trial, found: list[_Found]) -> tuple[float | None, Rows | None]:
    """The share of the networks that read pieces, where others do not, and what was said of the rows that were watched."""
    said = [one.said for one in found if one.said is not None]
    if not said:
        return None, None
    if len(said) < 2 or len(readings(trial)) < 2:
        return None, _together(said)
    pairs = list(zip(said[::2], said[1::2], strict=False))  # each watched the same rows
    first, second = (_together(list(of)) for of in zip(*pairs, strict=True))
    output = trial.network.output_activation
    share = blend(first, second, classes=output != "identity") if output in (*_PROBABLE, "identity") else 0.5
    return share, blended(first, second, share)


def _together(parts: list[Rows]) -> Rows:
    y = np.concatenate([rows.y for rows in parts if rows.y is not None])
    weights = [rows.weights for rows in parts if rows.weights is not None]
    return Rows(np.concatenate([rows.x for rows in parts]), y, np.concatenate(weights) if weights else None)


def _calibrated(trained: Trained, said: Rows) -> Trained:
    """With the probabilities calibrated on rows that the weights were not trained on."""
    t = temperature(said)
    return replace(trained, theta=tempered(trained.network, trained.theta, t), temperature=t)
