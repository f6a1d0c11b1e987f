"""Files that cannot be read as they are: the error says what, where and how to go on."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest

from chainrule.data.files import read_table
from chainrule.errors import DataError, SettingError


def write(folder: Path, content: bytes | str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


PARQUET = pa.table({"a": [1, 2, 3], "y": [0, 1, 0]})

# number in the collection of bad inputs, content, code, words that the message must hold
REFUSED = [
    (95, b"", "CR302", ["empty", "0 bytes"]),
    (97, b"\n\n\r\n", "CR302", ["no header and no data"]),
    (98, "name,y\ncafé,1\nthé,0\n".encode("latin-1"), "CR303", ["byte 11", "line 2", "encoding='latin-1'"]),
    (101, "a,a,y\n1,2,0\n", "CR304", ["'a'", "columns 1 and 2"]),
    (103, "a, a ,y\n1,2,0\n", "CR304", ["'a'", "columns 1 and 2"]),
    (104, "a,b,y\n1,2,0\n3,4\n", "CR305", ["line 3 has 2 fields", "header has 3"]),
    (105, "a,b,y\n1,2,0\n3,4,1,9\n", "CR305", ["line 3 has 4 fields", "header has 3"]),
    (106, "a,b,y\n1,2,0,\n3,4,1,\n", "CR305", ["rows have 4 fields", "header has 3", "trailing_comma=True"]),
    (107, 'a;b\n"1,234";1\n"5,678";2\n', "CR312", ["1.234", "1234", "decimal=','", "decimal='.'"]),
    (108, "a,b;c\n1,2;3\n", "CR312", ["comma (2 columns) or semicolon (2 columns)", "delimiter="]),
    (110, "a,b,y\n1,x,0\n2,x,1\n-,y,0\n", "CR310", ["'-'", "line 4", "missing=('-',)"]),
    (111, "a,y\n1,0\n?,1\n3,1\n", "CR310", ["'?'", "line 3", "'a'", "looks like a missing value"]),
    (116, 'a,b,y\n"1,2,0\n3,4,1\n', "CR306", ["line 2 never closes"]),
    (117, 'a\n1\n"2\n3\n', "CR306", ["line 3 never closes"]),
    (118, b"a,b,y\n1,\x002,0\n", "CR307", ["byte 9", "line 2"]),
    (122, b"PAR1" + b"\0" * 50 + b"PAR1", "CR308", ["Parquet", "table.parquet"]),
    (124, "d,y\n01/02/2024,1\n13/02/2024,0\n", "CR311", ["1 February 2024 or 2 January 2024", "day_first", "line 2"]),
    (
        127,
        ",".join(f"c{i}" for i in range(50_000)) + "\n" + ("1," * 49_999 + "1\n") * 2,
        "CR315",
        ["50,000", "max_columns"],
    ),
    (128, "a,y\n" + "x" * (20 << 20) + ",1\n", "CR316", ["20.0 MiB", "line 2", "max_cell="]),
    (201, b"PK\x03\x04 and so on", "CR319", ["Excel", "CSV"]),
    (202, b"\x1f\x8b\x08\x00broken", "CR309", ["gzip"]),
    (203, gzip.compress(b"a,y\n1,0\n" * 500, mtime=0)[:-20], "CR309", ["cut off"]),
    (204, "a;b\n" + "".join(f"{i},5;2\n" for i in range(60)) + "1.23;3\n", "CR310", ["'a'", "line 62"]),
    (205, "a;b\n1,5;1.234\n2,5;5.678\n", "CR312", ["'b'", "1.234", "1234"]),
    (206, "1.5,2.5,1.5\n3.5,4.5,5.5\n", "CR304", ["header line missing"]),
]


@pytest.mark.parametrize(("number", "content", "code", "words"), REFUSED, ids=[f"C{row[0]}" for row in REFUSED])
def test_a_bad_file_is_refused_with_its_code_and_place(
    tmp_path: Path, number: int, content: bytes | str, code: str, words: list[str]
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert caught.value.code == code
    assert caught.value.exit_code == 3
    for word in [*words, "table.csv"] if code not in ("CR310", "CR311", "CR312") else words:
        assert word in str(caught.value)


# number, content, {column: cells}, topics of the notes
ACCEPTED = [
    (100, "a,b,y\n1,2,0\n3,4,1\n".encode("utf-16"), {"a": [1, 3], "b": [2, 4], "y": [0, 1]}, ["encoding"]),
    (99, b"\xef\xbb\xbfa,y\n1,0\n", {"a": [1], "y": [0]}, []),
    (103, "a, b ,y\n1,2,0\n", {"a": [1], "b": [2], "y": [0]}, ["header"]),
    (
        107,
        "a;b;y\n1,5;2,5;0\n2,5;3,5;1\n",
        {"a": [1.5, 2.5], "b": [2.5, 3.5], "y": [0, 1]},
        ["separator", "decimal comma", "decimal comma"],
    ),
    (
        108,
        "a;b\n1,5;2\n1.234,5;3\n4.100;7\n",
        {"a": [1.5, 1234.5, 4100.0], "b": [2, 3, 7]},
        ["separator", "decimal comma"],
    ),
    (109, "a\tb\ty\n1\t2\t0\n", {"a": [1], "b": [2], "y": [0]}, ["separator"]),
    (
        110,
        "a,b,y\n1,NA,0\n2,x,1\n,N/A,0\nNaN,null,1\nnull,None,0\n#N/A,,0\n",
        {"a": [1, 2, None, None, None, None], "b": [None, "x", None, None, None, None], "y": [0, 1, 0, 1, 0, 0]},
        [],
    ),
    (112, "zip,y\n00501,1\n10001,0\n", {"zip": ["00501", "10001"], "y": [1, 0]}, ["leading zeros"]),
    (
        113,
        "id,y\n99999999999999999999,1\n1,0\n",
        {"id": ["99999999999999999999", "1"], "y": [1, 0]},
        ["large whole numbers"],
    ),
    (119, "a,b,y\r1,2,0\r3,4,1\r", {"a": [1, 3], "b": [2, 4], "y": [0, 1]}, []),
    (121, gzip.compress(b"a,b,y\n1,2,0\n", mtime=0), {"a": [1], "b": [2], "y": [0]}, ["compression"]),
    (125, "a,y\nInfinity,1\n-inf,0\n", {"a": [np.inf, -np.inf], "y": [1, 0]}, []),
]


@pytest.mark.parametrize(("number", "content", "cells", "topics"), ACCEPTED, ids=[f"C{row[0]}" for row in ACCEPTED])
def test_an_odd_file_is_read_right_and_what_was_decided_is_noted(
    tmp_path: Path, number: int, content: bytes | str, cells: dict[str, list[object]], topics: list[str]
) -> None:
    table = read_table(write(tmp_path, content))
    assert {column.name: column.cells() for column in table.columns} == cells
    assert sorted(note.topic for note in table.notes) == sorted(topics)


def test_one_cell_of_text_in_row_200000_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a,y\n" + "1,0\n" * 200_000 + "x,1\n")
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert caught.value.code == "CR310"
    assert "line 200002" in str(caught.value)
    assert "'a'" in str(caught.value)
    assert "'x'" in str(caught.value)


def test_a_line_number_counts_the_lines_inside_quoted_cells_and_blank_lines(tmp_path: Path) -> None:
    rows = "\n".join(f'{i},"two\nlines"' for i in range(30))
    with pytest.raises(DataError) as caught:
        read_table(write(tmp_path, f"\na,b\n\n{rows}\noops,c\n"))
    assert "line 64" in str(caught.value)


def test_a_trailing_comma_is_accepted_when_asked_for(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,b,y\n1,2,0,\n3,4,1,\n"), trailing_comma=True)
    assert [column.cells() for column in table.columns] == [[1, 3], [2, 4], [0, 1]]
    assert [note.topic for note in table.notes] == ["trailing comma"]


def test_a_trailing_comma_in_the_header_too_is_accepted_when_asked_for(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,b,y,\n1,2,0,\n3,4,1,\n"), trailing_comma=True)
    assert table.names == ("a", "b", "y")


def test_a_trailing_comma_that_hides_a_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="CR305"):
        read_table(write(tmp_path, "a,y\n1,0,\n3,1,7\n"), trailing_comma=True)


def test_a_file_that_is_not_there_names_near_matches(tmp_path: Path) -> None:
    write(tmp_path, "a,y\n1,0\n", "passengers.csv")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "pasengers.csv")
    assert caught.value.code == "CR301"
    assert str(tmp_path / "pasengers.csv") in str(caught.value)
    assert "passengers.csv" in (caught.value.hint or "")


def test_a_file_in_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"folder .* is not there either"):
        read_table(tmp_path / "nowhere" / "a.csv")


def test_a_folder_of_several_types_lists_what_is_there(tmp_path: Path) -> None:
    write(tmp_path, "a,y\n1,0\n", "one.csv")
    write(tmp_path, "notes", "notes.md")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path)
    assert caught.value.code == "CR317"
    assert "notes.md" in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="CR317"):
        read_table(tmp_path)


def test_a_folder_of_one_type_is_one_table_typed_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path, "a,y\n1,0\n2,1\n", "part-1.csv")
    write(tmp_path, "a,y\nx,0\ny,1\n", "part-2.csv")
    table = read_table(tmp_path)
    assert table["a"].cells() == ["1", "2", "x", "y"]
    assert table["y"].cells() == [0, 1, 0, 1]
    assert "folder" in [note.topic for note in table.notes]


def test_a_folder_whose_files_differ_in_columns_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a,y\n1,0\n", "part-1.csv")
    write(tmp_path, "b,y\n1,0\n", "part-2.csv")
    with pytest.raises(DataError, match="different columns"):
        read_table(tmp_path)


def test_a_gzip_bomb_is_stopped(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"a,y\n" + b"1,0\n" * 1_000_000), "bomb.csv.gz")
    with pytest.raises(DataError, match="CR318"):
        read_table(path, max_expanded=1 << 20)


def test_truncated_and_damaged_parquet_and_arrow_files_say_so(tmp_path: Path) -> None:
    parquet.write_table(PARQUET, tmp_path / "a.parquet")
    feather.write_feather(PARQUET, str(tmp_path / "a.feather"))
    for name in ("a.parquet", "a.feather"):
        path = tmp_path / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-30])
        with pytest.raises(DataError, match=r"CR309.*truncated"):
            read_table(path)
        path.write_bytes(whole[:8] + b"\xff" * (len(whole) - 20) + whole[-12:])
        with pytest.raises(DataError, match="CR309"):
            read_table(path)


def test_text_named_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="CR308"):
        read_table(write(tmp_path, "a,y\n1,0\n", "a.parquet"))


def test_dates_are_read_when_told_how(tmp_path: Path) -> None:
    path = write(tmp_path, "d,y\n01/02/2024,1\n13/02/2024,0\n")
    days = read_table(path, day_first=True)["d"].values.astype("datetime64[D]").astype(str)
    assert days.tolist() == ["2024-02-01", "2024-02-13"]
    with pytest.raises(DataError, match=r"'13/02/2024' .*is no date with day_first=False"):
        read_table(path, day_first=False)
    assert read_table(path, text=("d",))["d"].cells() == ["01/02/2024", "13/02/2024"]


@pytest.mark.parametrize(("decimal", "value"), [(",", 1.234), (".", 1234.0)])
def test_an_ambiguous_comma_is_settled_by_the_option(tmp_path: Path, decimal: str, value: float) -> None:
    table = read_table(write(tmp_path, 'a;b\n"1,234";1\n"5,678";2\n'), decimal=decimal)
    assert table["a"].cells()[0] == value


def test_an_ambiguous_comma_is_settled_by_another_column(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a;b\n1,234;0,5\n5,678;1,25\n"))
    assert table["a"].cells() == [1.234, 5.678]


def test_further_missing_cells_can_be_named(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "a,y\n1,0\n?,1\n3,1\n"), missing="?")
    assert table["a"].cells() == [1, None, 3]


def test_limits_can_be_raised(tmp_path: Path) -> None:
    big = write(tmp_path, "a,y\n" + "x" * (2 << 20) + ",1\n")
    assert len(read_table(big, max_cell=3 << 20)["a"].levels[0]) == 2 << 20
    wide = write(tmp_path, ",".join(f"c{i}" for i in range(12_000)) + "\n" + "1," * 11_999 + "1\n")
    assert len(read_table(wide, max_columns=12_000).columns) == 12_000


@pytest.mark.parametrize("options", [{"delimiter": ",,"}, {"decimal": ";"}, {"max_cell": 0}, {"encoding": "utf-99"}])
def test_a_bad_option_is_a_setting_error(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        read_table(write(tmp_path, "a,y\n1,0\n"), **options)  # type: ignore[arg-type]


def test_a_wrong_encoding_names_the_byte(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"CR303.*ascii at byte 5"):
        read_table(write(tmp_path, "a,y\né,1\n"), encoding="ascii")


def test_without_pyarrow_the_error_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    with pytest.raises(SettingError, match=r"CR701.*pip install 'chainrule\[app\]'"):
        read_table(write(tmp_path, "a,y\n1,0\n"))


def test_a_file_larger_than_the_memory_is_refused_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: "MemTotal: 9 kB\nMemAvailable: 100000 kB\n")
    with pytest.raises(DataError, match="CR318"):
        read_table(path)


def test_a_header_that_is_not_utf_8_is_refused_and_not_renamed(tmp_path: Path) -> None:
    path = write(tmp_path, "n\xe4me,y\n1,2\n".encode("latin-1"))
    with pytest.raises(DataError, match="CR303.*byte 2, line 1"):
        read_table(path)
    assert read_table(path, encoding="latin-1").names == ("n\xe4me", "y")
