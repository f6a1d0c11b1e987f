"""A run trained again with a look at every epoch: where its weights went, and how large the gradient of every layer was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.engines.choose import choose
from chainrule.errors import SettingError
from chainrule.plan import Plan
from chainrule.plots.subject import Shown, of_rows
from chainrule.prepare import Trial
from chainrule.run import reopen
from chainrule.shapes import Array
from chainrule.training.loop import EpochEnd, train
from chainrule.training.state import begin, load_snapshot

KEPT = 200  # of a longer run, so many epochs evenly taken


@dataclass(frozen=True, eq=False)
class Recording:
    """θ after each of `epochs` (0 is the beginning), shape (n, p), and the training that it is of."""

    trial: Trial
    epochs: tuple[int, ...]
    thetas: Array

    @property
    def plan(self) -> Plan:
        return self.trial.network.plan

    @property
    def last(self) -> Shown:
        """The training rows at the last weights."""
        return of_rows(self.trial, self.thetas[-1])

    @cached_property
    def gradients(self) -> Array:
        """∂L/∂θ of the training rows after each of the epochs, shape (n, p)."""
        return np.stack([of_rows(self.trial, theta).trace.gradient for theta in self.thetas])  # type: ignore[misc]


def recorded(folder: str | os.PathLike[str], data: Any = None) -> Recording:
    """Train a run again, to the same bits, up to its last snapshot. `data`: as for `replay`."""
    run, trial = reopen(folder, data)
    if trial.request.solver == "lbfgs":
        raise SettingError("CR204", "a run of L-BFGS has no epochs to record", where=str(folder))
    made = load_snapshot(run.snapshot, trial.settings.stopping).learner.epoch if run.snapshot.exists() else 0
    every = max(1, -(-made // KEPT))
    epochs, thetas = [0], [np.array(trial.theta)]

    def look(event: EpochEnd) -> bool:
        if event.epoch % every == 0 or event.epoch == made:
            epochs.append(event.epoch)
            thetas.append(np.array(event.learner().theta))
        return event.epoch >= made

    request, plan = trial.request, trial.network.plan
    if made:
        engine = choose(request.engine, plan, request.update, request.dtype)
        start = begin(trial.theta, request.update)
        train(plan, start, trial.rows, trial.settings, engine, validation=trial.validation, callbacks=[look])
    return Recording(trial, tuple(epochs), np.stack(thetas).astype(np.float64))
