"""The laws of whole networks: the gradient, every delta, masks, rows and weights, float types.

They hold for any `forward` and `backward` of the reference engine's form; a test plants its faults there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.engines.base import Rows
from chainrule.engines.reference import backward_pass, forward_pass
from chainrule.engines.trace import Trace
from chainrule.errors import PromiseError
from chainrule.laws.cases import Case
from chainrule.laws.law import show
from chainrule.layers import OPS
from chainrule.plan import Objective
from chainrule.shapes import Array

SMALL = 2.0**-17
"""The h of a difference (f(+h) − f(−h))/2h along a direction of length 1. It is off by h²/6·|f‴| = 1e-11·|f‴|, and by
rounding of 8 units in the last place of f over h, 2e-10·|f|. Allowed are 1e-6 of the gradient's length, 1e-8 and
1e-9·|f|."""

FUNCTIONAL = Loss(
    "linear functional", lambda y, p: y * p, lambda y, p: y, "y*p", "y", "yp", "y", "any incoming gradient", "sum"
)


@dataclass(frozen=True)
class Passes:
    """The two passes of an engine."""

    forward: Callable[..., Trace] = forward_pass
    backward: Callable[..., Trace] = backward_pass

    def trace(self, case: Case) -> Trace:
        return self.backward(self.forward(case.plan, case.theta, case.rows, case.run))


REFERENCE = Passes()


def gradient_of_the_loss(case: Case, passes: Passes = REFERENCE) -> None:
    """∂loss/∂θ and ∂loss/∂x agree with differences of the loss along random directions."""
    trace = passes.trace(case)
    assert trace.gradient is not None
    allowed = np.concatenate([np.ones(p.size) if p.mask is None else p.mask.ravel() for p in case.plan.params])
    generator = np.random.default_rng(60)
    for _ in range(2):
        along = _direction(generator, trace.theta.shape) * allowed

        def at(h: float, along: Array = along) -> float:
            return _loss(passes.forward(case.plan, case.theta + h * along, case.rows, case.run))

        _agree(case, "the gradient", "a random direction of θ", at, trace.gradient, along)
    deltas = np.concatenate([_delta(trace, name) for name in case.plan.inputs], axis=1)
    along = _direction(generator, deltas.shape)

    def moved(h: float) -> float:
        rows = replace(case.rows, x=case.rows.x + h * along)
        return _loss(passes.forward(case.plan, case.theta, rows, case.run))

    _agree(case, "the gradient", "a random direction of x", moved, deltas, along)


def gradient_of_any_functional(case: Case, passes: Passes = REFERENCE) -> None:
    """The same for Σ c·output with random c: the outputs' incoming gradient is arbitrary, never ones."""
    generator = np.random.default_rng(61)
    y = generator.normal(size=(len(case.rows), case.plan.slot(case.plan.output).width))
    plan = replace(case.plan, objective=Objective(FUNCTIONAL, case.plan.output, None, "sum"))
    weights = generator.uniform(0.5, 2.0, len(case.rows))
    gradient_of_the_loss(replace(case, plan=plan, rows=Rows(case.rows.x, y, weights)), passes)


def deltas_by_perturbation(case: Case, passes: Passes = REFERENCE) -> None:
    """∂loss/∂slot agrees with moving that slot alone and computing on from there."""
    trace = passes.trace(case)
    generator = np.random.default_rng(62)
    for slot in case.plan.slots:
        delta = _delta(trace, slot.name)
        along = _direction(generator, delta.shape)

        def at(h: float, name: str = slot.name, along: Array = along) -> float:
            return _loss_from(trace, name, trace.values[name] + h * along)

        _agree(case, "the deltas", f"the slot {slot.name}", at, delta, along)


def nothing_passes_a_mask(case: Case, passes: Passes = REFERENCE) -> None:
    """The gradient is exactly 0 where there is no connection."""
    trace = passes.trace(case)
    assert trace.gradient is not None
    for param in case.plan.params:
        if param.mask is not None and (leak := np.abs(param.of(trace.gradient)[~param.mask])).any():
            _refuse(case, "masks", "the gradient is 0 where there is no connection", param.name, "0", show(leak.max()))


