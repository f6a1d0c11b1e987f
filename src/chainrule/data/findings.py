"""What is odd about columns: identifiers, columns that give the target away, twins, one value far from all others."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chainrule.data.table import Column, listing

FEW_LEVELS = 64
# With fewer rows a small example (a truth table) would look like a leak.
ENOUGH_ROWS = 20
_HEAD = 2000
_QUARTILE_ROWS = 10_000
FAR = 100
FEW_OF_A_CLASS = 5
_ID_NAME = re.compile(r"(?:^|[_ .-])(?:id|uuid|guid|index|key|nr|no|unnamed)$|[a-z]I[dD]$|^column 1$", re.IGNORECASE)

Codes = npt.NDArray[np.int64]


def level_codes(column: Column, rows: npt.NDArray[np.int64], limit: int = FEW_LEVELS) -> Codes | None:
    """Codes in order of first appearance (missing is a level of its own); None with more than `limit` levels."""
    if column.kind == "date":
        return None
    values = column.values[rows]
    for part in (values[:_HEAD], values):
        distinct, first, codes = np.unique(part, return_index=True, return_inverse=True)
        if len(distinct) > limit + 1:
            return None
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[codes.reshape(-1)]


def is_constant(column: Column) -> bool:
    """Whether every value that is not missing is the same."""
    present = column.present
    return len(present) > 0 and all(bool(np.all(part == present[0])) for part in (present[:_HEAD], present))


def identifier_reason(column: Column, is_only_input: bool) -> str | None:
    """Why a column looks like an identifier, or None. A measured number whose values all differ is not one."""
    present = column.present
    count = len(present)
    if column.kind == "text":
        distinct = len(np.unique(present))
        if column.stored == "int64" or (distinct == count and count >= 10 and _all_digits(column.levels)):
            return (
                "whole numbers too large to be held exactly"
                if column.stored == "int64"
                else "a different number in every row"
            )
        if distinct == count and count >= 10:
            return f"{distinct} different texts in {count} rows"
        return f"{distinct} different texts in {count} rows" if distinct > max(20, count / 2) else None
    if column.kind != "number" or is_only_input or count < 10 or column.missing_count or not column.is_whole:
        return None
    low, high = present.min(), present.max()
    if high - low == count - 1:
        steps = np.diff(present)
        if (np.all(steps == 1) and low in (0, 1)) or (count >= 30 and len(np.unique(present)) == count):
            return "running numbers"
    if _ID_NAME.search(column.name) and len(np.unique(present)) == count:
        return "a different whole number in every row"
    return None


def far_value(column: Column, rows: Codes) -> str | None:
    """What to say where so few values are so large that standardising by them makes all others look alike.

    That is: the standard deviation is over a hundred times the distance between the quartiles.
    """
    if column.kind != "number":
        return None
    values = column.values[rows].astype(np.float64)
    values = values[~np.isnan(values)]
    if len(values) < ENOUGH_ROWS or np.ptp(values) == 0:
        return None
    low, high = np.quantile(values[:: max(1, len(values) // _QUARTILE_ROWS)], [0.25, 0.75])
    size = float(np.abs(values).max())  # a square may be too large to be held
    if not high > low or float((values / size).std()) * size <= FAR * (high - low):
        return None
    far = values[int(np.argmax(np.abs(values - low)))]
    row = int(rows[np.flatnonzero(column.values[rows] == far)[0]])
    return f"row {row} holds {far:g}, though half of all values lie between {low:g} and {high:g}: is it right?"


def rare_classes(target: Column, rows: Codes) -> str | None:
    """What to say of classes with hardly a row, or None."""
    if len(rows) < ENOUGH_ROWS:
        return None
    _, first, counts = np.unique(target.values[rows], return_index=True, return_counts=True)
    few = np.flatnonzero(counts < FEW_OF_A_CLASS)
    if not len(few):
        return None
    cells = target.take(rows[first[few]]).cells()
    said = listing([f"{cell_text(cell)} ({count})" for cell, count in zip(cells, counts[few], strict=True)])
    return f"fewer than {FEW_OF_A_CLASS} rows have {said}: too few to learn it from, or to test it"


def _all_digits(levels: Sequence[str]) -> bool:
    return all(level.isdigit() for level in levels)


def class_leak(column: Column, target: Codes, target_name: str, labels: Sequence[str], rows: Codes) -> str | None:
    """Why a column gives the class away: it is one-to-one with the classes, or missing for exactly one of them.

    `target`: codes in order of first appearance, one for each of `rows`; `labels` their names.
    """
    if len(rows) < ENOUGH_ROWS or len(labels) < 2:
        return None
    gone = column.missing[rows]
    if 0 < gone.sum() < len(rows) and len(labels) == 2:
        pattern = (gone != gone[0]).astype(np.int64)
        if np.array_equal(pattern, target):
            return f"it is missing exactly where {target_name!r} is {labels[0 if gone[0] else 1]}"
    if gone.mean() > 0.5:
        return None
    there = rows[~gone]
    codes = level_codes(column, there)
    if codes is None or codes.max(initial=0) < 1:
        return None
    among = target[~gone]
    order, first, ranked = np.unique(among, return_index=True, return_inverse=True)
    rank = np.empty(len(order), np.int64)
    rank[np.argsort(first)] = np.arange(len(order))
    if not np.array_equal(rank[ranked.reshape(-1)], codes):
        return None
    cells = column.take(there[np.sort(np.unique(codes, return_index=True)[1])]).cells()
    pairs = [f"{cell_text(cell)} = {labels[int(order[np.flatnonzero(rank == i)[0]])]}" for i, cell in enumerate(cells)]
    return f"each of its values goes with one value of {target_name!r} ({listing(pairs, 4)})"


def determines_class(column: Column, target: Codes, rows: Codes) -> bool:
    """Every value of the column goes with a single class, at five rows a value or more."""
    codes = level_codes(column, rows, limit=20)
    if codes is None or len(rows) < ENOUGH_ROWS:
        return False
    levels = int(codes.max(initial=0)) + 1
    pairs = len(np.unique(codes * (int(target.max()) + 1) + target))
    return levels > 1 and levels * 5 <= len(rows) and pairs == levels


def cell_text(cell: object) -> str:
    """A cell as it is quoted in a message."""
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def number_leak(column: Column, target: Column, rows: Codes) -> str | None:
    """Why a column gives a number away: it is the target, or the target on another scale."""
    if column.kind not in ("number", "boolean"):
        return None
    for part in (rows[:_HEAD], rows):
        x, y = column.values[part], target.values[part]
        there = ~np.isnan(x)
        x, y = x[there], y[there]
        if len(x) < ENOUGH_ROWS or 2 * len(x) < len(part) or abs(_correlation(x, y)) < 0.999:
            return None
    if np.array_equal(x, y):
        return f"it equals {target.name!r} in every row"
    correlation = _correlation(x, y)
    if abs(correlation) > 0.9999:
        return f"it is {target.name!r} on another scale (correlation {correlation:.6f})"
    return None


def _correlation(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        x, y = x - x.mean(), y - y.mean()
        size = np.sqrt((x @ x) * (y @ y))
        return float(x @ y / size) if np.isfinite(size) and size > 0 else 0.0


def same_information(columns: Sequence[Column], rows: Codes) -> list[tuple[str, str]]:
    """Pairs (earlier, later) of columns of which each value of one goes with one value of the other in every row."""
    seen: dict[bytes, list[tuple[Column, Codes | None]]] = {}
    pairs: list[tuple[str, str]] = []
    for column in columns:
        if column.kind == "date" or is_constant(column):
            continue
        codes = level_codes(column, rows)
        if codes is not None and 2 * (int(codes.max(initial=0)) + 1) > len(rows):
            codes = None  # with a value of its own in most rows any two columns would go together
        head = codes[:_HEAD] if codes is not None else column.values[rows[:_HEAD]]
        twins = seen.setdefault(head.tobytes(), [])
        for other, other_codes in twins:
            if _same(column, codes, other, other_codes, rows):
                pairs.append((other.name, column.name))
                break
        else:
            twins.append((column, codes))
    return pairs


def _same(column: Column, codes: Codes | None, other: Column, other_codes: Codes | None, rows: Codes) -> bool:
    if codes is not None and other_codes is not None:
        return np.array_equal(codes, other_codes)
    if codes is None and other_codes is None and column.kind == other.kind == "number":
        return np.array_equal(column.values[rows], other.values[rows], equal_nan=True)
    return False
