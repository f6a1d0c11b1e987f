"""A delimited file as columns: pyarrow splits it at full speed; when it cannot, a slow reader says where and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.data.arrow_column import quick_numbers, text_cells_to_column
from chainrule.data.csv_text import (
    Delimited,
    column_names,
    find_header,
    records,
    refuse_other_encodings,
    to_utf8,
    unclosed_quote,
)
from chainrule.data.reading import MEBIBYTE, Reading, arrow
from chainrule.data.table import Column, Locate, Note, counted, number_column
from chainrule.errors import DataError

_CONTENT = re.compile(rb"[^\r\n]")


def split_cells(
    raw: bytes, where: str, reading: Reading, notes: list[Note]
) -> tuple[tuple[str, ...], list[Any], Locate]:
    """The names of the columns, their cells as Arrow text (null where missing), and row -> line for messages."""
    found = find_header(to_utf8(raw, where, reading.encoding, notes), where, reading, notes)
    names = column_names(found, reading.trailing_comma, notes)
    line_ends = found.data.count(b"\n", found.start)
    check_width(len(names), line_ends, where, reading)
    width = len(names) + (reading.trailing_comma and found.names[-1] != "")
    columns = _parse(found, width, reading)
    if reading.trailing_comma:
        names, columns = _without_last(found, names, columns, notes)
    _check_cells(found, names, columns, reading)
    if len(columns[0]) < line_ends or b"\r" in found.data:
        _note_blank_lines(found, notes)
    return names, columns, found.locate


def columns_from_cells(
    names: Sequence[str], cells: Sequence[Any], reading: Reading, locate: Locate, notes: list[Note]
) -> list[Column]:
    """Every column with its kind. A comma that can be read in two ways is settled by the file's other columns."""
    with ThreadPoolExecutor() as pool:
        tried = [name not in reading.text and reading.decimal != "," for name in names]
        quick = list(pool.map(lambda pair: quick_numbers(pair[0]) if pair[1] else None, zip(cells, tried, strict=True)))
    columns: dict[str, Column] = {}
    waiting: dict[str, DataError] = {}
    for name, array, numbers in zip(names, cells, quick, strict=True):
        if numbers is not None:
            columns[name] = number_column(name, numbers, stored="number in text")
            continue
        try:
            columns[name] = text_cells_to_column(name, array, reading, locate, notes)
        except DataError as error:
            if error.code != "CR312":
                raise
            waiting[name] = error
    with_comma = any(note.topic == "decimal comma" for note in notes)
    if waiting and not with_comma:
        raise next(iter(waiting.values()))
    by_name = dict(zip(names, cells, strict=True))
    for name in waiting:
        columns[name] = text_cells_to_column(name, by_name[name], replace(reading, decimal=","), locate, notes)
    if with_comma and reading.decimal is None:
        for name, numbers in zip(names, quick, strict=True):
            if numbers is not None:
                _refuse_grouped(name, by_name[name])
    return [columns[name] for name in names]


def check_width(columns: int, rows: int, where: str, reading: Reading) -> None:
    """CR315 for more columns than `max_columns` when there are a thousand times more columns than rows."""
    if columns > reading.max_columns and columns > 1000 * max(rows, 1):
        raise DataError(
            "CR315",
            f"{columns:,} columns for {rows:,} rows",
            where=where,
            expected=f"at most {reading.max_columns:,} columns, or rows in proportion",
            hint=f"is the table turned on its side? Otherwise pass max_columns={columns}",
        )


def _parse(found: Delimited, width: int, reading: Reading) -> list[Any]:
    pa, csv = arrow("", "csv")
    body = pa.py_buffer(found.data).slice(found.start)
    if not _CONTENT.search(found.data, found.start):
        return [pa.array([], pa.string())] * width
    quotes = found.data.count(b'"', found.start)
    names = [f"c{position}" for position in range(width)]
    options = {
        "parse_options": csv.ParseOptions(delimiter=found.delimiter, newlines_in_values=quotes > 0),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=sorted(reading.missing_cells),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    }
    if quotes % 2:
        _diagnose(found, width, reading)
    for block in (4 * MEBIBYTE, min(len(found.data) + 1, 2**31 - 1)):
        try:
            read = csv.ReadOptions(column_names=names, block_size=block)
            return list(csv.read_csv(body, read_options=read, **options).columns)
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block == 4 * MEBIBYTE:
                continue
            _diagnose(found, width, reading)
            raise DataError("CR309", f"the text cannot be split into rows ({error})", where=found.where) from None
    raise AssertionError("unreachable")


