"""The inputs: what gives the target away, and whether new rows are like those learned from."""

from __future__ import annotations

import numpy as np

from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import UNITS, Finding, Remedy, diagnostic
from chainrule.diagnostics.reference import reference, skill
from chainrule.engines.base import Rows
from chainrule.shapes import Array, Ints

SHIFTED = 0.5  # standard deviations between two means; with it 0.3 of Kolmogorov and Smirnov's distance
DISTANCE = 0.25
CERTAIN = 3.0  # times the distance that chance gives at the 5 % level, so that a hundred columns raise no alarm
GIVES_AWAY = (
    0.85  # skill of one column alone that stands in clumps, or beside which all others have three times the error
)
ALONE = 0.95  # the same for a target of numbers: the largest part of a sum says less
CLUMPED = 0.97  # of a column's variance that lies between its clumps; two normal clumps that touch have 0.9
_BESIDE = 3  # neighbours on either side along one column

Floats = Array


@diagnostic("data", needs=("own",))
def leakage(e: Evidence) -> Finding | None:
    """Does a column give the target away?"""
    x, y = e.sample.x, e.y
    if len(x) < 50:
        return None
    copies = _rows_in_both(e)
    if copies > 0.05:
        return Finding(
            "the rows kept away", {"share": copies},
            "rows kept away that were not trained on",
            "rows that the network learned from are among those it is measured on: the score says how well it remembers",
            Remedy("remove duplicates before splitting"),
            said=f"{copies:.0%} of the rows kept away are also among the training rows",
        )  # fmt: skip
    if x.shape[1] < 2:
        return None
    inputs: dict[str, list[int]] = {}
    for i, source in enumerate(e.sources):
        inputs.setdefault(source, []).append(i)
    if len(inputs) < 2:
        return None
    alone = {name: _alone(x[:, those], y) for name, those in inputs.items()}
    best = max(alone, key=alone.__getitem__)
    limit = ALONE if e.codes is None else GIVES_AWAY
    if alone[best] < limit:
        return None
    count, those = min(len(x), 800), inputs[best]
    others = reference(np.delete(x, those, axis=1)[:count], y[:count]).skill
    is_copy = e.codes is not None and (len(those) > 1 or _copies_classes(x[:, those[0]], e.codes))
    if (1.0 - others < 3.0 * (1.0 - alone[best]) and not is_copy) or others > 0.95:
        return None
    return Finding(
        f"column {best}",
        {"column": best, "skill_alone": alone[best], "skill_of_the_others": others, "is_copy": is_copy},
        f"no single column with a skill above {limit:g} where all others together reach {others:.2f}",
        "this column says almost exactly what is to be predicted; if it is only known afterwards, or was made from the "
        "target, the score will not hold on new rows",
        Remedy(f"leave {best} out, unless it is known before the target is", {"drop": (best,)}),
        said=f"{best} alone has a skill of {alone[best]:.3f}; all other columns together {others:.2f}"
        + ("; its values stand in clumps, one for every class" if is_copy else ""),
        explain=f"{e.layers[0].param}[0,{those[0]}]" if e.layers else None,
    )  # fmt: skip


def _alone(x: Floats, y: Floats) -> float:
    """The skill of what one column says: by a line or the rows next to it, of categories by the mean of each."""
    return skill(y, _said_by(x[:, 0], y)) if x.shape[1] == 1 else reference(x, y).skill


def _copies_classes(x: Floats, codes: Ints) -> bool:
    """Whether a column is a copy of the target: cut at its widest gaps into as many clumps as there are classes, it has them
    far apart, and every clump belongs to a class of its own. A measurement that tells classes well has no such gaps."""
    count = int(codes.max()) + 1
    order = np.argsort(x, kind="stable")
    cuts = np.sort(np.argsort(np.diff(x[order]), kind="stable")[::-1][: count - 1]) + 1
    clumps = np.split(order, cuts)
    within = sum(float(((x[rows] - x[rows].mean()) ** 2).sum()) for rows in clumps)
    if within > (1.0 - CLUMPED) * float(((x - x.mean()) ** 2).sum()):
        return False
    return len({int(np.bincount(codes[rows]).argmax()) for rows in clumps}) == count


