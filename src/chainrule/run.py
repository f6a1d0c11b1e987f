"""A run: a folder that keeps what is needed to go on after an interruption, and to look at any step again.

`run.json` says what was asked and of which data, `log.jsonl` has a line per epoch, `last.snapshot` is where the training
stands. Row orders, step tables and random draws follow from the seed, so nothing else is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import archive
from chainrule.data.files import read_table
from chainrule.data.frames import attach_target
from chainrule.data.table import Table
from chainrule.engines.choose import choose
from chainrule.engines.trace import Trace
from chainrule.errors import DataError, SettingError
from chainrule.plain import plain
from chainrule.prepare import Prepared, Trial, prepare, trial_of
from chainrule.request import Request
from chainrule.training.again import advance, batch_of, multiplier_of
from chainrule.training.lock import folder_lock
from chainrule.training.loop import Settings
from chainrule.training.state import Learner, Snapshot, begin, load_snapshot, save_snapshot

_FORMAT = 1


@dataclass(frozen=True)
class Run:
    """The folder of one run."""

    folder: Path

    @property
    def snapshot(self) -> Path:
        return self.folder / "last.snapshot"

    def read(self) -> dict[str, Any]:
        """What `run.json` says; CR603 where it says nothing that this version understands."""
        if not (self.folder / "run.json").is_file():
            raise SettingError("CR603", "this folder holds no run", where=str(self.folder), expected="a file run.json")
        try:
            found = json.loads((self.folder / "run.json").read_text("utf-8"))
        except (OSError, ValueError) as reason:
            raise SettingError("CR603", "the run cannot be read", where=str(self.folder), got=str(reason)) from None
        if not isinstance(found, dict) or found.get("format") != _FORMAT:
            raise SettingError(
                "CR603", "a run of another version", where=str(self.folder), expected=f"format {_FORMAT}"
            )
        return found

    def start(self, fresh: Learner, settings: Settings) -> Learner | Snapshot:
        """Where to begin: at the last snapshot, if there is one."""
        if not self.snapshot.exists():
            return fresh
        snapshot = load_snapshot(self.snapshot, settings.stopping)
        self._log(snapshot)
        return snapshot

    def keep(self, snapshot: Snapshot) -> None:
        """Keep a snapshot and bring the log up to it."""
        save_snapshot(self.snapshot, snapshot)
        self._log(snapshot)

    def _log(self, snapshot: Snapshot) -> None:
        path = self.folder / "log.jsonl"
        rows = [json.dumps(plain(row)) for row in snapshot.history.rows()]
        known = path.read_text("utf-8").splitlines() if path.exists() else []
        if known == rows[: len(known)]:  # append what is new; after a kill the lines beyond the snapshot are taken back
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(row + "\n" for row in rows[len(known) :])
        else:
            archive.replace_file(path, ["".join(row + "\n" for row in rows).encode()])


def epochs_of(folder: str | os.PathLike[str]) -> int | None:
    """The epochs that a run was begun with; None where there is no run."""
    run = Run(Path(folder))
    return int(run.read()["request"]["epochs"]) if (run.folder / "run.json").exists() else None


@contextmanager
def open_run(folder: str | os.PathLike[str], prepared: Prepared, resume: bool) -> Iterator[Run]:
    """The run in this folder, locked against other processes: begun, or gone on with where `resume` is set.

    Raises CR603 when the folder holds a run and `resume` is not set, or a run of other settings or other data;
    CR507 when nothing can be written there.
    """
    run = Run(Path(folder))
    archive.make_folder(run.folder)
    asked = {
        "format": _FORMAT,
        "request": prepared.request.describe(),
        "data": {
            "source": prepared.table.source,
            "rows": prepared.table.row_count,
            "fingerprint": fingerprint(prepared),
            "watched": None if prepared.given is None else _digest(prepared.given.table, prepared.given.weights),
        },
    }
    with folder_lock(run.folder):
        if not (run.folder / "run.json").exists():
            archive.replace_file(run.folder / "run.json", [json.dumps(asked, indent=1, ensure_ascii=False).encode()])
        elif not resume:
            raise SettingError(
                "CR603",
                "this folder holds a run already",
                where=str(run.folder),
                hint="resume it, or name another folder",
            )
        else:
            _same(asked, run.read(), str(run.folder))
        yield run


def _same(asked: dict[str, Any], kept: dict[str, Any], where: str) -> None:
    """Refuse to go on with other data or other settings; the time budget may differ."""
    if any(asked["data"][part] != kept["data"].get(part) for part in ("fingerprint", "watched")):
        raise DataError(
            "CR603", "the data are not those that the run began with", where=where, expected=kept["data"]["source"]
        )
    for name, value in json.loads(json.dumps(asked["request"])).items():
        if name != "time_budget" and value != kept["request"].get(name):
            raise SettingError(
                "CR603", f"the run was begun with another `{name}`", where=where,
                expected=json.dumps(kept["request"].get(name)), got=json.dumps(value),
            )  # fmt: skip


def fingerprint(prepared: Prepared) -> str:
    """SHA-256 of everything the training reads: names, kinds and values of all columns, and the weights of the rows."""
    return _digest(prepared.table, prepared.weights)


def _digest(table: Table, weights: NDArray[np.float64] | None) -> str:
    digest = hashlib.sha256()
    for column in table.columns:
        digest.update(json.dumps([column.name, column.kind, list(column.levels)]).encode())
        digest.update(column.values.tobytes())
    if weights is not None:
        digest.update(weights.tobytes())
    return digest.hexdigest()


def replay(
    folder: str | os.PathLike[str], step: int, data: Any = None, sample_weight: Any = None
) -> tuple[Trace, Trial]:
    """The pass of one training step (counted from 1) of a run, to the same bits, with every delta and gradient.

    data: needed where the run did not begin with a file, or the file has moved. Raises CR603 when the data differ.
    """
    found = replay_step(folder, step, data, sample_weight)
    return found.trace, found.trial


@dataclass(frozen=True, eq=False)
class Replayed:
    """A training step again: its pass, the training it belongs to, and what the rule remembered before it, as
    `chainrule.update` keeps it, with the schedule's `multiplier` of the learning rate."""

    trace: Trace
    trial: Trial
    memory: Mapping[str, Any]


