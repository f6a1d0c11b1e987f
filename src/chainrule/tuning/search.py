"""Random search and successive halving over the settings of `fit`, with a score that the search has not spoiled."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import tempfile
import time as clock
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chainrule.constraints import choice, real, whole
from chainrule.engines.native import thread_count
from chainrule.errors import DataError, SettingError
from chainrule.fit import fit, read_examples
from chainrule.model import Model
from chainrule.run import fingerprint
from chainrule.tuning.pool import Evaluate, evaluator
from chainrule.tuning.record import Record, open_record
from chainrule.tuning.space import Space, describe, draw, ends, space_for
from chainrule.tuning.trial import Job, Result, Task, job_for, request_of

TRIALS = 27
BRACKET = 27
"""How many trials compete in one round of halving; a power of `KEEP`."""
KEEP = 3
"""One trial in three goes on, for three times the epochs: the ratio of Hyperband (Li et al. 2018)."""


@dataclass(frozen=True)
class Progress:
    """What a search tells of itself: results so far (of how many, where that is known), the best one, seconds gone and
    the seconds left where there is a limit."""

    done: int
    planned: int | None
    last: Result
    best: Result | None
    seconds: float
    left: float | None


@dataclass(frozen=True, eq=False)
class Tuned:
    """What `tune` returns.

    `model` is trained with the best settings, `settings` are those that the search chose ({}: `fit` with `preset=None`).
    `trials` has a dictionary per trial, best first. `stopped`: "trials", "time" or "interrupted". `statement` says what the
    model's score was measured on.
    """

    model: Model
    settings: dict[str, Any]
    trials: tuple[dict[str, Any], ...]
    stopped: str
    statement: str


def tune(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    time: float | None = None,
    trials: int | None = None,
    search: str = "halving",
    space: Space | None = None,
    epochs: int = 200,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    run: str | os.PathLike[str] | None = None,
    resume: bool = False,
    n_jobs: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    sample_weight: Any = None,
    reading: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Tuned:
    """Search settings of `fit` for a table, train a network with the best ones, and score it on rows never searched on.

    time: seconds for the search; the last training comes on top. trials: how many settings to try (27 where no time is
    given). `trials` alone makes the result a matter of the seed, for any number of processes.
    search: "halving" trains all trials of a bracket for a few epochs, a third of them for three times as many, and so on
    up to `epochs`; "random" trains every trial up to `epochs`.
    space: choices or ranges by the name of a setting, such as {"learning_rate": LogUniform(1e-4, 1e-1)}; by default
    `SPACE`. Trial 0 is `fit` without a preset and with nothing drawn. settings: settings of `fit` that are the same for all
    trials.
    validation: the share of the rows that trials are compared on. test: the share that no trial sees, for the score.
    run: a folder that keeps every result; with `resume` an interrupted search goes on there, to the same table.
    n_jobs: so many processes, by default one per core (or CHAINRULE_NUM_THREADS); each trial has one thread.

    Ctrl-C ends the search, not the work: the best settings so far are trained and returned.
    Raises `SettingError` before any work, CR604 where no trial could be trained, and `DataError`.

    Source of successive halving: Jamieson, Talwalkar, Non-stochastic best arm identification (2016).
    """
    began = clock.monotonic()
    jobs = thread_count(n_jobs)
    _check(time, trials, search, validation, test, settings)
    trials = TRIALS if trials is None and time is None else trials
    space = space_for(space, settings)
    shared = {**settings, "epochs": epochs, "validation": validation, "test": test, "seed": seed}
    _check_all(space, shared)
    table, targets = read_examples(data, target, reading)
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chainrule-"))) if run is None else None
        job = job_for(table, targets, shared, sample_weight, scratch or Path())
        record = None
        if run is not None:
            asked = {
                "search": search, "space": describe(space), "request": job.prepared.request.describe(),
                "fingerprint": fingerprint(job.prepared),
            }  # fmt: skip
            record = stack.enter_context(open_record(run, asked, resume))
            job = replace(job, folder=record.trainings)
        evaluate = stack.enter_context(evaluator(job, jobs))
        going = _Search(job, space, search, trials, evaluate, record, progress, began, time)
        stopped = going.go()
    best = going.best()
    if best is None:
        if stopped == "interrupted":
            raise KeyboardInterrupt
        raise _nothing(going.results)
    model = fit(
        table, targets, reading=reading, sample_weight=sample_weight, **{"preset": None, **shared, **best.settings}
    )
    kept = model.card["score"]["rows"]
    statement = f"the score was measured on {kept} rows that no trial was trained or compared on"
    rows = [_row(result) for result in going.ranked()]
    card = {
        "search": search, "trials": [{k: v for k, v in row.items() if k != "seconds"} for row in rows],
        "space": describe(space), "chosen": best.settings, "stopped": stopped,
        "compared_on": len(job.prepared.parts.validation), "statement": statement,
    }  # fmt: skip
    return Tuned(replace(model, card={**model.card, "tuning": card}), best.settings, tuple(rows), stopped, statement)


def _check(
    time: float | None, trials: int | None, search: str, validation: float, test: float, settings: Mapping[str, Any]
) -> None:
    choice("search", search, ("halving", "random"))
    real("validation", validation, above=0.0, below=1.0)
    real("test", test, above=0.0, below=1.0)
    if time is not None:
        real("time", time, above=0.0)
    if trials is not None:
        whole("trials", trials, low=1)
    if "time_budget" in settings:
        raise SettingError("CR204", "a search has a time of its own", where="time_budget", hint="pass time=")
    if "callbacks" in settings:
        raise SettingError("CR204", "trials cannot call back", where="callbacks")
    if settings.get("optimizer") == "lbfgs":
        raise SettingError(
            "CR204", "lbfgs has no epochs that a search could compare", where="optimizer", hint="use fit for it"
        )


def _check_all(space: Space, shared: Mapping[str, Any]) -> None:
    """Every choice and both ends of every range, before any data are read."""
    request_of((), shared, "tune")
    for name, values in space.items():
        for value in ends(values):
            if name == "optimizer" and value == "lbfgs":
                _check(None, None, "random", 0.1, 0.1, {"optimizer": value})
            request_of((), {**shared, name: value}, "tune")


class _Search:
    """One search: the results that come in while it goes on."""

    def __init__(
        self, job: Job, space: Space, search: str, trials: int | None, evaluate: Evaluate, record: Record | None,
        progress: Callable[[Progress], None] | None, began: float, time: float | None,
    ) -> None:  # fmt: skip
        self.job, self.space, self.evaluate, self.record = job, space, evaluate, record
        self.progress, self.began, self.time = progress, began, time
        self.seed, self.epochs = job.prepared.request.seed, job.prepared.request.epochs
        self.is_halving, self.trials = search == "halving", trials
        self.known = record.known() if record else {}
        self.results: dict[tuple[int, int], Result] = {}

    def go(self) -> str:
        """Search, and say why it ended."""
        try:
            for bracket in self._brackets():
                self._bracket(bracket)
                if self._is_over():
                    return "time"
        except KeyboardInterrupt:
            if not self.results:
                raise
            return "interrupted"
        return "trials"

    def _is_over(self) -> bool:
        return self.time is not None and clock.monotonic() - self.began >= self.time

    def _brackets(self) -> Iterator[Iterable[int]]:
        """The numbers of the trials that compete with each other."""
        if not self.is_halving:
            yield range(self.trials) if self.trials is not None else itertools.count()
            return
        for first in itertools.count(0, BRACKET):
            if self.trials is not None and first >= self.trials:
                return
            yield range(first, first + BRACKET if self.trials is None else min(first + BRACKET, self.trials))

    def _bracket(self, numbers: Iterable[int]) -> None:
        if not self.is_halving:
            self._round(numbers, self.epochs)
            return
        remaining = list(numbers)
        for limit in rounds(len(remaining), self.epochs):
            self._round(remaining, limit)
            if self._is_over():
                return
            found = [result for number in remaining if (result := self.results.get((number, limit))) is not None]
            scored = sorted((result for result in found if result.score is not None), key=_by_score)
            remaining = [result.number for result in scored[: max(1, len(remaining) // KEEP)]]

    def _round(self, numbers: Iterable[int], limit: int) -> None:
        """Train these trials up to an epoch; what an earlier search found is taken over."""
        deadline = None if self.time is None else self.began + self.time

        def new() -> Iterator[Task]:
            for number in numbers:
                kept = self.known.get((number, limit))
                if kept is None:
                    yield Task(number, draw(self.space, self.seed, number), limit)
                else:
                    self.results[number, limit] = kept

        for result in self.evaluate(new(), deadline):
            self.results[result.number, limit] = result
            if self.record:
                self.record.add(result)
            if self.progress:
                gone = clock.monotonic() - self.began
                left = None if self.time is None else max(0.0, self.time - gone)
                self.progress(Progress(len(self.results), self._planned(), result, self.best(), gone, left))

    def _planned(self) -> int | None:
        if self.trials is None:
            return None
        if not self.is_halving:
            return self.trials
        sizes = [min(BRACKET, self.trials - first) for first in range(0, self.trials, BRACKET)]
        return sum(size // int(KEEP**i) for size in sizes for i in range(len(rounds(size, self.epochs))))

    def ranked(self) -> list[Result]:
        """Every trial as it was last trained, best first."""
        last: dict[int, Result] = {}
        for (number, epochs), result in sorted(self.results.items()):
            before = last.get(number)
            if before is None or (result.score is not None and epochs >= before.epochs):
                last[number] = result
        return sorted(last.values(), key=_by_score)

    def best(self) -> Result | None:
        """The best trial so far."""
        ranked = self.ranked()
        return ranked[0] if ranked and ranked[0].score is not None else None


def rounds(trials: int, epochs: int) -> list[int]:
    """The epochs that trials are trained up to, round by round, of which each keeps a third of them.

    >>> rounds(27, 200), rounds(4, 200), rounds(1, 200)
    ([7, 22, 67, 200], [67, 200], [200])
    """
    count = 0
    while KEEP ** (count + 1) <= trials and KEEP ** (count + 1) <= epochs:
        count += 1
    return [max(1, round(epochs / KEEP**i)) for i in range(count, -1, -1)]


def _by_score(result: Result) -> tuple[float, int]:
    return (math.inf if result.score is None else result.score, result.number)


def _row(result: Result) -> dict[str, Any]:
    return {
        "trial": result.number, "score": result.score, "epochs": result.epochs_trained, "best_epoch": result.best_epoch,
        "stopped": result.stopped, "seconds": result.seconds, "why": result.why, "settings": result.settings,
    }  # fmt: skip


def _nothing(results: Mapping[Any, Result]) -> SettingError | DataError:
    reasons = {result.why or result.stopped for result in results.values()}
    return SettingError(
        "CR604", "no trial could be trained", where="tune", got="; ".join(sorted(reasons)) or "no time for any",
        hint="give the search more time, or narrow its space",
    )  # fmt: skip
