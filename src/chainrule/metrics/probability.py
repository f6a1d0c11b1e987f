"""Metrics of predicted probabilities and scores: cross-entropies, divergence, Brier, calibration, hinges.

A probability of 0 counts as 2.2e-16 in a logarithm (scikit-learn's guard), so that a certain and wrong prediction costs
36.04 and not infinity. Probabilities are taken as they are, not rescaled to the sum 1. No rows give 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.constraints import whole
from chainrule.metrics.inputs import Floats
from chainrule.metrics.metric import Metric, catalog, mean_of, ratio

family = catalog.family
TINY = float(np.finfo(np.float64).eps)


def _ln(p: Floats) -> Floats:
    return np.log(np.maximum(p, TINY))


@family
def binary_crossentropy() -> Metric:
    return mean_of(
        "binary_crossentropy", lambda y, p: -(y * _ln(p) + (1.0 - y) * _ln(1.0 - p)), target_kind="binary",
        aliases=("BinaryCrossentropy",),
        latex=r"-\frac{\sum_i w_i \left(y_i \ln \hat y_i + (1 - y_i) \ln(1 - \hat y_i)\right)}{\sum_i w_i}",
        source="Keras BinaryCrossentropy",
    )  # fmt: skip


@family
def categorical_crossentropy() -> Metric:
    """Of codes, one-hot rows or distributions; of one column of probabilities it equals `binary_crossentropy`."""
    return mean_of(
        "categorical_crossentropy", lambda y, p: -(y * _ln(p)).sum(axis=1), target_kind="classes",
        aliases=("CategoricalCrossentropy", "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy",
                 "log_loss"),
        latex=r"-\frac{\sum_i w_i \sum_j y_{ij} \ln \hat y_{ij}}{\sum_i w_i}",
        source="Keras CategoricalCrossentropy, scikit-learn log_loss",
    )  # fmt: skip


def _divergence(y: Floats, p: Floats) -> Any:
    """Σ y ln(y/p) with 0 ln 0 = 0."""
    return (y * (np.log(np.where(y > 0, y, 1.0)) - np.where(y > 0, _ln(p), 0.0))).sum(axis=1)


@family
def kl_divergence() -> Metric:
    return mean_of(
        "kl_divergence", _divergence, target_kind="classes", aliases=("KLDivergence", "kullback_leibler_divergence"),
        latex=r"\frac{\sum_i w_i \sum_j y_{ij} \ln(y_{ij} / \hat y_{ij})}{\sum_i w_i}", source="Keras KLDivergence",
    )  # fmt: skip


def _brier(y: Floats, p: Floats) -> Any:
    """The squared distance of the distributions; of two classes half of it, which is (y - p)²."""
    return ((y - p) ** 2).sum(axis=1) / (2.0 if y.shape[1] == 2 else 1.0)


@family
def brier() -> Metric:
    """Between 0 and 1 for two classes, between 0 and 2 for more."""
    return mean_of(
        "brier", _brier, target_kind="classes", aliases=("brier_score", "brier_score_loss"), high=2.0,
        latex=r"\frac{\sum_i w_i \sum_j (y_{ij} - \hat y_{ij})^2}{\sum_i w_i}"
        r" \quad (\text{two classes: } (y_i - \hat y_i)^2)",
        source="Brier, Verification of forecasts expressed in terms of probability (1950); scikit-learn",
    )  # fmt: skip


@family
def expected_calibration_error(bins: int = 15) -> Metric:
    """The gap between confidence and share of hits, over `bins` (at least 1) equal bins of the confidence.

    The confidence is the probability of the predicted class; bins are closed on the right.
    """
    whole("bins", bins, low=1)

    def of(y: Floats, p: Floats, w: Floats) -> Floats:
        confidence = p.max(axis=1)
        hit = y.argmax(axis=1) == p.argmax(axis=1)
        place = np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)
        return np.stack([np.bincount(place, v, minlength=bins) for v in (w, w * confidence, w * hit)])

    return Metric(
        name="expected_calibration_error", of=of, zero=np.zeros((3, bins)), target_kind="classes",
        value=lambda s: ratio(np.abs(s[1] - s[2]).sum(), s[0].sum()), constants={"bins": bins},
        aliases=("calibration_error", "ece"), greater_is_better=False,
        latex=r"\sum_b \frac{W_b}{W} \left|\mathrm{hits}_b - \mathrm{confidence}_b\right|",
        source="Guo, Pleiss, Sun, Weinberger, On calibration of modern neural networks (2017), equation 3",
    )  # fmt: skip


def _sign(y: Floats) -> Floats:
    """Labels 0 and 1, or -1 and 1, as -1 and 1."""
    return np.where(y > 0, 1.0, -1.0)


@family
def hinge() -> Metric:
    return mean_of(
        "hinge", lambda y, p: np.maximum(1.0 - _sign(y) * p, 0.0), target_kind="real", aliases=("Hinge", "hinge_loss"),
        latex=r"\frac{\sum_i w_i \max(0, 1 - y_i \hat y_i)}{\sum_i w_i}, \quad y_i = \pm 1", source="Keras Hinge",
    )  # fmt: skip


@family
def squared_hinge() -> Metric:
    return mean_of(
        "squared_hinge", lambda y, p: np.maximum(1.0 - _sign(y) * p, 0.0) ** 2, target_kind="real",
        aliases=("SquaredHinge",),
        latex=r"\frac{\sum_i w_i \max(0, 1 - y_i \hat y_i)^2}{\sum_i w_i}, \quad y_i = \pm 1",
        source="Keras SquaredHinge",
    )  # fmt: skip


def _categorical_hinge(y: Floats, p: Floats) -> Any:
    return np.maximum(((1.0 - y) * p).max(axis=1) - (y * p).sum(axis=1) + 1.0, 0.0)


@family
def categorical_hinge() -> Metric:
    """The score of the true class against the best other score (or 0, the product that stands in its place)."""
    return mean_of(
        "categorical_hinge", _categorical_hinge, target_kind="classes", aliases=("CategoricalHinge",),
        latex=r"\frac{1}{\sum_i w_i} \sum_i w_i \max\left(0, 1 + \max_j (1 - y_{ij}) \hat y_{ij}"
        r" - \sum_j y_{ij} \hat y_{ij}\right)",
        source="Keras CategoricalHinge",
    )  # fmt: skip
