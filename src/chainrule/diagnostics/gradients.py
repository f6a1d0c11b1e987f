"""Gradients on their way back: do they vanish, or explode?"""

from __future__ import annotations

import numpy as np

from chainrule.diagnostics.evidence import GAIN, SHORT, Evidence
from chainrule.diagnostics.finding import NO_PROGRESS, RATES, Finding, Remedy, diagnostic
from chainrule.diagnostics.layers import MANY, LayerState
from chainrule.diagnostics.variants import suited
from chainrule.network import Network

VANISHING = (
    1e-3  # ∂L/∂z of the first layer over that of the last; ten layers of σ′ ≤ 0.25 give 1e-6, healthy nets 0.05 to 5
)
WEAK = 0.03  # the same, where suited first weights get further than these did; healthy nets have more
SMALL = 0.1  # a product of slopes: above, they are not what makes gradients vanish
EXPLODING = 100.0  # the same, the other way: healthy first weights give less than 10


Layers = tuple[LayerState, ...]


def _ratio(layers: Layers) -> float:
    last = layers[-1].delta
    return layers[0].delta / last if last > 0 else 1.0


def _compared(e: Evidence) -> tuple[Layers, Layers, bool]:
    """The layers along which ∂L/∂z is followed back, at the first weights where these are known (it is said whether) and now.

    Without the last layer where it says nothing of those before it: one that begins at 0 lets nothing back in the first step
    and little in the next few; one that takes the mean of several merged networks hands each its share.
    """
    first = e.first_layers
    if e.members > 1 or (first and first[-1].weight == 0.0):
        return e.layers[:-1], e.layers[:-1], False
    return first or e.layers, e.layers, bool(first)


@diagnostic("gradients", causes=(*NO_PROGRESS, *RATES))
def vanishing_gradients(e: Evidence) -> Finding | None:
    """Does the gradient still reach the first layers?"""
    if len(e.layers) < 3 or e.failure is not None:
        return None
    first, layers, is_first = _compared(e)
    then, now = _ratio(first), _ratio(layers)
    flat = [one for one in first[:-1] if one.function != "identity"]
    slopes = [float(one.slope.mean()) for one in flat]
    if then > WEAK or not slopes or any(one.dead.mean() > MANY for one in first):
        return None
    if max(then, now) > VANISHING and e.shortfall <= SHORT:
        return None
    better = e.tried(suited(e.network)) if then > VANISHING and isinstance(e.network, Network) else 0.0
    if better is None or better > e.loss - GAIN * e.constant_loss:
        return None  # what is only weak is named where it was tried that other first weights get further
    when = " at the first weights" if is_first else ""
    by_slopes = float(np.prod(slopes)) < SMALL
    product = " · ".join(f"{slope:.3g}" for slope in slopes)
    why = (
        f"going back, ∂L/∂z is multiplied by the slope of {flat[0].function} in every layer: {product} = {np.prod(slopes):.2g}"
        if by_slopes else
        "going back, ∂L/∂z is multiplied by the weights of every layer, and these are so small that it shrinks with every layer"
    )  # fmt: skip
    return Finding(
        f"layers 1 to {layers[-1].layer}",
        {"first_over_last": then, "now": now, "slopes": slopes, "product_of_slopes": float(np.prod(slopes)),
         "delta_per_layer": [one.delta for one in first], "weight_norms": [one.weight for one in first]},
        f"a ratio above {VANISHING if then <= VANISHING else WEAK:g}",
        f"{why}; so little arrives at the first layers that they do not learn",
        Remedy("use relu in the hidden layers, whose slope is 1, with first weights that suit it, and adam, whose steps do not "
               "depend on how large a gradient is; or fewer layers",
               {"hidden_activation": "relu", "initial": "suited", "optimizer": "adam"}),
        said=f"∂L/∂z in layer 1 is {then:.1e} of that in layer {layers[-1].layer}{when}" + (f", {now:.1e} now" if when else ""),
        explain=f"delta({layers[0].net}[0])",
    )  # fmt: skip


@diagnostic("gradients", causes=(*NO_PROGRESS, "learning_rate_too_large", "diverged", "dead_units", "overfitting"))
def exploding_gradients(e: Evidence) -> Finding | None:
    """Does the gradient grow from layer to layer on its way back?"""
    layers, first = e.layers, e.first_layers or e.layers
    if len(layers) < 2 or any(one.saturated.mean() > MANY for one in first[:-1]):
        return None
    then = _ratio(first)
    grown = max(one.delta for one in first) / max(first[-1].delta, 1e-300)
    size = float(np.sqrt(np.mean(np.square(e.first_trace.prediction)))) if e.first_trace is not None else 0.0
    scale = max(1.0, float(np.sqrt(np.mean(np.square(e.y))))) if e.task == "regression" else 1.0
    blown = e.task == "regression" and size / scale > EXPLODING
    if max(grown, then) < EXPLODING and not blown:
        return None
    is_ill = e.failure is not None or e.shortfall > SHORT or max(grown, then) > EXPLODING**2
    return Finding(
        f"layers {layers[-1].layer} back to 1",
        {"first_over_last": then, "largest_over_last": grown, "outputs_rms": size,
         "delta_per_layer": [one.delta for one in first], "weight_norms": [one.weight for one in first]},
        f"∂L/∂z growing less than {EXPLODING:g}-fold from the last layer to the first",
        "going back, ∂L/∂z is multiplied by the weights of every layer, and these first weights are so large that it grows "
        "with every layer; so does the signal going forward",
        Remedy("draw first weights that keep the size of signals (He for relu, Glorot for others), and clip the gradient",
               {"initial": "suited", "clip_norm": 1.0}),
        is_ill=is_ill,
        said=f"∂L/∂z grows {max(grown, then):.1e}-fold on its way back at the first weights"
        + (f"; the outputs begin at {size:.1e}" if blown else ""),
        explain=f"delta({layers[0].net}[0])",
    )  # fmt: skip
