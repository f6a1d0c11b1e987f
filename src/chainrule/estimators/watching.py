"""What is measured at the end of an epoch: the loss and the metrics of training and validation rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from chainrule.engines.base import Session
from chainrule.estimators.examples import Examples, outputs_of
from chainrule.shapes import Array

Measure: TypeAlias = Callable[[Examples, Array], dict[str, float]]
"""The loss and the metrics of examples whose outputs are known."""


def measured(
    session: Session,
    measure: Measure,
    training: Examples | None,
    validation: Examples | None,
    validated: Array | None = None,
) -> dict[str, float]:
    """The numbers at the end of an epoch by their names in the history; `validated` are outputs already known."""
    found: dict[str, float] = {}
    if training is not None:
        found = measure(training, outputs_of(session, training.x))
        found = {"loss_at_end": found.pop("loss"), **found}
    if validation is not None:
        outputs = outputs_of(session, validation.x) if validated is None else validated
        found.update({f"val_{name}": value for name, value in measure(validation, outputs).items()})
    return found
