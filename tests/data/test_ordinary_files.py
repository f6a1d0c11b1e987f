"""Ordinary files are read without any option: the values that were written come back."""

from __future__ import annotations

import gzip
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.csv_table import split_cells
from chainrule.data.files import read_table
from chainrule.data.reading import MISSING, Reading
from chainrule.data.table import Table
from chainrule.data.text_column import MARKERS

NAMES = ["Zoë, the 1st", 'say "hi"', "plain", "two\nlines", "日本語", "🙂", "Ωmega", "a;b|c\td", "naïve café", "x y"]
KNOWN: dict[str, list[Any]] = {
    "name": [NAMES[i % len(NAMES)] for i in range(57)],
    "age": [None if i % 7 == 3 else float(i) for i in range(57)],
    "fare": [i * 1.37 - 20 for i in range(57)],
    "tiny": [(i + 1) * 1e-12 for i in range(57)],
    "alive": [i % 3 == 0 for i in range(57)],
    "city": [None if i % 11 == 5 else ["Örebro", "Kraków", "São Paulo"][i % 3] for i in range(57)],
}


def cells_of(table: Table) -> dict[str, list[Any]]:
    return {column.name: column.cells() for column in table.columns}


def written(columns: dict[str, list[Any]], delimiter: str = ",", quoting: str = "minimal", line_end: str = "\n") -> str:
    """Delimited text; "minimal" quotes what must be, "text" every text, "all" every cell that is there."""

    def field(cell: Any) -> str:
        text = "" if cell is None else str(cell)
        must = any(letter in text for letter in f'{delimiter}"\r\n') or (cell is None and len(columns) == 1)
        if must or (quoting == "text" and isinstance(cell, str)) or (quoting == "all" and cell is not None):
            return '"' + text.replace('"', '""') + '"'
        return text

    rows = [list(columns), *zip(*columns.values(), strict=True)]
    return "".join(delimiter.join(field(cell) for cell in row) + line_end for row in rows)


QUOTING = ["minimal", "all", "text"]
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


@pytest.mark.parametrize("quoting", QUOTING)
@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("last", [True, False], ids=["last line ended", "last line open"])
def test_every_dialect_gives_the_same_table(
    tmp_path: Path, quoting: str, line_end: str, delimiter: str, mark: str, last: bool
) -> None:
    text = written(KNOWN, DELIMITERS[delimiter], quoting, LINE_ENDS[line_end])
    path = tmp_path / "known.csv"
    path.write_bytes((mark + (text if last else text.rstrip("\r\n"))).encode())
    assert cells_of(read_table(path)) == KNOWN


@pytest.mark.parametrize(("rows", "suffix"), list(product([1, 2, 3, 57], [".csv", ".tsv", ".txt", ".csv.gz", ".dat"])))
def test_every_size_and_suffix_is_read(tmp_path: Path, rows: int, suffix: str) -> None:
    known = {name: cells[:rows] for name, cells in KNOWN.items()}
    text = written(known, delimiter="\t" if suffix == ".tsv" else ",").encode()
    path = tmp_path / f"known{suffix}"
    path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    assert cells_of(read_table(path)) == known


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow"])
def test_columnar_files_give_the_same_table(tmp_path: Path, suffix: str) -> None:
    table, path = pa.table(KNOWN), tmp_path / f"known{suffix}"
    if suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=10)
    elif suffix == ".feather":
        feather.write_feather(table, str(path))
    else:
        with pa.ipc.new_stream(str(path), table.schema) as out:
            out.write_table(table, max_chunksize=7)
    assert cells_of(read_table(path)) == KNOWN


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_files_written_by_the_usual_libraries_are_read(tmp_path: Path, library: str) -> None:
    path = tmp_path / "known.csv"
    if library == "pandas":
        pd.DataFrame(KNOWN).to_csv(path, index=False)
    elif library == "polars":
        pl.DataFrame(KNOWN).write_csv(path)
    else:
        pa.csv.write_csv(pa.table(KNOWN), path)
    assert cells_of(read_table(path)) == KNOWN


