"""From measured folds to the tables of `accuracy.py`: scores, ranks, normalised scores, non-inferiority."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from accuracy_contenders import REFERENCE

MARGIN = 0.02
"""Stated before any measurement: normalised points by which a preset may trail its peer and count as not worse."""

PAIRS = (("chainrule-default", "realmlp-td-s"), ("chainrule-best", "realmlp-td"))
HOPELESS = 0.95
"""A table whose reference keeps more than this share of the constant's error has nothing to normalise by: it is shown,
but neither ranked nor averaged."""

DRAWS = 10_000
SEED = ", seed "
"""Between the name of a made table and the seed it was drawn from, where there are several."""


@dataclass(frozen=True)
class Measured:
    """One contender on one fold: `error` is the share of wrong classes, or the RMSE over the constant's (NaN: failed)."""

    contender: str
    version: str
    table: str
    fingerprint: str
    task: str
    seed: int
    fold: int
    rows: int
    error: float
    score: float
    log_loss: float | None
    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    threads: int
    failure: str | None = None


def errors(task: str, y: np.ndarray, told: np.ndarray, constant: np.ndarray | None) -> dict[str, Any]:
    """`score` is accuracy or R² (mean over outputs); `constant`: the RMSE of the training mean, by output."""
    if not np.isfinite(told).all():
        raise ValueError("a prediction is not finite")
    if task == "classification":
        right = float((told.argmax(axis=1) == y).mean())
        chance = np.clip(told[np.arange(len(y)), y], 1e-7, 1.0)
        return {"error": 1.0 - right, "score": right, "log_loss": float(-np.log(chance).mean())}
    y, told = y.reshape(len(y), -1), told.reshape(len(y), -1)
    relative = np.sqrt(((y - told) ** 2).mean(axis=0)) / constant
    r2 = 1.0 - ((y - told) ** 2).mean(axis=0) / ((y - y.mean(axis=0)) ** 2).mean(axis=0)
    return {"error": float(relative.mean()), "score": float(r2.mean()), "log_loss": None}


class Results:
    """All folds of one run, by table; a contender stands in a table's row only where it did every fold.

    A made table of another seed is another table; of one that ships with its rows another seed only draws other folds.
    """

    def __init__(self, measured: Sequence[Measured]) -> None:
        contents: dict[str, set[str]] = defaultdict(set)
        for one in measured:
            contents[one.table].add(one.fingerprint)
        grouped: dict[str, dict[str, list[Measured]]] = defaultdict(lambda: defaultdict(list))
        for one in measured:
            name = one.table if len(contents[one.table]) == 1 else f"{one.table}{SEED}{one.seed}"
            grouped[name][one.contender].append(one)
        self.tables = {name: dict(sorted(of.items())) for name, of in grouped.items()}
        self.contenders = list(dict.fromkeys(one.contender for one in measured))

    def whole(self, table: str) -> dict[str, list[Measured]]:
        most = len(self.tables[table]["constant"])
        of = self.tables[table]
        return {name: of[name] for name in of if len(of[name]) == most and not any(one.failure for one in of[name])}

    def normalised(self, table: str) -> dict[str, float] | None:
        """By contender; None where the reference is hardly better than the constant."""
        error = {name: float(np.mean([one.error for one in folds])) for name, folds in self.whole(table).items()}
        reference = min(error[name] for name in REFERENCE)
        if reference > HOPELESS * error["constant"]:
            return None
        return {name: (error["constant"] - e) / (error["constant"] - reference) for name, e in error.items()}


def interval(by_table: dict[str, float]) -> tuple[float, float]:
    """95% of the means of tables drawn with replacement, a table with all its seeds; the random seed is fixed.

    Two seeds of one recipe are not two independent tables, but two looks at one.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for name, value in by_table.items():
        found[name.split(SEED)[0]].append(value)
    sums, counts = np.array([sum(of) for of in found.values()]), np.array([len(of) for of in found.values()])
    drawn = np.random.default_rng(0).integers(len(sums), size=(DRAWS, len(sums)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def by_table(results: Results) -> list[dict[str, Any]]:
    rows = []
    for table, of in results.tables.items():
        normalised = results.normalised(table)
        for name, folds in of.items():
            failures = [one.failure for one in folds if one.failure]
            scores = np.array([one.score for one in folds if not one.failure])
            losses = [one.log_loss for one in folds if one.log_loss is not None]
            rows.append({
                "table": table, "task": folds[0].task, "rows": folds[0].rows, "contender": name,
                "version": folds[0].version, "folds": len(folds),
                "score": float(scores.mean()) if len(scores) else None,
                "spread": float(scores.std()) if len(scores) else None,
                "log_loss": float(np.mean(losses)) if losses else None,
                "normalised": normalised.get(name) if normalised else None,
                "seconds_per_1000_rows": float(np.median([one.seconds / one.rows * 1000 for one in folds])),
                "cpu_seconds_per_1000_rows": float(np.median([one.cpu_seconds / one.rows * 1000 for one in folds])),
                "seconds": float(np.median([one.seconds for one in folds])),
                "peak_megabytes": max(one.peak_megabytes for one in folds),
                "failure": failures[0] if failures else None,
            })  # fmt: skip
    return rows


def overall(results: Results) -> list[dict[str, Any]]:
    """The normalised score over each contender's tables, the mean rank over the tables that everybody listed finished."""
    scored = {t: n for t in results.tables if (n := results.normalised(t))}
    present = [name for name in results.contenders if any(name in n for n in scored.values())]
    common = [n for n in scored.values() if set(n) == set(present)]
    rows = []
    for name in present:
        where = [t for t in scored if name in scored[t]]
        mine = np.array([scored[t][name] for t in where])
        ranks = [_rank(n, name) for n in common]
        low, high = interval({t: scored[t][name] for t in where})
        rows.append({
            "contender": name, "tables": len(where), "of": len(scored), "ranked": len(common),
            "mean_rank": float(np.mean(ranks)) if ranks else None,
            "normalised": float(mine.mean()), "low": low, "high": high, "worst": float(mine.min()),
            "worst_table": where[int(mine.argmin())],
        })  # fmt: skip
    return sorted(rows, key=lambda row: -row["normalised"])


