"""One example of a pass in float64: its numbers, its local derivatives, and how much every path weighs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from chainrule.calculus.local import Diagonal, DiagonalLowRank, Linear, Selection
from chainrule.engines.base import Rows
from chainrule.engines.reference import backward_pass, forward_pass
from chainrule.engines.trace import Trace
from chainrule.layers import OPS
from chainrule.layers.layer import Arrays, Pass
from chainrule.plan import Param, Plan, Step
from chainrule.shapes import Array


class Edge(NamedTuple):
    """A local derivative: ∂(step's target, unit `to`)/∂(its source number `position`, unit `source`)."""

    step: Step
    position: int
    to: int
    source: int
    value: float


def in_float64(trace: Trace) -> Trace:
    """The trace in float64 with every delta; a float32 pass is computed again in float64, with the same random draws."""
    needs_backward = trace.y is not None and trace.plan.objective is not None
    complete = trace.gradient is not None and all(name in trace.deltas for name in trace.plan.inputs)
    if trace.dtype == np.float64 and (complete or not needs_backward):
        return trace
    if trace.dtype != np.float64:
        y = None if trace.y is None else trace.y.astype(np.float64)
        weights = None if trace.weights is None else trace.weights.astype(np.float64)
        again = forward_pass(
            trace.plan, trace.theta.astype(np.float64), Rows(trace.x.astype(np.float64), y, weights), trace.run
        )
        trace = again
    return backward_pass(trace) if needs_backward else trace


def one_row(trace: Trace, row: int) -> Trace:
    """The pass of one example of a batch, counting in the loss what it counts in the batch's."""

    def cut(array: Array | None) -> Array | None:
        return None if array is None else array[row : row + 1]

    run = Pass(trace.run.rows[row : row + 1], trace.run.training, trace.run.seed, trace.run.step)
    loss = None if trace.losses is None or trace.factors is None else float(trace.losses[row] * trace.factors[row])
    return replace(
        trace, x=trace.x[row : row + 1], y=cut(trace.y), weights=cut(trace.weights), losses=cut(trace.losses),
        factors=cut(trace.factors), loss=loss, run=run, gradient=None,
        values={name: array[row : row + 1] for name, array in trace.values.items()},
        deltas={name: array[row : row + 1] for name, array in trace.deltas.items()},
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Working:
    """A pass of one example after its backward pass: `trace` has one row, in float64.

    `batch` is the number of examples it was computed with, `weighted` whether they count differently.
    """

    trace: Trace
    batch: int = 1
    weighted: bool = False

    @property
    def plan(self) -> Plan:
        return self.trace.plan

    def value(self, slot: str, unit: int) -> float:
        return float(self.trace.values[slot][0, unit])

    def delta(self, slot: str, unit: int) -> float:
        """∂loss/∂(slot, unit)."""
        return float(self.trace.deltas[slot][0, unit])

    def theta(self, param: Param, entry: int) -> float:
        return float(self.trace.theta[param.offset + entry])

    def target(self, unit: int) -> float:
        assert self.trace.y is not None
        return float(self.trace.y[0, unit])

    @property
    def scale(self) -> float:
        """What one output's term counts in the reduced loss."""
        assert self.trace.factors is not None and self.plan.objective is not None
        return float(self.trace.factors[0]) * self.plan.objective.loss.share(self.plan.slot(self.plan.output).width)

    def operands(self, step: Step) -> tuple[Arrays, Arrays]:
        params = tuple(self.plan.param(name).of(self.trace.theta) for name in step.params)
        return tuple(self.trace.values[source] for source in step.sources), params

    @cached_property
    def live(self) -> frozenset[str]:
        """The slots from which a path leads to the loss."""
        objective = self.plan.objective
        found = set() if objective is None else {objective.source}
        for step in reversed(self.plan.steps):
            if step.target in found:
                found.update(step.sources)
        return frozenset(found)

    @cached_property
    def _locals(self) -> dict[tuple[str, int], object]:
        found: dict[tuple[str, int], object] = {}
        for step in self.plan.steps:
            sources, params = self.operands(step)
            made = OPS[step.op].local(step, sources, params, self.trace.values[step.target], self.trace.run)
            found.update({(step.target, position): local for position, local in enumerate(made)})
        return found

    @cached_property
    def _matrices(self) -> dict[tuple[str, int], Array]:
        return {}

    def matrix(self, step: Step, position: int) -> Array:
        """∂target/∂source, shape (to, from)."""
        key = (step.target, position)
        if key not in self._matrices:
            self._matrices[key] = np.asarray(self._locals[key].matrix(0))  # type: ignore[attr-defined]
        return self._matrices[key]

    def local(self, step: Step, position: int) -> object:
        """The local derivative as the op stated it."""
        return self._locals[step.target, position]

    def slope(self, step: Step, position: int, to: int, source: int) -> float:
        return float(self.matrix(step, position)[to, source])

    def onward(self, slot: str, unit: int) -> Iterator[Edge]:
        """The local derivatives of everything that reads a unit on the way to the loss; missing connections left out."""
        for step in self.plan.readers[slot]:
            if step.target not in self.live:
                continue
            for position in (p for p, source in enumerate(step.sources) if source == slot):
                for to in self.structural(step, position, unit):
                    if self._is_passed_over(step.target, to):
                        continue
                    yield Edge(step, position, to, unit, self.slope(step, position, to, unit))

    @property
    def chosen(self) -> int | None:
        """The unit that is differentiated where one unit of a slot stands in the place of the loss."""
        objective = self.plan.objective
        assert objective is not None
        return int(objective.loss.constants["unit"]) if "unit" in objective.loss.constants else None

    @cached_property
    def _reaching(self) -> dict[str, set[int]]:
        """The units from which a path leads to the chosen unit."""
        objective = self.plan.objective
        assert objective is not None and self.chosen is not None
        found: dict[str, set[int]] = {objective.source: {self.chosen}}
        for step in reversed(self.plan.steps):
            if step.target in found and step.target in self.live:
                for position, source in enumerate(step.sources):
                    units = range(self.plan.slot(source).width)
                    leading = {
                        u for u in units if not found[step.target].isdisjoint(self.structural(step, position, u))
                    }
                    found[source] = found.get(source, set()) | leading
        return found

    def _is_passed_over(self, slot: str, unit: int) -> bool:
        """Whether a unit has no part in the one that is differentiated."""
        return self.chosen is not None and unit not in self._reaching.get(slot, set())

    def structural(self, step: Step, position: int, unit: int) -> list[int]:
        """The units that depend on a source unit, whatever the numbers are."""
        local = self._locals[step.target, position]
        if isinstance(local, Diagonal):
            return [unit]
        if isinstance(local, Selection):
            chosen = np.flatnonzero(local.chosen[0] == unit)
            return [int(i) for i in chosen]
        width = self.plan.slot(step.target).width
        mask = step.constants.get("mask") if isinstance(local, Linear) else None
        return [to for to in range(width) if mask is None or mask[to, unit]]

    def is_diagonal(self, edge: Edge) -> bool:
        """Whether the step acts on each unit alone."""
        return isinstance(self._locals[edge.step.target, edge.position], Diagonal)

    @cached_property
    def weights_of_paths(self) -> dict[str, Array]:
        """The sum of |product of factors| over all paths from every unit to the loss: the measure of rounding."""
        objective = self.plan.objective
        assert objective is not None
        sums = {objective.source: np.abs(self.trace.deltas[objective.source][0])}
        for step in reversed(self.plan.steps):
            if step.target not in sums or step.target not in self.live:
                continue
            for position, source in enumerate(step.sources):
                part = sums[step.target] @ self._sizes(step, position)
                sums[source] = sums[source] + part if source in sums else part
        return sums

    def _sizes(self, step: Step, position: int) -> Array:
        """|∂target/∂source|; where a unit acts on another in several ways (through the mean, the deviation), their sum."""
        local = self._locals[step.target, position]
        if isinstance(local, DiagonalLowRank):
            through = np.abs(local.left[0]) @ np.abs(local.right[0]).T
            return np.asarray(np.diag(np.abs(local.diagonal[0])) + through)
        return np.abs(self.matrix(step, position))

    def users(self, param: str) -> Iterator[tuple[Step, int]]:
        """The steps that use a parameter, with its position among theirs."""
        for step in self.plan.steps:
            for position, name in enumerate(step.params):
                if name == param and step.target in self.live:
                    yield step, position

    def partial(self, step: Step, position: int, entry: int, unit: int) -> float:
        """∂(step's target, unit)/∂(entry of its parameter), from the op's own gradient."""
        sources, params = self.operands(step)
        alone = np.zeros_like(self.trace.values[step.target])
        alone[0, unit] = 1.0
        share = OPS[step.op].gradients(step, sources, params, alone, self.trace.run)[position]
        return float(share.ravel()[entry])

    def share(self, param: str, entry: int) -> float:
        """This example's share of ∂loss/∂(entry of a parameter), as the engine computes it."""
        total = 0.0
        for step, position in self.users(param):
            sources, params = self.operands(step)
            shares = OPS[step.op].gradients(step, sources, params, self.trace.deltas[step.target], self.trace.run)
            total += float(shares[position].ravel()[entry])
        return total
