"""Where the first number that is not finite arose: the step, the layer, the unit, the factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.engines.trace import Trace
from chainrule.errors import DivergedError
from chainrule.plan import Plan
from chainrule.shapes import Array

_HINT = "use a smaller learning rate, scale the inputs and the target, or clip the gradient (clip_norm=1.0)"


@dataclass(frozen=True)
class NotFinite:
    """A number that is not finite: where it stands, what it is called, and its value as text.

    `factor` says what it is a factor of the chain rule: "weight", "net input", "activation", "loss" or "loss of the batch".
    """

    where: str
    what: str
    number: str
    factor: str
    layer: int | None = None
    unit: int | None = None


@dataclass(frozen=True)
class Failure:
    """The first number of a training that was not finite: in which step (from 1) and epoch (None: not known), what, where."""

    step: int | None
    epoch: int | None
    found: NotFinite


def diverged(trace: Trace, step: int, epoch: int) -> DivergedError:
    """The error for a training step whose loss was not finite, from the replay of that step (counted from 1)."""
    return _error(Failure(step, epoch, first_not_finite(trace)))


def check_finite(plan: Plan, theta: Array, step: int, epoch: int) -> None:
    """Refuse weights that are not finite after the last step."""
    found = not_finite_parameter(plan, theta)
    if found:
        raise _error(Failure(step, epoch, found))


def _error(failure: Failure) -> DivergedError:
    found = failure.found
    error = DivergedError(
        "CR601", f"training met a number that is not finite: {found.what}",
        where=f"step {failure.step}, epoch {failure.epoch}, {found.where}",
        expected="finite numbers", got=found.number, hint=_HINT,
    )  # fmt: skip
    error.failure = failure
    return error


def first_not_finite(trace: Trace) -> NotFinite:
    """The first number of a pass that is not finite, in the order in which they were computed."""
    whole = NotFinite("the loss", "the loss of the batch", str(trace.loss), "loss of the batch")
    return not_finite_parameter(trace.plan, trace.theta) or _not_finite_value(trace) or whole


def not_finite_parameter(plan: Plan, theta: Array) -> NotFinite | None:
    """Place, name and value of the first parameter that is not finite."""
    for param in plan.params:
        bad = np.argwhere(~np.isfinite(param.of(theta)))
        if len(bad):
            entry = tuple(int(i) for i in bad[0])
            address = f"{param.name}[{', '.join(map(str, entry))}]"
            number = str(param.of(theta)[entry])
            place = f"layer {param.layer}, unit {entry[0]}"
            return NotFinite(place, f"the parameter {address}", number, "weight", param.layer, entry[0])
    return None


def _not_finite_value(trace: Trace) -> NotFinite | None:
    for name in trace.values:
        bad = np.argwhere(~np.isfinite(trace.values[name]))
        if len(bad):
            row, unit = (int(i) for i in bad[0])
            slot = trace.plan.slot(name)
            called = f" ({slot.units[unit]})" if slot.units else ""
            place = f"layer {slot.layer}, unit {unit}{called}, row {int(trace.run.rows[row])}"
            factor = {"net": "net input", "activation": "activation"}.get(slot.kind, slot.kind)
            return NotFinite(place, f"{name}[{unit}]", str(trace.values[name][row, unit]), factor, slot.layer, unit)
    if trace.losses is not None:
        rows = np.flatnonzero(~np.isfinite(trace.losses))
        if rows.size:
            row = int(rows[0])
            place = f"the output layer, row {int(trace.run.rows[row])}"
            return NotFinite(place, "the loss of one example", str(trace.losses[row]), "loss")
    return None
