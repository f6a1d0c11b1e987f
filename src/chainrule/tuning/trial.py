"""One trial: some settings, trained up to some epoch, and the loss it reached on the rows that trials are compared on."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chainrule.data.table import Table
from chainrule.engines.choose import choose
from chainrule.errors import DivergedError, SettingError, unknown_name
from chainrule.fit import fit
from chainrule.prepare import Prepared, prepare, trial_of
from chainrule.request import DataChoices, Request, check
from chainrule.training.history import History
from chainrule.training.loop import begin, train
from chainrule.training.state import Snapshot, load_snapshot, save_snapshot

_DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(fit).parameters.items()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
}
_CHOICES = ("task", "keep", "drop", "date_parts", "missing_target", "test")
_OF_FIT = ("sample_weight", "reading", "run", "resume", "expect", "validation_data")  # what a request does not hold


def request_of(targets: tuple[str, ...], settings: Mapping[str, Any], where: str) -> Request:
    """The request that `fit` would make of these settings; what is not named is left at `fit`'s default, and no preset
    decides unless one is named."""
    for name in settings:
        if name not in _DEFAULTS or name in _OF_FIT:
            raise unknown_name(f"setting of `{where}`", name, set(_DEFAULTS) - set(_OF_FIT))
    asked = {**_DEFAULTS, "preset": None, **settings}
    for name in ("keep", "drop", "date_parts"):
        asked[name] = (asked[name],) if isinstance(asked[name], str) else tuple(asked[name])
    choices = DataChoices(targets, **{name: asked.pop(name) for name in _CHOICES})
    for name in _OF_FIT:
        asked.pop(name)
    return check(**asked, choices=choices)


@dataclass(frozen=True, eq=False)
class Job:
    """What all trials of a search share: the data in their parts, the settings that are not searched, and a folder where
    trainings that may go on are kept."""

    prepared: Prepared
    settings: Mapping[str, Any]
    folder: Path

    def request(self, drawn: Mapping[str, Any]) -> Request:
        """The request of a trial with these settings drawn."""
        asked = request_of(self.prepared.request.choices.targets, {**self.settings, **drawn}, "tune")
        return replace(asked.decided(self.prepared.schema.task, len(self.prepared.schema.rows)), members=1)


def job_for(
    table: Table, targets: tuple[str, ...], settings: Mapping[str, Any], sample_weight: Any, folder: Path
) -> Job:
    """Split the rows once for all trials, and try that a training can be made of them."""
    prepared = prepare(request_of(targets, settings, "tune"), table, sample_weight, one_network=True)
    trial = trial_of(prepared)
    choose(trial.request.engine, trial.network.plan, trial.request.update, trial.request.dtype)
    return Job(prepared, settings, folder)


@dataclass(frozen=True)
class Task:
    """A trial's number, its settings, and the epoch up to which it is trained now."""

    number: int
    settings: dict[str, Any]
    epochs: int


@dataclass(frozen=True)
class Result:
    """What became of a trial. `score` is the best loss on the rows that trials are compared on (smaller is better), None
    where there is none.

    `stopped`: "epochs" (it reached `epochs`), "early" (no gain any more), "time", "interrupted", "diverged", "failed"
    (these settings cannot be trained) or "killed" (its process ended); `why` says more about the last three.
    """

    number: int
    settings: dict[str, Any]
    epochs: int
    score: float | None
    epochs_trained: int
    best_epoch: int
    stopped: str
    seconds: float
    why: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether trying it again would give the same."""
        return self.stopped in ("epochs", "early", "diverged", "failed")


def without_score(task: Task, stopped: str, why: str | None, seconds: float) -> Result:
    """The result of a trial that came to nothing."""
    return Result(task.number, task.settings, task.epochs, None, 0, 0, stopped, seconds, why)


def run_trial(job: Job, task: Task, seconds: float | None, is_over: Callable[[], bool] = lambda: False) -> Result:
    """Train a trial up to its epoch, from where an earlier call left it, with one thread.

    It ends early after `seconds`, or when `is_over` says so after an epoch.
    """
    began = time.perf_counter()
    path = job.folder / f"{task.number}.snapshot"
    try:
        trial = trial_of(replace(job.prepared, request=job.request(task.settings)))
        settings = replace(trial.settings, time_budget=seconds)
        start = load_snapshot(path, settings.stopping) if path.exists() else begin(trial.theta, settings.update)
        history, stopped = start.history if isinstance(start, Snapshot) else History(), "epochs"
        if history.epochs < task.epochs:
            engine = choose(trial.request.engine, trial.network.plan, settings.update, trial.request.dtype)
            outcome = train(
                trial.network.plan, start, trial.rows, settings, engine, validation=trial.validation, n_jobs=1,
                callbacks=(lambda end: end.epoch >= task.epochs or is_over(),),
                keep=lambda snapshot: save_snapshot(path, snapshot),
            )  # fmt: skip
            history, stopped = outcome.history, outcome.stopped
    except DivergedError as error:
        return without_score(task, "diverged", error.what, time.perf_counter() - began)
    except SettingError as error:
        return without_score(task, "failed", str(error), time.perf_counter() - began)
    return _result(task, history, stopped, time.perf_counter() - began)


def _result(task: Task, history: History, stopped: str, seconds: float) -> Result:
    """The trial as it stood after its epochs; an earlier search may have trained it further already."""
    losses = history.get("val_loss", [])[: task.epochs]
    if stopped == "callback":
        stopped = "interrupted"
    if len(losses) == task.epochs:
        stopped = "epochs"
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return without_score(task, "diverged" if losses else stopped, None, seconds)
    score = min(finite)
    return Result(
        task.number, task.settings, task.epochs, score, len(losses), losses.index(score) + 1, stopped, seconds
    )
