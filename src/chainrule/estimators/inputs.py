"""Data at the door of an estimator: scikit-learn's contract for arrays, DataFrames and sparse matrices."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.arrays import check_inputs, check_sample_weight
from chainrule.data.plain import missing_cells, to_array, to_floats
from chainrule.errors import ChainruleWarning, DataError, nearest
from chainrule.estimators.contract import DataConversionWarning, both


class NoNumberError(DataError, TypeError):
    """A cell that no number can be made of."""


def is_sparse(x: Any) -> bool:
    """Whether this is a matrix or array of scipy.sparse."""
    return hasattr(x, "tocsr") and hasattr(x, "nnz")


def check_x(x: Any, dtype: Any = None, *, min_rows: int = 0) -> Any:
    """X as a finite array (rows, columns), or as a CSR matrix when it is sparse.

    dtype None: float32 stays, everything else becomes float64.
    """
    if is_sparse(x):
        return _check_sparse(x, dtype, min_rows)
    array = _plain_array(x)
    if array.ndim != 2:
        raise DataError(
            "CR103", f"Expected 2D array, got {array.ndim}D array instead", got=f"shape {array.shape}",
            hint="Reshape your data: X.reshape(-1, 1) for one column, X.reshape(1, -1) for one row",
        )  # fmt: skip
    _check_size(array.shape, min_rows)
    if array.dtype.kind == "f" and dtype is None and array.dtype in (np.float32, np.float64):
        dtype = array.dtype.newbyteorder("=")
    dtype = np.dtype(dtype or np.float64)
    if array.dtype.kind == "f" and np.isfinite(array).all() and array.dtype.itemsize <= dtype.itemsize:
        return np.ascontiguousarray(array, dtype)
    _refuse_not_finite(array)
    return check_inputs(_to_numbers(array, x), dtype=dtype)


def _plain_array(x: Any) -> NDArray[Any]:
    if hasattr(x, "columns") and hasattr(x, "dtypes"):
        _refuse_text_columns(x)
    if hasattr(x, "to_numpy") and hasattr(x, "columns"):
        return np.asarray(x.to_numpy())
    if isinstance(x, (list, tuple)) and not (x and isinstance(x[0], (list, tuple, np.ndarray))):
        return np.asarray(x)
    return to_array(x, "X")


def _refuse_text_columns(frame: Any) -> None:
    kinds = dict(zip(frame.columns, getattr(frame.dtypes, "values", frame.dtypes), strict=True))
    text = [str(name) for name, kind in kinds.items() if str(kind).lower().startswith(("str", "cat", "enum"))]
    if text:
        raise DataError(
            "CR106", "X has columns of text or categories", where=", ".join(text[:5]), expected="numbers",
            hint='preset="default" encodes them, and fills missing values',
        )  # fmt: skip


def _to_numbers(array: NDArray[Any], x: Any) -> NDArray[Any]:
    if array.dtype.kind == "c":
        raise DataError("CR106", "Complex data not supported", got=f"dtype {array.dtype}")
    if array.dtype.kind == "O":
        for cell in array.ravel():
            if not isinstance(cell, (str, bytes)) and not hasattr(cell, "__float__") and cell is not None:
                raise NoNumberError("CR106", f"X: argument must be a string or a number, not {type(cell).__name__!r}")
        if all(isinstance(cell, str) for cell in array.ravel()) and array.size:
            raise DataError("CR106", "X holds text", expected="numbers", hint="pass X.astype(float)")
    return array


def _refuse_not_finite(array: NDArray[Any]) -> None:
    if array.dtype.kind not in "fO":
        return
    gone = missing_cells(array)
    infinite = np.isinf(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    for bad, code, what in ((gone, "CR101", "NaN"), (infinite, "CR102", "infinity")):
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise DataError(
                code, f"Input X contains {what}: {int(bad.sum())} values", where=f"first in row {row}, column {column}",
                hint='preset="default" with a DataFrame fills and marks missing values' if what == "NaN" else
                "clip them, take a logarithm, or leave these rows out",
            )  # fmt: skip


def _check_size(shape: tuple[int, ...], min_rows: int) -> None:
    for side, what, least in ((0, "sample(s)", min_rows), (1, "feature(s)", 1)):
        if shape[side] < least:
            raise DataError(
                "CR105",
                f"Found array with {shape[side]} {what} (shape={shape}) while a minimum of {least} is required.",
            )


def _check_sparse(x: Any, dtype: Any, min_rows: int) -> Any:
    _check_size(x.shape, min_rows)
    if x.dtype.kind == "c":
        raise DataError("CR106", "Complex data not supported", got=f"dtype {x.dtype}")
    if dtype is None:
        dtype = x.dtype if x.dtype in (np.float32, np.float64) else np.float64
    rows = x.tocsr().astype(dtype)
    for bad, what in ((np.isnan(rows.data), "NaN"), (np.isinf(rows.data), "infinity")):
        if bad.any():
            raise DataError("CR101" if what == "NaN" else "CR102", f"Input X contains {what}: {int(bad.sum())} values")
    return rows


def check_y(y: Any, rows: int, name: str) -> NDArray[Any]:
    """The target as an array (rows,) or (rows, outputs); a column vector becomes (rows,), with a warning."""
    if y is None:
        raise DataError("CR114", f"{name} requires y to be passed, but the target y is None")
    if is_sparse(y):
        y = y.toarray()
    if isinstance(y, (list, tuple)) and y and all(isinstance(label, str) for label in y):
        y = np.array(y)
    array = to_array(y, "y", is_target=True)
    if array.dtype.kind == "c":
        raise DataError("CR106", "Complex data not supported", where="y", got=f"dtype {array.dtype}")
    if array.ndim not in (1, 2):
        raise DataError("CR103", f"y has {array.ndim} dimensions", expected="1 or 2", got=f"shape {array.shape}")
    if len(array) != rows:
        raise DataError(
            "CR104", "Found input variables with inconsistent numbers of samples", where="X and y",
            expected=f"{rows} targets, one for each row of X", got=str(len(array)),
        )  # fmt: skip
    if array.ndim == 2 and array.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. It is taken as one target: y.ravel() says so.",
            both(DataConversionWarning), stacklevel=4,
        )  # fmt: skip
        return array[:, 0]
    return array


def check_numbers(y: NDArray[Any]) -> NDArray[np.float64]:
    """Regression targets as finite float64."""
    if y.dtype.kind in "USTMm":
        raise DataError("CR106", f"y holds {y.dtype}, not numbers", hint="use MLPClassifier for classes")
    floats = to_floats(y, "y")
    for bad, code, what in ((np.isnan(floats), "CR114", "NaN"), (np.isinf(floats), "CR102", "infinity")):
        if bad.any():
            rows = bad if bad.ndim == 1 else bad.any(axis=1)
            raise DataError(
                code, f"Input y contains {what}: {int(rows.sum())} rows", where=f"first in row {int(np.argmax(rows))}",
                hint="leave these rows out",
            )  # fmt: skip
    return floats


def check_weights(sample_weight: Any, rows: int) -> NDArray[np.float64] | None:
    """Sample weights (rows,); a number stands for the same weight everywhere."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight)
    if weights.ndim == 0:
        weights = np.full(rows, float(weights))
    if weights.size and weights.dtype.kind in "biuf" and not weights.any():
        raise DataError("CR112", "all weights of `sample_weight` are zero", expected="at least one above 0")
    return check_sample_weight(weights, rows)


