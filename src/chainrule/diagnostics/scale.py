"""Inputs and targets that are too large or too small for the weights that a network begins with."""

from __future__ import annotations

import numpy as np

from chainrule.calculus.loss import Loss
from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import NO_PROGRESS, RATES, UNITS, Finding, Remedy, diagnostic
from chainrule.shapes import Array

LARGE, SMALL = 10.0, 0.02  # root mean square: what is standardised has 1, an indicator of a rare level 0.05
HUGE = 30.0  # of inputs: ill even where it is learned all the same
HARMED = 0.03  # skill
_BROUGHT_ABOUT = (*NO_PROGRESS, *RATES, *UNITS, "exploding_gradients", "vanishing_gradients", "diverged", "overfitting")


@diagnostic("data", causes=(*_BROUGHT_ABOUT, "not_zero_centred"))
def unscaled_inputs(e: Evidence) -> Finding | None:
    """Are the inputs of a size that the first weights suit?"""
    x = e.sample.x
    rms, spread = np.sqrt(np.mean(np.square(x), axis=0)), x.std(axis=0)
    varies = spread > 1e-12
    if not varies.any():
        return None
    large, small = np.flatnonzero(varies & (rms > LARGE)), np.flatnonzero(varies & (rms < SMALL))
    if not large.size and varies.sum() != len(small):
        return None
    columns = large if large.size else small
    worst = int(columns[np.argmax(np.abs(np.log10(rms[columns])))])
    names = ", ".join(e.names[i] for i in columns[:6]) + (f" and {len(columns) - 6} more" if len(columns) > 6 else "")
    return Finding(
        f"columns {names}",
        {"column": e.names[worst], "smallest": float(rms[varies].min()), "largest": float(rms.max()), **_size(x[:, worst])},
        "inputs around 0 with a spread of about 1",
        "the gradient of a weight is δ times its input, so that steps are as unequal as the columns: large ones swing and "
        "saturate the units behind them, small ones hardly move",
        Remedy("standardise the inputs: (x − mean) / standard deviation", {"scale": "standard"}),
        is_ill=e.failure is not None or e.shortfall > HARMED or bool(rms.max() > HUGE),
        said=f"{e.names[worst]} is {x[:, worst].mean():.3g} ± {spread[worst]:.2g} as the network sees it",
        explain=f"{e.layers[0].param}[0,{worst}]" if e.layers else None,
    )  # fmt: skip


@diagnostic("data", causes=_BROUGHT_ABOUT)
def unscaled_target(e: Evidence) -> Finding | None:
    """Is the target of a size that the first weights suit?"""
    if e.task != "regression" or not isinstance(e.network.loss, Loss) or e.network.loss.growth is None:
        return None
    size = _size(e.y)
    if SMALL <= size["rms"] <= LARGE or size["spread"] == 0:
        return None
    return Finding(
        "the target", size, "a target around 0 with a spread of about 1",
        "the gradient of every weight is proportional to the error, which begins as large as the target: steps that suit "
        "the weights are too small to reach it, and those that reach it are too large for the weights",
        Remedy('standardise the target, as `fit` and preset="default" do', {"preset": "default"}),
        is_ill=e.failure is not None or e.shortfall > HARMED,
        said=f"the target is {size['mean']:.3g} ± {size['spread']:.2g} as the network learns it",
        explain=f"delta({e.layers[-1].net}[0])" if e.layers else None,
    )  # fmt: skip


def _size(values: Array) -> dict[str, float]:
    """How large numbers are; `off` is by how many powers of ten, by which scales are ranked."""
    rms = float(np.sqrt(np.mean(np.square(values))))
    return {
        "rms": rms, "mean": float(values.mean()), "spread": float(values.std()), "off": float(abs(np.log10(max(rms, 1e-300))))
    }  # fmt: skip
