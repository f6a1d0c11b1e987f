"""The reference engine: plain NumPy, the definition of what every other engine must compute.

The chain rule stands here once: for every step in reverse, and every source of the step,
`delta[source] += local(step).pull(delta[target])`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.calculus.loss import row_factors
from chainrule.engines.base import Rows, Session, Steps
from chainrule.engines.trace import Trace
from chainrule.layers import OPS
from chainrule.layers.layer import Arrays, Pass
from chainrule.optim.rule import Update
from chainrule.plan import Plan, Step
from chainrule.shapes import Array, Ints, read_only


def forward_pass(plan: Plan, theta: Array, rows: Rows, run: Pass) -> Trace:
    """Every slot of the plan for these rows; with targets also the losses and the reduced loss."""
    values: dict[str, Array] = {}
    start = 0
    for name in plan.inputs:
        width = plan.slot(name).width
        values[name] = rows.x[:, start : start + width]
        start += width
    for step in plan.steps:
        values[step.target] = OPS[step.op].forward(step, *_operands(plan, theta, values, step), run)
    y = None if rows.y is None else targets(plan, rows.y, theta.dtype)
    losses = factors = loss = None
    objective = plan.objective
    if y is not None and objective is not None:
        losses = objective.loss.per_example(y, values[objective.source], objective.head)
        factors = row_factors(len(rows), rows.weights, objective.reduction, theta.dtype)
        # A row of weight 0 counts nothing, even where its loss overflows.
        loss = float(
            np.sum(np.multiply(factors, losses, where=factors != 0, out=np.zeros_like(losses)), dtype=np.float64)
        )
    return Trace(plan, theta, rows.x, y, rows.weights, values, losses, factors, loss, run, "reference")


def backward_pass(trace: Trace, *, to_inputs: bool = True) -> Trace:
    """The same trace with ∂loss/∂slot of every slot and ∂loss/∂θ. `to_inputs=False` leaves out ∂loss/∂x."""
    plan, objective, y = trace.plan, trace.plan.objective, trace.y
    assert objective is not None and y is not None and trace.factors is not None
    scale = trace.factors[:, None] * trace.dtype.type(objective.loss.share(y.shape[1]))
    slope = objective.head.slope if objective.head else objective.loss.slope
    deltas = {objective.source: scale * slope(y, trace.values[objective.source])}
    gradient = np.zeros_like(trace.theta)
    for step in reversed(plan.steps):
        delta = deltas.get(step.target)
        if delta is None:  # behind the fused head: no part of the gradient's path
            continue
        op = OPS[step.op]
        sources, params = _operands(plan, trace.theta, trace.values, step)
        for name, share in zip(step.params, op.gradients(step, sources, params, delta, trace.run), strict=True):
            gradient[plan.param(name).where] += share.ravel()
        if not to_inputs and all(source in plan.inputs for source in step.sources):
            continue
        for source, local in zip(
            step.sources, op.local(step, sources, params, trace.values[step.target], trace.run), strict=True
        ):
            pulled = local.pull(delta)
            deltas[source] = deltas[source] + pulled if source in deltas else pulled
    if plan.output not in deltas:  # shown beside the fused head, which does not need it
        deltas[plan.output] = scale * objective.loss.slope(y, trace.values[plan.output])
    return replace(trace, deltas=deltas, gradient=gradient)


def frozen(trace: Trace) -> Trace:
    """The trace with every array read-only, as it is handed out."""
    guarded: dict[str, Any] = {
        "values": {name: read_only(array) for name, array in trace.values.items()},
        "deltas": {name: read_only(array) for name, array in trace.deltas.items()},
    }
    for name in ("theta", "x", "y", "weights", "losses", "factors", "gradient"):
        array = getattr(trace, name)
        guarded[name] = None if array is None else read_only(array)
    return replace(trace, **guarded)


def targets(plan: Plan, y: Array | Ints, dtype: np.dtype[Any]) -> Array:
    """Targets as (n, outputs); class codes become one-hot rows."""
    if y.ndim == 2:
        return y.astype(dtype, copy=False)
    one_hot = np.zeros((len(y), plan.slot(plan.output).width), dtype)
    one_hot[np.arange(len(y)), y.astype(np.int64)] = 1.0
    return one_hot


def _operands(plan: Plan, theta: Array, values: Mapping[str, Array], step: Step) -> tuple[Arrays, Arrays]:
    return tuple(values[s] for s in step.sources), tuple(plan.param(p).of(theta) for p in step.params)


class ReferenceSession:
    """A network being trained by the reference engine."""

    def __init__(self, plan: Plan, theta: Array, slots: Arrays, update: Update, seed: int) -> None:
        self.plan, self.update, self.seed = plan, update, seed
        self.theta, self.slots = theta.copy(), tuple(slot.copy() for slot in slots)
        self.rates = plan.per_entry("learning_rate_factor").astype(theta.dtype)
        self.decay = plan.per_entry("decay_factor").astype(theta.dtype)

    def train(self, rows: Rows, order: Ints, batch_size: int, table: Mapping[str, Array], first_step: int) -> Steps:
        losses: list[float] = []
        batches = (epoch[start : start + batch_size] for epoch in order for start in range(0, len(epoch), batch_size))
        for count, index in enumerate(batches):
            run = Pass(index, True, self.seed, first_step + count)
            with np.errstate(over="ignore", invalid="ignore"):  # a loss that is not finite is reported by the loop
                trace = forward_pass(self.plan, self.theta, rows.take(index), run)
                assert trace.loss is not None
                losses.append(trace.loss)
                if not np.isfinite(trace.loss):
                    break
                gradient = backward_pass(trace, to_inputs=False).gradient
                assert gradient is not None
                self._move(gradient, {name: column[count] for name, column in table.items()})
        return Steps(np.array(losses))

    def _move(self, gradient: Array, scalars: dict[str, Any]) -> None:
        kind = self.theta.dtype.type
        s: dict[str, Any] = {name: kind(value) for name, value in scalars.items()}
        s["learning_rate"] = s["learning_rate"] * self.rates
        s["decay_factor"] = self.decay
        direction = self.update.direction(self.theta, gradient, self.decay)
        self.theta, self.slots = self.update.rule.update(self.theta, direction, self.slots, s)

    def gradient(self, rows: Rows) -> tuple[float, Array]:
        trace = backward_pass(forward_pass(self.plan, self.theta, rows, Pass(np.arange(len(rows)))), to_inputs=False)
        assert trace.loss is not None and trace.gradient is not None
        return trace.loss, trace.gradient

    def predict(self, x: Array) -> Array:
        outputs = np.empty((len(x), self.plan.slot(self.plan.output).width), self.theta.dtype)
        block = max(1, 2**22 // max(1, sum(slot.width for slot in self.plan.slots)))  # bounds the memory of a pass
        for start in range(0, len(x), block):
            part = Rows(x[start : start + block], None)
            trace = forward_pass(self.plan, self.theta, part, Pass(np.arange(len(part))))
            outputs[start : start + block] = trace.prediction
        return outputs

    def trace(self, rows: Rows, index: Ints, step: int) -> Trace:
        run = Pass(index, True, self.seed, step)
        with np.errstate(over="ignore", invalid="ignore"):
            return frozen(backward_pass(forward_pass(self.plan, self.theta.copy(), rows.take(index), run)))

    def export(self) -> tuple[Array, Arrays]:
        return self.theta.copy(), tuple(slot.copy() for slot in self.slots)

    def load(self, theta: Array, slots: Arrays) -> None:
        self.theta, self.slots = theta.copy(), tuple(slot.copy() for slot in slots)


class ReferenceEngine:
    """NumPy, float64 or float32, every plan and every rule."""

    name = "reference"

    def refuses(self, plan: Plan, update: Update, dtype: np.dtype[Any]) -> str | None:
        return None

    def open(
        self, plan: Plan, theta: Array, slots: Arrays, update: Update, *, seed: int, n_jobs: int | None = None
    ) -> Session:
        return ReferenceSession(plan, theta, slots, update, seed)
