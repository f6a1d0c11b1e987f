"""Metrics of real targets that compare with the variance: R² and two correlations, per column, then averaged.

The state keeps the moments of each batch about its own mean, because plain sums of squares would cancel.
No rows give 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.metrics.inputs import Floats
from chainrule.metrics.metric import Metric, catalog

family = catalog.family
_MOMENTS = ("weight", "mean_y", "mean_p", "yy", "pp", "yp", "squared_error")


def _moments(y: Floats, p: Floats, w: Floats) -> tuple[Floats, ...]:
    total = w.sum()
    if total == 0:
        return ()
    w = w[:, None]
    mean_y, mean_p = (w * y).sum(axis=0) / total, (w * p).sum(axis=0) / total
    dy, dp = y - mean_y, p - mean_p
    second = [(w * product).sum(axis=0) for product in (dy * dy, dp * dp, dy * dp, (y - p) ** 2)]
    return (np.stack([np.full(y.shape[1], total), mean_y, mean_p, *second]),)


def _pooled(batches: tuple[Floats, ...]) -> dict[str, Floats]:
    """The moments of all batches together (Chan, Golub, LeVeque 1983)."""
    weight, mean_y, mean_p, yy, pp, yp, squared_error = np.stack(batches, axis=1)
    total = weight.sum(axis=0)
    all_y, all_p = (weight * mean_y).sum(axis=0) / total, (weight * mean_p).sum(axis=0) / total
    dy, dp = mean_y - all_y, mean_p - all_p
    second = [
        (within + weight * between).sum(axis=0) for within, between in ((yy, dy * dy), (pp, dp * dp), (yp, dy * dp))
    ]
    return dict(zip(_MOMENTS, (total, all_y, all_p, *second, squared_error.sum(axis=0)), strict=True))


def _varies(spread: Floats, mean: Floats, weight: Floats) -> Any:
    """Whether a column varies beyond the rounding of its mean (16 units in the last place)."""
    return spread > weight * (16 * np.finfo(np.float64).eps * mean) ** 2


def _variance_metric(name: str, of_columns: Callable[[dict[str, Floats]], Floats], **facts: Any) -> Metric:
    def value(batches: tuple[Floats, ...]) -> float:
        return float(of_columns(_pooled(batches)).mean()) if batches else 0.0

    return Metric(name=name, of=_moments, value=value, target_kind="real", zero=(), **facts)


def _r2(m: dict[str, Floats]) -> Floats:
    varies = _varies(m["yy"], m["mean_y"], m["weight"])
    constant = np.where(m["squared_error"] == 0, 1.0, 0.0)
    return np.where(varies, 1.0 - m["squared_error"] / np.where(varies, m["yy"], 1.0), constant)


@family
def r2() -> Metric:
    """A constant target gives 1 if it is met exactly, else 0 (scikit-learn's `force_finite`)."""
    return _variance_metric(
        "r2", _r2, aliases=("r2_score", "R2Score"), low=-np.inf,
        latex=r"1 - \frac{\sum_i w_i (y_i - \hat y_i)^2}{\sum_i w_i (y_i - \bar y)^2}", source="scikit-learn r2_score",
    )  # fmt: skip


def _pearson(m: dict[str, Floats]) -> Floats:
    varies = _varies(m["yy"], m["mean_y"], m["weight"]) & _varies(m["pp"], m["mean_p"], m["weight"])
    scale = np.where(varies, np.sqrt(m["yy"]) * np.sqrt(m["pp"]), 1.0)
    return np.where(varies, np.clip(m["yp"] / scale, -1.0, 1.0), 0.0)


@family
def pearson_correlation() -> Metric:
    """Over all rows, per column; 0 when the target or the prediction is constant."""
    return _variance_metric(
        "pearson_correlation", _pearson, aliases=("PearsonCorrelation", "pearson"), low=-1.0,
        latex=r"\frac{\sum_i w_i (y_i - \bar y)(\hat y_i - \bar{\hat y})}"
        r"{\sqrt{\sum_i w_i (y_i - \bar y)^2 \sum_i w_i (\hat y_i - \bar{\hat y})^2}}",
        source="Keras PearsonCorrelation(axis=0)",
    )  # fmt: skip


def _concordance(m: dict[str, Floats]) -> Floats:
    scale = m["yy"] + m["pp"] + m["weight"] * (m["mean_y"] - m["mean_p"]) ** 2
    return np.divide(2.0 * m["yp"], scale, out=np.zeros(len(scale)), where=scale > 0)


@family
def concordance_correlation() -> Metric:
    """Correlation that also asks for the same mean and spread; 0 when both columns are constant and equal."""
    return _variance_metric(
        "concordance_correlation", _concordance, aliases=("ConcordanceCorrelation",), low=-1.0,
        latex=r"\frac{2 \sum_i w_i (y_i - \bar y)(\hat y_i - \bar{\hat y})}{\sum_i w_i (y_i - \bar y)^2"
        r" + \sum_i w_i (\hat y_i - \bar{\hat y})^2 + (\bar y - \bar{\hat y})^2 \sum_i w_i}",
        source="Lin, A concordance correlation coefficient (1989); Keras ConcordanceCorrelation(axis=0)",
    )  # fmt: skip