def _diagnose(found: Delimited, width: int, reading: Reading) -> None:
    """Read record by record until the one that cannot be right, and raise the error that names its line."""
    refuse_other_encodings(found.data, found.where)
    wrong: list[tuple[int, int]] = []
    rows = 0
    for row in found.rows():
        rows += 1
        if not row.is_closed:
            raise unclosed_quote(found.where, row.line)
        large = next((field for field in row.fields if len(field.encode()) > reading.max_cell), None)
        if large is not None:
            raise _large_cell(found.where, f"line {row.line}", len(large.encode()), reading)
        if len(row.fields) != width:
            wrong.append((row.line, len(row.fields)))
            if len(wrong) > 1000:
                break
    if not wrong:
        return
    line, fields = wrong[0]
    header = len(found.names)
    if len(wrong) == rows and fields == width + 1 and len({count for _, count in wrong}) == 1:
        what, hint = (
            f"the rows have {fields} fields, the header has {header}",
            "pass trailing_comma=True if every row ends in a separator",
        )
    else:
        what, hint = (
            f"line {line} has {counted(fields, 'field')}, the header has {header}",
            'quote cells that hold the separator ("a, b")',
        )
        if fields < width:
            hint = "leave a missing cell empty but keep its separators"
        if header == 1:
            hint = "name every column in the header, or pass delimiter=';' if the comma is a decimal mark"
    raise DataError("CR305", what, where=found.where, hint=hint)


def _without_last(
    found: Delimited, names: tuple[str, ...], columns: list[Any], notes: list[Note]
) -> tuple[tuple[str, ...], list[Any]]:
    last = columns[-1]
    if last.null_count < len(last):
        raise DataError("CR305", "trailing_comma=True, but the last field of a row is not empty", where=found.where)
    notes.append(Note("trailing comma", found.where, "the empty field at the end of every row left out, as asked"))
    kept = len(columns) - 1
    return names[:kept], columns[:kept]


def _check_cells(found: Delimited, names: tuple[str, ...], columns: list[Any], reading: Reading) -> None:
    _, pc = arrow("", "compute")
    if len(found.data) <= reading.max_cell:
        return
    for name, cells in zip(names, columns, strict=True):
        longest = pc.max(pc.binary_length(cells)).as_py() or 0
        if longest > reading.max_cell:
            row = int(np.argmax(pc.binary_length(cells).fill_null(0).to_numpy() > reading.max_cell))
            raise _large_cell(found.where, f"{found.locate(row)}, column {name!r}", longest, reading)


def _large_cell(where: str, place: str, size: int, reading: Reading) -> DataError:
    return DataError(
        "CR316",
        f"a cell of {size / MEBIBYTE:.1f} MiB",
        where=f"{where}, {place}",
        expected=f"at most {reading.max_cell / MEBIBYTE:g} MiB",
        hint=f"is a quote missing? Otherwise pass max_cell={size}",
    )


def _note_blank_lines(found: Delimited, notes: list[Note]) -> None:
    if not any(pair in found.data for pair in (b"\n\n", b"\n\r", b"\r\r")):
        return
    body = found.data[found.start :].rstrip(b"\r\n").decode("utf-8")
    blank = sum(row.is_blank for row in records(body, found.delimiter))
    if blank:
        notes.append(Note("blank lines", found.where, f"{counted(blank, 'blank line')} skipped"))


def _refuse_grouped(name: str, cells: Any) -> None:
    """1.234 beside a column with decimal commas may be 1234: ask."""
    _, pc = arrow("", "compute")
    has_point = pc.match_substring(cells, ".")
    grouped = pc.match_substring_regex(cells, r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$")
    if pc.any(has_point).as_py() and pc.all(pc.or_(pc.invert(has_point), grouped)).as_py():
        example = cells.filter(has_point)[0].as_py()
        raise DataError(
            "CR312",
            f"the point in column {name!r} can be read in two ways, for other columns have a decimal comma",
            got=f"{example!r}, which is {float(example):g} or {example.replace('.', '')}",
            hint="pass decimal=',' if it separates thousands, decimal='.' if it is the decimal mark",
        )
