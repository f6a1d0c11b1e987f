"""Metrics over all thresholds at once: areas under curves, and the best of one rate at a given other rate.

They are exact: the state keeps every label, score and weight (24 bytes a row), and every distinct score is a threshold,
as is one below all scores. Keras approximates them on 200 thresholds. Several columns are pooled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.constraints import real
from chainrule.metrics.inputs import Floats
from chainrule.metrics.metric import Metric, catalog, ratios

family = catalog.family


def _keep(y: Floats, p: Floats, w: Floats) -> tuple[Floats, ...]:
    return (np.stack([y.ravel() > 0.5, p.ravel(), np.repeat(w, y.shape[1])]),)


def curve(batches: tuple[Floats, ...]) -> tuple[Floats, Floats]:
    """The weights of true and of false positives as the threshold sinks: from nothing predicted positive to all.

    Rows of one score enter together, so the result does not depend on their order. Shapes (distinct scores + 1,).
    """
    label, score, weight = np.concatenate([np.empty((3, 0)), *batches], axis=1)
    order = np.argsort(-score, kind="stable")
    label, score, weight = label[order], score[order], weight[order]
    last = np.append(score[1:] != score[:-1], np.ones(min(len(score), 1), bool))
    true, false = (np.append(0.0, np.cumsum(weight * side)[last]) for side in (label, 1.0 - label))
    return true, false


def _of_curve(name: str, value: Callable[[Floats, Floats], float], **facts: Any) -> Metric:
    """A metric of the curve; `value(true, false)` is asked only when both classes have weight, `empty` else."""
    empty = facts.pop("empty", 0.0)

    def result(batches: tuple[Floats, ...]) -> float:
        true, false = curve(batches)
        return value(true, false) if true[-1] > 0 and false[-1] > 0 else empty

    return Metric(name=name, of=_keep, value=result, target_kind="binary", zero=(), exact_state=True, **facts)


def _area(true: Floats, false: Floats) -> float:
    """Trapezoids: ties between a positive and a negative count half."""
    return float((np.diff(false) * (true[1:] + true[:-1])).sum() / (2.0 * true[-1] * false[-1]))


@family
def auc() -> Metric:
    """The probability that a random positive scores higher than a random negative; 0.5 when one of them is missing."""
    return _of_curve(
        "auc", _area, aliases=("AUC", "roc_auc", "roc_auc_score", "auc_roc"), empty=0.5,
        latex=r"P(\hat y_+ > \hat y_-) + \tfrac12 P(\hat y_+ = \hat y_-)",
        source="scikit-learn roc_auc_score, Keras AUC",
    )  # fmt: skip


def _average_precision(true: Floats, false: Floats) -> float:
    return float((np.diff(true) * ratios(true, true + false)[1:]).sum() / true[-1])


@family
def auc_pr() -> Metric:
    """The sum of steps (average precision), not of trapezoids, which would flatter; 0 when a class is missing."""
    return _of_curve(
        "auc_pr", _average_precision, aliases=("average_precision", "average_precision_score", "pr_auc"),
        latex=r"\sum_t (R_t - R_{t-1}) P_t", source="scikit-learn average_precision_score",
    )  # fmt: skip


def _best_at(rate: Floats, other: Floats, at_least: float) -> float:
    return float(rate[other >= at_least].max(initial=0.0))


def _rates(true: Floats, false: Floats) -> tuple[Floats, Floats, Floats]:
    """Recall (sensitivity), precision, specificity at each threshold; precision is 0 where nothing is predicted."""
    return true / true[-1], ratios(true, true + false), (false[-1] - false) / false[-1]


@family
def precision_at_recall(recall: float = 0.5) -> Metric:
    """The best precision whose recall is at least `recall` (0 to 1); 0 when a class is missing."""
    real("recall", recall, low=0.0, high=1.0)

    def value(true: Floats, false: Floats) -> float:
        reached, precise, _ = _rates(true, false)
        return _best_at(precise, reached, recall)

    return _of_curve(
        "precision_at_recall", value, aliases=("PrecisionAtRecall",), constants={"recall": recall},
        latex=r"\max_t \{P_t : R_t \ge r\}", source="Keras PrecisionAtRecall",
    )  # fmt: skip


@family
def recall_at_precision(precision: float = 0.5) -> Metric:
    """The best recall whose precision is at least `precision` (0 to 1); 0 when none is, or a class is missing."""
    real("precision", precision, low=0.0, high=1.0)

    def value(true: Floats, false: Floats) -> float:
        reached, precise, _ = _rates(true, false)
        return _best_at(reached, precise, precision)

    return _of_curve(
        "recall_at_precision", value, aliases=("RecallAtPrecision",), constants={"precision": precision},
        latex=r"\max_t \{R_t : P_t \ge p\}", source="Keras RecallAtPrecision",
    )  # fmt: skip


@family
def sensitivity_at_specificity(specificity: float = 0.5) -> Metric:
    """The best sensitivity whose specificity is at least `specificity` (0 to 1); 0 when a class is missing."""
    real("specificity", specificity, low=0.0, high=1.0)

    def value(true: Floats, false: Floats) -> float:
        sensitive, _, specific = _rates(true, false)
        return _best_at(sensitive, specific, specificity)

    return _of_curve(
        "sensitivity_at_specificity", value, aliases=("SensitivityAtSpecificity",),
        constants={"specificity": specificity},
        latex=r"\max_t \{\mathrm{TPR}_t : \mathrm{TNR}_t \ge s\}", source="Keras SensitivityAtSpecificity",
    )  # fmt: skip


@family
def specificity_at_sensitivity(sensitivity: float = 0.5) -> Metric:
    """The best specificity whose sensitivity is at least `sensitivity` (0 to 1); 0 when a class is missing."""
    real("sensitivity", sensitivity, low=0.0, high=1.0)

    def value(true: Floats, false: Floats) -> float:
        sensitive, _, specific = _rates(true, false)
        return _best_at(specific, sensitive, sensitivity)

    return _of_curve(
        "specificity_at_sensitivity", value, aliases=("SpecificityAtSensitivity",),
        constants={"sensitivity": sensitivity},
        latex=r"\max_t \{\mathrm{TNR}_t : \mathrm{TPR}_t \ge s\}", source="Keras SpecificityAtSensitivity",
    )  # fmt: skip