NAN = float("nan")
# name: (content, cells by column)
CONTENTS: dict[str, tuple[str, dict[str, list[Any]]]] = {
    "one column of numbers": ("a\n1\n2\n", {"a": [1, 2]}),
    "one column of text": ("a\nx\ny\n", {"a": ["x", "y"]}),
    "one column with a quoted empty cell": ('a\n1\n""\n3\n', {"a": [1, None, 3]}),
    "only a header": ("a,b\n", {"a": [], "b": []}),
    "only a header without line end": ("a,b", {"a": [], "b": []}),
    "leading plus": ("a,b\n+1,+2.5\n+3,-1\n", {"a": [1, 3], "b": [2.5, -1]}),
    "scientific numbers": ("a,b\n1e3,1.5E-7\n2E+4,-3e0\n", {"a": [1000, 20000], "b": [1.5e-7, -3]}),
    "points at the ends": ("a,b\n1.,.5\n2.,-.25\n", {"a": [1, 2], "b": [0.5, -0.25]}),
    "negative zero": ("a,b\n-0.0,1\n0,2\n", {"a": [0, 0], "b": [1, 2]}),
    "spaces around cells": ("a,b\n 1 , x \n 2 , y \n", {"a": [1, 2], "b": ["x", "y"]}),
    "spaces after the comma": (
        "a, b, c\n1, 2.5, red\n3, 4.5, blue\n",
        {"a": [1, 3], "b": [2.5, 4.5], "c": ["red", "blue"]},
    ),
    "padded numbers": ("a,b\n   1,  10\n  22, 100\n", {"a": [1, 22], "b": [10, 100]}),
    "true and false": ("a,b\ntrue,1\nfalse,2\n", {"a": [True, False], "b": [1, 2]}),
    "True and False": ("a,b\nTrue,1\nFalse,2\n", {"a": [True, False], "b": [1, 2]}),
    "TRUE and FALSE": ("a,b\nTRUE,1\nFALSE,2\n", {"a": [True, False], "b": [1, 2]}),
    "truth values with a gap": ("a,b\nTRUE,1\n,2\nFALSE,3\n", {"a": [True, None, False], "b": [1, 2, 3]}),
    "yes and no": ("a,b\nyes,1\nno,2\n", {"a": ["yes", "no"], "b": [1, 2]}),
    "Y and N": ("a,b\nY,1\nN,2\n", {"a": ["Y", "N"], "b": [1, 2]}),
    "0 and 1": ("a,b\n0,1\n1,2\n", {"a": [0, 1], "b": [1, 2]}),
    "a column without any value": ("a,b\n,1\n,2\n", {"a": [None, None], "b": [1, 2]}),
    "a first column without a name": (",a\n0,5\n1,6\n", {"column 1": [0, 1], "a": [5, 6]}),
    "names with spaces inside": ("bill length (mm),body mass\n1,2\n", {"bill length (mm)": [1], "body mass": [2]}),
    "names with accents": ("größe,âge\n1,2\n", {"größe": [1], "âge": [2]}),
    "names in Chinese": ("年齢,性別\n1,男\n", {"年齢": [1], "性別": ["男"]}),
    "quoted names": ('"a","b, c"\n1,2\n', {"a": [1], "b, c": [2]}),
    "a line end in a name": ('"a\nb",c\n1,2\n', {"a\nb": [1], "c": [2]}),
    "names that are years": ("country,2019,2020\nx,1,2\n", {"country": ["x"], "2019": [1], "2020": [2]}),
    "names that differ in case": ("a,A\n1,2\n", {"a": [1], "A": [2]}),
    "quotes inside a cell": ('a,b\n5" pipe,1\n6" pipe,2\n', {"a": ['5" pipe', '6" pipe'], "b": [1, 2]}),
    "one quote inside a cell": ('a,b\n5" pipe,1\n6 pipe,2\n', {"a": ['5" pipe', "6 pipe"], "b": [1, 2]}),
    "apostrophes": ("a,b\nO'Neil,1\nD'Arcy,2\n", {"a": ["O'Neil", "D'Arcy"], "b": [1, 2]}),
    "backslashes": ("a,b\nC:\\x,1\nC:\\y,2\n", {"a": ["C:\\x", "C:\\y"], "b": [1, 2]}),
    "hash signs": ("a,b\n#1 song,1\n#2 song,2\n", {"a": ["#1 song", "#2 song"], "b": [1, 2]}),
    "mixed line ends": ("a,b\n1,2\r\n3,4\n5,6\r", {"a": [1, 3, 5], "b": [2, 4, 6]}),
    "blank lines at the end": ("a,b\n1,2\n\n\n", {"a": [1], "b": [2]}),
    "blank lines at the start": ("\n\na,b\n1,2\n", {"a": [1], "b": [2]}),
    "blank lines between": ("a,b\n1,2\n\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
    "rows of nothing but commas": ("a,b\n1,2\n,\n", {"a": [1, None], "b": [2, None]}),
    "decimal commas with semicolons": ("a;b\n1,5;x\n-2,25;y\n", {"a": [1.5, -2.25], "b": ["x", "y"]}),
    "decimal commas with tabs": ("a\tb\n1,5\tx\n2,25\ty\n", {"a": [1.5, 2.25], "b": ["x", "y"]}),
    "decimal commas in quotes": ('a,b\n"1,5",1\n"2,25",2\n', {"a": [1.5, 2.25], "b": [1, 2]}),
    "thousands in quotes": ('a,b\n"1,234.5",1\n"2,000.25",2\n', {"a": [1234.5, 2000.25], "b": [1, 2]}),
    "semicolons with points": ("a;b\n1.5;x\n2.5;y\n", {"a": [1.5, 2.5], "b": ["x", "y"]}),
    "semicolons and text with commas": ("a;b\nSmith, J;1\nDoe, A;2\n", {"a": ["Smith, J", "Doe, A"], "b": [1, 2]}),
    "commas and quoted text with semicolons": ('a,b\n"x;y",1\n"z;w",2\n', {"a": ["x;y", "z;w"], "b": [1, 2]}),
    "dates of the standard form": ("d,b\n2024-02-01,1\n2023-12-31,2\n", {"b": [1, 2]}),
    "moments with time zones": ("d,b\n2024-02-01T10:00:00Z,1\n2024-02-01T12:00:00+02:00,2\n", {"b": [1, 2]}),
    "times of day stay text": ("t,b\n12:30,1\n08:15,2\n", {"t": ["12:30", "08:15"], "b": [1, 2]}),
    "codes with leading zeros": ("a,b\n007,1\n042,2\n", {"a": ["007", "042"], "b": [1, 2]}),
    "zero itself is a number": ("a,b\n0,1\n10,2\n", {"a": [0, 10], "b": [1, 2]}),
    "numbers below one are numbers": ("a,b\n0.5,1\n00.25,2\n", {"a": [0.5, 0.25], "b": [1, 2]}),
    "sixteen digits that fit": ("a,b\n9007199254740992,1\n1,2\n", {"a": [9007199254740992, 1], "b": [1, 2]}),
    "seventeen digits of a fraction": (
        "a,b\n0.12345678901234568,1\n1.5,2\n",
        {"a": [0.12345678901234568, 1.5], "b": [1, 2]},
    ),
    "ticket numbers of mixed form": (
        "ticket,b\nA/5 21171,1\nPC 17599,2\n113803,3\n373450,4\nSTON/O2,5\n",
        {"ticket": ["A/5 21171", "PC 17599", "113803", "373450", "STON/O2"], "b": [1, 2, 3, 4, 5]},
    ),
    "levels of 0 to 3+": (
        "n,b\n" + "0,1\n1,2\n2,3\n3+,4\n" * 5,
        {"n": ["0", "1", "2", "3+"] * 5, "b": [1, 2, 3, 4] * 5},
    ),
    "cabins and sizes": ("a,b\nC85,XL\nE46,S\n", {"a": ["C85", "E46"], "b": ["XL", "S"]}),
    "words that programs read as numbers": ("a,b\n1_000,x\n2_000,y\n", {"a": ["1_000", "2_000"], "b": ["x", "y"]}),
    "hexadecimal stays text": ("a,b\n0x1F,1\n0xAB,2\n", {"a": ["0x1F", "0xAB"], "b": [1, 2]}),
    "other digits stay text": ("a,b\n１２,1\n３４,2\n", {"a": ["１２", "３４"], "b": [1, 2]}),
    "addresses of the internet": ("a,b\n10.0.0.1,1\n10.0.0.2,2\n", {"a": ["10.0.0.1", "10.0.0.2"], "b": [1, 2]}),
    "version numbers": ("a,b\n1.2.3,1\n1.10.0,2\n", {"a": ["1.2.3", "1.10.0"], "b": [1, 2]}),
    "percent signs": ("a,b\n12%,1\n15%,2\n", {"a": [12, 15], "b": [1, 2]}),
    "percent signs on some cells stay text": (
        "a,b\n12%,1\n15,2\n1 %o,3\n",
        {"a": ["12%", "15", "1 %o"], "b": [1, 2, 3]},
    ),
    "a question mark among words": ("a,b\nPrivate,1\n?,2\n", {"a": ["Private", "?"], "b": [1, 2]}),
    "nan among numbers": ("a,b\nnan,1\n2.5,2\n", {"a": [None, 2.5], "b": [1, 2]}),
    "control characters inside quotes": ('a,b\n"x\ty",1\n"z",2\n', {"a": ["x\ty", "z"], "b": [1, 2]}),
    "combining characters": ("a,b\ne\u0301,1\né,2\n", {"a": ["e\u0301", "é"], "b": [1, 2]}),
    "a non-breaking space around": ("a,b\n\u00a01,1\n2,2\n", {"a": [1, 2], "b": [1, 2]}),
    "line separators of Unicode": ("a,b\nx\u2028y,1\nz,2\n", {"a": ["x\u2028y", "z"], "b": [1, 2]}),
    "long text": (
        "a,b\n" + "lorem ipsum " * 5000 + ",1\n" + "x,2\n",
        {"a": [("lorem ipsum " * 5000).strip(), "x"], "b": [1, 2]},
    ),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_ordinary_content_is_read_as_written(tmp_path: Path, name: str) -> None:
    content, expected = CONTENTS[name]
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode())
    table = read_table(path)
    read = {name: cells for name, cells in cells_of(table).items() if table[name].kind != "date"}
    assert read == expected
    for column, cells in expected.items():
        kinds = {type(cell) for cell in cells if cell is not None}
        assert table[column].kind == ("boolean" if kinds == {bool} else "text" if kinds == {str} else "number")


def test_moments_in_other_time_zones_are_the_same_moment(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(CONTENTS["moments with time zones"][0])
    assert len(set(read_table(path)["d"].values.tolist())) == 1


def test_three_thousand_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(
        ",".join(f"c{i}" for i in range(3000)) + "\n" + "\n".join(",".join(["1.5"] * 3000) for _ in range(5))
    )
    table = read_table(path)
    assert len(table.columns) == 3000
    assert table["c2999"].cells() == [1.5] * 5


def test_text_after_the_first_megabytes_is_not_cut_off_or_mistyped(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + "1,x\n" * 1_500_000 + "2.5,y\n")
    table = read_table(path)
    assert table.row_count == 1_500_001
    assert table["a"].values[-1] == 2.5
    assert table["b"].levels == ("x", "y")


def test_a_row_longer_than_a_block_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("a,b\n" + "\n".join(["x" * 900_000 + ",1"] * 3) + "\n" + ",".join(["y", "2"]) + "\n")
    assert read_table(path)["b"].cells() == [1, 1, 1, 2]


TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r\t"), min_size=1, max_size=12
).filter(
    lambda text: (
        text == text.strip()
        and text not in MISSING
        and text.lower() not in MARKERS
        and not any(letter.isdigit() or letter in "-+.,/:" for letter in text)
        and text.lower() not in ("true", "false", "inf", "infinity", "nan")
    )
)
NUMBERS = st.one_of(
    st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53).map(float)
)
COLUMN = st.one_of(
    st.tuples(st.just("number"), st.lists(NUMBERS, min_size=6, max_size=6)),
    st.tuples(st.just("text"), st.lists(st.one_of(st.none(), TEXT), min_size=6, max_size=6)),
    st.tuples(st.just("boolean"), st.lists(st.one_of(st.none(), st.booleans()), min_size=6, max_size=6)),
)


