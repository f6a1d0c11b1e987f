"""Where the first number that is not finite arose: the step, the layer, the unit."""

from __future__ import annotations

import numpy as np

from chainrule.engines.trace import Trace
from chainrule.errors import DivergedError
from chainrule.plan import Plan
from chainrule.shapes import Array

_HINT = "use a smaller learning rate, scale the inputs and the target, or clip the gradient (clip_norm=1.0)"


def diverged(trace: Trace, step: int, epoch: int) -> DivergedError:
    """The error for a training step whose loss was not finite, from the replay of that step (counted from 1)."""
    when = f"step {step}, epoch {epoch}"
    found = not_finite_parameter(trace.plan, trace.theta) or _not_finite_value(trace)
    where, what, number = found or ("the loss", "the loss of the batch", str(trace.loss))
    return DivergedError(
        "CR601", f"training met a number that is not finite: {what}", where=f"{when}, {where}",
        expected="finite numbers", got=number, hint=_HINT,
    )  # fmt: skip


def check_finite(plan: Plan, theta: Array, step: int, epoch: int) -> None:
    """Refuse weights that are not finite after the last step."""
    found = not_finite_parameter(plan, theta)
    if found:
        where, what, number = found
        raise DivergedError(
            "CR601", f"training met a number that is not finite: {what}", where=f"step {step}, epoch {epoch}, {where}",
            expected="finite numbers", got=number, hint=_HINT,
        )  # fmt: skip


def not_finite_parameter(plan: Plan, theta: Array) -> tuple[str, str, str] | None:
    """Place, name and value of the first parameter that is not finite."""
    for param in plan.params:
        bad = np.argwhere(~np.isfinite(param.of(theta)))
        if len(bad):
            entry = tuple(int(i) for i in bad[0])
            address = f"{param.name}[{', '.join(map(str, entry))}]"
            return f"layer {param.layer}, unit {entry[0]}", f"the parameter {address}", str(param.of(theta)[entry])
    return None


def _not_finite_value(trace: Trace) -> tuple[str, str, str] | None:
    for name in trace.values:
        bad = np.argwhere(~np.isfinite(trace.values[name]))
        if len(bad):
            row, unit = (int(i) for i in bad[0])
            slot = trace.plan.slot(name)
            called = f" ({slot.units[unit]})" if slot.units else ""
            place = f"layer {slot.layer}, unit {unit}{called}, row {int(trace.run.rows[row])}"
            return place, f"{name}[{unit}]", str(trace.values[name][row, unit])
    if trace.losses is not None:
        rows = np.flatnonzero(~np.isfinite(trace.losses))
        if rows.size:
            row = int(rows[0])
            return (
                f"the output layer, row {int(trace.run.rows[row])}",
                "the loss of one example",
                str(trace.losses[row]),
            )
    return None