def replay_step(folder: str | os.PathLike[str], step: int, data: Any = None, sample_weight: Any = None) -> Replayed:
    """What `replay` gives, and the rule's memory. The training is made again from its first step up to this one."""
    run, trial = reopen(folder, data, sample_weight)
    if trial.request.solver == "lbfgs":
        raise SettingError("CR204", "L-BFGS takes all rows at once: there are no steps to replay", where=str(folder))
    return _at_step(trial, run, step)


def reopen(folder: str | os.PathLike[str], data: Any = None, sample_weight: Any = None) -> tuple[Run, Trial]:
    """A run and the training it began with: rows, network, θ₀ and settings. CR603 when the data differ."""
    run = Run(Path(folder))
    kept = run.read()
    source = kept["data"]["source"] if data is None else data
    if isinstance(source, tuple) and len(source) == 2:
        table = attach_target(read_table(source[0]), source[1])[0]
    else:
        table = source if isinstance(source, Table) else read_table(source)
    prepared = prepare(Request.restore(kept["request"]), table, sample_weight)
    if fingerprint(prepared) != kept["data"]["fingerprint"]:
        raise DataError(
            "CR603", "the data are not those of the run", where=str(folder), expected=str(kept["data"]["source"])
        )
    return run, trial_of(prepared)


def _at_step(trial: Trial, run: Run, step: int) -> Replayed:
    """Train again from the beginning up to the step, and record the step itself."""
    settings, request, plan = trial.settings, trial.request, trial.network.plan
    learner = begin(trial.theta, request.update)
    made = load_snapshot(run.snapshot, settings.stopping).learner.step if run.snapshot.exists() else 0
    if not 1 <= step <= max(made, 1):
        raise SettingError(
            "CR201", "this step was not made", where=str(run.folder), expected=f"1 to {made}", got=str(step)
        )
    engine = choose(request.engine, plan, request.update, request.dtype)
    session = engine.open(plan, learner.theta, learner.slots, request.update, seed=request.seed)
    advance(session, trial.rows, settings, 0, step - 1)
    memory = {
        "step": step - 1,
        "slots": session.export()[1],
        "multiplier": multiplier_of(settings, step - 1, trial.rows),
    }
    trace = session.trace(trial.rows, batch_of(settings, step - 1, len(trial.rows)), step - 1)
    return Replayed(trace, trial, memory)