def _rows_in_both(e: Evidence) -> float:
    """The share of the rows kept away whose inputs and targets stand among the training rows too."""
    if e.watched is None or e.watched.x.shape[1] < 2:
        return 0.0
    known = {row.tobytes() for row in _whole_rows(e.rows)}
    held = _whole_rows(e.watched)
    continuous = len(known) > 0.9 * len(e.rows)
    return sum(row.tobytes() in known for row in held) / max(1, len(held)) if continuous else 0.0


def _whole_rows(rows: Rows) -> Floats:
    assert rows.y is not None
    y = rows.y if rows.y.ndim == 2 else rows.y[:, None]
    return np.ascontiguousarray(np.hstack([rows.x.astype(np.float64), y.astype(np.float64)]))


def _said_by(x: Floats, y: Floats) -> Floats:
    """Every row's target as a line says it, or as the rows next to it along x do."""
    order = np.argsort(x, kind="stable")
    sums = np.vstack([np.zeros(y.shape[1]), np.cumsum(y[order], axis=0)])
    i = np.arange(len(x))
    low, high = np.maximum(i - _BESIDE, 0), np.minimum(i + _BESIDE + 1, len(x))
    beside = np.empty_like(y)
    beside[order] = (sums[high] - sums[low] - y[order]) / (high - low - 1)[:, None]
    spread = x - x.mean()
    size = float(spread @ spread)
    line = y.mean(axis=0) + np.outer(spread, spread @ (y - y.mean(axis=0)) / size) if size > 0 else beside
    found: Floats = line if skill(y, line) > skill(y, beside) else beside
    return found


@diagnostic("data", causes=(*UNITS, "overfitting", "linear_as_good", "unscaled_inputs"))
def shift(e: Evidence) -> Finding | None:
    """Are the other rows like those learned from?"""
    pairs = [("the new rows", e.new), ("the rows kept away", e.watched)]
    for what, other in pairs:
        if other is None or len(other) < 30:
            continue
        x = other.x.astype(np.float64)
        found = _off_center(x, e.standardised) if e.is_foreign and e.standardised is not None else _moved(e.sample.x, x)
        if not found:
            continue
        worst, distance, by = found[0]
        names = ", ".join(e.names[i] for i, _, _ in found[:6]) + (
            f" and {len(found) - 6} more" if len(found) > 6 else ""
        )
        return Finding(
            f"columns {names}",
            {"column": e.names[worst], "distance": distance, "standard_deviations": by, "columns": len(found),
             "rows": len(other)},
            "rows drawn from the same source as those learned from",
            f"{what} lie elsewhere than those the network learned from: it has to guess there, and a score on them says "
            "something else than one on rows like those of training",
            Remedy("split the rows at random, or train on rows of the kind that is to be predicted",
                   {"split": "random"} if other is e.watched else {}),
            said=f"{e.names[worst]} lies {by:+.2f} standard deviations from where it lay in training",
        )  # fmt: skip
    return None


def _off_center(x: Floats, standardised: tuple[bool, ...]) -> list[tuple[int, float, float]]:
    """The same for inputs that had mean 0 and spread 1 in training, of which no more is known."""
    by = x.mean(axis=0)
    far = (np.abs(by) > SHIFTED) & (np.abs(by) * np.sqrt(len(x)) > 8.0) & np.array(standardised)
    return sorted(((int(i), float("nan"), float(by[i])) for i in np.flatnonzero(far)), key=lambda one: -abs(one[2]))


def _moved(x: Floats, other: Floats) -> list[tuple[int, float, float]]:
    """(column, distance, shift in standard deviations) of the columns that are distributed otherwise, worst first."""
    n, m = len(x), len(other)
    chance = 1.36 * np.sqrt((n + m) / (n * m))
    found = []
    for i in range(x.shape[1]):
        distance = _distance(np.sort(x[:, i]), np.sort(other[:, i]))
        spread = x[:, i].std() or 1.0
        by = float((other[:, i].mean() - x[:, i].mean()) / spread)
        if distance > DISTANCE and distance > CERTAIN * chance:
            found.append((i, distance, by))
    return sorted(found, key=lambda one: -one[1])


def _distance(a: Floats, b: Floats) -> float:
    """Kolmogorov and Smirnov's: the largest difference of the two distribution functions."""
    both = np.concatenate([a, b])
    gap = np.searchsorted(a, both, side="right") / len(a) - np.searchsorted(b, both, side="right") / len(b)
    return float(np.abs(gap).max())
