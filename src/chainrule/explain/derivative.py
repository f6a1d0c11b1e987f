"""The derivative of any value of a pass, such as a prediction by an input: the value takes the place of the loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.engines.reference import backward_pass
from chainrule.engines.trace import Trace
from chainrule.plan import Objective


def selected(unit: int) -> Loss:
    """The "loss" that is one unit of a slot: the targets are 1 there and 0 elsewhere."""
    return Loss(
        name="output", terms=lambda y, p: y * p, slope=lambda y, p: y.copy(), expr="y*p", slope_expr="y", latex=r"y\,p",
        latex_slope="y", source="no loss: the derivative of one unit is asked for", over_outputs="sum",
        constants={"unit": unit},
    )  # fmt: skip


def differentiated(trace: Trace, slot: str, unit: int) -> Trace:
    """The same pass with (slot, unit) in the place of the loss, every delta being the derivative of that value.

    Each example stands for itself: the sum over a batch is taken, without weights.
    """
    plan, n = trace.plan, len(trace.x)
    chosen = np.zeros((n, plan.slot(slot).width), trace.dtype)
    chosen[:, unit] = 1.0
    values = trace.values[slot][:, unit]
    objective = Objective(selected(unit), slot, None, "sum")
    return backward_pass(
        replace(
            trace, plan=replace(plan, objective=objective, output=slot), y=chosen, weights=None, losses=values,
            factors=np.ones(n, trace.dtype), loss=float(values.sum(dtype=np.float64)), deltas={}, gradient=None,
            engine="reference",
        )
    )  # fmt: skip
