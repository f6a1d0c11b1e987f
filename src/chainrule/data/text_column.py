"""What kind of column is a column of text cells? Decided from all of its distinct values, never from the first rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.reading import MISSING, Reading
from chainrule.data.table import Column, Locate, Note, category_column, date_column, listing, number_column
from chainrule.errors import DataError

TRUTH = {"true": 1.0, "false": 0.0}
# Cells that often stand for "no value" though nobody said so: never guessed, named in the error.
MARKERS = frozenset(
    """- -- --- – — ? ?? . .. * n/a na n.a. nan null nil none missing unknown undefined \\n <na> <null> (null) -nan
    -nan(ind) 1.#qnan 1.#ind #n/a #null! #value! #div/0! #ref! #num! #name?""".split()  # noqa: SIM905
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WORD_NUMBER = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?(?:\d+,?\d*|,\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_GROUPED_BY_COMMA = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_GROUPED_BY_POINT = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?", re.ASCII)
_UNIT = re.compile(r"([+-]?)([$€£¥]?) ?(\d[\d.,]*|\.\d+) ?([%$€£¥]?)", re.ASCII)
_STARTS = frozenset("0123456789+-.,iInN")
_PADDED = re.compile(r"0\d+", re.ASCII)
_LONG_WHOLE = re.compile(r"[+-]?\d{16,}", re.ASCII)
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?|\d{4}/\d\d?/\d\d?", re.ASCII
)
_DAY_MONTH = re.compile(r"(\d\d?)([/.-])(\d\d?)\2(\d{4}|\d\d)(?: (\d\d?):(\d\d)(?::(\d\d))?)?", re.ASCII)


@dataclass(frozen=True)
class Cells:
    """A column of text as distinct `levels` and `codes` into them (-1: missing), on its way to a `Column`."""

    name: str
    levels: Sequence[str]
    codes: npt.NDArray[np.int32]
    reading: Reading
    locate: Locate
    notes: list[Note]

    def spread(self, values: Sequence[Any], empty: Any, dtype: Any) -> npt.NDArray[Any]:
        """One value per level -> one value per row."""
        return np.array([*values, empty], dtype=dtype)[self.codes]

    def first_row(self, level: int) -> int:
        return int(np.argmax(self.codes == level))

    def note(self, topic: str, text: str) -> None:
        self.notes.append(Note(topic, f"column {self.name!r}", text))

    def as_text(self) -> Column:
        return category_column(self.name, self.levels, self.codes)


def column_from_text(cells: Cells) -> Column:
    """The column that these cells hold: truth values, numbers, dates, or else text.

    Raises CR310 for a column of numbers with a few cells of text, CR311 for dates that can be read in two ways,
    CR312 for commas that can be read in two ways.
    """
    cells = _tidy(cells)
    if cells.name in cells.reading.text:
        return cells.as_text()
    if not cells.levels:
        return number_column(cells.name, np.full(len(cells.codes), np.nan), stored="empty")
    return (
        _truth_values(cells)
        or _numbers(cells)
        or _with_unit(cells)
        or _dates(cells)
        or _mixed(cells)
        or cells.as_text()
    )


def factorize(values: Sequence[Any]) -> tuple[list[str], npt.NDArray[np.int32]]:
    """Distinct texts in order of appearance, and the code of each value (None: -1)."""
    index: dict[Any, int] = {None: -1}
    codes = np.fromiter((index.setdefault(value, len(index) - 1) for value in values), np.int32, len(values))
    return [level for level in index if level is not None], codes


def _tidy(cells: Cells) -> Cells:
    """Without spaces around the cells, without cells that mean "no value", each level once and in use."""
    missing = cells.reading.missing_cells
    stripped = [level.strip() for level in cells.levels]
    index: dict[str, int] = {}
    codes = [-1 if level in missing else index.setdefault(level, len(index)) for level in stripped]
    if any(new != old for new, old in zip(stripped, cells.levels, strict=True)):
        cells.note("spaces", "spaces around the cells removed")
    if any(level in cells.reading.missing and level not in MISSING for level in stripped):
        cells.note("missing", f"{listing(map(repr, cells.reading.missing))} read as missing, as asked")
    return replace(cells, levels=list(index), codes=np.array([*codes, -1], np.int32)[cells.codes])


def _truth_values(cells: Cells) -> Column | None:
    if len(cells.levels) > 6 or any(level.lower() not in TRUTH for level in cells.levels):
        return None
    values = cells.spread([TRUTH[level.lower()] for level in cells.levels], np.nan, np.float64)
    return number_column(cells.name, values, stored="true/false", kind="boolean")


def _plain(level: str) -> float | None:
    if level[0] not in _STARTS:
        return None
    return float(level) if _NUMBER.fullmatch(level) or _WORD_NUMBER.fullmatch(level) else None


