"""Text of a delimited file, as its rules have it: encoding, separator, header, records with their line numbers."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from chainrule.data.reading import MEBIBYTE, Reading
from chainrule.data.table import Note, listing
from chainrule.errors import DataError, SettingError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Record:
    """One row of fields: the line it starts on (from 1), where it ends in the text, whether every quote was closed."""

    line: int
    fields: tuple[str, ...]
    end: int
    is_closed: bool
    is_blank: bool


@dataclass(frozen=True)
class Delimited:
    """The UTF-8 bytes of a delimited file and what was found about them; `start` is where the data begin."""

    data: bytes
    where: str
    delimiter: str
    names: tuple[str, ...]
    start: int
    first_line: int

    def rows(self) -> Iterator[Record]:
        """The records after the header, blank lines left out."""
        text = self.data[self.start :].decode("utf-8", errors="replace")
        return (row for row in records(text, self.delimiter, first_line=self.first_line) if not row.is_blank)

    def locate(self, row: int) -> str:
        """`line 7` for row 5: counted, because a quoted cell may hold line ends."""
        found = next(islice(self.rows(), row, None), None)
        return f"line {found.line}" if found else f"row {row}"


def records(text: str, delimiter: str, *, first_line: int = 1) -> Iterator[Record]:
    """The records of delimited text (RFC 4180; lines end in LF, CRLF or CR; a quote opens only at a field's start).

    >>> [row.fields for row in records('a,"b ""c"" d"\\r\\n1,2', ",")]
    [('a', 'b "c" d'), ('1', '2')]
    """
    plain = rf"[^{re.escape(delimiter)}\r\n]*"
    field = re.compile(rf'(?:"((?:[^"]+|"")*+)("?)({plain})|({plain}))({re.escape(delimiter)}|\r\n|\r|\n|\Z)')
    position, line = 0, first_line
    while position < len(text):
        start, fields, closed = line, [], True
        while True:
            match = field.match(text, position)
            assert match is not None
            inner, quote, tail, bare, end = match.groups()
            if inner is None:
                fields.append(bare)
            else:
                fields.append(inner.replace('""', '"') + tail)
                closed = closed and quote == '"'
                line += len(_LINE_END.findall(inner))
            position = match.end()
            if end != delimiter:
                break
        line += 1
        blank = len(fields) == 1 and inner is None and not bare
        yield Record(start, tuple(fields), position, closed, blank)


def to_utf8(raw: bytes, where: str, encoding: str | None, notes: list[Note]) -> bytes:
    """The bytes as UTF-8 without a byte order mark. Whether UTF-8 is valid is checked when the cells are read."""
    mark, marked = next(((m, e) for m, e in _BYTE_ORDER_MARKS if raw.startswith(m)), (b"", None))
    wanted = encoding or marked
    if marked == "utf-8" and wanted in ("utf-8", "utf8", "UTF-8", "utf-8-sig"):
        raw = raw[len(mark) :]
    elif wanted is not None and wanted.lower() not in ("utf-8", "utf8"):
        if encoding is None:
            notes.append(Note("encoding", where, f"read as {wanted.upper()} because of its byte order mark"))
        try:
            raw = raw.decode(wanted).removeprefix("\ufeff").encode("utf-8")
        except LookupError:
            raise SettingError("CR203", "unknown encoding", got=repr(encoding), hint="such as 'latin-1'") from None
        except UnicodeDecodeError as error:
            raise DataError(
                "CR303", f"not {wanted} at byte {error.start + 1}", where=where, hint="pass another encoding="
            ) from None
    zero = raw.find(b"\0")
    if zero >= 0:
        raise DataError(
            "CR307",
            f"a NUL byte at byte {zero + 1}, line {line_of_byte(raw, zero)}",
            where=where,
            expected="text",
            hint="the file is damaged or not text; if it is UTF-16 without a byte order mark pass encoding='utf-16-le'",
        )
    return raw


def line_of_byte(data: bytes, position: int) -> int:
    """The line (from 1) that a byte is on."""
    return 1 + len(re.findall(rb"\r\n|\r|\n", data[:position]))


def find_header(data: bytes, where: str, reading: Reading, notes: list[Note]) -> Delimited:
    """Separator, names of the columns, and where the data begin."""
    body = data.lstrip(b"\r\n")
    if not re.search(rb"\S", body):
        raise DataError("CR302", "the file has no header and no data", where=where)
    skipped = line_of_byte(data, len(data) - len(body)) - 1
    sample = _decode_start(body, MEBIBYTE)
    delimiter = reading.delimiter or _find_delimiter(sample, len(body) > MEBIBYTE, where, reading, notes)
    header = next(records(sample, delimiter))
    if header.end == len(sample) and len(body) > MEBIBYTE:
        sample = _decode_start(body, len(body))
        header = next(records(sample, delimiter))
    if not header.is_closed:
        raise unclosed_quote(where, header.line + skipped)
    start = len(data) - len(body) + len(sample[: header.end].encode("utf-8"))
    refuse_other_encodings(data[:start], where)
    lines = header.line + skipped + len(_LINE_END.findall(sample[: header.end].rstrip("\r\n"))) + 1
    return Delimited(data, where, delimiter, header.fields, start, lines)


def refuse_other_encodings(data: bytes, where: str) -> None:
    """CR303 for bytes that are not UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            "CR303",
            f"not UTF-8 at byte {error.start + 1}, line {line_of_byte(data, error.start)}",
            where=where,
            hint="pass encoding='latin-1' (or 'cp1252') if it comes from an old Windows program",
        ) from None