def column_names(x: Any) -> NDArray[Any] | None:
    """The names of a DataFrame's columns when all are text, None for arrays and other names.

    Raises `NoNumberError` for a mixture of text and other names, as scikit-learn's TypeError does.
    """
    columns = getattr(x, "columns", None)
    if columns is None or callable(columns):
        return None
    names = list(columns)
    is_text = [isinstance(name, str) for name in names]
    if not names or not any(is_text):
        return None
    if not all(is_text):
        raise NoNumberError(
            "CR404", "Feature names are only supported if all input features have string names",
            hint="X.columns = X.columns.astype(str)",
        )  # fmt: skip
    return np.array(names, dtype=object)


def check_columns(x: Any, width: int, known: NDArray[Any] | None, expected: int, name: str) -> None:
    """Refuse data with other columns than those of `fit`: their number, and their names where both have names."""
    names = column_names(x)
    if known is not None and names is None:
        warnings.warn(
            f"X does not have valid feature names, but {name} was fitted with feature names",
            ChainruleWarning,
            stacklevel=4,
        )
    elif known is None and names is not None:
        warnings.warn(
            f"X has feature names, but {name} was fitted without feature names", ChainruleWarning, stacklevel=4
        )
    elif known is not None and names is not None and list(known) != list(names):
        raise _other_names(list(known), list(names))
    if width != expected:
        raise DataError("CR402", f"X has {width} features, but {name} is expecting {expected} features as input")


def _other_names(known: list[str], got: list[str]) -> DataError:
    unseen, missing = sorted(set(got) - set(known)), sorted(set(known) - set(got))
    text = "The feature names should match those that were passed during fit.\n"
    if unseen:
        text += "Feature names unseen at fit time:\n" + "".join(f"- {name}\n" for name in unseen[:5])
    if missing:
        text += "Feature names seen at fit time, yet now missing:\n" + "".join(f"- {name}\n" for name in missing[:5])
    if not unseen and not missing:
        text += "Feature names must be in the same order as they were in fit.\n"
    close = nearest(missing[0], unseen, 1) if missing and unseen else []
    hint = f"is {close[0]!r} the column {missing[0]!r}?" if close else "X[model.feature_names_in_]"
    return DataError("CR401" if missing else "CR402", text, hint=hint)
