"""What `score` and early stopping report: accuracy for classes, R² for numbers, as scikit-learn defines them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ChainruleWarning
from chainrule.estimators.contract import both


class UndefinedMetricWarning(ChainruleWarning):
    """A score has no value here. Also scikit-learn's own warning where scikit-learn is loaded."""


def accuracy(y_true: NDArray[Any], y_pred: NDArray[Any], weights: Any = None) -> float:
    """The (weighted) share of rows that are told right; with several labels a row counts when all of them are right."""
    right = y_true == y_pred
    return float(np.average(right.all(axis=1) if right.ndim == 2 else right, weights=weights))


def r2(y_true: NDArray[Any], y_pred: NDArray[Any], weights: Any = None) -> float:
    """1 - Σ(y - p)² / Σ(y - mean)², averaged over the outputs; 1 or 0 where the target does not vary."""
    if len(y_true) < 2:
        warnings.warn(
            "R^2 score is not well-defined with less than two samples.", both(UndefinedMetricWarning), stacklevel=3
        )
        return float("nan")
    y, p = (np.asarray(values, np.float64).reshape(len(y_true), -1) for values in (y_true, y_pred))
    mean = np.average(y, axis=0, weights=weights)
    w = np.ones((len(y), 1)) if weights is None else np.asarray(weights, np.float64)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):  # a prediction that explodes scores minus infinity
        missed, spread = (w * (y - p) ** 2).sum(axis=0), (w * (y - mean) ** 2).sum(axis=0)
    share = np.divide(missed, spread, out=(missed > 0).astype(np.float64), where=spread > 0)
    return float(np.mean(1.0 - share))
