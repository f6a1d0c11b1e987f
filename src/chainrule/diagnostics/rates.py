"""The size of the steps: too small, too large, fatal, or right for one layer and wrong for another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.diagnostics.evidence import GAIN, SHORT, Evidence
from chainrule.diagnostics.finding import NO_PROGRESS, UNITS, Finding, Remedy, diagnostic
from chainrule.diagnostics.layers import MANY
from chainrule.optim.rules import rules

CRAWLING = 0.2  # of the rule's usual rate (adaptive rules), or of 1/λ (others): a rate above is not called small
BOUNDED = ("gradient_descent", "momentum", "nesterov")  # rules whose bound is 2/λ or a known multiple of it
USUAL_UPDATE = 1e-3  # ‖Δθ‖/‖θ‖ of a step: the usual value (Karpathy, CS231n notes on training)
LONG = 0.3  # ‖Δθ‖/‖θ‖ of a step that leaves little of the first weights: 300 times the usual
HELD_BACK = 0.01  # of the learning rate of another layer
FAR_APART = 200.0  # between the update ratios of two layers: healthy nets differ by less than 50


def bound(e: Evidence) -> float | None:
    """The learning rate above which the rule grows on a quadratic of this curvature, at the first weights.

    2/λ for gradient descent, 2(1 + μ)/λ with momentum μ (Polyak, 1964); None for rules that scale every parameter.
    """
    if e.training is None or e.training.update.rule.name not in BOUNDED:
        return None
    curvature = e.first_curvature if e.first_curvature is not None else e.curvature
    if not curvature or not np.isfinite(curvature):
        return None
    inertia = e.training.update.rule.constants.get("momentum", 0.0)
    return 2.0 * (1.0 + inertia) / curvature


def _best(tried: Mapping[float, float]) -> tuple[float, float] | None:
    """The multiple of the rate with the lowest loss after a short training, and that loss."""
    if not tried:
        return None
    best = min(tried, key=tried.__getitem__)
    return best, tried[best]


@diagnostic("rates", needs=("training",), causes=NO_PROGRESS)
def learning_rate_too_small(e: Evidence) -> Finding | None:
    """Would larger steps get further?"""
    if e.training is None or e.failure is not None or e.training.solver == "lbfgs":
        return None
    rule, limit = e.training.update.rule, bound(e)
    usual = CRAWLING * (limit / 2.0 if limit is not None else rules.get(rule.name).learning_rate)
    if rule.learning_rate > usual or e.shortfall <= SHORT:
        return None
    better = _best(e.higher_rates)
    if better is None or better[1] > e.loss - GAIN * e.constant_loss:
        return None
    multiple, loss = better
    if (lower := _best(e.lower_rates)) is not None and lower[1] < loss:
        return None  # smaller steps would get further still
    ratios = list(e.updates.values())
    return Finding(
        "the learning rate",
        {"learning_rate": rule.learning_rate, "loss": e.loss, "tried": rule.learning_rate * multiple,
         "loss_there": loss, "update_ratios": dict(e.updates), "bound": limit},
        f"a step of about {USUAL_UPDATE:g} of the weights" + (f", a rate below {limit:.2g} (2/λ)" if limit else ""),
        f"in {min(200, e.training.steps)} steps a rate of {rule.learning_rate * multiple:.1e} reaches a loss of "
        f"{loss:.3g}; all {e.training.steps} steps at {rule.learning_rate:.1e} reached {e.loss:.3g}",
        Remedy(f"raise the learning rate to about {rule.learning_rate * multiple:.0e}",
               {"learning_rate": rule.learning_rate * multiple}),
        said=f"one step moves the weights by {np.median(ratios) if ratios else 0.0:.1e} of their size",
        explain=f"{e.layers[-1].param}[0,0]" if e.layers else None,
    )  # fmt: skip


@diagnostic("rates", needs=("training",), causes=(*NO_PROGRESS, *UNITS, "diverged", "overfitting"))
def learning_rate_too_large(e: Evidence) -> Finding | None:
    """Would smaller steps get further?"""
    if e.training is None or e.training.solver == "lbfgs":
        return None
    rule, limit = e.training.update.rule, bound(e)
    learned = e.failure is None and e.shortfall <= SHORT and e.loss <= e.constant_loss
    if learned and not _killed(e):
        return None
    lower = _best(e.lower_rates)
    reached = np.inf if e.failure is not None else e.loss
    if lower is None:
        return None
    multiple, loss = lower
    if not (loss < min(reached, 2.0 * e.constant_loss) - GAIN * e.constant_loss or _killed(e)):
        return None
    if e.failure is None and not _killed(e) and (higher := _best(e.higher_rates)) is not None and higher[1] < loss:
        return None  # larger steps would get further still
    over = f", {rule.learning_rate / limit:.2g} times the bound {limit:.2g} = 2/λ" if limit else ""
    ratios = list(e.first_updates.values())
    came = "met numbers that are not finite" if e.failure is not None else f"reached {e.loss:.3g}"
    return Finding(
        "the learning rate",
        {"learning_rate": rule.learning_rate, "loss": None if e.failure is not None else e.loss,
         "tried": rule.learning_rate * multiple, "loss_there": loss, "bound": limit,
         "first_update_ratios": dict(e.first_updates)},
        f"steps of about {USUAL_UPDATE:g} of the weights" + (f", a rate below {limit:.2g}" if limit else ""),
        f"in {min(200, max(e.training.steps, 1))} steps a rate of {rule.learning_rate * multiple:.1e} reaches a loss of "
        f"{loss:.3g}; the training {came}: steps this long jump over the valley instead of going down it",
        Remedy(f"lower the learning rate to about {rule.learning_rate * multiple:.0e}",
               {"learning_rate": rule.learning_rate * multiple}),
        said=f"the rate {rule.learning_rate:.2g}{over}; the first step moves the weights by "
        f"{np.median(ratios) if ratios else np.inf:.1e} of their size",
        explain=f"{e.layers[0].param}[0,0]" if e.layers else None,
    )  # fmt: skip


def _killed(e: Evidence) -> bool:
    """Whether the first step was longer than the weights themselves, and most units of a layer have fallen silent since."""
    ratios = [ratio for ratio in e.first_updates.values() if np.isfinite(ratio)]
    if not ratios or np.median(ratios) < LONG or e.first_layers is None:
        return False
    pairs = zip(e.first_layers, e.layers, strict=True)
    return any(
        (now.dead | now.saturated).mean() > MANY and (then.dead | then.saturated).mean() <= MANY for then, now in pairs
    )


@diagnostic("rates", needs=("failure",), causes=(*UNITS, "underfitting", "overfitting", "plateau"))
def diverged(e: Evidence) -> Finding | None:
    """Which number was the first not to be finite?"""
    failure = e.failure
    if failure is None:
        return None
    found = failure.found
    return Finding(
        found.where if failure.step is None else f"step {failure.step}, epoch {failure.epoch}, {found.where}",
        {"step": failure.step, "epoch": failure.epoch, "layer": found.layer, "unit": found.unit,
         "what": found.what, "factor": found.factor, "value": found.number},
        "finite numbers",
        f"{found.what} became {found.number}; every later number is made from it",
        Remedy("take smaller steps, clip the gradient, and scale inputs and target",
               {"learning_rate": 0.01, "clip_norm": 1.0, "scale": "standard"} if e.training is None else
               {"learning_rate": e.training.update.rule.learning_rate / 10.0, "clip_norm": 1.0, "scale": "standard"}),
        said=f"the first number that is not finite is {found.what} (a {found.factor})"
        + ("" if failure.step is None else f" in step {failure.step}"),
        explain=None,
    )  # fmt: skip


@diagnostic("rates", needs=("training", "first"), causes=("underfitting", "plateau", "stopped_too_early"))
def update_ratio(e: Evidence) -> Finding | None:
    """Do all layers move at the same pace?"""
    assert e.first is not None
    begun = {name: e.plan.param(name).of(e.first) for name in e.first_updates}  # weights that begin at 0 have no ratio
    ratios = {name: ratio for name, ratio in e.first_updates.items() if begun[name].any() and np.isfinite(ratio)}
    if len(ratios) < 2 or e.failure is not None:
        return None
    low, high = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
    factor = ratios[high] / ratios[low] if ratios[low] > 0 else np.inf
    if factor < FAR_APART:
        return None
    factors = [e.plan.param(name).learning_rate_factor for name in ratios]
    frozen = min(factors) < HELD_BACK * max(factors)
    is_ill = frozen or e.shortfall > SHORT
    return Finding(
        f"{low} against {high}",
        {"ratios": dict(ratios), "factor": float(factor)},
        f"all layers moving by about {USUAL_UPDATE:g} of their weights in a step, less than {FAR_APART:g}-fold apart",
        f"a step that is right for {high} leaves {low} where it is: one learning rate cannot suit both",
        Remedy("give all layers the same learning rate and first weights of suited size",
               {"equal_rates": True, "initial": "suited"}),
        is_ill=is_ill,
        said=f"one step moves {low} by {ratios[low]:.1e} of its size and {high} by {ratios[high]:.1e}",
        explain=f"{low}[0,0]",
    )  # fmt: skip