@settings(max_examples=150, deadline=None)
@given(
    columns=st.lists(COLUMN, min_size=2, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, columns: list[Any], delimiter: str, line_end: str
) -> None:
    known = {f"c{i}": cells for i, (_, cells) in enumerate(columns)}
    path = tmp_path_factory.mktemp("round") / "table.csv"
    path.write_bytes(written(known, delimiter=delimiter, line_end=line_end).encode())
    table = read_table(path, delimiter=delimiter, decimal=".")
    assert cells_of(table) == known
    for (kind, cells), column in zip(columns, table.columns, strict=True):
        assert column.kind == (kind if any(cell is not None for cell in cells) else "number")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text("0123456789+-.eE, nNaAiIfF", max_size=20), min_size=1, max_size=12))
def test_the_fast_path_and_the_thorough_path_agree(cells: list[str]) -> None:
    from chainrule.data.arrow_column import quick_numbers
    from chainrule.data.text_column import Cells, column_from_text, factorize

    array = pa.array([None if cell in MISSING else cell for cell in cells], pa.string())
    quick = quick_numbers(array)
    if quick is None:
        return
    levels, codes = factorize(array.to_pylist())
    thorough = column_from_text(Cells("a", levels, codes, Reading(), str, []))
    assert thorough.kind == "number"
    np.testing.assert_array_equal(thorough.values, quick)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_a_table_or_a_chainrule_error(content: bytes) -> None:
    from chainrule.data.csv_table import columns_from_cells
    from chainrule.errors import ChainruleError

    try:
        names, cells, locate = split_cells(content, "bytes.csv", Reading(), [])
        columns_from_cells(names, cells, Reading(), locate, [])
    except ChainruleError:
        return


