"""Where a training stands: all that is needed to go on as if it had never stopped, and nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainrule import archive
from chainrule.errors import ModelFileError
from chainrule.optim.rule import Update
from chainrule.shapes import Array
from chainrule.training.history import History
from chainrule.training.stopping import Best, EarlyStopping


@dataclass(frozen=True, eq=False)
class Learner:
    """θ, the rule's memory, and how many steps and epochs were made. Row orders and random draws follow from those."""

    theta: Array
    slots: tuple[Array, ...]
    step: int = 0
    epoch: int = 0


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A learner with what was recorded on its way: the history, and the best epoch where training watches for one."""

    learner: Learner
    history: History
    best: Best | None = None


def begin(theta: Array, update: Update) -> Learner:
    """The state before the first step."""
    return Learner(theta, tuple(np.zeros_like(theta) for _ in update.rule.slots))


def save_snapshot(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot, whole or not at all; the one before stays until then."""
    learner, best = snapshot.learner, snapshot.best
    header = {"kind": "snapshot", "step": learner.step, "epoch": learner.epoch, "best": None}
    tensors = {"theta": learner.theta, **{f"slot/{i}": slot for i, slot in enumerate(learner.slots)}}
    tensors |= {f"history/{name}": np.array(column, np.float64) for name, column in snapshot.history.items()}
    if best is not None and best.theta is not None:
        header["best"] = {"epoch": best.epoch, "waited": best.waited}
        tensors |= {"best/theta": best.theta, "best/values": np.array([best.value, best.reference])}
    archive.write(path, header, {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})


def load_snapshot(path: str | os.PathLike[str], stopping: EarlyStopping | None) -> Snapshot:
    """Read what `save_snapshot` wrote."""
    header, tensors = archive.read(path)
    if header.get("kind") != "snapshot":
        raise ModelFileError("CR503", "this file holds no snapshot of a training", where=str(Path(path)))
    slots = tuple(tensors[f"slot/{i}"] for i in range(sum(name.startswith("slot/") for name in tensors)))
    history = History({n.removeprefix("history/"): t.tolist() for n, t in tensors.items() if n.startswith("history/")})
    best = None
    if stopping is not None:
        best = Best(stopping)
        if header["best"] is not None:
            best.epoch, best.waited = header["best"]["epoch"], header["best"]["waited"]
            best.value, best.reference = tensors["best/values"].tolist()
            best.theta = tensors["best/theta"]
    return Snapshot(Learner(tensors["theta"], slots, header["step"], header["epoch"]), history, best)
