"""Metrics of real targets. Several columns are averaged with equal weight; no rows give 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.metrics.inputs import Floats
from chainrule.metrics.metric import Metric, catalog, mean, mean_of

family = catalog.family
# Keras's guard (`keras.config.epsilon()`), so that a target of 0 does not divide by 0.
_SMALLEST_TARGET = 1e-7


def _squared_error(y: Floats, p: Floats) -> Floats:
    return (y - p) ** 2


@family
def mse() -> Metric:
    return mean_of(
        "mse", _squared_error, target_kind="real", aliases=("mean_squared_error", "MeanSquaredError", "MSE"),
        latex=r"\frac{\sum_i w_i (y_i - \hat y_i)^2}{\sum_i w_i}", source="Keras MeanSquaredError",
    )  # fmt: skip


@family
def rmse() -> Metric:
    """The root of the mean over all columns, as in Keras (scikit-learn averages one root per column)."""
    return mean_of(
        "rmse", _squared_error, value=lambda s: math.sqrt(mean(s)), target_kind="real",
        aliases=("root_mean_squared_error", "RootMeanSquaredError", "RMSE"),
        latex=r"\sqrt{\frac{\sum_i w_i (y_i - \hat y_i)^2}{\sum_i w_i}}", source="Keras RootMeanSquaredError",
    )  # fmt: skip


@family
def mae() -> Metric:
    return mean_of(
        "mae", lambda y, p: np.abs(y - p), target_kind="real",
        aliases=("mean_absolute_error", "MeanAbsoluteError", "MAE"),
        latex=r"\frac{\sum_i w_i |y_i - \hat y_i|}{\sum_i w_i}", source="Keras MeanAbsoluteError",
    )  # fmt: skip


@family
def mape() -> Metric:
    """In percent; a target nearer to 0 than 1e-7 counts as 1e-7, as in Keras."""
    return mean_of(
        "mape", lambda y, p: 100.0 * np.abs(y - p) / np.maximum(np.abs(y), _SMALLEST_TARGET), target_kind="real",
        aliases=("mean_absolute_percentage_error", "MeanAbsolutePercentageError", "MAPE"),
        latex=r"100\,\frac{\sum_i w_i |y_i - \hat y_i| / \max(|y_i|, 10^{-7})}{\sum_i w_i}",
        source="Keras MeanAbsolutePercentageError",
    )  # fmt: skip


@family
def msle() -> Metric:
    """Values below 0 count as 0, as in Keras: their logarithm is not defined."""
    return mean_of(
        "msle", lambda y, p: (np.log1p(np.maximum(y, 0.0)) - np.log1p(np.maximum(p, 0.0))) ** 2, target_kind="real",
        aliases=("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", "MSLE"),
        latex=r"\frac{\sum_i w_i \left(\ln(1 + y_i) - \ln(1 + \hat y_i)\right)^2}{\sum_i w_i}",
        source="Keras MeanSquaredLogarithmicError",
    )  # fmt: skip


def _log_cosh(y: Floats, p: Floats) -> Floats:
    """ln cosh e as |e| + ln(1 + exp(-2|e|)) - ln 2, which cannot overflow."""
    e = np.abs(y - p)
    return e + np.log1p(np.exp(-2.0 * e)) - math.log(2.0)


@family
def log_cosh() -> Metric:
    return mean_of(
        "log_cosh", _log_cosh, target_kind="real", aliases=("logcosh", "LogCoshError", "LogCosh"),
        latex=r"\frac{\sum_i w_i \ln\cosh(y_i - \hat y_i)}{\sum_i w_i}", source="Keras LogCoshError",
    )  # fmt: skip


@family
def poisson() -> Metric:
    """The mean of counts and their likelihood; a mean of 0 or less counts as 2.2e-16 in the logarithm."""
    tiny = np.finfo(np.float64).eps
    return mean_of(
        "poisson", lambda y, p: p - y * np.log(np.maximum(p, tiny)), target_kind="real", aliases=("Poisson",),
        low=-np.inf, latex=r"\frac{\sum_i w_i (\hat y_i - y_i \ln \hat y_i)}{\sum_i w_i}", source="Keras Poisson",
    )  # fmt: skip


def _direction(rows: Floats) -> Floats:
    """Each row scaled to length 1; a row of zeros stays. Divided by its largest entry first: no overflow."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows = rows / np.where(largest > 0, largest, 1.0)
    length: Floats = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return rows / np.maximum(length, 1.0)


def _cosine(y: Floats, p: Floats) -> Any:
    return (_direction(y) * _direction(p)).sum(axis=1)


@family
def cosine_similarity() -> Metric:
    return mean_of(
        "cosine_similarity", _cosine, target_kind="real", aliases=("CosineSimilarity",),
        greater_is_better=True, low=-1.0, high=1.0,
        latex=r"\frac{1}{\sum_i w_i}\sum_i w_i \frac{y_i \cdot \hat y_i}{\lVert y_i\rVert \lVert\hat y_i\rVert}",
        source="Keras CosineSimilarity",
    )  # fmt: skip
