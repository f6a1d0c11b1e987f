"""Metrics that count hits: the accuracies, and what follows from true and false positives and negatives.

A probability counts as a positive prediction when it is strictly greater than the threshold; several columns are
pooled. A quotient of nothing (no positive prediction in a precision, no rows in an accuracy) is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.constraints import real, whole
from chainrule.metrics.inputs import Floats
from chainrule.metrics.metric import Metric, catalog, hit_rate, ratio

family = catalog.family


@family
def accuracy() -> Metric:
    """Works for every kind of label: of several columns the largest counts; one number strictly between 0 and 1 is a
    probability and stands for class 1 above 0.5; any other number is a label."""
    return hit_rate(
        "accuracy", lambda y, p: y == p, target_kind="labels", aliases=("Accuracy", "accuracy_score", "acc"),
        latex=r"\frac{\sum_i w_i [y_i = \hat y_i]}{\sum_i w_i}", source="scikit-learn accuracy_score, Keras Accuracy",
    )  # fmt: skip


@family
def binary_accuracy(threshold: float = 0.5) -> Metric:
    """`threshold` between 0 and 1."""
    real("threshold", threshold, low=0.0, high=1.0)
    return hit_rate(
        "binary_accuracy", lambda y, p: (y > 0.5) == (p > threshold), target_kind="binary",
        aliases=("BinaryAccuracy",), constants={"threshold": threshold},
        latex=r"\frac{\sum_i w_i [y_i = [\hat y_i > t]]}{\sum_i w_i}", source="Keras BinaryAccuracy",
    )  # fmt: skip


@family
def categorical_accuracy() -> Metric:
    """Of codes or of one-hot rows; a tie goes to the first class."""
    return hit_rate(
        "categorical_accuracy", lambda y, p: y.argmax(axis=1) == p.argmax(axis=1), target_kind="classes",
        aliases=("CategoricalAccuracy", "sparse_categorical_accuracy", "SparseCategoricalAccuracy"),
        latex=r"\frac{\sum_i w_i [\arg\max_j y_{ij} = \arg\max_j \hat y_{ij}]}{\sum_i w_i}",
        source="Keras CategoricalAccuracy, SparseCategoricalAccuracy",
    )  # fmt: skip


@family
def top_k_categorical_accuracy(k: int = 5) -> Metric:
    """Of codes or of one-hot rows: fewer than `k` (at least 1) classes are strictly more probable than the true one."""
    whole("k", k, low=1)

    def hit(y: Floats, p: Floats) -> Any:
        of_true = np.take_along_axis(p, y.argmax(axis=1)[:, None], axis=1)
        return (p > of_true).sum(axis=1) < k

    return hit_rate(
        "top_k_categorical_accuracy", hit, target_kind="classes", constants={"k": k},
        aliases=("TopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy", "SparseTopKCategoricalAccuracy",
                 "top_k_accuracy"),
        latex=r"\frac{\sum_i w_i [\mathrm{rank}(\hat y_{i, y_i}) \le k]}{\sum_i w_i}",
        source="Keras TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy",
    )  # fmt: skip


def _counts(threshold: float) -> Callable[[Floats, Floats, Floats], Floats]:
    """The state (TP, TN, FP, FN), weighted."""
    real("threshold", threshold, low=0.0, high=1.0)

    def of(y: Floats, p: Floats, w: Floats) -> Floats:
        true, said, w = y > 0.5, p > threshold, w[:, None]
        return np.array([(w * kind).sum() for kind in (true & said, ~true & ~said, ~true & said, true & ~said)])

    return of


def _count(name: str, keras: str, place: int, symbol: str, threshold: float, *, right: bool) -> Metric:
    return Metric(
        name=name, aliases=(keras,), constants={"threshold": threshold}, target_kind="binary", of=_counts(threshold),
        value=lambda s: float(s[place]), zero=np.zeros(4), greater_is_better=right, high=np.inf,
        latex=rf"\mathrm{{{symbol}}}", source=f"Keras {keras}",
    )  # fmt: skip


@family
def true_positives(threshold: float = 0.5) -> Metric:
    """The weight of the rows with y = 1 and a prediction above `threshold`."""
    return _count("true_positives", "TruePositives", 0, "TP", threshold, right=True)


@family
def true_negatives(threshold: float = 0.5) -> Metric:
    """The weight of the rows with y = 0 and no prediction above `threshold`."""
    return _count("true_negatives", "TrueNegatives", 1, "TN", threshold, right=True)


@family
def false_positives(threshold: float = 0.5) -> Metric:
    """The weight of the rows with y = 0 and a prediction above `threshold`."""
    return _count("false_positives", "FalsePositives", 2, "FP", threshold, right=False)


@family
def false_negatives(threshold: float = 0.5) -> Metric:
    """The weight of the rows with y = 1 and no prediction above `threshold`."""
    return _count("false_negatives", "FalseNegatives", 3, "FN", threshold, right=False)


def _share(name: str, aliases: tuple[str, ...], others: int, formula: str, threshold: float, source: str) -> Metric:
    """TP / (TP + the count at `others`)."""
    return Metric(
        name=name, aliases=aliases, constants={"threshold": threshold}, target_kind="binary", of=_counts(threshold),
        value=lambda s: ratio(s[0], s[0] + s[others]), share=lambda s: (s[0], s[0] + s[others]), zero=np.zeros(4),
        latex=formula, source=source,
    )  # fmt: skip


@family
def precision(threshold: float = 0.5) -> Metric:
    """0 when nothing is predicted positive."""
    formula = r"\frac{\mathrm{TP}}{\mathrm{TP} + \mathrm{FP}}"
    return _share("precision", ("Precision", "precision_score"), 2, formula, threshold, "Keras Precision")


@family
def recall(threshold: float = 0.5) -> Metric:
    """0 when nothing is positive."""
    formula = r"\frac{\mathrm{TP}}{\mathrm{TP} + \mathrm{FN}}"
    return _share("recall", ("Recall", "recall_score", "sensitivity"), 3, formula, threshold, "Keras Recall")


@family
def f_beta(beta: float = 1.0, threshold: float = 0.5) -> Metric:
    """The harmonic mean of precision and recall, recall `beta` (above 0) times as important; 0 without a TP."""
    square = real("beta", beta, above=0.0) ** 2
    return Metric(
        name="f_beta", aliases=("FBetaScore", "fbeta_score"), constants={"beta": beta, "threshold": threshold},
        target_kind="binary", of=_counts(threshold), zero=np.zeros(4),
        value=lambda s: ratio((1 + square) * s[0], (1 + square) * s[0] + square * s[3] + s[2]),
        latex=r"\frac{(1 + \beta^2)\,\mathrm{TP}}{(1 + \beta^2)\,\mathrm{TP} + \beta^2\,\mathrm{FN} + \mathrm{FP}}",
        source="scikit-learn fbeta_score, Keras FBetaScore",
    )  # fmt: skip


@family
def f1(threshold: float = 0.5) -> Metric:
    """`f_beta` with β = 1."""
    return replace(
        f_beta(1.0, threshold), name="f1", aliases=("F1Score", "f1_score"), constants={"threshold": threshold},
        latex=r"\frac{2\,\mathrm{TP}}{2\,\mathrm{TP} + \mathrm{FN} + \mathrm{FP}}",
        source="scikit-learn f1_score, Keras F1Score",
    )  # fmt: skip