def _with_comma(level: str) -> float | None:
    if level[0] not in _STARTS:
        return None
    if _COMMA.fullmatch(level) or _GROUPED_BY_POINT.fullmatch(level):
        return float(level.replace(".", "").replace(",", "."))
    return float(level) if _WORD_NUMBER.fullmatch(level) else None


def _with_point(level: str) -> float | None:
    return float(level.replace(",", "")) if _GROUPED_BY_COMMA.fullmatch(level) else _plain(level)


def _numbers(cells: Cells) -> Column | None:
    decimal = cells.reading.decimal
    plain = _all(_plain, cells.levels)
    if plain is not None and decimal != ",":
        return _number_or_label(cells, plain)
    if not any("," in level for level in cells.levels) and decimal != ",":
        return None
    comma = _all(_with_comma, cells.levels) if decimal != "." else None
    point = _all(_with_point, cells.levels) if decimal != "," else None
    if comma is not None and point is not None:
        example = next(level for level in cells.levels if "," in level)
        raise DataError(
            "CR312",
            f"the comma in column {cells.name!r} can be read in two ways",
            where=cells.locate(cells.first_row(cells.levels.index(example))),
            got=f"{example!r}, which is {_with_comma(example):g} or {_with_point(example):.15g}",
            hint="pass decimal=',' if it is a decimal comma, decimal='.' if it separates thousands",
        )
    if comma is not None:
        if any("," in level or "." in level for level in cells.levels):
            thousands = ", the point as separating thousands" if any("." in level for level in cells.levels) else ""
            cells.note("decimal comma", f"the comma read as the decimal mark{thousands}")
        return _number_or_label(cells, comma)
    if point is not None:
        cells.note("thousands", "the comma read as separating thousands")
        return number_column(cells.name, cells.spread(point, np.nan, np.float64), stored="number in text")
    if plain is not None:
        cells.note("decimal point", "the point read as the decimal mark, though decimal=',' was passed")
        return _number_or_label(cells, plain)
    return None


def _with_unit(cells: Cells) -> Column | None:
    """Numbers that all carry the same sign of a currency or percent: `$1,200`, `12 €`, `60%`."""
    found = [_UNIT.fullmatch(level) for level in cells.levels]
    units = {(match[2], match[4]) if match else ("", "") for match in found}
    unit = "".join(units.pop()) if len(units) == 1 else ""
    if len(unit) != 1:
        return None
    bare = replace(cells, levels=[f"{match[1]}{match[3]}" for match in found if match])
    try:
        column = _numbers(bare)
    except DataError as two_ways:
        cells.note("unit", f"kept as text: its comma can be read in two ways ({two_ways.hint})")
        return None
    if column is None or column.kind != "number":
        return None
    meaning = f"{cells.levels[0]} is {bare.levels[0]}"
    cells.note("unit", f"the sign {unit} left out, which every cell has ({meaning}); text=({cells.name!r},) keeps it")
    return column


def _all(parse: Any, levels: Sequence[str]) -> list[float] | None:
    """Every level as a number, or None as soon as one is not."""
    numbers: list[float] = []
    for level in levels:
        number = parse(level)
        if number is None:
            return None
        numbers.append(number)
    return numbers


def _number_or_label(cells: Cells, numbers: list[float]) -> Column:
    """Numbers, unless reading them as numbers would lose something: leading zeros, digits."""
    if any(_PADDED.fullmatch(level) for level in cells.levels):
        example = next(level for level in cells.levels if _PADDED.fullmatch(level))
        cells.note("leading zeros", f"kept as text because of leading zeros (such as {example!r})")
        return cells.as_text()
    for level, number in zip(cells.levels, numbers, strict=True):
        if is_inexact_whole(level, number):
            cells.note(
                "large whole numbers",
                f"kept as text: {level} has more digits than a number can hold exactly; it looks like an identifier",
            )
            return cells.as_text()
    return number_column(cells.name, cells.spread(numbers, np.nan, np.float64), stored="number in text")


def is_inexact_whole(level: str, number: float) -> bool:
    """A whole number written with digits that float64 would change.

    >>> is_inexact_whole("9007199254740993", 9007199254740993.0), is_inexact_whole("1000000000000000", 1e15)
    (True, False)
    """
    return (
        len(level) > 15
        and _LONG_WHOLE.fullmatch(level) is not None
        and (number in _ENDLESS or int(level) != int(number))
    )


_ENDLESS = (float("inf"), float("-inf"))


