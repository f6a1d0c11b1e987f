"""Targets and predictions brought to the shapes that metrics work on: float64, (n, k), weights (n,)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError

Floats: TypeAlias = NDArray[np.float64]
Prepared: TypeAlias = tuple[Floats, Floats, Floats]


def _table(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1:
        return array[:, None]
    if array.ndim != 2:
        raise DataError("CR103", f"`{name}` must be a table of rows and columns", got=f"{array.ndim} dimensions")
    return array


def _tables(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> Prepared:
    y, p = _table(y_true, "y_true"), _table(y_pred, "y_pred")
    w = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    for name, rows in (("y_pred", p.shape[:1]), ("sample_weight", w.shape)):
        if rows != y.shape[:1]:
            raise DataError(
                "CR104",
                f"`y_true` and `{name}` must have the same rows",
                expected=f"{len(y)} rows",
                got=f"shape {rows}",
            )
    return y, p, w


def _same_columns(y: Floats, p: Floats) -> None:
    if y.shape != p.shape:
        raise DataError(
            "CR115",
            "`y_true` and `y_pred` do not fit together",
            expected=f"shape {y.shape} as `y_true`",
            got=f"shape {p.shape}",
            hint="choose a metric for this kind of target, such as categorical_accuracy for class codes",
        )


def one_hot(codes: Floats, classes: int) -> Floats:
    """Class codes (n,) as rows with a single 1, (n, classes).

    >>> one_hot(np.array([1.0, 0.0]), 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    if len(codes) and not (np.all(codes == np.floor(codes)) and codes.min() >= 0 and codes.max() < classes):
        raise DataError(
            "CR108",
            "`y_true` must hold class codes",
            expected=f"whole numbers from 0 to {classes - 1}",
            got=f"values from {codes.min():g} to {codes.max():g}",
        )
    rows = np.zeros((len(codes), classes))
    rows[np.arange(len(codes)), codes.astype(np.intp)] = 1.0
    return rows


def real(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> Prepared:
    """Numbers beside numbers."""
    y, p, w = _tables(y_true, y_pred, sample_weight)
    _same_columns(y, p)
    return y, p, w


def binary(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> Prepared:
    """0 or 1 beside a probability. Codes beside several columns become one-hot; of two columns, class 1 is kept."""
    y, p, w = _tables(y_true, y_pred, sample_weight)
    if y.shape[1] == 1 and p.shape[1] == 2:
        p = p[:, 1:]
    elif y.shape[1] == 1 and p.shape[1] > 2:
        y = one_hot(y[:, 0], p.shape[1])
    _same_columns(y, p)
    return y, p, w


def classes(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> Prepared:
    """Two distributions, (n, classes): codes become one-hot, one column of probabilities p becomes (1 - p, p)."""
    y, p, w = _tables(y_true, y_pred, sample_weight)
    if p.shape[1] == 1:
        p = np.hstack([1.0 - p, p])
    if y.shape[1] == 1:
        y = one_hot(y[:, 0], p.shape[1])
    _same_columns(y, p)
    return y, p, w


def labels(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> Prepared:
    """A label beside a label: the largest of several columns; one number strictly between 0 and 1 is a probability."""
    y, p, w = _tables(y_true, y_pred, sample_weight)
    y, p = ((x.argmax(axis=1)[:, None].astype(np.float64) if x.shape[1] > 1 else x) for x in (y, p))
    return y, np.where((p > 0) & (p < 1), p > 0.5, p), w


PREPARE: dict[str, Callable[[ArrayLike, ArrayLike, ArrayLike | None], Prepared]] = {
    "real": real,
    "binary": binary,
    "classes": classes,
    "labels": labels,
    "any": _tables,
}


def check(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> None:
    """Refuse what is not finite, and weights below 0, before any work starts."""
    for name, values in (("y_true", y_true), ("y_pred", y_pred), ("sample_weight", sample_weight)):
        if values is None:
            continue
        array = np.asarray(values, dtype=np.float64)
        if np.isnan(array).any():
            raise DataError("CR101", f"`{name}` holds missing values (NaN)", hint="leave those rows out")
        if np.isinf(array).any():
            raise DataError("CR102", f"`{name}` holds infinite values")
        if name == "sample_weight" and array.size and array.min() < 0:
            raise DataError("CR112", "`sample_weight` must not be negative", got=f"{array.min():g}")
