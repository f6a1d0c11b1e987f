"""What pictures are drawn of: a model and its data, a pass of any network, or the folder of a run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.engines.base import Rows
from chainrule.engines.reference import forward_pass
from chainrule.engines.trace import Gradient, Trace
from chainrule.errors import SettingError
from chainrule.explain.address import Address, parse
from chainrule.explain.notation import notation
from chainrule.explain.symbols import Symbols
from chainrule.explain.units import labels_in_network
from chainrule.explain.working import in_float64
from chainrule.layers.layer import Pass
from chainrule.model import Model
from chainrule.prepare import Trial
from chainrule.run import reopen
from chainrule.shapes import Array
from chainrule.steps import backward, forward
from chainrule.training.state import load_snapshot

ROWS = 1000  # of larger data, so many rows evenly taken are drawn
Subject = Model | Trace | Gradient | str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class Shown:
    """A pass of a batch in float64, with its gradient where there are targets, and the names of the inputs."""

    trace: Trace
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def symbols(self) -> Symbols:
        return Symbols(self.trace.plan, notation("default"), self.labels)

    def address(self, text: str) -> Address:
        return parse(self.symbols, text)

    def entry(self, text: str) -> int:
        """The place of one weight or bias in θ; CR210 where the address means something else."""
        found = self.address(text)
        if found.kind != "parameter":
            raise SettingError("CR210", "this is no weight or bias", expected="such as W1[0,0] or b1[0]", got=text)
        return self.trace.plan.param(found.name).offset + found.entry

    def loss(self, theta: Array) -> float:
        """The loss of the batch at another θ."""
        trace = self.trace
        with np.errstate(over="ignore", invalid="ignore"):
            found = forward_pass(trace.plan, theta, Rows(trace.x, trace.y, trace.weights), Pass(trace.run.rows)).loss
        assert found is not None
        return found

    def outputs(self, x: Array) -> Trace:
        """The pass of other inputs, without targets."""
        return forward_pass(self.trace.plan, self.trace.theta, Rows(x, None), Pass(np.arange(len(x))))


def shown(subject: Subject, data: Any = None, y: Any = None) -> Shown:
    """The pass to be drawn: of a model over its data (targets in a column or in `y`), of what `forward` and `backward`
    returned, or of the training rows of a run at its last weights."""
    if isinstance(subject, Gradient):
        subject = subject.trace
    if isinstance(subject, Trace):
        return Shown(in_float64(subject))
    if not isinstance(subject, Model):
        run, trial = reopen(subject, data)
        learner = load_snapshot(run.snapshot, trial.settings.stopping).learner
        return of_rows(trial, learner.theta)
    if data is None:
        raise SettingError("CR204", "this picture needs data", hint="give a file or a DataFrame with the columns")
    table, _ = subject.table(data, y)
    index = spread(table.row_count)
    table = table.take(index)
    x = subject.encoder.encode(table, dtype=np.float64)
    known = all(target.name in table for target in subject.encoder.targets)
    codes = subject.encoder.encode_target(table) if known else None
    trace = forward(subject.network, subject.theta.astype(np.float64), x, codes, rows=index)
    return Shown(backward(trace).trace if known else trace, labels_in_network(subject.encoder))


def weights_of(subject: Subject, data: Any = None) -> Shown:
    """What there is to see without data: of a model its weights, with the pass of an average row."""
    if not isinstance(subject, Model):
        return shown(subject, data)
    x = np.zeros((1, subject.network.input_count))
    return Shown(forward(subject.network, subject.theta.astype(np.float64), x), labels_in_network(subject.encoder))


def of_rows(trial: Trial, theta: Array) -> Shown:
    """The pass of a training's rows at some weights."""
    rows = trial.rows.take(spread(len(trial.rows)))
    trace = forward(trial.network, theta.astype(np.float64), rows.x, rows.y, sample_weight=rows.weights)
    return Shown(backward(trace).trace, labels_in_network(trial.encoder))


def with_gradient(found: Shown) -> Trace:
    """The trace with its gradient; CR204 where there are no targets."""
    if found.trace.gradient is None:
        raise SettingError("CR204", "this picture needs a gradient, and a gradient needs targets")
    return found.trace


def spread(count: int, at_most: int = ROWS) -> Any:
    """Row numbers, all or so many evenly taken.

    >>> spread(5, 3).tolist()
    [0, 2, 4]
    """
    return np.unique(np.linspace(0, max(count - 1, 0), min(count, at_most)).round().astype(np.int64))


def asked(of: str | Sequence[str] | None) -> tuple[str, ...]:
    """Names asked for, as a tuple."""
    return () if of is None else (of,) if isinstance(of, str) else tuple(of)
