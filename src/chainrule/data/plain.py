"""What stands in an array, before it is used: kinds that cannot be numbers, ragged rows, missing cells."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.reading import MEBIBYTE
from chainrule.data.table import Column, row_listing
from chainrule.errors import DataError

Floats = npt.NDArray[np.float64]


def refuse_sparse(array: Any, name: str) -> None:
    """CR110 for a scipy sparse matrix, with the memory its dense form would take."""
    if not (hasattr(array, "toarray") and hasattr(array, "nnz")):
        return
    mebibytes = 8 * int(np.prod([int(side) for side in array.shape])) / MEBIBYTE
    raise DataError(
        "CR110",
        f"{name} is a sparse matrix",
        got=f"shape {tuple(array.shape)}; dense it takes {mebibytes:,.1f} MiB",
        hint=f"pass {name.replace('the data', 'X')}.toarray()",
    )


def refuse_strange_array(array: npt.NDArray[Any], name: str) -> None:
    """CR103 for an array that is not 2-D, CR106 for one of complex numbers, dates or text."""
    if array.ndim != 2:
        hint = {
            0: "pass rows of numbers",
            1: "one row: x.reshape(1, -1); one column: x.reshape(-1, 1)",
        }.get(array.ndim, "flatten each row: X.reshape(len(X), -1)")
        raise DataError(
            "CR103",
            f"{name} has {array.ndim} dimensions",
            expected="2 (rows, columns)",
            got=f"shape {array.shape}",
            hint=hint,
        )
    what, hint = {
        "c": ("complex numbers", "pass X.real and X.imag as columns of their own"),
        "M": ("dates", "turn them into numbers first, such as days since a date"),
        "m": ("durations", "turn them into numbers first: X / np.timedelta64(1, 's')"),
        "U": ("text", "if the text holds numbers pass X.astype(float)"),
        "S": ("bytes", "if the bytes hold numbers pass X.astype(float)"),
        "T": ("text", "if the text holds numbers pass X.astype(float)"),
        "V": ("records", "pass the columns by name in a dict"),
    }.get(array.dtype.kind, ("", ""))
    if what:
        raise DataError("CR106", f"{name} holds {what}", expected="numbers", got=f"dtype {array.dtype}", hint=hint)


def rows_of_equal_length(rows: Sequence[Any], name: str) -> int:
    """The length of all rows; CR109 names the first row that differs, CR103 for a flat list."""
    if not rows:
        raise DataError("CR105", f"{name} is an empty list", expected="at least one row")
    if any(not hasattr(row, "__len__") or isinstance(row, str) for row in rows):
        raise DataError(
            "CR103", f"{name} is a flat list", expected="a list of rows", hint="wrap a single row: [[1, 2, 3]]"
        )
    lengths = [len(row) for row in rows]
    wrong = next((row for row, length in enumerate(lengths) if length != lengths[0]), None)
    if wrong is not None:
        before = "row 0 has" if wrong == 1 else f"rows 0-{wrong - 1} have"
        raise DataError(
            "CR109",
            f"row {wrong} of {name} has {lengths[wrong]} values, {before} {lengths[0]}",
            hint="give every row the same number of values",
        )
    return lengths[0]


def to_array(values: Any, name: str, *, is_target: bool = False) -> npt.NDArray[Any]:
    """What the user passed as an array, with None, NaN and masked cells kept as missing."""
    if isinstance(values, np.ma.MaskedArray):
        gone = np.ma.getmaskarray(values)
        if gone.any() and values.dtype.kind in "biuf":
            return np.where(gone, np.nan, values.data)
        cells = np.array(values.data, dtype=object)
        cells[gone] = None
        return cells if gone.any() else np.asarray(values)
    if isinstance(values, np.ndarray):
        return np.asarray(values)
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    if isinstance(values, (list, tuple)):
        if any(isinstance(row, (list, tuple, np.ndarray)) for row in values):
            rows_of_equal_length(values, name)
        elif is_target and any(value is None or isinstance(value, str) for value in values):
            array = np.empty(len(values), dtype=object)
            array[:] = values
            return array
        flat = [cell for row in values for cell in row] if values and isinstance(values[0], (list, tuple)) else values
        if any(cell is None or isinstance(cell, str) for cell in flat):
            return np.array(values, dtype=object)
        return np.asarray(values)
    try:
        return np.asarray(values)
    except Exception as error:
        raise DataError("CR106", f"{name} cannot be turned into an array ({error})") from None


def missing_cells(array: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """True where a cell is missing, the shape of the array."""
    if array.dtype.kind == "f":
        return np.asarray(np.isnan(array))
    if array.dtype.kind != "O":
        return np.zeros(array.shape, bool)
    flat = np.array([_is_missing(value) for value in array.ravel()], bool)
    return np.asarray(flat.reshape(array.shape))


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def to_floats(array: npt.NDArray[Any], name: str) -> Floats:
    """float64 in native byte order; cells of an object array must be numbers."""
    if array.dtype.kind in "iu" and array.size:
        extreme = max(abs(int(array.min())), abs(int(array.max())))
        if extreme > 2**53 and np.any(array.astype(np.float64).astype(object) != array.astype(object)):
            raise DataError(
                "CR107",
                f"{name} holds whole numbers that float64 cannot hold exactly",
                expected="at most 2**53",
                got=str(extreme),
                hint="such numbers are mostly identifiers: leave the column out",
            )
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    if array.dtype.kind in "USTMmcV":
        raise DataError(
            "CR106", f"{name} holds {array.dtype}, not numbers", hint=f"if it holds numbers pass {name}.astype(float)"
        )
    gone = missing_cells(array).ravel()
    cells = array.ravel()
    for position in np.flatnonzero(~gone):
        if not isinstance(cells[position], (Real, Decimal, np.bool_)):
            place = np.unravel_index(position, array.shape)
            raise DataError(
                "CR106",
                f"{name} holds a {type(cells[position]).__name__} among its numbers",
                where=" ".join(f"{axis} {int(i)}" for axis, i in zip(("row", "column"), place, strict=False)),
                expected="numbers",
                got=repr(cells[position])[:60],
                hint="pass X.astype(float) if every cell is a number",
            )
    return np.array([np.nan if g else float(c) for g, c in zip(gone, cells, strict=True)], np.float64).reshape(
        array.shape
    )


def infinity_text(title: str, values: Floats) -> str:
    """How many of each sign, the largest finite value, and the first rows."""
    plus, minus = int(np.isposinf(values).sum()), int(np.isneginf(values).sum())
    finite = values[np.isfinite(values)]
    largest = f"{finite.max():g}" if len(finite) else "none"
    return f"{title}: {plus} x +inf, {minus} x -inf, largest finite value {largest}, {row_listing(np.isinf(values))}"


def refuse_infinite(column: Column, where: str) -> None:
    """CR102 for infinite values in a column of numbers."""
    if column.kind == "number" and np.isinf(column.values).any():
        raise DataError(
            "CR102",
            f"column {column.name!r} holds infinite values",
            where=f"{where}; {infinity_text(column.name, column.values)}",
            hint="clip them, take a logarithm, or empty these cells",
        )


def too_large(title: str, row: int, value: float, dtype: npt.DTypeLike, where: str) -> DataError:
    """The error CR107 for a value beyond the range of the number type."""
    return DataError(
        "CR107",
        f"a value too large for {np.dtype(dtype).name}",
        where=f"{where}, column {title!r}, row {row}",
        expected=f"at most {np.finfo(dtype).max:.3g} in size",
        got=f"{value:g}",
        hint="take a logarithm of the column, or pass dtype='float64'",
    )
