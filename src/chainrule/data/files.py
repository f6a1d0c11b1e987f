"""`read_table`: one door for every source of a table. What a file is, its first bytes say; the name must agree."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainrule.data.arrow_column import column_from_arrow
from chainrule.data.csv_table import check_width, columns_from_cells, split_cells
from chainrule.data.frames import table_from_memory, text_names
from chainrule.data.reading import MEBIBYTE, Reading, arrow
from chainrule.data.table import Note, Table, listing
from chainrule.errors import DataError, nearest

_MAGIC = {
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"\xff\xff\xff\xff": "Arrow stream",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive or an Excel file (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls)",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x89HDF": "HDF5",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"SQLite format 3": "an SQLite database",
    b"FEA1": "Feather of the first version",
    b"ORC": "ORC",
    b"%PDF": "PDF",
    b"\x80\x04\x95": "a Python pickle",
}
_ARROW_KINDS = ("Parquet", "Arrow", "Arrow stream")
_SUFFIX_KINDS = {
    ".parquet": ("Parquet",),
    ".pq": ("Parquet",),
    ".feather": ("Arrow",),
    ".arrow": ("Arrow", "Arrow stream"),
    ".arrows": ("Arrow stream",),
}


def read_table(
    source: Any,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    trailing_comma: bool = False,
    day_first: bool | None = None,
    missing: Sequence[str] = (),
    text: Sequence[str] = (),
    max_columns: int = Reading.max_columns,
    max_cell: int = Reading.max_cell,
    max_expanded: int = Reading.max_expanded,
) -> Table:
    """Read a table from a file, a folder of files of one type, a DataFrame, a dict of columns, an array or rows.

    Files: delimited text (.csv, .tsv, .txt, also as .gz), Parquet, Feather, Arrow. Types are found from the whole file.
    What was found or decided without being asked stands in `Table.notes`.

    Parameters: `encoding`, `delimiter` and `decimal` are found when None; `trailing_comma` allows an empty last field
    on every row; `day_first` tells how to read 01/02/2024; `missing` are further cells that mean "no value" (beside '',
    NA, N/A, NaN, null, None, #N/A); `text` are columns kept as text; the limits guard against damaged or hostile files.

    Raises `DataError` CR301-CR319 (see docs/errors.md) before anything is learned from the data.

    >>> table = read_table({"age": [22, None], "sex": ["male", "female"]})
    >>> [(column.name, column.kind, column.missing_count) for column in table.columns]
    [('age', 'number', 1), ('sex', 'text', 0)]
    """
    reading = Reading(
        encoding,
        delimiter,
        decimal,
        trailing_comma,
        day_first,
        (missing,) if isinstance(missing, str) else tuple(missing),
        (text,) if isinstance(text, str) else tuple(text),
        max_columns,
        max_cell,
        max_expanded,
    )
    if isinstance(source, Table):
        return source
    if not isinstance(source, (str, os.PathLike)):
        return table_from_memory(source, reading)
    path = Path(source).expanduser()
    if path.is_dir():
        return _read_folder(path, reading)
    if not path.is_file():
        raise _not_there(path)
    return _read_files([path], path, reading)


def _not_there(path: Path) -> DataError:
    folder = path.parent
    there = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    close = nearest(path.name, there)
    hint = f"did you mean {' or '.join(repr(str(folder / name)) for name in close)}?" if close else None
    if not folder.is_dir():
        hint = f"the folder {str(folder.absolute())!r} is not there either"
    return DataError("CR301", "there is no such file", where=str(path.absolute()), hint=hint)


def _read_folder(folder: Path, reading: Reading) -> Table:
    """All files of a folder as one table, when they are of one type."""
    files = sorted(entry for entry in folder.iterdir() if not entry.name.startswith((".", "_")))
    kinds = Counter("a folder" if entry.is_dir() else entry.suffix.lower() or "no suffix" for entry in files)
    if len(kinds) != 1 or "a folder" in kinds:
        found = ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items())) or "nothing"
        raise DataError(
            "CR317",
            "this is a folder, and not one of files of one type",
            where=str(folder),
            expected="a file, or a folder of files of one type",
            got=found,
            hint=f"it holds {listing([entry.name for entry in files])}" if files else None,
        )
    return _read_files(files, folder, reading)


def _read_files(paths: list[Path], source: Path, reading: Reading) -> Table:
    """One or several files of one type as one table; a folder's files must have the same columns."""
    _check_memory(paths)
    notes: list[Note] = []
    parts = [_read_cells(path, reading, notes) for path in paths]
    names, cells, locate, is_text = parts[0]
    for path, part in zip(paths[1:], parts[1:], strict=True):
        if part[0] != names:
            differing = sorted(set(part[0]) ^ set(names)) or ["the order of the columns"]
            raise DataError(
                "CR305", "the files of a folder have different columns", where=str(path), got=listing(differing)
            )
    if len(parts) > 1:
        (pa,) = arrow("")
        notes = list(dict.fromkeys(notes))
        notes.append(
            Note("folder", str(source), f"{len(parts)} files read as one table: {listing([p.name for p in paths])}")
        )
        cells = [
            pa.chunked_array([chunk for part in parts for chunk in _chunks(part[1][i])]) for i in range(len(names))
        ]
        locate = _locate_in(paths, parts)
    rows = len(cells[0]) if cells else 0
    if is_text:
        columns = columns_from_cells(names, cells, reading, locate, notes)
    else:
        check_width(len(names), rows, str(source), reading)
        columns = [
            column_from_arrow(name, array, reading, locate, notes) for name, array in zip(names, cells, strict=True)
        ]
    return Table.of(columns, source=str(source), notes=notes, row_count=rows)


def _chunks(array: Any) -> list[Any]:
    return list(array.chunks) if hasattr(array, "chunks") else [array]


def _locate_in(paths: list[Path], parts: list[Any]) -> Any:
    def locate(row: int) -> str:
        for path, (_, cells, inside, _) in zip(paths, parts, strict=True):
            if row < len(cells[0]):
                return f"{path.name} {inside(row)}"
            row -= len(cells[0])
        return f"row {row}"

    return locate


def _read_cells(path: Path, reading: Reading, notes: list[Note]) -> tuple[tuple[str, ...], list[Any], Any, bool]:
    """Names, Arrow arrays, row -> place, and whether the cells are text whose kinds are still to be found."""
    size = path.stat().st_size
    if size == 0:
        raise DataError("CR302", "the file is empty (0 bytes)", where=str(path))
    with path.open("rb") as file:
        start = file.read(16)
    kind = _kind(start)
    wanted = _SUFFIX_KINDS.get(path.suffix.lower())
    if wanted and kind not in wanted:
        raise _another_kind(path, kind or "text", wanted[0])
    if kind in _ARROW_KINDS:
        if not wanted:
            raise _another_kind(path, kind, "text")
        names, cells = _read_arrow(path, kind, notes)
        return names, cells, _row, False
    raw = path.read_bytes()
    if kind == "gzip":
        raw = _expand(raw, path, reading)
        notes.append(Note("compression", str(path), f"gzip, {len(raw) / MEBIBYTE:.3g} MiB of text"))
        kind = _kind(raw[:16])
        if not raw:
            raise DataError("CR302", "the file inside the gzip file is empty", where=str(path))
    if kind is not None and not raw.startswith(b"\xff\xfe"):
        raise DataError(
            "CR319",
            f"this is {kind}, which is not read",
            where=str(path),
            expected="CSV, TSV, Parquet, Feather or Arrow",
            hint="save the table as CSV or Parquet" + (", uncompressed" if kind in _ARROW_KINDS else ""),
        )
    return (*split_cells(raw, str(path), reading, notes), True)


def _row(row: int) -> str:
    return f"row {row}"


def _kind(start: bytes) -> str | None:
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def _another_kind(path: Path, kind: str, named: str) -> DataError:
    suffix = {"Parquet": ".parquet", "Arrow": ".arrow", "Arrow stream": ".arrow", "text": ".csv"}.get(kind)
    return DataError(
        "CR308",
        f"this is {kind}, though its name says {named}",
        where=str(path),
        hint=f"rename it to {path.stem + suffix!r}" if suffix else "save the table as CSV or Parquet",
    )


def _expand(raw: bytes, path: Path, reading: Reading) -> bytes:
    """The contents of a gzip file (all its members), never more than `max_expanded` bytes."""
    parts: list[bytes] = []
    room = reading.max_expanded
    rest = raw
    try:
        while rest:
            member = zlib.decompressobj(wbits=31)
            part = member.decompress(rest, room + 1)
            room -= len(part)
            if room < 0:
                raise DataError(
                    "CR318",
                    f"the gzip file of {len(raw):,} bytes grows beyond {reading.max_expanded / MEBIBYTE:,.0f} MiB",
                    where=str(path),
                    hint="pass a larger max_expanded= if you trust it",
                )
            if not member.eof:
                raise DataError("CR309", "the gzip file is cut off", where=str(path), hint="copy or download it again")
            parts.append(part)
            rest = member.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise DataError("CR309", f"the gzip file is damaged ({error})", where=str(path)) from None
    return b"".join(parts)


def _read_arrow(path: Path, kind: str, notes: list[Note]) -> tuple[tuple[str, ...], list[Any]]:
    pa, parquet, ipc = arrow("", "parquet", "ipc")
    size = path.stat().st_size
    tail = {"Parquet": b"PAR1", "Arrow": b"ARROW1"}.get(kind)
    if tail:
        with path.open("rb") as file:
            file.seek(max(0, size - len(tail)))
            whole = file.read() == tail and size > 2 * len(tail)
        if not whole:
            raise DataError(
                "CR309",
                f"this {kind} file is truncated",
                where=str(path),
                got=f"{size:,} bytes without an end mark",
                hint="copy or download it again",
            )
    try:
        if kind == "Parquet":
            table = parquet.read_table(path)
        elif kind == "Arrow":
            table = ipc.open_file(path).read_all()
        else:
            table = ipc.open_stream(path).read_all()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError("CR309", f"this {kind} file is damaged ({error})", where=str(path)) from None
    return text_names(table.column_names, str(path), notes), list(table.columns)


def _check_memory(paths: list[Path]) -> None:
    """CR318 when the files cannot fit: text and its numbers take about three times the file."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return  # Other systems have no such file; theirs is the error of the allocation.
    need = 3 * sum(path.stat().st_size for path in paths)
    if need > 64 * MEBIBYTE and need > free:
        raise DataError(
            "CR318",
            "the data do not fit into the memory",
            where=str(paths[0]),
            expected=f"about {need / MEBIBYTE:,.0f} MiB",
            got=f"{free / MEBIBYTE:,.0f} MiB free",
            hint="keep fewer rows or columns",
        )
