"""What is measured at the end of an epoch: the loss and the metrics of training and validation rows, dropout off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.calculus.loss import row_factors
from chainrule.engines.base import Rows, Session
from chainrule.engines.reference import targets
from chainrule.metrics import Metric
from chainrule.plan import Plan
from chainrule.shapes import Array
from chainrule.training.orders import watched_part


@dataclass(frozen=True, eq=False)
class Watched:
    """The rows that are measured, and by what. `training` is None where there are no validation rows and no metrics: the loss
    while the weights move is enough then. `in_units` brings targets and outputs to the target's own unit."""

    plan: Plan
    training: Rows | None
    validation: Rows | None
    metrics: tuple[Metric, ...]
    in_units: Callable[[Any], Array] | None = None

    def measure(self, session: Session) -> dict[str, float]:
        """The numbers by their names in the history."""
        found: dict[str, float] = {}
        if self.training is not None:
            found.update(self._scores(session, self.training, "loss_at_end", ""))
        if self.validation is not None:
            found.update(self._scores(session, self.validation, "val_loss", "val_"))
        return found

    def _scores(self, session: Session, rows: Rows, loss: str, prefix: str) -> dict[str, float]:
        outputs = session.predict(rows.x)
        found = {loss: evaluate_loss(self.plan, outputs, rows)}
        truth = rows.y
        assert truth is not None
        if self.in_units is not None and self.metrics:
            truth, outputs = self.in_units(truth), self.in_units(outputs)
        for metric in self.metrics:
            found[prefix + metric.name] = metric.result(metric.add(metric.start(), truth, outputs, rows.weights))
        return found


def watched(
    plan: Plan,
    rows: Rows,
    validation: Rows | None,
    metrics: tuple[Metric, ...],
    in_units: Callable[[Any], Array] | None,
    seed: int,
) -> Watched:
    """What is watched of these rows: of very many training rows, a part."""
    training = watched_part(rows, validation, seed, has_metrics=bool(metrics))
    return Watched(plan, training, validation, metrics, in_units)


def evaluate_loss(plan: Plan, outputs: Array, rows: Rows) -> float:
    """The reduced loss of rows whose outputs are known (probabilities are cut as in `calculus.losses`)."""
    objective = plan.objective
    assert objective is not None and rows.y is not None
    losses = objective.loss.per_example(targets(plan, rows.y, outputs.dtype), outputs)
    factors = row_factors(len(rows), rows.weights, objective.reduction, np.dtype(np.float64))
    return float((factors * losses).sum())
