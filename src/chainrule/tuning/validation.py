"""Cross-validation: every row predicted by a network that had not seen it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import SettingError
from chainrule.fit import fold_predictions, pooled, read_examples
from chainrule.metrics import Metrics, defaults, evaluate
from chainrule.metrics import chosen as chosen_metrics
from chainrule.prepare import prepare
from chainrule.scoring import Score, score
from chainrule.shapes import Ints, read_only
from chainrule.tuning.trial import request_of


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What `cross_validate` returns.

    `scores`: each metric over all rows together, with its interval at 95 % and the same metric of simple methods, the
    headline first. `per_fold`: the values of every fold by metric. `rows` (n,) are the rows in order, `fold` (n,) the
    fold (from 0) that each was tested in, `y_true` and `y_pred` what the metrics compared there: numbers in the target's
    unit (n, targets), or class codes and probabilities.
    """

    task: str
    scores: tuple[Score, ...]
    per_fold: dict[str, tuple[float, ...]]
    rows: Ints
    fold: Ints
    y_true: NDArray[Any]
    y_pred: NDArray[Any]

    def mean(self, metric: str) -> float:
        """The mean of a metric over the folds."""
        return float(np.mean(self.per_fold[metric]))

    def __str__(self) -> str:
        lines = [f"{len(next(iter(self.per_fold.values())))} folds, {len(self.rows)} rows"]
        for one in self.scores:
            each = ", ".join(f"{value:.4g}" for value in self.per_fold[one.metric])
            lines.append(f"{one.metric} {one.value:.4g} (95 %: {one.low:.4g} to {one.high:.4g}); folds: {each}")
        return "\n".join(lines)


def cross_validate(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    folds: int = 5,
    metrics: Metrics = (),
    seed: int = 0,
    sample_weight: Any = None,
    reading: Mapping[str, Any] | None = None,
    **settings: Any,
) -> CrossValidation:
    """How well a network trained by `fit` with these settings predicts rows it has not seen, each row tested once.

    metrics: in place of the task's usual ones. settings: those of `fit`; early stopping watches a part of every fold's
    training rows. The interval is that of all rows together: one made of the folds' spread would be too narrow, since
    the folds share their training rows (Bengio, Grandvalet 2004). It does not hold the spread of another division.

    Raises as `fit`; CR105 where there are fewer different rows than folds.

    >>> data = {"x": [i / 20 for i in range(40)], "y": [3 * i / 20 + i % 2 / 9 for i in range(40)]}
    >>> found = cross_validate(data, "y", folds=4, network=(4,), epochs=40, learning_rate=0.05)
    >>> found.scores[0].metric, len(found.per_fold["r2"]), len(found.rows)
    ('r2', 4, 40)
    """
    if "test" in settings:
        raise SettingError("CR204", "every row is tested on, in its fold", where="test", hint="pass folds=")
    request = request_of((), {"preset": "auto", **settings, "seed": seed, "test": 0.0}, "cross_validate")
    table, targets = read_examples(data, target, reading)
    request = request_of(targets, {"preset": "auto", **settings, "seed": seed, "test": 0.0}, "cross_validate")
    chosen = chosen_metrics(metrics)
    prepared = prepare(request, table, sample_weight)
    parts = list(fold_predictions(prepared, folds))
    task = parts[0].task
    truth, predicted, simple = pooled([part.said for part in parts])
    scores = tuple(score(task, truth, predicted, simple, seed, chosen))
    per_fold = {
        metric.name: tuple(evaluate(metric, part.said[0], part.said[1]) for part in parts)
        for metric in chosen or defaults(task)
    }
    rows = np.concatenate([part.rows for part in parts])
    fold = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts])
    order = np.argsort(rows, kind="stable")
    return CrossValidation(task, scores, per_fold, *(read_only(a[order]) for a in (rows, fold, truth, predicted)))