def _rank(scores: dict[str, float], name: str) -> float:
    """1 is best; ties share the mean of their places."""
    above = sum(score > scores[name] + 1e-12 for score in scores.values())
    equal = sum(abs(score - scores[name]) <= 1e-12 for score in scores.values())
    return above + (equal + 1) / 2


def non_inferiority(results: Results) -> list[dict[str, Any]]:
    """Not worse: the lower end of the interval of the mean paired difference lies above −MARGIN."""
    rows = []
    for ours, theirs in PAIRS:
        scored = {t: n for t in results.tables if (n := results.normalised(t)) and ours in n and theirs in n}
        if len(scored) < 2:
            continue
        leads = {t: n[ours] - n[theirs] for t, n in scored.items()}
        lead = np.array(list(leads.values()))
        low, high = interval(leads)
        ratios = [
            sum(one.cpu_seconds for one in results.tables[t][theirs])
            / sum(one.cpu_seconds for one in results.tables[t][ours])
            for t in scored
        ]
        rows.append({
            "ours": ours, "theirs": theirs, "tables": len(scored), "lead": float(lead.mean()), "low": low,
            "high": high, "margin": MARGIN, "not_worse": low > -MARGIN, "ahead_on": int((lead > 0).sum()),
            "times_less_cpu": float(np.exp(np.mean(np.log(ratios)))), "least_times_less_cpu": float(min(ratios)),
        })  # fmt: skip
    return rows


def print_report(results: Results) -> None:
    rows = by_table(results)
    for row in rows:
        if row["failure"]:
            print(f"{row['table']}: {row['contender']} failed: {row['failure']}", file=sys.stderr)
    print("\n### Accuracy or R²\n")
    _print_matrix(rows, results.contenders, "score", max)
    print("\n### Log-loss\n")
    _print_matrix(rows, results.contenders, "log_loss", min)
    print("\n### Over all tables\n")
    print(
        "| contender | normalised | 95% interval | mean rank | tables | worst | s per 1000 rows | of processor | peak MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for row in overall(results):
        rank = "" if row["mean_rank"] is None else f"{row['mean_rank']:.2f}"
        mine = [one for one in rows if one["contender"] == row["contender"]]
        clock, processor = (
            float(np.median([one[f"{kind}seconds_per_1000_rows"] for one in mine])) for kind in ("", "cpu_")
        )
        print(
            f"| {row['contender']} | {row['normalised']:.3f} | {row['low']:.3f} to {row['high']:.3f} | {rank} "
            f"| {row['tables']} of {row['of']} | {row['worst']:.2f} ({row['worst_table']}) | {clock:.3g} "
            f"| {processor:.3g} | {max(one['peak_megabytes'] for one in mine):.0f} |"
        )
    for row in non_inferiority(results):
        verdict = "not worse" if row["not_worse"] else "not shown to be not worse"
        print(
            f"\n{row['ours']} against {row['theirs']}: {row['lead']:+.4f} normalised ({row['low']:+.4f} to "
            f"{row['high']:+.4f}) over {row['tables']} tables, margin {row['margin']}: {verdict}; ahead on "
            f"{row['ahead_on']}; {row['times_less_cpu']:.1f} times less processor time "
            f"(least {row['least_times_less_cpu']:.1f})"
        )


def _print_matrix(rows: list[dict[str, Any]], names: list[str], what: str, best: Callable[[Any], float]) -> None:
    """A row for each table that has such a number, a column for each contender; the best is bold."""
    print(f"| table | training rows | folds | {' | '.join(names)} |\n|---|---|---|{'---|' * len(names)}")
    for table in dict.fromkeys(row["table"] for row in rows):
        mine = {row["contender"]: row for row in rows if row["table"] == table}
        found = {name: f"{row[what]:.3f}" for name, row in mine.items() if row[what] is not None}
        if not found:
            continue
        top = f"{best(row[what] for row in mine.values() if row[what] is not None):.3f}"
        cells = [f"**{text}**" if (text := found.get(name, "")) == top else text for name in names]
        one = mine["constant"]
        print(f"| {table} | {one['rows']:,} | {one['folds']} | {' | '.join(cells)} |")
