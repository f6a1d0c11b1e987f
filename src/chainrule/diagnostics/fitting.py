"""Fit: rows learned by heart, and more network than was needed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.diagnostics.curves import Curve, curve, train_curve
from chainrule.diagnostics.evidence import GAIN, SHORT, Evidence
from chainrule.diagnostics.finding import Finding, Remedy, diagnostic
from chainrule.diagnostics.reference import fitted

GAP = 0.15  # skill on the rows learned from, above that on rows kept away
WIDE = 0.25  # a gap of which less has to be behind the simple method
BY_HEART = 0.5  # a gap that needs no comparison
RISE = 1.15  # the last validation loss over the lowest, where training went on
MARGIN = 0.01  # skill by which a network should beat a linear model


@diagnostic("fit", needs=("own",), causes=("linear_as_good",))
def overfitting(e: Evidence) -> Finding | None:
    """Does it know its training rows by heart?"""
    if e.failure is not None:
        return None
    measured: dict[str, Any] = {"skill": e.skill, "watched_skill": e.watched_skill}
    said = []
    gap = e.skill - e.watched_skill if e.watched_skill is not None else 0.0
    watched, trained, turned = curve(e.history, "val_loss"), train_curve(e.history), False
    if watched is not None and trained is not None and e.training is not None:
        turned = _turned(e, watched, trained, gap)
        measured |= {"turning_epoch": watched.turning_epoch, "lowest": watched.best, "last": watched.last,
                     "gap": watched.last - trained.last}  # fmt: skip
    if turned:
        said.append(
            f"the validation loss turns at epoch {measured['turning_epoch']} ({measured['lowest']:.3g}) and ends at "
            f"{measured['last']:.3g}, {measured['gap']:.3g} above the training loss"
        )
    apart = _apart(e, gap)
    if not turned and not apart:
        return None
    if apart:
        said.append(f"skill {e.skill:.2f} on the rows learned from, {e.watched_skill:.2f} on rows kept away")
    made = e.training
    kept_earlier = made is not None and (made.stopped == "early" or made.best_epoch < made.epochs_made)
    is_ill = apart or not kept_earlier
    return Finding(
        "the network", measured,
        f"a gap of less than {GAP:g} in skill, and a validation loss that levels off",
        "the network learns its training rows by heart: what it gains there it loses on rows it has not seen"
        if is_ill else "the weights that were kept are those from before the turn",
        Remedy("stop early, a stronger penalty, dropout, a smaller network, or more rows",
               {"validation": 0.2, "patience": 10, "l2": 0.01, "dropout": 0.2}),
        is_ill=is_ill,
        said="; ".join(said), explain="loss",
    )  # fmt: skip


def _turned(e: Evidence, watched: Curve, trained: Curve, gap: float) -> bool:
    """Whether the validation loss has risen by more than its noise since its lowest point, while the training loss fell on."""
    return (
        (watched.last > RISE * watched.best or gap > WIDE)
        and watched.rise > max(2.0 * watched.noise, GAIN * e.constant_loss)
        and watched.turning_epoch < 0.8 * len(watched.values)
        and trained.last < 0.8 * trained.values[watched.turning_epoch - 1]
    )


def _apart(e: Evidence, gap: float) -> bool:
    """Whether the network is so much better on its own rows that it is worse on others than something simpler would be, or
    that more than half of what it seems to know is not there on others."""
    if e.watched_skill is None or e.watched is None or gap <= max(GAP, 3.0 / math.sqrt(len(e.watched))):
        return False
    behind = e.reference.skill - e.watched_skill if e.reference is not None else 0.0
    return behind > SHORT or e.watched_skill <= 0.0 or (gap > WIDE and behind > SHORT / 2.5) or gap > BY_HEART


@diagnostic("fit", needs=("own",))
def linear_as_good(e: Evidence) -> Finding | None:
    """Would a linear model do as well?"""
    if e.failure is not None or e.reference is None or not [one for one in e.layers if not one.is_output]:
        return None
    network, linear = e.watched_skill, e.reference.linear
    if network is None or e.shortfall > SHORT:
        return None
    assert e.watched is not None
    count = min(len(e.sample), 1500)
    x = e.sample.x[:count].astype(np.float64)
    said, _ = fitted(x, e.y[:count], e.watched.x.astype(np.float64))
    linear = e.skill_of(said)
    if linear < network - MARGIN or linear <= 0.02:
        return None
    return Finding(
        "the network", {"network": network, "linear": linear, "rows": len(e.watched)},
        f"a skill above that of a linear model by {MARGIN:g} or more",
        "what these columns say about the target is said by a weighted sum; the hidden layers add nothing on new rows",
        Remedy("a linear model is smaller and easier to read: network=()", {"network": ()}),
        is_ill=False,
        said=f"skill {network:.3f} on {len(e.watched)} rows kept away, a linear model reaches {linear:.3f}",
    )  # fmt: skip