@settings(max_examples=300, deadline=None)
@given(st.text('a1",;\n\r .', max_size=40))
def test_any_text_is_split_as_the_slow_reader_splits_it(text: str) -> None:
    from chainrule.data.csv_text import records
    from chainrule.errors import ChainruleError

    try:
        names, cells, _ = split_cells(text.encode(), "text.csv", Reading(delimiter=","), [])
    except ChainruleError:
        return
    rows = [row.fields for row in records(text.lstrip("\r\n"), ",") if not row.is_blank][1:]
    fast = list(zip(*(array.to_pylist() for array in cells), strict=True))
    assert fast == [tuple(None if cell == "" else cell for cell in row) for row in rows]
    assert len(names) == len(cells)


def test_numbers_that_all_carry_one_currency_or_percent_sign_are_numbers_and_a_note_says_so(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text('a,b,c,d,e,f\n$5,60%,12 €,$5,"$1,234.50",05%\n-$3,7.5%,3 €,€4,"$12,500",06%\n$4,8%,,5,$20,07%\n')
    table = read_table(path)
    kinds = {column.name: column.kind for column in table.columns}
    assert kinds == {"a": "number", "b": "number", "c": "number", "d": "text", "e": "number", "f": "text"}
    assert table["a"].values.tolist() == [5.0, -3.0, 4.0] and table["b"].values.tolist() == [60.0, 7.5, 8.0]
    assert table["e"].values.tolist() == [1234.5, 12500.0, 20.0] and table["c"].missing_count == 1
    said = {note.where: note.text for note in table.notes if note.topic == "unit"}
    assert "60% is 60" in said["column 'b'"] and "text=('a',)" in said["column 'a'"]
    assert read_table(path, text=("a",))["a"].kind == "text"


def test_a_sign_of_currency_before_a_comma_of_two_meanings_stays_text(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text('a\n"$1,234"\n"$2,500"\n')
    table = read_table(path)
    assert table["a"].kind == "text" and "decimal=" in table.notes[0].text
    assert read_table(path, decimal=".")["a"].values.tolist() == [1234.0, 2500.0]
