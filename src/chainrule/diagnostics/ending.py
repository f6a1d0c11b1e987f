"""The end of the training: did it come too soon?"""

from __future__ import annotations

from chainrule.diagnostics import probes
from chainrule.diagnostics.curves import FALLING, Curve, curve, train_curve
from chainrule.diagnostics.evidence import SHORT, Evidence
from chainrule.diagnostics.finding import Finding, Remedy, diagnostic

BRIEF = 30  # epochs; of a training as short as this less is asked
LONGER = 10


def _still_falling(e: Evidence) -> Curve | None:
    """The curve that says whether training was over: validation where there is one, else the training rows'."""
    watched, trained = curve(e.history, "val_loss"), train_curve(e.history)
    if watched is not None and watched.last > watched.best + 0.25 * max(watched.drop, 0.0):
        return None  # it has turned already
    for found in (watched, trained):
        if found is None:
            continue
        brief = len(found.values) < BRIEF and e.shortfall > SHORT
        if found.drop > max((0.4 if brief else 1.0) * FALLING * e.constant_loss, 2.0 * found.noise):
            return found
    return None


def _not_begun(e: Evidence) -> tuple[Curve | None, float | None]:
    """The curve of a training so brief that it had not begun to fall, where it was tried that it goes on to fall, and to
    which loss."""
    curve = train_curve(e.history)
    made = e.training
    if made is None or curve is None or made.stopped != "epochs" or len(curve.values) >= BRIEF or e.shortfall <= SHORT:
        return None, None
    later = e.tried(steps=min(LONGER * made.steps, 4 * probes.TRIED))
    return (curve, later) if later is not None and later < e.loss - FALLING * e.constant_loss else (None, None)


@diagnostic("fit", needs=("training",), causes=("underfitting",))
def stopped_too_early(e: Evidence) -> Finding | None:
    """Was the loss still falling when the training ended?"""
    if e.training is None or e.failure is not None or e.training.stopped == "early":
        return None
    if e.training.is_annealed and e.shortfall <= SHORT:
        return None  # a loss falls while a schedule takes the rate to 0, however long the training
    found, longer = _still_falling(e), None
    if found is None:
        found, longer = _not_begun(e)
    if found is None:
        return None
    is_ill = e.shortfall > SHORT or len(found.values) < BRIEF
    epochs = len(found.values)
    return Finding(
        f"epoch {epochs}",
        {"drop": found.drop, "last": found.last, "constant_loss": e.constant_loss, "epochs": epochs,
         "stopped": e.training.stopped, "loss_later": longer},
        f"a loss that falls by less than {FALLING:.0%} of {e.constant_loss:.3g} over the last fifth of the epochs",
        "the loss was still falling when the training ended: it was not given the time to learn",
        Remedy("train for longer, and let early stopping find the end", {"epochs": max(10 * epochs, 200)}),
        is_ill=is_ill,
        said=f"over its last {max(1, epochs // 5)} epochs the loss still fell from {found.last + found.drop:.3g} to "
        f"{found.last:.3g}" if longer is None else
        f"after {epochs} epochs the loss is {e.loss:.3g}; {LONGER} times as many steps bring it to {longer:.3g}",
        explain="loss",
    )  # fmt: skip
