"""Tables out of what is already in memory: DataFrames of any kind, dicts of columns, arrays, lists of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.arrow_column import EXACT_WHOLE, column_from_arrow, whole_numbers_as_text
from chainrule.data.plain import refuse_sparse, refuse_strange_array, rows_of_equal_length
from chainrule.data.reading import Reading
from chainrule.data.table import Column, Note, Table, category_column, counted, date_column, listing, number_column
from chainrule.data.text_column import Cells, column_from_text, factorize
from chainrule.errors import DataError


def table_from_memory(source: Any, reading: Reading) -> Table:
    """A table from a DataFrame (pandas, polars, pyarrow, ...), a dict of columns, a 2-D array, or rows."""
    refuse_sparse(source, "the data")
    if isinstance(source, Mapping):
        return _from_named_columns(dict(source), "the dict", reading)
    if isinstance(source, np.ndarray) and source.dtype.names:
        return _from_named_columns({name: source[name] for name in source.dtype.names}, "the array", reading)
    if isinstance(source, np.ndarray):
        return _from_array(source, reading)
    if isinstance(source, (list, tuple)) and source and all(isinstance(row, Mapping) for row in source):
        names = list(dict.fromkeys(name for row in source for name in row))
        return _from_named_columns({name: [row.get(name) for row in source] for name in names}, "the rows", reading)
    if isinstance(source, (list, tuple)):
        return _from_rows(source, reading)
    if hasattr(source, "__array__") and not hasattr(source, "columns"):
        return _from_array(np.asarray(source), reading)
    return _from_frame(source, reading)


def attach_target(table: Table, target: Any) -> tuple[Table, tuple[str, ...]]:
    """The table with the target's column or columns at its end, and their names.

    `target`: (rows,) or (rows, targets); a Series or DataFrame keeps its names, otherwise they are `target`, or
    `target 0`, `target 1`, ... Raises CR104 when the lengths differ.
    """
    names = _target_names(target)
    values = target
    if not hasattr(target, "columns"):
        values = _plain_sequence(target)
        if values.ndim == 1:
            values = {names[0] if names else "target": values}
        elif values.ndim == 2:
            wide = values.shape[1] > 1
            values = {f"target {i}" if wide else "target": values[:, i] for i in range(values.shape[1])}
        else:
            raise DataError("CR103", "a target of more than two dimensions", got=f"shape {values.shape}")
    # Labels keep their type: the text "1" is not the number 1.
    titles = values.columns if hasattr(values, "columns") else values
    other = table_from_memory(values, Reading(text=tuple(str(title) for title in titles)))
    if other.row_count != table.row_count:
        raise DataError(
            "CR104",
            "inputs and target differ in length",
            expected=f"{table.row_count} targets, one for each row of {table.source}",
            got=str(other.row_count),
        )
    taken = {column.name: column.name for column in other.columns}
    for name in taken:
        while taken[name] in table:
            taken[name] = f"{taken[name]} (target)"
    columns = [Column(taken[c.name], c.kind, c.values, c.levels, c.stored) for c in other.columns]
    joined = table.with_columns(columns)
    return Table(joined.columns, joined.row_count, table.source, (*table.notes, *other.notes), table.has_names), tuple(
        taken.values()
    )


def _target_names(target: Any) -> tuple[str, ...]:
    name = getattr(target, "name", None)
    return (str(name),) if name is not None and not callable(name) else ()


def _plain_sequence(values: Any) -> npt.NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    if isinstance(values, (list, tuple)) and not any(isinstance(value, (list, tuple, np.ndarray)) for value in values):
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    return np.asarray(values)


def _from_named_columns(columns: dict[Any, Any], where: str, reading: Reading) -> Table:
    notes: list[Note] = []
    names = text_names(list(columns), where, notes)
    built = [_column_from_values(n, v, reading, notes) for n, v in zip(names, columns.values(), strict=True)]
    return Table.of(built, source=where, notes=notes)


def _from_array(array: npt.NDArray[Any], reading: Reading) -> Table:
    refuse_strange_array(array, "the data")
    names = [f"x{position}" for position in range(array.shape[1])]
    notes: list[Note] = []
    columns = [_column_from_values(n, array[:, i], reading, notes) for i, n in enumerate(names)]
    return Table.of(columns, source="the array", notes=notes, has_names=False, row_count=array.shape[0])


def _from_rows(rows: Sequence[Any], reading: Reading) -> Table:
    width = rows_of_equal_length(rows, "the data")
    notes: list[Note] = []
    columns = [column_from_objects(f"x{i}", [row[i] for row in rows], reading, notes) for i in range(width)]
    return Table.of(columns, source="the list", notes=notes, has_names=False, row_count=len(rows))


def _from_frame(frame: Any, reading: Reading) -> Table:
    import narwhals.stable.v1 as nw

    where = f"the {type(frame).__module__.split('.')[0]} {type(frame).__name__}"
    if hasattr(frame, "collect") and not hasattr(frame, "to_dicts"):
        frame = frame.collect()
    notes: list[Note] = []
    given = list(frame.column_names if hasattr(frame, "column_names") else getattr(frame, "columns", []))
    names = text_names(given, where, notes)
    if type(frame).__module__.startswith("pyarrow"):
        arrays = zip(names, frame.columns, strict=True)
        columns = [column_from_arrow(name, array, reading, _row, notes) for name, array in arrays]
        return Table.of(columns, source=where, notes=notes, row_count=frame.num_rows)
    if any(not isinstance(name, str) for name in given):
        frame = frame.set_axis(names, axis=1)
    try:
        wrapped = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise DataError(
            "CR106",
            f"{type(frame).__name__} is not a table",
            expected="a path, a DataFrame, a dict of columns, a 2-D array or a list of rows",
        ) from None
    columns = [
        _column_from_series(n, wrapped[old], reading, notes) for n, old in zip(names, wrapped.columns, strict=True)
    ]
    return Table.of(columns, source=where, notes=notes, row_count=len(wrapped))


def text_names(given: Sequence[Any], where: str, notes: list[Note]) -> tuple[str, ...]:
    """Column names as text, said when they were not; CR304 for one name twice, CR404 when two become equal."""
    names = [str(name) for name in given]
    for position, name in enumerate(names):
        earlier = names.index(name)
        if earlier < position:
            same = given[earlier] == given[position] and type(given[earlier]) is type(given[position])
            raise DataError(
                "CR304" if same else "CR404",
                f"the column name {name!r} stands twice" if same else f"two column names become {name!r} as text",
                where=where,
                got=f"columns {earlier} and {position} (counted from 0)",
                hint="give every column its own name",
            )
    changed = [name for name in given if not isinstance(name, str)]
    if changed:
        notes.append(Note("header", where, f"column names turned into text: {listing(changed)}"))
    return tuple(names)


def _row(row: int) -> str:
    return f"row {row}"


def _column_from_series(name: str, series: Any, reading: Reading, notes: list[Note]) -> Column:
    import narwhals.stable.v1 as nw

    kind = series.dtype
    if kind == nw.Boolean:
        return number_column(name, series.cast(nw.Float64).to_numpy(), stored="bool", kind="boolean")
    if kind.is_integer():
        return _whole_series(name, series, notes)
    if kind.is_numeric():
        return number_column(name, series.cast(nw.Float64).to_numpy(), stored=str(kind).lower())
    if kind in (nw.Categorical, nw.Enum):
        levels, codes = factorize([_category(value) for value in series.to_list()])
        return category_column(name, levels, codes, stored="category")
    if kind == nw.String:
        levels, codes = factorize([None if is_missing(value) else value for value in series.to_list()])
        return column_from_text(Cells(name, levels, codes, reading, _row, notes))
    if kind == nw.Date or kind == nw.Datetime:
        return column_from_objects(name, series.to_list(), reading, notes)
    return column_from_objects(name, series.to_list(), reading, notes)


def _category(value: Any) -> str | None:
    return None if is_missing(value) else str(value)


def _whole_series(name: str, series: Any, notes: list[Note]) -> Column:
    import narwhals.stable.v1 as nw

    low, high = series.min(), series.max()
    if max(abs(int(low or 0)), abs(int(high or 0))) > EXACT_WHOLE:
        values = [None if is_missing(value) else int(value) for value in series.to_list()]
        return whole_numbers_as_text(name, values, notes)
    return number_column(name, series.cast(nw.Float64).to_numpy(), stored=str(series.dtype).lower())


def _column_from_values(name: str, values: Any, reading: Reading, notes: list[Note]) -> Column:
    """A column from one array, list or Series."""
    if not isinstance(values, (np.ndarray, list, tuple)):
        import narwhals.stable.v1 as nw

        wrapped = nw.from_native(values, series_only=True, pass_through=True)
        if isinstance(wrapped, nw.Series):
            return _column_from_series(name, wrapped, reading, notes)
        values = np.asarray(values)
    if isinstance(values, (list, tuple)):
        return column_from_objects(name, values, reading, notes)
    if values.ndim != 1:
        raise DataError("CR103", f"column {name!r} has {values.ndim} dimensions", expected="1")
    gone = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    values = np.asarray(values)
    if values.dtype.kind in "iu" and values.size and max(abs(int(values.min())), abs(int(values.max()))) > EXACT_WHOLE:
        return whole_numbers_as_text(name, values.tolist(), notes)
    if values.dtype.kind in "biuf":
        floats = values.astype(np.float64)
        if gone is not None and gone.any():
            floats[gone] = np.nan
            notes.append(
                Note("missing", f"column {name!r}", f"{counted(int(gone.sum()), 'masked value')} read as missing")
            )
        kind = "boolean" if values.dtype.kind == "b" else "number"
        return number_column(name, floats, stored=values.dtype.name, kind=kind)
    if values.dtype.kind == "M":
        return date_column(name, values, stored=str(values.dtype))
    if values.dtype.kind in "OUST":
        return column_from_objects(name, values.tolist(), reading, notes)
    raise _strange_column(name, str(values.dtype))


def is_missing(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT, a masked cell."""
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and math.isnan(value)


