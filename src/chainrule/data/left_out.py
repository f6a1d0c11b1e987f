"""Columns that are not learned from: empty ones, dates, identifiers, and those that give the target away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.data.findings import Codes, class_leak, determines_class, identifier_reason, number_leak
from chainrule.data.table import Column, Note, listing
from chainrule.data.target import Label


def left_out(
    others: Sequence[Column],
    targets: Sequence[Column],
    classes: tuple[Label, ...],
    rows: Codes,
    drop: Sequence[str],
    date_parts: Sequence[str],
    keep: Sequence[str],
    notes: list[Note],
) -> dict[str, str]:
    """Columns that are not learned from, each with its reason; every one is noted."""
    out: dict[str, str] = {}
    candidates = [column for column in others if column.name not in drop]
    only = len(candidates) == 1
    target_codes, labels = _class_codes(targets[0], rows) if classes else (np.empty(0, np.int64), [])

    def leave(column: Column, topic: str, reason: str) -> None:
        insist = f"; keep=({column.name!r},) insists"
        if column.name in keep or only:
            why = "kept, as asked" if column.name in keep else "kept, being the only input"
            notes.append(Note(topic, f"column {column.name!r}", f"{why}, though {reason}"))
            return
        out[column.name] = reason
        notes.append(Note(topic, f"column {column.name!r}", f"left out: {reason}" + insist))

    for column in others:
        if column.name in drop:
            out[column.name] = "dropped, as asked"
        elif column.missing_count == len(column):
            out[column.name] = "it has no value in any row"
            notes.append(Note("empty", f"column {column.name!r}", "left out: it has no value in any row"))
        elif column.kind == "date":
            if column.name not in date_parts:
                out[column.name] = "it holds dates"
                insist = f"date_parts=({column.name!r},) uses year, month, weekday and elapsed days"
                text = f"left out: it holds dates; {insist}"
                notes.append(Note("date", f"column {column.name!r}", text))
        elif reason := _leak(column, targets, target_codes, labels, rows):
            leave(column, "leak", f"it gives the target away: {reason}")
        elif reason := identifier_reason(column, only):
            leave(column, "identifier", f"it looks like an identifier or free text: {reason}")
        elif classes and determines_class(column, target_codes, rows):
            text = (
                f"every one of its values goes with one value of {targets[0].name!r}; is it known before the target is?"
            )
            notes.append(Note("leak", f"column {column.name!r}", text))
    if drop:
        notes.append(Note("dropped", f"columns {listing(drop)}", "left out, as asked"))
    return out


def _leak(column: Column, targets: Sequence[Column], codes: Codes, labels: Sequence[str], rows: Codes) -> str | None:
    if labels:
        return class_leak(column, codes, targets[0].name, labels, rows)
    return next((reason for target in targets if (reason := number_leak(column, target, rows))), None)


def _class_codes(target: Column, rows: Codes) -> tuple[Codes, list[str]]:
    """Codes of the classes in order of first appearance, and their names in that order."""
    distinct, first, codes = np.unique(target.values[rows], return_index=True, return_inverse=True)
    rank = np.empty(len(distinct), np.int64)
    rank[np.argsort(first)] = np.arange(len(distinct))
    cells = target.take(rows[np.sort(first)]).cells()
    return rank[codes.reshape(-1)], [f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells]


def way_back(out: dict[str, str]) -> str | None:
    """How a column that was left out can be had after all."""
    dates = [name for name, reason in out.items() if reason == "it holds dates"]
    if dates:
        return f"date_parts=({dates[0]!r},) uses year, month, weekday and elapsed days"
    found = [name for name, reason in out.items() if reason.startswith(("it gives", "it looks"))]
    return f"keep=({found[0]!r},) insists on this column" if found else None
