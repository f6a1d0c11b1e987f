"""Columns out of Arrow's: from Parquet, Feather and Arrow files, and from the text cells of a CSV file."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.data.reading import Reading, arrow
from chainrule.data.table import Column, Locate, Note, category_column, date_column, number_column
from chainrule.data.text_column import Cells, column_from_text, factorize, is_inexact_whole
from chainrule.errors import DataError

EXACT_WHOLE = 2**53


def column_from_arrow(name: str, array: Any, reading: Reading, locate: Locate, notes: list[Note]) -> Column:
    """The column that an Arrow array of any type holds; CR106 for types that are neither numbers, text nor dates."""
    (types,) = arrow("types")
    kind = array.type
    if types.is_dictionary(kind):
        levels, codes = _levels_and_codes(array)
        return category_column(name, [str(level) for level in levels], codes, stored="category")
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return text_cells_to_column(name, array, reading, locate, notes)
    if types.is_null(kind):
        return number_column(name, np.full(len(array), np.nan), stored="empty")
    if types.is_boolean(kind):
        return number_column(name, _floats(array), stored="bool", kind="boolean")
    if types.is_integer(kind):
        return _whole_numbers(name, array, notes)
    if types.is_floating(kind) or types.is_decimal(kind):
        return number_column(name, _floats(array), stored="float64" if types.is_decimal(kind) else numpy_name(kind))
    if types.is_date(kind) or types.is_timestamp(kind):
        (pa,) = arrow("")
        moments = array.cast(pa.timestamp("us"), safe=False)
        return date_column(name, moments.to_numpy(), stored=str(kind))
    raise DataError(
        "CR106",
        f"column {name!r} holds {kind}, which is neither numbers, text nor dates",
        hint="leave the column out, or turn it into numbers first",
    )


def numpy_name(kind: Any) -> str:
    """float32 for Arrow's `float`, and so on."""
    return str(np.dtype(kind.to_pandas_dtype()).name)


def text_cells_to_column(name: str, array: Any, reading: Reading, locate: Locate, notes: list[Note]) -> Column:
    """A column of text cells with the kind they turn out to have. Clean numbers take a fast, vectorised path."""
    if name not in reading.text and reading.decimal != ",":
        quick = quick_numbers(array)
        if quick is not None:
            return number_column(name, quick, stored="number in text")
    levels, codes = _levels_and_codes(array)
    return column_from_text(Cells(name, levels, codes, reading, locate, notes))


def quick_numbers(array: Any) -> npt.NDArray[np.float64] | None:
    """The cells as float64 when every one is plainly a number; None sends them to the thorough path."""
    pa, pc = arrow("", "compute")
    if array.null_count == len(array):
        return None
    try:
        floats = pc.cast(array, pa.float64())
    except pa.ArrowInvalid:
        try:
            array = pc.ascii_trim_whitespace(array)
            floats = pc.cast(array, pa.float64())
        except pa.ArrowInvalid:
            return None
    for chunk in array.chunks if isinstance(array, pa.ChunkedArray) else [array]:
        if len(chunk) and _loses_something(chunk):
            return None
    return _floats(floats)


def _loses_something(chunk: Any) -> bool:
    """Leading zeros, or whole numbers with more digits than float64 holds, seen from the bytes of the cells."""
    _, pc = arrow("", "compute")
    offset_type = np.int64 if str(chunk.type).startswith("large") else np.int32
    _, offsets, data = chunk.buffers()
    if data is None or data.size < 2:
        return False
    ends = np.frombuffer(offsets, offset_type)[chunk.offset : chunk.offset + len(chunk) + 1]
    letters = np.frombuffer(data, np.uint8)
    starts, lengths = ends[:-1], np.diff(ends)
    first = letters[np.minimum(starts, len(letters) - 1)]
    second = letters[np.minimum(starts + 1, len(letters) - 1)]
    if np.any((lengths > 1) & (first == ord("0")) & (second >= ord("0")) & (second <= ord("9"))):
        return True
    if lengths.max(initial=0) <= 15:
        return False
    long = chunk.filter(pc.match_substring_regex(chunk, r"^[+-]?\d{16,}$").fill_null(False))
    return any(is_inexact_whole(text, float(text)) for text in long.to_pylist())


def _whole_numbers(name: str, array: Any, notes: list[Note]) -> Column:
    _, pc = arrow("", "compute")
    extremes = pc.min_max(array).as_py()
    if max(abs(extremes["min"] or 0), abs(extremes["max"] or 0)) <= EXACT_WHOLE:
        return number_column(name, _floats(array), stored=numpy_name(array.type))
    return whole_numbers_as_text(name, array.to_pylist(), notes)


def whole_numbers_as_text(name: str, values: list[Any], notes: list[Note]) -> Column:
    """Whole numbers beyond 2**53: as text when float64 would change one of them, else as numbers."""
    if all(value is None or int(float(value)) == value for value in values):
        return number_column(name, [np.nan if value is None else float(value) for value in values], stored="int64")
    example = next(value for value in values if value is not None and int(float(value)) != value)
    text = f"kept as text: {example} has more digits than a number can hold exactly; it looks like an identifier"
    notes.append(Note("large whole numbers", f"column {name!r}", text))
    levels, codes = factorize([None if value is None else str(value) for value in values])
    return category_column(name, levels, codes, stored="int64")


def _floats(array: Any) -> npt.NDArray[np.float64]:
    (pa,) = arrow("")
    values: npt.NDArray[np.float64] = array.cast(pa.float64(), safe=False).to_numpy(**_copying(array, pa))
    return values


def _copying(array: Any, pa: Any) -> dict[str, bool]:
    return {} if isinstance(array, pa.ChunkedArray) else {"zero_copy_only": False}


def _levels_and_codes(array: Any) -> tuple[list[Any], npt.NDArray[np.int32]]:
    (pa,) = arrow("")
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    # Encoding gives all chunks one dictionary; those of a file may differ.
    is_encoded = pa.types.is_dictionary(chunked.type)
    chunks = (chunked.unify_dictionaries() if is_encoded else chunked.dictionary_encode()).chunks
    if not chunks:
        return [], np.empty(0, np.int32)
    codes = [chunk.indices.cast(pa.int32()).fill_null(-1).to_numpy() for chunk in chunks]
    return chunks[0].dictionary.to_pylist(), np.concatenate(codes)
