"""A table: named columns of numbers, truth values, text or dates, with what was decided while reading it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.errors import DataError, nearest

KINDS = ("number", "boolean", "text", "date")
Locate = Callable[[int], str]


@dataclass(frozen=True)
class Note:
    """One automatic choice, told once: its topic, where it applies, and what was done."""

    topic: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text

    def to_dict(self) -> dict[str, str]:
        return {"topic": self.topic, "where": self.where, "text": self.text}


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    `values` by kind: "number" and "boolean" (0/1) are float64 with NaN where missing; "text" is int32 codes into
    `levels` with -1 where missing; "date" is datetime64[us] (UTC) with NaT where missing. `stored` says what it was in
    the source.
    """

    name: str
    kind: str
    values: npt.NDArray[Any]
    levels: tuple[str, ...] = ()
    stored: str = "text"

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def missing(self) -> npt.NDArray[np.bool_]:
        """True where there is no value (rows,)."""
        if self.kind == "text":
            return read_only(self.values < 0)
        return read_only(np.isnat(self.values) if self.kind == "date" else np.isnan(self.values))

    @cached_property
    def missing_count(self) -> int:
        return int(self.missing.sum())

    @cached_property
    def present(self) -> npt.NDArray[Any]:
        """The values that are there."""
        return self.values[~self.missing] if self.missing_count else self.values

    @cached_property
    def is_whole(self) -> bool:
        """Every value that is there is a finite whole number."""
        if self.kind != "number":
            return False
        with np.errstate(invalid="ignore"):
            parts = (self.present[:1000], self.present)
            return all(bool(np.all(np.isfinite(part)) and np.all(part == np.floor(part))) for part in parts)

    def take(self, rows: npt.NDArray[Any]) -> Column:
        return replace(self, values=read_only(self.values[rows]))

    def cells(self) -> list[Any]:
        """The values as Python objects, None where missing."""
        if self.kind == "text":
            return [None if code < 0 else self.levels[code] for code in self.values.tolist()]
        plain = self.values.tolist()
        if self.kind == "boolean":
            return [None if gone else bool(value) for value, gone in zip(plain, self.missing, strict=True)]
        return [None if gone else value for value, gone in zip(plain, self.missing, strict=True)]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, where they came from, and the notes of reading them.

    >>> table = Table.of([number_column("age", np.array([22.0, np.nan]))], source="a dict")
    >>> table.names, table.row_count, table["age"].missing_count
    (('age',), 2, 1)
    """

    columns: tuple[Column, ...]
    row_count: int
    source: str
    notes: tuple[Note, ...] = ()
    has_names: bool = True

    @classmethod
    def of(
        cls,
        columns: Iterable[Column],
        *,
        source: str,
        notes: Iterable[Note] = (),
        has_names: bool = True,
        row_count: int = 0,
    ) -> Table:
        columns = tuple(columns)
        lengths = {column.name: len(column) for column in columns}
        if len(set(lengths.values())) > 1:
            shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
            raise DataError(
                "CR104",
                "columns of different lengths",
                where=source,
                expected=f"{lengths[longest]} values as in {longest!r}",
                got=f"{lengths[shortest]} in {shortest!r}",
            )
        rows = next(iter(lengths.values())) if lengths else row_count
        return cls(columns, rows, source, tuple(notes), has_names)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Column:
        """The column of that name; CR313 with the nearest names when there is none."""
        if name not in self._by_name:
            raise no_such_column(name, self)
        return self._by_name[name]

    def take(self, rows: npt.NDArray[Any]) -> Table:
        """The table of these rows, in this order."""
        columns = tuple(column.take(rows) for column in self.columns)
        count = int(np.count_nonzero(rows)) if rows.dtype == bool else len(rows)
        return replace(self, columns=columns, row_count=count)

    def without(self, names: Iterable[str]) -> Table:
        """The table without these columns, where it has them."""
        gone = set(names)
        return replace(self, columns=tuple(column for column in self.columns if column.name not in gone))

    def with_columns(self, extra: Iterable[Column]) -> Table:
        """The table with further columns at its end."""
        return Table.of((*self.columns, *extra), source=self.source, notes=self.notes, has_names=self.has_names)


def no_such_column(name: str, table: Table) -> DataError:
    """The error for a column that is not there, with the nearest names."""
    close = nearest(str(name), table.names) or list(table.names[:8])
    hint = f"the columns are called {listing(table.names)}"
    if nearest(str(name), table.names):
        hint = f"did you mean {' or '.join(repr(c) for c in close)}?"
    return DataError("CR313", f"there is no column {name!r}", where=table.source, hint=hint)


def number_column(name: str, values: npt.ArrayLike, stored: str = "float64", kind: str = "number") -> Column:
    """A column of numbers (or 0/1 truth values); NaN means missing."""
    return Column(name, kind, read_only(np.ascontiguousarray(values, dtype=np.float64)), stored=stored)


def category_column(name: str, levels: Iterable[str], codes: npt.ArrayLike, stored: str = "text") -> Column:
    """A column of text: `codes` into `levels`, -1 where missing."""
    return Column(name, "text", read_only(np.ascontiguousarray(codes, dtype=np.int32)), tuple(levels), stored)


def date_column(name: str, values: npt.ArrayLike, stored: str = "date") -> Column:
    """A column of dates; NaT means missing."""
    return Column(name, "date", read_only(np.asarray(values).astype("datetime64[us]")), stored=stored)


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, closed for writing (a view: the caller's own array stays as it was)."""
    view = array.view()
    view.flags.writeable = False
    return view


def listing(names: Iterable[Any], limit: int = 8) -> str:
    """Names for a message: the first few, and how many more.

    >>> listing(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    names = [str(name) for name in names]
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def counted(count: int, noun: str) -> str:
    """A number of things: "1 row", "1,200 rows"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def row_listing(mask: npt.NDArray[np.bool_], limit: int = 5) -> str:
    """The first rows where the mask is true, for a message (rows count from 0)."""
    rows = np.flatnonzero(mask)
    return ("row " if len(rows) == 1 else "rows ") + listing(rows.tolist(), limit)
