"""The end of the training: did it come too soon?"""

from __future__ import annotations

from chainrule.diagnostics.curves import Curve, curve, train_curve
from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Diagnostic, Finding, Remedy, diagnostics

FALLING = 0.05  # of the loss of a constant prediction, over the last fifth of the epochs
BRIEF = 30  # epochs; of a training as short as this less is asked
SHORT = 0.05  # skill: less is not told from the spread between seeds


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


def _stopped(e: Evidence) -> tuple[Finding, ...]:
    if e.training is None or e.failure is not None or e.training.stopped == "early":
        return ()
    found = _still_falling(e)
    if found is None:
        return ()
    is_ill = e.shortfall > SHORT or len(found.values) < BRIEF
    epochs = len(found.values)
    return (
        Finding(
            "stopped_too_early", "illness" if is_ill else "note", f"epoch {epochs}",
            {"drop": found.drop, "last": found.last, "constant_loss": e.constant_loss, "epochs": epochs,
             "stopped": e.training.stopped},
            f"a loss that falls by less than {FALLING:.0%} of {e.constant_loss:.3g} over the last fifth of the epochs",
            "the loss was still falling when the training ended: it was not given the time to learn",
            Remedy("train for longer, and let early stopping find the end", {"epochs": max(10 * epochs, 200)}),
            said=f"over its last {max(1, epochs // 5)} epochs the loss still fell from {found.last + found.drop:.3g} to "
            f"{found.last:.3g}",
            explain="loss",
        ),
    )  # fmt: skip


@diagnostics.family
def stopped_too_early() -> Diagnostic:
    return Diagnostic(
        "stopped_too_early", "fit", "Was the loss still falling when the training ended?", _stopped, ("training",),
        causes=("underfitting",),
    )  # fmt: skip
