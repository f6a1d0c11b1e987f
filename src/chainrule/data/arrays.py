"""Plain arrays at the door of `fit` and `predict`: what can be used is converted once, everything else is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.plain import (
    Floats,
    infinity_text,
    refuse_sparse,
    refuse_strange_array,
    to_array,
    to_floats,
    too_large,
)
from chainrule.data.table import counted, listing, row_listing
from chainrule.errors import DataError


def check_inputs(
    inputs: Any, *, dtype: npt.DTypeLike = np.float64, min_rows: int = 0, name: str = "X"
) -> npt.NDArray[Any]:
    """Inputs as a finite, C-contiguous array (rows, columns) of `dtype`.

    Numbers, truth values and objects that are numbers are accepted, in any byte order and memory layout. Raises CR101
    (missing), CR102 (infinite), CR103 (not 2-D), CR105 (too few rows, no columns), CR106 (not numbers), CR107 (too
    large for `dtype`), CR109 (ragged rows), CR110 (sparse).

    >>> check_inputs([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    refuse_sparse(inputs, name)
    columns = [str(column) for column in inputs.columns] if hasattr(inputs, "columns") else None
    array = to_array(inputs, name)
    refuse_strange_array(array, name)
    if array.shape[1] == 0:
        raise DataError("CR105", f"{name} has no columns", got=f"shape {array.shape}", expected="at least 1 column")
    if array.shape[0] < min_rows:
        raise DataError("CR105", f"{name} has too few rows", expected=f"at least {min_rows}", got=str(array.shape[0]))
    floats = to_floats(array, name)
    titles = columns or [f"x{i}" for i in range(floats.shape[1])]
    _refuse_missing(floats, name, titles)
    _refuse_infinite(floats, name, titles)
    return np.ascontiguousarray(_narrow(floats, dtype, name, titles))


def check_sample_weight(weights: Any, n_rows: int, *, name: str = "sample_weight") -> Floats | None:
    """Weights as finite float64 >= 0 (rows,), not all zero; None stays None. Raises CR112, CR104 for another length."""
    if weights is None:
        return None
    array = to_array(weights, name)
    if array.ndim != 1:
        raise DataError("CR112", f"`{name}` must have one dimension", got=f"shape {array.shape}")
    if len(array) != n_rows:
        raise DataError(
            "CR104", f"`{name}` has another length", expected=f"{n_rows}, one for each row", got=str(len(array))
        )
    floats = to_floats(array, name)
    for bad, what in ((np.isnan(floats), "missing"), (np.isinf(floats), "infinite"), (floats < 0, "negative")):
        if bad.any():
            raise DataError(
                "CR112",
                f"{counted(int(bad.sum()), what + ' weight')}",
                where=f"{name}, {row_listing(bad)}",
                expected="finite weights of at least 0",
            )
    if n_rows and not floats.any():
        raise DataError("CR112", f"all weights of `{name}` are 0", expected="at least one above 0")
    return floats


def check_same_index(inputs: Any, targets: Any) -> None:
    """CR111 when two pandas objects hold the same row labels in another order: by position or by label?"""
    left, right = getattr(inputs, "index", None), getattr(targets, "index", None)
    if left is None or right is None or callable(left) or callable(right) or len(left) != len(right):
        return
    if not left.equals(right) and left.sort_values().equals(right.sort_values()):
        row = next(i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b)
        raise DataError(
            "CR111",
            "inputs and target have the same row labels in another order",
            where=f"row {row}",
            got=f"label {left[row]} in the inputs, {right[row]} in the target",
            hint="pass y.loc[X.index] to match by label, or y.to_numpy() to match by position",
        )


def _refuse_missing(floats: Floats, name: str, titles: Sequence[str]) -> None:
    gone = np.isnan(floats)
    if gone.any():
        columns = [f"{titles[i]} ({int(n)})" for i, n in enumerate(gone.sum(axis=0)) if n]
        raise DataError(
            "CR101",
            f"{counted(int(gone.sum()), 'missing value')} in {name}",
            where=f"columns {listing(columns)}; {row_listing(np.asarray(gone.any(axis=1)))}",
            hint="fill them (np.nanmean of the column), leave these rows out, or pass a DataFrame or dict of columns, "
            "whose missing values are filled and marked",
        )


def _refuse_infinite(floats: Floats, name: str, titles: Sequence[str]) -> None:
    bad = np.isinf(floats)
    if not bad.any():
        return
    places = [infinity_text(titles[i], floats[:, i]) for i in np.flatnonzero(bad.any(axis=0)).tolist()]
    raise DataError(
        "CR102",
        f"{name} holds infinite values",
        where="; ".join(places[:5]),
        hint="clip them, take a logarithm, or leave these rows out",
    )


def _narrow(floats: Floats, dtype: npt.DTypeLike, name: str, titles: Sequence[str]) -> npt.NDArray[Any]:
    limit = np.finfo(dtype).max
    bad = np.abs(floats) > limit
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise too_large(titles[column], row, float(floats[row, column]), dtype, name)
    return floats.astype(dtype)
