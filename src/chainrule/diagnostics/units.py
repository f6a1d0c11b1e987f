"""Units that do no work: saturated, dead, or copies of each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnostics.evidence import SHORT, Evidence, traced
from chainrule.diagnostics.finding import NO_PROGRESS, RATES, UNITS, Finding, Remedy, diagnostic
from chainrule.diagnostics.layers import MANY, LayerState, states
from chainrule.shapes import Array

SOME = 0.25  # of a layer's units: a network that stays behind is asked for these too
EQUAL = 1e-6  # relative difference of weights that count as equal: float32 rounding of sums


@diagnostic("units", causes=(*NO_PROGRESS, *RATES, "vanishing_gradients", "overfitting"))
def saturated_units(e: Evidence) -> Finding | None:
    """Are units stuck where their activation is flat?"""
    worst = _worst(e.layers, "saturated")
    if worst is None or worst.saturated.mean() <= MANY:
        return None
    return _idle(
        e, worst, "saturated", "are flat for nearly every row",
        f"{worst.function} is flat where |z| is large: these units' slopes average {worst.slope.mean():.2g}, and every "
        "gradient that passes through them is multiplied by that",
        Remedy("draw smaller first weights (those that suit the activation) and keep the inputs around 0 with spread 1",
               {"initial": "suited", "scale": "standard"}),
    )  # fmt: skip


@diagnostic("units", causes=(*NO_PROGRESS, *RATES, "vanishing_gradients"))
def dead_units(e: Evidence) -> Finding | None:
    """Are there units that answer 0 to every row?"""
    worst = _worst(e.layers, "dead")
    if worst is None or not worst.dead.any():
        return None
    share = float(worst.dead.mean())
    if share <= MANY and not (share > SOME and e.shortfall > SHORT):
        return None
    unit, bias = int(np.flatnonzero(worst.dead)[0]), _bias_of(e, worst)
    pushed = f" (the bias of {worst.units[unit]} is {bias[unit]:.3g})" if bias is not None else ""
    return _idle(
        e, worst, "dead", "answer 0 to every row",
        f"their net inputs are negative for every row{pushed}, where {worst.function} and its slope are 0: no gradient "
        "reaches them, and they never come back",
        Remedy("begin with biases of 0, take smaller steps, or use leaky_relu, whose slope is never 0",
               {"hidden_activation": "leaky_relu", "initial": "suited"}),
    )  # fmt: skip


def _worst(layers: tuple[LayerState, ...], flags: str) -> LayerState | None:
    hidden = [one for one in layers if not one.is_output]
    return max(hidden, key=lambda one: float(getattr(one, flags).mean()), default=None)


def _idle(e: Evidence, layer: LayerState, flags: str, said: str, because: str, remedy: Remedy) -> Finding:
    """What is said of units of a layer that are "saturated" or "dead": which, since when, and what came back to them. They
    are an illness where the training failed, the network stays behind, or they were so from the first weights on."""
    flagged, from_start = getattr(layer, flags), _from_start(e, layer.layer, flags)
    count, since = int(flagged.sum()), _since(e, layer.layer, flags)
    return Finding(
        f"layer {layer.layer}",
        {"units": count, "of": len(layer.units), "mean_slope": float(layer.slope.mean()), "since": since,
         "from_start": from_start, "names": layer.named(flagged)},
        f"at most {MANY:.0%} of a layer's units {flags}", because, remedy,
        is_ill=e.failure is not None or e.shortfall > SHORT or from_start,
        said=f"{count} of {len(layer.units)} units {said} ({layer.named(flagged)})" + (f", {since}" if since else ""),
        explain=f"delta({layer.net}[{int(np.flatnonzero(flagged)[0])}])",
    )  # fmt: skip


def _from_start(e: Evidence, layer: int, flags: str) -> bool:
    """Whether more than half of a layer's units were so with the first weights."""
    begun = next((one for one in e.first_layers or () if one.layer == layer), None)
    return begun is not None and bool(getattr(begun, flags).mean() > MANY)


def _since(e: Evidence, layer: int, flags: str) -> str:
    """Since which step more than half of a layer's units have been so, where the training can be replayed."""
    for step, theta in e.path:
        state = next(one for one in states(traced(e.plan, theta, e.sample)) if one.layer == layer)
        if getattr(state, flags).mean() > MANY:
            return "from the first weights on" if step == 0 else f"since step {step} or a little before"
    return ""


def _bias_of(e: Evidence, layer: LayerState) -> Array | None:
    params = e.plan.makers[layer.net].params
    return e.plan.param(params[1]).of(e.theta) if len(params) > 1 else None


@diagnostic("units", causes=(*NO_PROGRESS, *RATES, *UNITS, "vanishing_gradients"))
def symmetric_units(e: Evidence) -> Finding | None:
    """Are there units that are copies of each other?"""
    for one in e.layers:
        if one.is_output or len(one.units) < 2:
            continue
        begun = e.theta if e.first is None else e.first
        copies = _copies(e, one, e.theta)
        if copies.mean() > MANY and _copies(e, one, begun).mean() > MANY:
            return Finding(
                f"layer {one.layer}",
                {"units": int(copies.sum()), "of": len(one.units), "names": one.named(copies)},
                "units with weights of their own",
                "units that begin with equal weights get equal gradients and stay equal: together they do the work of one",
                Remedy("draw the first weights at random", {"initial": "suited"}),
                said=f"{int(copies.sum())} of {len(one.units)} units have the same weights ({one.named(copies)})",
                explain=f"{one.param}[0,0]",
            )  # fmt: skip
    return None


def _copies(e: Evidence, one: LayerState, theta: Array) -> NDArray[np.bool_]:
    """Which units have the weights and the bias of another."""
    params = [e.plan.param(name).of(theta).astype(np.float64) for name in e.plan.makers[one.net].params]
    rows = np.hstack([p.reshape(len(one.units), -1) if p.size % len(one.units) == 0 else
                      np.tile(p, (len(one.units), 1)) for p in params])  # fmt: skip
    scale = max(float(np.abs(rows).max()), 1e-30)
    _, inverse, counts = np.unique(np.round(rows / (scale * EQUAL)), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse.reshape(-1)] > 1)
