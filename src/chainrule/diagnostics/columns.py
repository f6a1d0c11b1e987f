"""The inputs: their scale, what gives the target away, and whether new rows are like those learned from."""

from __future__ import annotations

import numpy as np

from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.finding import Diagnostic, Finding, Remedy, diagnostics
from chainrule.diagnostics.reference import reference, skill
from chainrule.engines.base import Rows
from chainrule.shapes import Array

LARGE, SMALL = (
    10.0,
    0.02,
)  # root mean square of a column: standardised columns have 1, an indicator of a rare level 0.05
SHIFTED = 0.5  # standard deviations between two means; with it 0.3 of Kolmogorov and Smirnov's distance
DISTANCE = 0.25
CERTAIN = 3.0  # times the distance that chance gives at the 5 % level, so that a hundred columns raise no alarm
GIVES_AWAY = 0.85  # skill of one column alone; all others together have three times the error
_BESIDE = 3  # neighbours on either side along one column

Floats = Array


def _unscaled(e: Evidence) -> tuple[Finding, ...]:
    x = e.sample.x
    rms = np.sqrt(np.mean(np.square(x), axis=0))
    spread = x.std(axis=0)
    varies = spread > 1e-12
    if not varies.any():
        return ()
    large, small = np.flatnonzero(varies & (rms > LARGE)), np.flatnonzero(varies & (rms < SMALL))
    only_small = not large.size and varies.sum() == len(small)
    if not large.size and not only_small:
        return ()
    columns = large if large.size else small
    worst = int(columns[np.argmax(np.abs(np.log10(rms[columns])))])
    is_ill = e.failure is not None or e.shortfall > 0.03 or rms.max() > 30.0
    names = ", ".join(e.names[i] for i in columns[:6]) + (f" and {len(columns) - 6} more" if len(columns) > 6 else "")
    return (
        Finding(
            "unscaled_inputs", "illness" if is_ill else "note", f"columns {names}",
            {"column": e.names[worst], "rms": float(rms[worst]), "mean": float(x[:, worst].mean()),
             "spread": float(spread[worst]), "smallest": float(rms[varies].min()), "largest": float(rms.max()),
             "off": float(abs(np.log10(rms[worst])))},
            "inputs around 0 with a spread of about 1",
            "the gradient of a weight is δ times its input, so that steps are as unequal as the columns: large ones swing and "
            "saturate the units behind them, small ones hardly move",
            Remedy("standardise the inputs: (x − mean) / standard deviation", {"scale": "standard"}),
            said=f"{e.names[worst]} is {x[:, worst].mean():.3g} ± {spread[worst]:.2g} as the network sees it",
            explain=f"{e.layers[0].param}[0,{worst}]" if e.layers else None,
        ),
    )  # fmt: skip


def _leakage(e: Evidence) -> tuple[Finding, ...]:
    x, y = e.sample.x, e.y
    if len(x) < 50:
        return ()
    copies = _rows_in_both(e)
    if copies > 0.05:
        return (
            Finding(
                "leakage", "illness", "the rows kept away", {"share": copies},
                "rows kept away that were not trained on",
                "rows that the network learned from are among those it is measured on: the score says how well it remembers",
                Remedy("remove duplicates before splitting"),
                said=f"{copies:.0%} of the rows kept away are also among the training rows",
            ),
        )  # fmt: skip
    if x.shape[1] < 2:
        return ()
    alone = np.array([skill(y, _said_by(x[:, i], y)) for i in range(x.shape[1])])
    best = int(alone.argmax())
    if alone[best] < GIVES_AWAY:
        return ()
    count = min(len(x), 800)
    others = reference(np.delete(x, best, axis=1)[:count], y[:count]).skill
    if 1.0 - others < 3.0 * (1.0 - alone[best]) or others > 0.95:
        return ()
    return (
        Finding(
            "leakage", "illness", f"column {e.names[best]}",
            {"column": e.names[best], "skill_alone": float(alone[best]), "skill_of_the_others": others},
            f"no single column with a skill above {GIVES_AWAY:g} where all others together reach {others:.2f}",
            "this column says almost exactly what is to be predicted; if it is only known afterwards, or was made from the "
            "target, the score will not hold on new rows",
            Remedy(f"leave {e.names[best]} out, unless it is known before the target is", {"drop": (e.names[best],)}),
            said=f"{e.names[best]} alone has a skill of {alone[best]:.3f}; all other columns together {others:.2f}",
            explain=f"{e.layers[0].param}[0,{best}]" if e.layers else None,
        ),
    )  # fmt: skip


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


def _shift(e: Evidence) -> tuple[Finding, ...]:
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
        return (
            Finding(
                "shift", "illness", f"columns {names}",
                {"column": e.names[worst], "distance": distance, "standard_deviations": by, "columns": len(found),
                 "rows": len(other)},
                "rows drawn from the same source as those learned from",
                f"{what} lie elsewhere than those the network learned from: it has to guess there, and a score on them says "
                "something else than one on rows like those of training",
                Remedy("split the rows at random, or train on rows of the kind that is to be predicted"),
                said=f"{e.names[worst]} lies {by:+.2f} standard deviations from where it lay in training",
            ),
        )  # fmt: skip
    return ()


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


@diagnostics.family
def unscaled_inputs() -> Diagnostic:
    return Diagnostic(
        "unscaled_inputs", "data", "Are the inputs of a size that the first weights suit?", _unscaled,
        causes=("exploding_gradients", "learning_rate_too_large", "learning_rate_too_small", "diverged", "saturated_units",
                "dead_units", "vanishing_gradients", "plateau", "underfitting", "stopped_too_early", "update_ratio",
                "overfitting", "not_zero_centred"),
    )  # fmt: skip


@diagnostics.family
def leakage() -> Diagnostic:
    return Diagnostic("leakage", "data", "Does a column give the target away?", _leakage, ("own",))


@diagnostics.family
def shift() -> Diagnostic:
    return Diagnostic(
        "shift",
        "data",
        "Are the other rows like those learned from?",
        _shift,
        causes=("overfitting", "linear_as_good", "unscaled_inputs", "saturated_units", "dead_units"),
    )
