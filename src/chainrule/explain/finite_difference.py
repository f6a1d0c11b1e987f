"""An estimate of a derivative that knows nothing of the chain rule: the loss at two places, and how good that is."""

from __future__ import annotations

import math

import numpy as np

from chainrule.engines.base import Rows
from chainrule.engines.reference import forward_pass
from chainrule.engines.trace import Trace
from chainrule.explain.lines import FiniteDifference

# The central difference errs by h²·f‴/6 and by rounding ε·|L|/h; their sum is least near the cube root of ε.
STEP = 2.0**-17


def finite_difference(trace: Trace, places: list[int], *, inputs: bool = False) -> FiniteDifference | None:
    """(L(w + h) − L(w − h))/2h of the trace's loss, moving all `places` of θ (or columns of x) together.

    `trace` is in float64. The accuracy is estimated from a second difference with half the step. None where the loss is
    not finite. It is shown beside a gradient and never compared with it by force: it fails at kinks.
    """
    moved = trace.x if inputs else trace.theta
    at = moved[:, places] if inputs else moved[places]
    step = STEP * max(1.0, float(np.abs(at).max(initial=0.0)))
    with np.errstate(all="ignore"):
        full, half = _slope(trace, places, step, inputs), _slope(trace, places, step / 2.0, inputs)
    if not math.isfinite(full) or not math.isfinite(half):
        return None
    size = abs(trace.loss or 0.0)
    rounding = 8.0 * np.finfo(np.float64).eps * max(size, float(np.abs(trace.losses).max(initial=0.0))) / step  # type: ignore[arg-type]
    return FiniteDifference(half, step / 2.0, float(abs(full - half) + rounding))


def _slope(trace: Trace, places: list[int], step: float, inputs: bool) -> float:
    return (_loss(trace, places, step, inputs) - _loss(trace, places, -step, inputs)) / (2.0 * step)


def _loss(trace: Trace, places: list[int], by: float, inputs: bool) -> float:
    theta, x = trace.theta, trace.x
    if inputs:
        x = x.copy()
        x[:, places] += by
    else:
        theta = theta.copy()
        theta[places] += by
    again = forward_pass(trace.plan, theta, Rows(x, trace.y, trace.weights), trace.run)
    # The factors are those of the whole batch, of which this may be one row.
    return float(np.sum(np.asarray(trace.factors) * np.asarray(again.losses), dtype=np.float64))