def _dates(cells: Cells) -> Column | None:
    if all(_ISO.fullmatch(level) for level in cells.levels):
        return _date_column(cells, [_iso(level) for level in cells.levels])
    found = [_DAY_MONTH.fullmatch(level) for level in cells.levels]
    if not all(found):
        return None
    matches = [match for match in found if match]
    by_day = [_day_month(match, day_first=True) for match in matches]
    by_month = [_day_month(match, day_first=False) for match in matches]
    if any(day is None and month is None for day, month in zip(by_day, by_month, strict=True)):
        return None
    if cells.reading.day_first is None:
        raise _ambiguous_date(cells, by_day, by_month)
    chosen = by_day if cells.reading.day_first else by_month
    if None in chosen:
        wrong = chosen.index(None)
        raise DataError(
            "CR311",
            f"{cells.levels[wrong]!r} in column {cells.name!r} is no date with day_first={cells.reading.day_first}",
            where=cells.locate(cells.first_row(wrong)),
            hint=f"pass day_first={not cells.reading.day_first}, or text=({cells.name!r},) to keep it as text",
        )
    return _date_column(cells, chosen)


def _date_column(cells: Cells, dates: Sequence[datetime | None]) -> Column | None:
    if None in dates:
        return None
    return date_column(cells.name, cells.spread(dates, "NaT", "datetime64[us]"), stored="date in text")


def _iso(level: str) -> datetime | None:
    try:
        if "/" in level:
            year, month, day = map(int, level.split("/"))
            return datetime(year, month, day)
        moment = datetime.fromisoformat(level)
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _day_month(match: re.Match[str], *, day_first: bool) -> datetime | None:
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    day, month = (first, second) if day_first else (second, first)
    if len(match[4]) == 2:
        # POSIX: 69-99 are 1969-1999, 00-68 are 2000-2068.
        year += 1900 if year >= 69 else 2000
    try:
        return datetime(year, month, day, int(match[5] or 0), int(match[6] or 0), int(match[7] or 0))
    except ValueError:
        return None


def _ambiguous_date(cells: Cells, by_day: list[datetime | None], by_month: list[datetime | None]) -> DataError:
    both = [i for i, (day, month) in enumerate(zip(by_day, by_month, strict=True)) if day and month and day != month]
    shown = both[0] if both else 0
    readings = [f"{date.day} {date:%B %Y}" for date in (by_day[shown], by_month[shown]) if date]
    hint = "pass day_first=True or day_first=False"
    only_day = [level for level, month in zip(cells.levels, by_month, strict=True) if month is None]
    only_month = [level for level, day in zip(cells.levels, by_day, strict=True) if day is None]
    if only_day and not only_month:
        hint += f" ({only_day[0]!r} fits only day_first=True)"
    if only_month and not only_day:
        hint += f" ({only_month[0]!r} fits only day_first=False)"
    return DataError(
        "CR311",
        f"the dates in column {cells.name!r} can be read in two ways",
        where=cells.locate(cells.first_row(shown)),
        expected="an unambiguous date such as 2024-02-01",
        got=f"{cells.levels[shown]!r}, which is {' or '.join(readings)}",
        hint=f"{hint}, or text=({cells.name!r},) to keep it as text",
    )


def _mixed(cells: Cells) -> Column | None:
    """Text in a column of numbers: an error when it looks like an accident, a note when it may be meant."""
    counts = np.bincount(cells.codes[cells.codes >= 0], minlength=len(cells.levels))
    parsers = {".": (_plain,), ",": (_with_comma,)}.get(cells.reading.decimal or "", (_plain, _with_comma))
    readings = [np.array([parse(level) is not None for level in cells.levels], bool) for parse in parsers]
    is_number = max(readings, key=lambda numbers: counts[numbers].sum())
    if not is_number.any():
        return None
    text_rows, rows = int(counts[~is_number].sum()), int(counts.sum())
    others = [level for level, number in zip(cells.levels, is_number, strict=True) if not number]
    row = int(np.argmax(np.isin(cells.codes, np.flatnonzero(~is_number))))
    value = cells.levels[int(cells.codes[row])]
    place = f"column {cells.name!r}, {cells.locate(row)}"
    if all(level.lower() in MARKERS for level in others):
        raise DataError(
            "CR310",
            f"{listing(map(repr, others))} stands among the numbers of a column and looks like a missing value",
            where=place,
            expected="numbers, or one of " + ", ".join(map(repr, MISSING)) + " for no value",
            got=f"{rows - text_rows} numbers and {text_rows} times {listing(map(repr, others))}",
            hint=f"pass missing=({', '.join(map(repr, others[:4]))},) to read it as missing, "
            f"or text=({cells.name!r},) to keep the column as text",
        )
    # A few cells of text among numbers are a slip; levels such as 0, 1, 2, 3+ or ticket numbers are meant.
    few_levels = int(is_number.sum()) <= 10
    if text_rows <= rows * (0.01 if few_levels else 0.1):
        raise DataError(
            "CR310",
            "text in a column of numbers",
            where=place,
            expected="a number",
            got=f"{value[:60]!r} ({text_rows} of {rows} cells are text)",
            hint=f"mend or empty these cells, or pass text=({cells.name!r},) to read the column as categories",
        )
    if text_rows <= rows // 2:
        cells.note(
            "mixed",
            f"read as text: {text_rows} of {rows} cells are not numbers (first {value[:60]!r}, {cells.locate(row)})",
        )
    return cells.as_text()