def _decode_start(data: bytes, size: int) -> str:
    part = data[:size]
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > len(part) - 4 and len(part) < len(data):
            return part[: error.start].decode("utf-8")
        return part.decode("utf-8", errors="surrogateescape").encode("utf-8", "replace").decode("utf-8")


def _find_delimiter(sample: str, is_cut: bool, where: str, reading: Reading, notes: list[Note]) -> str:
    """The separator that gives every row of the sample as many fields as the header; CR312 when two do."""
    widths: dict[str, list[int]] = {}
    for delimiter in DELIMITERS:
        first = [row for row in islice(records(sample, delimiter), 200) if not row.is_blank]
        widths[delimiter] = [len(row.fields) for row in (first[:-1] if is_cut and len(first) > 1 else first)]
    possible = [d for d, counts in widths.items() if counts[0] > 1 and d != reading.decimal]
    regular = [d for d in possible if len(set(widths[d])) == 1]
    if len(regular) > 1:
        raise DataError(
            "CR312",
            "the separator can be read in two ways",
            where=where,
            got=" or ".join(f"{DELIMITERS[d]} ({widths[d][0]} columns)" for d in regular),
            hint=f"pass delimiter={regular[0]!r} or delimiter={regular[1]!r}",
        )
    # With no regular one, the separator that fits most rows: the irregular rows are named when they are read.
    best = max(regular or possible, key=lambda d: widths[d].count(widths[d][0]) / len(widths[d]), default=",")
    if best != "," and not (best == "\t" and where.endswith((".tsv", ".tab"))):
        notes.append(Note("separator", where, f"the {DELIMITERS[best]} read as the separator"))
    return best


def column_names(found: Delimited, trailing_comma: bool, notes: list[Note]) -> tuple[str, ...]:
    """The header's names: stripped, numbered where empty (both said), and each only once."""
    names = list(found.names)
    stripped = [name.strip() for name in names]
    changed = [name for name, old in zip(stripped, names, strict=True) if name != old and name]
    if changed:
        notes.append(Note("header", found.where, f"spaces around column names removed: {listing(changed)}"))
    places: dict[str, list[int]] = {}
    for position, name in enumerate(stripped, 1):
        if name:
            places.setdefault(name, []).append(position)
    twice = {name: positions for name, positions in places.items() if len(positions) > 1}
    if twice:
        name, positions = next(iter(twice.items()))
        hint = "give every column its own name"
        if _looks_like_data(stripped):
            hint += " (the first line looks like data: is the header line missing?)"
        raise DataError(
            "CR304",
            f"the column name {name!r} stands {len(positions)} times in the header",
            where=found.where,
            got=f"columns {' and '.join(map(str, positions))}",
            hint=hint,
        )
    if _looks_like_data(stripped):
        text = f"the first line is read as the column names but looks like data ({listing(stripped, 4)})"
        notes.append(Note("header", found.where, text))
    result = []
    for position, name in enumerate(stripped, 1):
        given = name
        while not given or (not name and given in places):
            given = f"column {position}" if not given else given + "_"
        result.append(given)
    unnamed = [given for given, name in zip(result, stripped, strict=True) if not name]
    if unnamed and not (trailing_comma and len(unnamed) == 1 and not stripped[-1]):
        notes.append(Note("header", found.where, f"columns without a name are called {listing(unnamed)}"))
    return tuple(result)


def _looks_like_data(names: list[str]) -> bool:
    numbers = [name for name in names if re.fullmatch(r"[+-]?\d*[.,]?\d+", name)]
    return any("." in name for name in numbers) or (len(numbers) * 2 > len(names) and len(names) > 1)


def unclosed_quote(where: str, line: int) -> DataError:
    """The error for a quote that is opened and never closed."""
    return DataError(
        "CR306",
        f"the quote opened on line {line} never closes",
        where=where,
        hint='close it, or write a quote inside a quoted cell twice ("")',
    )
