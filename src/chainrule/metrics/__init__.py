"""Metrics: how good predictions are, as records in one catalog.

>>> from chainrule.metrics import catalog, evaluate
>>> evaluate("accuracy", [1, 0, 1, 1], [0.9, 0.2, 0.6, 0.35])
0.75
>>> evaluate(catalog.get("precision_at_recall", recall=1.0), [1, 0, 1, 1], [0.9, 0.2, 0.6, 0.35])
1.0
"""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from chainrule.constraints import choice
from chainrule.metrics import (  # noqa: F401 - each adds its families to the catalog
    classification,
    confusion,
    probability,
    ranking,
    regression,
    variance,
)
from chainrule.metrics.inputs import check
from chainrule.metrics.interval import interval
from chainrule.metrics.metric import Metric, State, catalog
from chainrule.metrics.own import Metrics, chosen

__all__ = ["DEFAULTS", "Metric", "Metrics", "State", "catalog", "chosen", "defaults", "evaluate", "interval"]

DEFAULTS: dict[str, tuple[str, ...]] = {
    "regression": ("r2", "rmse", "mae"),
    "binary": ("accuracy", "auc", "f1", "mcc", "binary_crossentropy", "expected_calibration_error"),
    "multiclass": ("accuracy", "f1_macro", "mcc", "categorical_crossentropy", "expected_calibration_error"),
    "multilabel": ("binary_accuracy", "f1", "auc", "binary_crossentropy"),
}
"""What is reported for a task unless other metrics are asked for; the first one is the headline."""


def defaults(task: str) -> list[Metric]:
    """The metrics reported for `"regression"`, `"binary"`, `"multiclass"` or `"multilabel"`, the headline first."""
    return [catalog.get(name) for name in DEFAULTS[choice("task", task, DEFAULTS)]]


def evaluate(
    metric: str | Metric, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None, **constants: Any
) -> float:
    """The value of a metric on these rows; shapes as its `target_kind` says.

    Raises `SettingError` for an unknown name and `DataError` for shapes that do not fit, numbers that are not finite
    and negative weights.
    """
    record = catalog.get(metric, **constants)
    check(y_true, y_pred, sample_weight)
    return record.result(record.add(record.start(), y_true, y_pred, sample_weight))