def rows_count_by_their_weight(case: Case, passes: Passes = REFERENCE) -> None:
    """A row of weight 3 is three rows, one of weight 0 is none; and the order of the rows does not matter."""
    trace = passes.trace(case)
    assert case.rows.weights is not None and isinstance(case.rows.y, np.ndarray)
    index = np.repeat(np.arange(len(case.rows)), case.rows.weights.astype(int))[::-1]
    rows = Rows(case.rows.x[index], case.rows.y[index])
    again = passes.trace(replace(case, rows=rows, run=replace(case.run, rows=case.run.rows[index])))
    for what, said, got in (("loss", trace.loss, again.loss), ("gradient", trace.gradient, again.gradient)):
        difference = np.abs(np.asarray(said) - np.asarray(got)).max()
        if not difference <= 1e-10 * max(1.0, float(np.abs(np.asarray(said)).max())):
            says = f"weights count rows in the {what}"
            _refuse(case, "rows", says, "repeated rows", "no difference", show(difference))


def float_type_is_kept(case: Case, passes: Passes = REFERENCE) -> None:
    """In float32 every array is float32, and the gradient is near that of float64."""
    exact = passes.trace(case)
    single = replace(case, theta=case.theta.astype(np.float32), rows=_single(case.rows))
    trace = passes.trace(single)
    assert trace.gradient is not None and exact.gradient is not None
    arrays = {**trace.values, **{f"delta of {n}": d for n, d in trace.deltas.items()}, "gradient": trace.gradient}
    for name, array in arrays.items():
        if array.dtype != np.float32:
            _refuse(case, "float type", "everything computed in float32 is float32", name, "float32", str(array.dtype))
    off = float(np.linalg.norm(trace.gradient - exact.gradient))
    # A few dozen roundings of 6e-8, grown where layers and layer norms enlarge small differences.
    if not off <= 1e-3 * max(1.0, float(np.linalg.norm(exact.gradient))):
        _refuse(case, "float type", "float32 is near float64", "gradient", "a distance below 1e-3", show(off))


def _single(rows: Rows) -> Rows:
    y, weights = (None if array is None else array.astype(np.float32) for array in (rows.y, rows.weights))
    return Rows(rows.x.astype(np.float32), y, weights)


def _direction(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    along = generator.normal(size=shape)
    return np.asarray(along / np.linalg.norm(along))


def _loss(trace: Trace) -> float:
    assert trace.loss is not None
    return trace.loss


def _delta(trace: Trace, name: str) -> Array:
    """∂loss/∂slot; 0 for a slot that the loss does not depend on."""
    return trace.deltas.get(name, np.zeros_like(trace.values[name]))


def _loss_from(trace: Trace, name: str, value: Array) -> float:
    """The loss when one slot is given and everything behind it is computed anew."""
    plan, values = trace.plan, {**trace.values, name: value}
    objective = plan.objective
    assert objective is not None and trace.y is not None and trace.factors is not None
    for step in plan.steps:
        if step.target != name:
            params = tuple(plan.param(param).of(trace.theta) for param in step.params)
            values[step.target] = OPS[step.op].forward(step, tuple(values[s] for s in step.sources), params, trace.run)
    if name == plan.output:  # behind a fused head the delta of the outputs is that of the loss itself
        return float(trace.factors @ objective.loss.per_example(trace.y, values[name]))
    return float(trace.factors @ objective.loss.per_example(trace.y, values[objective.source], objective.head))


def _agree(case: Case, law: str, where: str, at: Callable[[float], float], slope: Array, along: Array) -> None:
    above, below = at(SMALL), at(-SMALL)
    measured, got = (above - below) / (2 * SMALL), float((slope * along).sum())
    allowed = 1e-6 * float(np.linalg.norm(slope)) + 1e-8 + 1e-9 * abs(above)
    if not abs(measured - got) <= allowed:
        _refuse(case, law, "the chain rule agrees with differences of the loss", where, show(measured), show(got))


def _refuse(case: Case, law: str, says: str, where: str, expected: str, got: str) -> NoReturn:
    raise PromiseError(
        "CR208", f"{case.name} breaks the law of {law}: {says}", where=where, expected=expected, got=got,
        hint="please report it, with the network and the seed",
    )  # fmt: skip


@dataclass(frozen=True)
class NetworkLaw:
    """A promise about any network, for the passes of an engine."""

    name: str
    says: str
    check: Callable[..., None]


LAWS = (
    NetworkLaw("gradient", "∂loss/∂θ and ∂loss/∂x agree with differences", gradient_of_the_loss),
    NetworkLaw("functional", "the same for any linear functional of the outputs", gradient_of_any_functional),
    NetworkLaw("deltas", "∂loss/∂slot agrees with moving that slot", deltas_by_perturbation),
    NetworkLaw("masks", "no gradient where there is no connection", nothing_passes_a_mask),
    NetworkLaw("rows", "weights count rows, order does not matter", rows_count_by_their_weight),
    NetworkLaw("float type", "float32 stays float32 and is near float64", float_type_is_kept),
)
