"""A loss that does not move."""

from __future__ import annotations

import numpy as np

from chainrule.diagnostics.curves import train_curve
from chainrule.diagnostics.evidence import GAIN, Evidence
from chainrule.diagnostics.finding import Finding, Remedy, diagnostic

NOTHING = 0.1  # skill below which next to nothing was learned


@diagnostic("rates", needs=("own",), causes=("not_zero_centred",))
def plateau(e: Evidence) -> Finding | None:
    """Is the loss stuck at that of a constant prediction?"""
    found = train_curve(e.history)
    if found is None or e.failure is not None or len(found.values) < 5:
        return None
    if e.shortfall <= 2 * GAIN or e.skill > NOTHING:
        return None
    values = np.array(found.values)
    half = values[len(values) // 2 :]
    if abs(half[0] - half[-1]) > 0.02 * e.constant_loss:
        return None
    learned = (
        "" if e.reference is None else f"; a simple method reaches a skill of {e.reference.skill:.2f} on the same rows"
    )
    where = "above that" if half[-1] > (1 + GAIN) * e.constant_loss else "that"
    return Finding(
        f"epochs {len(values) // 2} to {len(values)}",
        {"from": float(half[0]), "to": float(half[-1]), "constant_loss": e.constant_loss, "skill": e.skill,
         "gradient": float(np.linalg.norm(e.trace.gradient)) if e.trace.gradient is not None else None},
        f"a loss that falls below that of a constant prediction, {e.constant_loss:.3g}",
        f"the loss does not move, and it is {where} of a constant prediction{learned}: the gradient is so small here that the "
        "steps lead nowhere",
        Remedy("begin elsewhere and take larger steps: another activation, a larger learning rate, momentum",
               {"hidden_activation": "relu", "initial": "suited", "optimizer": "adam"}),
        said=f"the loss stays at {half[-1]:.4g} over the second half of the training",
        explain=f"{e.layers[0].param}[0,0]" if e.layers else None,
    )  # fmt: skip
