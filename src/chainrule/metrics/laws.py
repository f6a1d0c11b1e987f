"""What every metric must hold, as functions of a record that raise `SettingError` CR208 when it does not.

The rows are random and few; a whole-number weight must do what repeating the row does, parts must merge to the whole.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.metrics.inputs import Floats, one_hot
from chainrule.metrics.metric import Metric
from chainrule.rng import generator

Rows = tuple[Floats, Floats, Floats]
_ROWS = 41
_CLASSES = 7
_SEEDS = (0, 1, 2)  # one draw alone can hide a fault by coincidence
# A sum of 41 terms is off by at most 41 units in the last place, 1e-14; quotients here magnify it less than 100 times.
_TOLERANCE = 1e-12


def sample(kind: str, seed: int = 0) -> Rows:
    """Random rows for a target kind: y_true, y_pred, whole-number weights from 0 to 3 with every class present."""
    draws = generator(seed, f"metric-law-{kind}")
    w = draws.integers(0, 4, _ROWS).astype(np.float64)
    w[:_CLASSES] = 1.0
    if kind == "real":
        return draws.integers(1, 10, (_ROWS, 3)).astype(np.float64), draws.normal(2.0, 3.0, (_ROWS, 3)), w
    classes = 2 if kind == "binary" else _CLASSES
    codes = np.concatenate([np.arange(classes), draws.integers(0, classes, _ROWS - classes)]).astype(np.float64)
    scores = draws.exponential(size=(_ROWS, classes))
    scores /= scores.sum(axis=1, keepdims=True)
    return codes, (scores[:, 1] if kind == "binary" else scores), w


def perfect(kind: str, y_true: Floats) -> Floats:
    """The prediction that is exactly right."""
    return one_hot(y_true, _CLASSES) if kind in ("classes", "labels") else y_true


def _value(metric: Metric, y: Any, p: Any, w: Any = None) -> float:
    return metric.result(metric.add(metric.start(), y, p, w))


def _broken(metric: Metric, law: str, expected: object, got: object) -> SettingError:
    return SettingError(
        "CR208", f"the metric {metric.name!r} breaks a law: {law}", expected=str(expected), got=str(got)
    )


def _close(metric: Metric, law: str, expected: float, got: float) -> None:
    if not math.isclose(expected, got, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        raise _broken(metric, law, expected, got)


def parts_merge_to_the_whole(metric: Metric) -> None:
    """Batch by batch, or as merged shards in any order, the value is that of all rows at once."""
    y, p, w = sample(metric.target_kind)
    whole = _value(metric, y, p, w)
    streamed, shards = metric.start(), []
    for part in (slice(0, 5), slice(5, 6), slice(6, 6), slice(6, 30), slice(30, None)):
        streamed = metric.add(streamed, y[part], p[part], w[part])
        shards.append(metric.add(metric.start(), y[part], p[part], w[part]))
    _close(metric, "batches add up to the whole", whole, metric.result(streamed))
    merged = metric.start()
    for shard in reversed(shards):
        merged = metric.merge(shard, merged)
    _close(metric, "shards merge to the whole in any order", whole, metric.result(merged))


def a_weight_is_a_repetition(metric: Metric) -> None:
    """A weight of 2 does what the same row twice does, a weight of 0 what leaving it out does."""
    for seed in _SEEDS:
        y, p, w = sample(metric.target_kind, seed)
        times = w.astype(np.intp)
        repeated = _value(metric, np.repeat(y, times, axis=0), np.repeat(p, times, axis=0))
        _close(metric, "a weight is a repetition", repeated, _value(metric, y, p, w))
        _close(metric, "no weights are weights of 1", _value(metric, y, p, np.ones(len(y))), _value(metric, y, p))


def the_order_of_rows_does_not_matter(metric: Metric) -> None:
    """Rows in another order give the same value."""
    y, p, w = sample(metric.target_kind)
    order = generator(1, "metric-law-order").permutation(len(y))
    _close(
        metric,
        "the order of rows does not matter",
        _value(metric, y, p, w),
        _value(metric, y[order], p[order], w[order]),
    )


def a_perfect_prediction_is_best(metric: Metric) -> None:
    """It reaches the best value where that is finite, and beats random predictions in the direction that is stated."""
    y, p, w = sample(metric.target_kind)
    best, other = _value(metric, y, perfect(metric.target_kind, y), w), _value(metric, y, p, w)
    if math.isfinite(metric.best):
        _close(metric, "a perfect prediction reaches the best value", metric.best, best)
    if not (best > other if metric.greater_is_better else best < other):
        direction = "greater" if metric.greater_is_better else "less"
        raise _broken(metric, "a perfect prediction is better than a random one", f"{direction} than {other}", best)
    for value in (best, other):
        if not metric.low - _TOLERANCE <= value <= metric.high + _TOLERANCE:
            raise _broken(metric, "the value keeps its bounds", f"{metric.low} to {metric.high}", value)


def nothing_is_undefined(metric: Metric) -> None:
    """No rows, no weight, one class, a constant, probabilities of 0 and 1: a finite value and no warning."""
    kind = metric.target_kind
    y, p, w = sample(kind)
    wrong = np.roll(perfect(kind, y), 1, axis=0)
    one = np.ones(len(y), np.intp)
    cases: dict[str, tuple[Any, Any, Any]] = {
        "no rows": (y[:0], p[:0], None),
        "no weight": (y, p, np.zeros(len(y))),
        "one row": (y[:1], p[:1], None),
        "the same row always": (y[one], p[one], None),
        "only the first class": (y[0 * one], p, None),
        "certain and wrong": (y, wrong, w),
        "predictions of 0": (y, 0.0 * p, w),
    }
    if kind == "real":
        cases |= {"zeros": (0.0 * y, 0.0 * p, w), "huge numbers": (1e100 * y, -1e100 * p, w), "negative": (-y, p, w)}
    for case, rows in cases.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                value = _value(metric, *rows)
            except (Warning, ArithmeticError, IndexError, ValueError) as problem:
                raise _broken(metric, f"defined for {case}", "a finite number", repr(problem)) from problem
        if not math.isfinite(value):
            raise _broken(metric, f"defined for {case}", "a finite number", value)


def a_share_is_its_quotient(metric: Metric) -> None:
    """Where hits and trials are given, they are those of the value."""
    if metric.share is None:
        return
    for seed in _SEEDS:
        y, p, w = sample(metric.target_kind, seed)
        hits, trials = metric.share(metric.add(metric.start(), y, p, w))
        _close(metric, "the value is hits / trials", hits / trials, _value(metric, y, p, w))


LAWS: tuple[Callable[[Metric], None], ...] = (
    parts_merge_to_the_whole,
    a_weight_is_a_repetition,
    the_order_of_rows_does_not_matter,
    a_perfect_prediction_is_best,
    nothing_is_undefined,
    a_share_is_its_quotient,
)
