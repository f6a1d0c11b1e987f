"""Causes before symptoms: which finding is the one to treat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chainrule.diagnostics.finding import Finding, diagnostics


def explains(cause: Finding, effect: Finding) -> bool:
    """Whether the first finding can be what led to the second.

    What was so with the first weights already was not brought about by the steps taken since; and only what was so then
    can be why the steps went wrong.
    """
    record = diagnostics.get(cause.diagnostic)
    if effect.diagnostic not in record.causes:
        return False
    steps, units = ("learning_rate_too_large", "learning_rate_too_small", "diverged"), ("saturated_units", "dead_units")
    if cause.diagnostic in steps and effect.diagnostic in units:
        return not effect.measured.get("from_start")
    if cause.diagnostic in units and effect.diagnostic in steps:
        return bool(cause.measured.get("from_start"))
    return True


def ranked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings in the order in which to treat them: illnesses before notes, causes before what they explain, then by
    how far a scale is off, then in the order of the catalog."""
    order = diagnostics.names()
    ill = [one for one in findings if one.severity == "illness"]

    def depth(one: Finding, seen: tuple[Finding, ...] = ()) -> int:
        above = [other for other in ill if other is not one and other not in seen and explains(other, one)]
        return max((1 + depth(other, (*seen, one)) for other in above), default=0)

    def key(one: Finding) -> tuple[bool, int, float, int]:
        is_note = one.severity == "note"
        return is_note, 0 if is_note else depth(one), -float(one.measured.get("off", 0.0)), order.index(one.diagnostic)

    return tuple(replace(one, rank=i + 1) for i, one in enumerate(sorted(findings, key=key)))
