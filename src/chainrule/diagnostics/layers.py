"""The state of every layer in one pass: what its units do, and what comes back to them. Read from the Trace alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.calculus.activation import Activation
from chainrule.calculus.local import Diagonal
from chainrule.engines.trace import Trace
from chainrule.layers import OPS
from chainrule.plan import Step
from chainrule.shapes import Array

FLAT = 0.1  # of the steepest slope: beyond |z| ≈ 3.7 for a sigmoid, 1.8 for tanh
MANY = 0.5  # of a layer's units: healthy nets have less than a quarter that are saturated or dead
MOSTLY = 0.85  # the share of rows for which a unit must be flat to be called saturated

Floats = Array
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LayerState:
    """One layer with weights: its parameter and slots, and numbers per unit (units,) or for the whole layer.

    `slope`: mean |g′(z)| per unit. `saturated`: two-sided functions, flat for nearly every row. `dead`: one-sided functions
    with slope 0 for every row. `delta`: root mean square of ∂L/∂z over rows and units; `gradient`, `weight`: norms of ∂L/∂W
    and W. `mean`, `spread`: of the activations, over rows and units. `one_sign`: share of units whose weights' gradients all
    have one sign (their inputs do).
    """

    layer: int
    param: str
    net: str
    activation: str
    function: str
    units: tuple[str, ...]
    is_output: bool
    slope: Floats
    saturated: Flags
    dead: Flags
    delta: float
    gradient: float
    weight: float
    mean: float
    spread: float
    one_sign: float

    def named(self, flags: Flags, limit: int = 8) -> str:
        """The units that are flagged, by name."""
        names = [self.units[i] for i in np.flatnonzero(flags)]
        rest = f" and {len(names) - limit} more" if len(names) > limit else ""
        return ", ".join(names[:limit]) + rest

    def to_dict(self) -> dict[str, Any]:
        return {
            "layer": self.layer, "units": len(self.units), "activation": self.function, "gradient_norm": self.gradient,
            "weight_norm": self.weight, "delta_rms": self.delta, "mean_slope": float(self.slope.mean()),
            "saturated": int(self.saturated.sum()), "dead": int(self.dead.sum()), "activation_mean": self.mean,
            "activation_spread": self.spread,
        }  # fmt: skip


def states(trace: Trace) -> tuple[LayerState, ...]:
    """The layers of a trace with its gradient, in forward order."""
    plan = trace.plan
    found = []
    affine = [step for step in plan.steps if step.op == "affine" and step.params]
    for step in affine:
        readers = [reader for reader in plan.readers[step.target] if reader.op in ("activation", "softmax")]
        if not readers:
            continue
        found.append(_state(trace, step, readers[0], step is affine[-1]))
    return tuple(found)


def _state(trace: Trace, affine: Step, act: Step, is_output: bool) -> LayerState:
    plan = trace.plan
    slot = plan.slot(act.target)
    units = slot.units or tuple(f"{act.target}[{i}]" for i in range(slot.width))
    a = trace.values[act.target]
    slopes = slope_of(trace, act)
    function = act.constants.get("activation")
    assert trace.gradient is not None
    gradient = plan.param(affine.params[0]).of(trace.gradient)
    flat = np.zeros(slot.width, bool)
    dead = np.zeros(slot.width, bool)
    if isinstance(function, Activation):
        if set(function.saturates) == {"left", "right"}:
            flat = (slopes < FLAT * steepest(function)).mean(axis=0) >= MOSTLY
        elif function.reaches_low and function.saturates == ("left",) and function.continuity == 0:
            dead = slopes.max(axis=0) == 0.0
    signs = np.sign(gradient)
    moved = np.abs(signs).sum(axis=1) > 0
    one = (np.abs(signs.sum(axis=1)) == np.abs(signs).sum(axis=1)) & moved
    return LayerState(
        layer=affine.layer, param=affine.params[0], net=affine.target, activation=act.target,
        function="softmax" if function is None else function.name, units=units, is_output=is_output,
        slope=slopes.mean(axis=0), saturated=flat, dead=dead, delta=_rms(trace.deltas.get(affine.target)),
        gradient=float(np.linalg.norm(gradient)), weight=float(np.linalg.norm(plan.param(affine.params[0]).of(trace.theta))),
        mean=float(a.mean()), spread=float(a.std()), one_sign=float(one.sum() / max(1, moved.sum())),
    )  # fmt: skip


def slope_of(trace: Trace, act: Step) -> Floats:
    """|∂a/∂z| of an elementwise activation, shape (rows, units); ones where units depend on each other (softmax)."""
    params = tuple(trace[name] for name in act.params)
    sources = tuple(trace.values[name] for name in act.sources)
    local = OPS[act.op].local(act, sources, params, trace.values[act.target], trace.run)[0]
    if isinstance(local, Diagonal):
        return np.abs(local.slope).astype(np.float64)
    return np.ones(trace.values[act.target].shape)


def steepest(function: Activation) -> float:
    """The largest slope of a function without learned parameters."""
    z = np.linspace(-6.0, 6.0, 241)[:, None]
    extra = tuple(np.array([one.initial]) for one in function.learned)
    extra += (np.full((len(z), 1), 0.5),) if function.random else ()
    return float(np.abs(function.slope(z, function.value(z, *extra), *extra)).max())


def _rms(array: Any) -> float:
    return 0.0 if array is None else float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))


def words(layers: tuple[LayerState, ...], members: int = 1) -> Mapping[int, str]:
    """One word per hidden layer: "ok", "saturated", "dead", "vanishing" or "exploding".

    Of `members` merged networks each gets its share of ∂L/∂z, as large as if it were alone once multiplied by their number.
    """
    hidden = [one for one in layers if not one.is_output]
    said: dict[int, str] = {}
    last = layers[-1].delta if layers else 0.0
    for one in hidden:
        ratio = members * one.delta / last if last else 1.0
        if one.dead.mean() > MANY:
            said[one.layer] = "dead"
        elif one.saturated.mean() > MANY:
            said[one.layer] = "saturated"
        elif ratio < 1e-4:
            said[one.layer] = "vanishing"
        elif ratio > 1e4:
            said[one.layer] = "exploding"
        else:
            said[one.layer] = "ok"
    return said
