"""Metrics of the confusion matrix C[true, predicted] of any number of classes; of no rows they are 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.constraints import whole
from chainrule.metrics.inputs import Floats
from chainrule.metrics.metric import Metric, catalog, ratio, ratios

family = catalog.family


def confusion(y: Floats, p: Floats, w: Floats) -> Floats:
    """Weights by (true class, most probable class), (classes, classes); `y` and `p` are (n, classes).

    >>> confusion(np.eye(2), np.array([[0.9, 0.1], [0.8, 0.2]]), np.ones(2))
    array([[1., 0.],
           [1., 0.]])
    """
    classes = y.shape[1]
    place = y.argmax(axis=1) * classes + p.argmax(axis=1)
    counts: Floats = np.bincount(place, w, minlength=classes**2).astype(np.float64)
    return counts.reshape(classes, classes)


def _of_matrix(name: str, value: Callable[[Floats], float], **facts: Any) -> Metric:
    return Metric(name=name, of=confusion, value=value, target_kind="classes", zero=np.zeros((1, 1)), **facts)


def _mcc(c: Floats) -> float:
    true, said, total = c.sum(axis=1), c.sum(axis=0), c.sum()
    covariance = np.trace(c) * total - true @ said
    spread = math.sqrt(total**2 - said @ said) * math.sqrt(total**2 - true @ true)
    return float(np.clip(ratio(covariance, spread), -1.0, 1.0))


@family
def mcc() -> Metric:
    """0 when all rows are, or are predicted to be, of one class."""
    return _of_matrix(
        "mcc", _mcc, aliases=("matthews_corrcoef", "matthews_correlation"), low=-1.0,
        latex=r"\frac{c\,s - \sum_k t_k p_k}{\sqrt{s^2 - \sum_k p_k^2}\,\sqrt{s^2 - \sum_k t_k^2}}",
        source="Gorodkin, Comparing two K-category assignments (2004); scikit-learn matthews_corrcoef",
    )  # fmt: skip


def _overlaps(c: Floats) -> tuple[Floats, Floats]:
    """Of each class: the rows that are and are predicted so, and the rows that are or are predicted so."""
    both = np.diag(c)
    return both, c.sum(axis=0) + c.sum(axis=1) - both


def _mean_over_present(numerators: Floats, denominators: Floats) -> float:
    return ratio(ratios(numerators, denominators).sum(), float(np.count_nonzero(denominators > 0)))


@family
def mean_iou() -> Metric:
    """The mean over the classes that occur, in the targets or in the predictions."""
    return _of_matrix(
        "mean_iou", lambda c: _mean_over_present(*_overlaps(c)), aliases=("MeanIoU", "OneHotMeanIoU", "BinaryIoU"),
        latex=r"\frac{1}{K} \sum_k \frac{C_{kk}}{\sum_j C_{kj} + \sum_j C_{jk} - C_{kk}}", source="Keras MeanIoU",
    )  # fmt: skip


@family
def iou(target_class: int = 1) -> Metric:
    """Of one class, a code from 0; 0 when it occurs nowhere."""
    whole("target_class", target_class, low=0)

    def value(c: Floats) -> float:
        both, either = _overlaps(c)
        return ratio(both[target_class], either[target_class]) if target_class < len(c) else 0.0

    return _of_matrix(
        "iou", value, aliases=("IoU", "OneHotIoU", "jaccard_score"), constants={"target_class": target_class},
        latex=r"\frac{C_{kk}}{\sum_j C_{kj} + \sum_j C_{jk} - C_{kk}}", source="Keras IoU, scikit-learn jaccard_score",
    )  # fmt: skip


@family
def balanced_accuracy() -> Metric:
    """The mean recall of the classes that occur in the targets."""
    return _of_matrix(
        "balanced_accuracy", lambda c: _mean_over_present(np.diag(c), c.sum(axis=1)),
        aliases=("balanced_accuracy_score",), latex=r"\frac{1}{K} \sum_k \frac{C_{kk}}{\sum_j C_{kj}}",
        source="scikit-learn balanced_accuracy_score",
    )  # fmt: skip


@family
def f1_macro() -> Metric:
    """The mean F1 of the classes that occur, in the targets or in the predictions."""
    return _of_matrix(
        "f1_macro", lambda c: _mean_over_present(2 * np.diag(c), c.sum(axis=0) + c.sum(axis=1)),
        aliases=("macro_f1",), latex=r"\frac{1}{K} \sum_k \frac{2\,C_{kk}}{\sum_j C_{kj} + \sum_j C_{jk}}",
        source="scikit-learn f1_score(average='macro'), Keras F1Score(average='macro')",
    )  # fmt: skip