def column_from_objects(name: str, values: Sequence[Any], reading: Reading, notes: list[Note]) -> Column:
    """A column from Python objects: every cell is looked at.

    Text beside numbers is accepted only when all of it parses (and that is said); otherwise CR310.
    """
    kinds = {_kind(name, value) for value in values} - {"missing"}
    if not kinds:
        return number_column(name, np.full(len(values), np.nan), stored="empty")
    if kinds == {"text"}:
        levels, codes = factorize([None if is_missing(value) else str(value) for value in values])
        return column_from_text(Cells(name, levels, codes, reading, _row, notes))
    if kinds == {"date"}:
        moments = [None if is_missing(value) else _moment(value) for value in values]
        return date_column(name, np.array(moments, dtype="datetime64[us]"))
    if kinds == {"boolean"}:
        return number_column(name, [_float(value) for value in values], stored="bool", kind="boolean")
    if kinds <= {"number", "whole", "boolean"}:
        large = kinds == {"whole"} and any(not is_missing(v) and abs(int(v)) > EXACT_WHOLE for v in values)
        if large:
            return whole_numbers_as_text(name, [None if is_missing(v) else int(v) for v in values], notes)
        return number_column(
            name, [_float(value) for value in values], stored="int64" if kinds == {"whole"} else "float64"
        )
    if kinds <= {"number", "whole", "text"}:
        return _mixed_objects(name, values, reading, notes)
    raise DataError("CR310", f"column {name!r} mixes {' and '.join(sorted(kinds))}", hint="keep one type in a column")


