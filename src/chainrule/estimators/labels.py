"""Class labels and the targets a network learns: one column for two classes, codes for more, an indicator for several."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.data.plain import missing_cells
from chainrule.data.table import listing
from chainrule.errors import ChainruleWarning, DataError

Kind = Literal["binary", "multiclass", "multilabel"]


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes in sorted order, and how labels become targets.

    `kind` is "binary" (at most two classes, one output), "multiclass" or "multilabel" (an indicator matrix; `classes`
    are its column numbers).
    """

    kind: Kind
    classes: NDArray[Any]

    @property
    def outputs(self) -> int:
        return 1 if self.kind == "binary" else len(self.classes)

    def codes(self, y: NDArray[Any]) -> NDArray[np.int64]:
        """The position of every label among the classes; every label must be one of them."""
        return np.searchsorted(self.classes, y).astype(np.int64)

    def targets(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Targets for an engine: (rows, 1) of 0 and 1, codes (rows,), or the indicator (rows, labels)."""
        if self.kind == "multilabel":
            return np.ascontiguousarray(y, dtype)
        codes = self.codes(y)
        return codes if self.kind == "multiclass" else codes.astype(dtype)[:, None]

    def decode(self, outputs: NDArray[Any], threshold: float) -> NDArray[Any]:
        """Labels (rows,), or the indicator of 0 and 1 (rows, labels), from a network's outputs."""
        if self.kind == "multilabel":
            return (outputs > threshold).astype(np.int64)
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(outputs))
        codes = outputs.argmax(axis=1) if self.kind == "multiclass" else (outputs[:, 0] > threshold).astype(np.int64)
        found: NDArray[Any] = self.classes[codes]
        return found


def find_labels(y: NDArray[Any]) -> Labels:
    """The labels of a target that `check_labels` accepted."""
    if y.ndim == 2:
        return Labels("multilabel", np.arange(y.shape[1]))
    classes = np.unique(y)
    if len(classes) > 20 and 2 * len(classes) > len(y):
        warnings.warn(
            f"the target has {len(classes)} classes for {len(y)} rows: is it an identifier, or a number to be predicted "
            "by regression?",
            ChainruleWarning, stacklevel=4,
        )  # fmt: skip
    return Labels("binary" if len(classes) <= 2 else "multiclass", classes)


def check_labels(y: NDArray[Any]) -> NDArray[Any]:
    """Labels (rows,) of one sortable type, or an indicator (rows, labels) of 0 and 1."""
    if y.ndim == 2:
        if y.dtype.kind not in "biuf" or not np.isin(y, (0, 1)).all():
            raise DataError(
                "CR108", "Unknown label type: multioutput target data are not supported",
                expected="labels (rows,), or an indicator of 0 and 1 (rows, labels)", got=f"shape {y.shape}",
            )  # fmt: skip
        return y
    if y.dtype.kind == "O":
        _refuse_missing(y)
        kinds = {"text" if isinstance(label, str) else "numbers" for label in y}
        if len(kinds) > 1:
            raise DataError("CR106", "y mixes labels that are numbers and text", hint="use one type of label")
        return y if kinds == {"text"} else check_labels(np.array(y.tolist()))
    if y.dtype.kind == "f":
        _refuse_missing(y)
        if np.isinf(y).any():
            raise DataError("CR102", "Input y contains infinity", expected="class labels")
        if (y != np.floor(y)).any():
            distinct = np.unique(y)
            raise DataError(
                "CR108", f"Unknown label type: continuous, {len(distinct)} distinct real values",
                expected="class labels", got=listing([f"{value:g}" for value in distinct], 4),
                hint="use MLPRegressor for numbers, or pass classes as text: y.astype(str)",
            )  # fmt: skip
    elif y.dtype.kind not in "biuUST":
        raise DataError("CR106", f"y holds {y.dtype}, which is no class label")
    return y


def _refuse_missing(y: NDArray[Any]) -> None:
    gone = missing_cells(y)
    if gone.any():
        raise DataError(
            "CR114", f"Input y contains NaN: {int(gone.sum())} rows have no label",
            where=f"first in row {int(np.argmax(gone))}", hint="leave these rows out",
        )  # fmt: skip
