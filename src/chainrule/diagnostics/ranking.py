"""Causes before symptoms: which finding is the one to treat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chainrule.diagnostics.finding import RATES, UNITS, Finding, diagnostics

WHILE_TRAINING = (
    *RATES,
    "diverged",
    "underfitting",
)  # what acts by the steps that are taken, or those that are held down


def explains(cause: Finding, effect: Finding) -> bool:
    """Whether the first finding can be what led to the second.

    What was so with the first weights already was not brought about by the steps taken since; and only what was so then
    can be why the steps went wrong. (Steps and silent units may each be the cause of the other.)
    """
    if effect.diagnostic not in diagnostics.get(cause.diagnostic).causes:
        return False
    if cause.diagnostic in WHILE_TRAINING and effect.diagnostic in UNITS:
        return not effect.measured.get("from_start") and _is_tried(cause)
    if cause.diagnostic in UNITS and effect.diagnostic in WHILE_TRAINING:
        return bool(cause.measured.get("from_start")) or not _is_tried(effect)
    return True


def _is_tried(finding: Finding) -> bool:
    """Whether a restraint was tried to be the cause; a network that narrow may be so without harm."""
    return finding.measured.get("loss_without", 0.0) is not None


def ranked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings in the order in which to treat them: illnesses before notes, causes before what they explain, then by
    how far a scale is off, then in the order of the catalog."""
    order = diagnostics.names()
    ill = [one for one in findings if one.is_ill]

    def depth(one: Finding, seen: tuple[Finding, ...] = ()) -> int:
        above = [other for other in ill if other is not one and other not in seen and explains(other, one)]
        return max((1 + depth(other, (*seen, one)) for other in above), default=0)

    def key(one: Finding) -> tuple[bool, int, float, int]:
        off = -float(one.measured.get("off", 0.0))
        return not one.is_ill, depth(one) if one.is_ill else 0, off, order.index(one.diagnostic)

    return tuple(replace(one, rank=i + 1) for i, one in enumerate(sorted(findings, key=key)))
