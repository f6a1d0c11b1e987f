"""Fit: too little, too much, cut short, or more than was needed."""

from __future__ import annotations

import math

import numpy as np

from chainrule.diagnostics.curves import curve, train_curve
from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Diagnostic, Finding, Remedy, diagnostics
from chainrule.diagnostics.reference import fitted

SHORT = 0.05  # skill: less is not told from the spread between seeds
FALLING = 0.05  # of the loss of a constant prediction, over the last fifth of the epochs
STRONG = 0.031  # l2: the largest that `fit` chooses by itself is 0.03
SILENCED = 0.5  # dropout: the usual largest rate
NARROW = 3  # units of the narrowest layer
GAP = 0.15  # skill on the rows learned from, above that on rows kept away
WIDE = 0.25  # a gap of which less has to be behind the simple method
RISE = 1.15  # the last validation loss over the lowest, where training went on
MARGIN = 0.01  # skill by which a network should beat a linear model


def _levelled(e: Evidence) -> bool:
    found = train_curve(e.history)
    return found is None or found.drop <= FALLING * e.constant_loss


def _underfitting(e: Evidence) -> tuple[Finding, ...]:
    if e.failure is not None or e.reference is None or e.shortfall <= SHORT:
        return ()
    why = _held_back(e)
    if why is None and not _levelled(e):
        return ()
    named = why is not None
    return (
        Finding(
            "underfitting", "illness" if named else "note", "the network",
            {"skill": e.skill, "reference_skill": e.reference.skill, "loss": e.loss, "because": why},
            f"a skill of {e.reference.skill:.2f} or more on its own training rows",
            "a simple method does better on rows that it did not see than the network on those "
            f"it learned from: {why or 'its size and its penalty are usual, so that the steps or the penalty may be to blame'}",
            Remedy("a larger network, less penalty, less dropout",
                   {"network": (64, 32), "hidden_activation": "relu", "l2": 0.0001, "dropout": 0.0}),
            said=f"skill {e.skill:.3g} on the training rows, where a simple method reaches {e.reference.skill:.2f} on rows it "
            "did not see",
            explain="loss",
        ),
    )  # fmt: skip


def _held_back(e: Evidence) -> str | None:
    """What holds the network back by its own settings; None where they are usual."""
    l2 = e.training.update.l2 if e.training is not None else 0.0
    hidden = [one for one in e.layers if not one.is_output]
    widths = [len(one.units) for one in hidden]
    rate = max((step.constants["rate"] for step in e.plan.steps if step.op == "dropout"), default=0.0)
    if l2 > STRONG:
        return f"its penalty (l2 = {l2:g}) holds the weights down"
    if rate > SILENCED:
        return f"it silences {rate:.0%} of its units in every step"
    if not widths:
        return "it has no hidden layer"
    if all(one.function == "identity" for one in hidden):
        return "its hidden layers are linear, so that the whole network is"
    if min(widths) <= NARROW:
        return f"all that it knows of a row has to pass through {min(widths)} unit{'s' if min(widths) > 1 else ''}"
    return None


def _overfitting(e: Evidence) -> tuple[Finding, ...]:
    if e.failure is not None:
        return ()
    watched, trained = curve(e.history, "val_loss"), train_curve(e.history)
    turned = False
    measured = {"skill": e.skill, "watched_skill": e.watched_skill}
    said = []
    if watched is not None and trained is not None and e.training is not None:
        rise = watched.last / watched.best if watched.best > 0 else 1.0
        turned = (
            rise > RISE and watched.rise > 2.0 * watched.noise and watched.turning_epoch < 0.8 * len(watched.values)
            and trained.last < 0.8 * trained.values[watched.turning_epoch - 1] and watched.rise > SHORT * e.constant_loss
        )  # fmt: skip
        measured |= {"turning_epoch": watched.turning_epoch, "lowest": watched.best, "last": watched.last,
                     "gap": watched.last - trained.last}  # fmt: skip
        if turned:
            said.append(
                f"the validation loss turns at epoch {watched.turning_epoch} ({watched.best:.3g}) and ends at "
                f"{watched.last:.3g}, while the training loss falls to {trained.last:.3g}"
            )
    gap = e.skill - e.watched_skill if e.watched_skill is not None else 0.0
    behind = 0.0
    if e.watched_skill is not None and e.reference is not None:
        behind = e.reference.skill - e.watched_skill
    wide = gap > GAP and e.watched is not None and gap > 3.0 / math.sqrt(len(e.watched))
    nothing = e.watched_skill is not None and e.watched_skill <= 0.0
    apart = wide and (behind > SHORT or nothing or (gap > WIDE and behind > SHORT / 2.5))
    caught = e.training is not None and e.training.stopped == "early"
    if not turned and not apart:
        return ()
    if apart:
        said.append(f"skill {e.skill:.2f} on the rows learned from, {e.watched_skill:.2f} on rows kept away")
    is_ill = apart or not caught
    return (
        Finding(
            "overfitting", "illness" if is_ill else "note", "the network", measured,
            f"a gap of less than {GAP:g} in skill, and a validation loss that levels off",
            "the network learns its training rows by heart: what it gains there it loses on rows it has not seen"
            if is_ill else "early stopping kept the weights from before the turn",
            Remedy("stop early, a stronger penalty, dropout, a smaller network, or more rows",
                   {"validation": 0.2, "patience": 10, "l2": 0.01, "dropout": 0.2}),
            said="; ".join(said), explain="loss",
        ),
    )  # fmt: skip


def _linear(e: Evidence) -> tuple[Finding, ...]:
    if e.failure is not None or e.reference is None or not [one for one in e.layers if not one.is_output]:
        return ()
    network, linear = e.watched_skill, e.reference.linear
    if network is None or e.shortfall > SHORT:
        return ()
    assert e.watched is not None
    count = min(len(e.sample), 1500)
    x = e.sample.x[:count].astype(np.float64)
    said, _ = fitted(x, e.y[:count], e.watched.x.astype(np.float64))
    linear = e.skill_of(said)
    if linear < network - MARGIN or linear <= 0.02:
        return ()
    return (
        Finding(
            "linear_as_good", "note", "the network", {"network": network, "linear": linear, "rows": len(e.watched)},
            f"a skill above that of a linear model by {MARGIN:g} or more",
            "what these columns say about the target is said by a weighted sum; the hidden layers add nothing on new rows",
            Remedy("a linear model is smaller and easier to read: network=()", {"network": ()}),
            said=f"skill {network:.3f} on {len(e.watched)} rows kept away, a linear model reaches {linear:.3f}",
        ),
    )  # fmt: skip


@diagnostics.family
def underfitting() -> Diagnostic:
    return Diagnostic("underfitting", "fit", "Has it learned what there is to be learned?", _underfitting, ("own",))


@diagnostics.family
def overfitting() -> Diagnostic:
    return Diagnostic(
        "overfitting",
        "fit",
        "Does it know its training rows by heart?",
        _overfitting,
        ("own",),
        causes=("linear_as_good",),
    )


@diagnostics.family
def linear_as_good() -> Diagnostic:
    return Diagnostic("linear_as_good", "fit", "Would a linear model do as well?", _linear, ("own",))
