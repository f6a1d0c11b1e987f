"""From a prepared trial to trained weights: one network, or several merged into one, calibrated where a preset asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from chainrule.engines.base import Rows
from chainrule.engines.choose import choose
from chainrule.members import logits, merged, temperature, tempered
from chainrule.network import Network
from chainrule.prepare import Prepared, Trial, member_trials
from chainrule.presets import preset_of
from chainrule.run import Run
from chainrule.shapes import Array
from chainrule.training.history import History
from chainrule.training.loop import Callback, EpochEnd, Outcome, begin, train
from chainrule.training.measuring import watched
from chainrule.training.solve import solve

R = TypeVar("R")


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
    """Train what the trial asks for."""
    members = member_trials(prepared, trial) if trial.request.members > 1 else []
    if not members:
        outcome, engine = _train(trial, run)
        single = Trained(
            trial.network, outcome.theta, outcome.history, outcome.stopped, outcome.learner.epoch, (outcome.best_epoch,),
            engine,
        )  # fmt: skip
        return _calibrated(single, trial, [(outcome.theta, trial.validation)])
    outcomes: list[Outcome] = []
    began = time.perf_counter()
    for number, member in enumerate(members):
        outcome, engine = _train(_within(member, number, len(members), began))
        outcomes.append(outcome)
        if outcome.stopped in ("interrupted", "callback"):
            break
    network, theta = merged(trial.network, [one.theta for one in outcomes])
    whole = Trained(
        network, theta, _mean([one.history for one in outcomes]), outcomes[-1].stopped,
        min(one.learner.epoch for one in outcomes), tuple(one.best_epoch for one in outcomes), engine,
    )  # fmt: skip
    said = [(one.theta, member.validation) for one, member in zip(outcomes, members, strict=False)]
    return _calibrated(whole, trial, said)


def _train(trial: Trial, run: Run | None = None) -> tuple[Outcome, str]:
    """The outcome, and the name of the engine that reached it."""
    request, plan = trial.request, trial.network.plan
    engine = choose(request.engine, plan, request.update, request.dtype)
    if request.solver == "lbfgs":
        settings = trial.settings
        outcome = solve(
            plan, trial.theta, trial.rows, request.update, engine, iterations=request.epochs, seed=request.seed,
            n_jobs=request.n_jobs, callbacks=request.callbacks, progress=request.progress,
            watched=watched(
                plan, trial.rows, trial.validation, settings.metrics, settings.in_units, request.seed
            ), time_budget=request.time_budget,
        )  # fmt: skip
        return outcome, engine.name
    settings = trial.settings
    start = begin(trial.theta, request.update)
    outcome = train(
        plan, start if run is None else run.start(start, settings), trial.rows, settings, engine,
        validation=trial.validation, callbacks=request.callbacks, progress=request.progress,
        keep=None if run is None else run.keep, n_jobs=request.n_jobs,
    )  # fmt: skip
    return outcome, engine.name


def _within(trial: Trial, number: int, count: int, began: float) -> Trial:
    """A member that tells its epochs as a part of all, and takes its share of the time that is left."""
    request = trial.request
    progress = None if request.progress is None else _shifted(request.progress, number, count)
    callbacks: tuple[Callback, ...] = tuple(_shifted(callback, number, count) for callback in request.callbacks)
    budget = request.time_budget
    if budget is not None:
        budget = max(1e-3, (budget - (time.perf_counter() - began)) / (count - number))
    return replace(trial, request=replace(request, progress=progress, callbacks=callbacks, time_budget=budget))


def _shifted(tell: Callable[[EpochEnd], R], number: int, count: int) -> Callable[[EpochEnd], R]:
    return lambda event: tell(replace(event, epoch=number * event.epochs + event.epoch, epochs=count * event.epochs))


def _mean(histories: list[History]) -> History:
    epochs = min(history.epochs for history in histories)
    return History(
        {name: np.mean([history[name][:epochs] for history in histories], axis=0).tolist() for name in histories[0]}
    )


def _calibrated(trained: Trained, trial: Trial, said: list[tuple[Array, Rows | None]]) -> Trained:
    """With the probabilities of a preset's classifier calibrated on rows that its weights were not trained on."""
    request, network = trial.request, trial.network
    held = [(theta, rows) for theta, rows in said if rows is not None]
    wanted = request.preset is not None and preset_of(request.preset).is_calibrated
    if not wanted or not held or network.output_activation not in ("sigmoid", "softmax"):
        return trained
    engine = choose(request.engine, network.plan, request.update, request.dtype)
    z = np.concatenate([logits(network, theta, rows.x, engine, request.n_jobs) for theta, rows in held])
    weights = [rows.weights for _, rows in held if rows.weights is not None]
    together = Rows(
        np.concatenate([rows.x for _, rows in held]), np.concatenate([rows.y for _, rows in held if rows.y is not None]),
        np.concatenate(weights) if weights else None,
    )  # fmt: skip
    t = temperature(z, together)
    return replace(trained, theta=tempered(trained.network, trained.theta, t), temperature=t)