def _kind(name: str, value: Any) -> str:
    if is_missing(value):
        return "missing"
    if isinstance(value, (bool, np.bool_)):
        return "boolean"
    if isinstance(value, Integral):
        return "whole"
    if isinstance(value, (Real, Decimal)):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (date, np.datetime64)):
        return "date"
    raise _strange_column(name, type(value).__name__)


def _strange_column(name: str, kind: str) -> DataError:
    return DataError(
        "CR106",
        f"column {name!r} holds {kind}, which is neither numbers, text nor dates",
        hint="leave the column out, or turn it into numbers first",
    )


def _moment(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is not None:
        offset = value.utcoffset()
        value = value.replace(tzinfo=None)
        return value - offset if offset else value
    return value


def _float(value: Any) -> float:
    return math.nan if is_missing(value) else float(value)


def _mixed_objects(name: str, values: Sequence[Any], reading: Reading, notes: list[Note]) -> Column:
    text = [isinstance(value, str) for value in values]
    count = f"{sum(text)} text, {sum(not (t or is_missing(v)) for t, v in zip(text, values, strict=True))} number"
    cells = [None if is_missing(value) else str(value) for value in values]
    levels, codes = factorize(cells)
    try:
        column = column_from_text(Cells(name, levels, codes, reading, _row, []))
    except DataError:
        column = None
    if column is None or column.kind != "number":
        row = next(i for i, value in enumerate(values) if isinstance(value, str) and not _is_number(value))
        raise DataError(
            "CR310",
            f"column {name!r} is mixed ({count})",
            where=f"row {row}",
            expected="numbers, or text in every cell",
            got=repr(values[row]),
            hint="turn all of it into text with .astype(str), or mend these cells",
        )
    notes.append(Note("mixed", f"column {name!r}", f"mixed ({count}); all text cells are numbers and were read so"))
    return column


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
