"""DataFrames, dicts, arrays and lists become tables; what cannot be a column is refused by name."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from chainrule.data.files import read_table
from chainrule.data.frames import attach_target
from chainrule.errors import DataError

CELLS: dict[str, list[Any]] = {
    "whole": [1, 2, 3],
    "fraction": [0.5, None, -2.25],
    "truth": [True, False, True],
    "word": ["x", None, "y"],
}


def as_pandas_arrow() -> Any:
    return pd.DataFrame(CELLS).convert_dtypes(dtype_backend="pyarrow")


MAKERS = {
    "a dict of lists": lambda: CELLS,
    "a list of dicts": lambda: [dict(zip(CELLS, row, strict=True)) for row in zip(*CELLS.values(), strict=True)],
    "pandas": lambda: pd.DataFrame(CELLS),
    "pandas with nullable types": lambda: pd.DataFrame(CELLS).convert_dtypes(),
    "pandas on arrow": as_pandas_arrow,
    "pandas of objects": lambda: pd.DataFrame(CELLS).astype(object),
    "polars": lambda: pl.DataFrame(CELLS),
    "a lazy polars frame": lambda: pl.DataFrame(CELLS).lazy(),
    "an arrow table": lambda: pa.table(CELLS),
    "a dict of Series": lambda: {name: pd.Series(cells) for name, cells in CELLS.items()},
    "a dict of polars Series": lambda: {name: pl.Series(cells) for name, cells in CELLS.items()},
}


@pytest.mark.parametrize("maker", MAKERS)
def test_every_kind_of_frame_gives_the_same_table(maker: str) -> None:
    table = read_table(MAKERS[maker]())
    assert {column.name: column.cells() for column in table.columns} == CELLS
    assert [column.kind for column in table.columns] == ["number", "number", "boolean", "text"]


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, pa.table, dict], ids=["pandas", "polars", "arrow", "dict"]
)
def test_dates_keep_their_moment_in_every_frame(make: Any) -> None:
    moments = [datetime(2024, 2, 1, 12, tzinfo=timezone(timedelta(hours=2))), None]
    table = read_table(make({"d": [date(2024, 2, 1), None], "m": moments}))
    assert table["d"].values.astype(str).tolist() == ["2024-02-01T00:00:00.000000", "NaT"]
    assert table["m"].values.astype(str).tolist() == ["2024-02-01T10:00:00.000000", "NaT"]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "uint64", "float16", "float32", ">f8", ">i4", "bool"])
def test_every_number_type_is_read_exactly(dtype: str) -> None:
    values = np.array([[1, 0], [1, 1], [0, 1]]).astype(dtype)
    table = read_table(values)
    assert [column.cells() for column in table.columns] == [[1, 1, 0], [0, 1, 1]]
    assert table.names == ("x0", "x1")
    assert not table.has_names


def test_a_record_array_has_named_columns() -> None:
    records = np.array([(1, 2.5), (2, 3.5)], dtype=[("a", "i4"), ("b", "f8")])
    assert read_table(records)["b"].cells() == [2.5, 3.5]


def test_a_list_of_rows_may_hold_text_and_gaps() -> None:
    table = read_table([[1, "x"], [None, "y"]])
    assert [column.cells() for column in table.columns] == [[1, None], ["x", "y"]]


def test_decimals_are_numbers() -> None:
    assert read_table({"a": [Decimal("1.5"), None]})["a"].cells() == [1.5, None]
    assert read_table(pa.table({"a": [Decimal("1.5"), None]}))["a"].cells() == [1.5, None]


def test_objects_that_are_all_numbers_are_numbers() -> None:
    table = read_table(np.array([[1, 2.5], [3, 4.5]], dtype=object))
    assert [column.cells() for column in table.columns] == [[1, 3], [2.5, 4.5]]


def test_masked_values_are_missing_and_said_so() -> None:
    table = read_table({"a": np.ma.array([1.0, 99.0, 3.0], mask=[False, True, False])})
    assert table["a"].cells() == [1, None, 3]
    assert "1 masked" in str(table.notes[0])
    assert read_table(np.ma.array([[1.0], [99.0]], mask=[[False], [True]]))["x0"].cells() == [1, None]


def test_categories_stay_categories_even_when_they_look_like_numbers() -> None:
    table = read_table(pd.DataFrame({"a": pd.Categorical(["1", "2", "1"]), "b": pd.Categorical([1, 2, 1])}))
    assert table["a"].cells() == ["1", "2", "1"]
    assert table["b"].cells() == ["1", "2", "1"]


def test_numbers_in_text_are_parsed_in_tables() -> None:
    assert read_table(pd.DataFrame({"a": ["1", "2.5"]}))["a"].cells() == [1, 2.5]


def test_a_mixed_column_whose_text_is_all_numbers_is_converted_and_said() -> None:
    table = read_table({"a": ["1", 2, "3", 4.5]})
    assert table["a"].cells() == [1, 2, 3, 4.5]
    assert "2 text, 2 number" in str(table.notes[0])


def test_a_mixed_column_with_words_names_the_cell() -> None:
    with pytest.raises(DataError, match=r"CR310.*'a' is mixed \(2 text, 2 number\).*row 2.*'x'"):
        read_table({"a": [1, "2", "x", 4]})


def test_whole_numbers_beyond_exactness_stay_text_and_are_named() -> None:
    big = [2**53 + 1, 2**53 + 3]
    for source in (
        {"id": big},
        {"id": np.array(big)},
        pd.DataFrame({"id": big}),
        pl.DataFrame({"id": big}),
        pa.table({"id": big}),
    ):
        table = read_table(source)
        assert table["id"].cells() == [str(value) for value in big]
        assert "identifier" in str(table.notes[0])


def test_column_names_that_are_numbers_become_text_and_that_is_said() -> None:
    table = read_table(pd.DataFrame([[1, 2], [3, 4]], columns=[0, "b"]))
    assert table.names == ("0", "b")
    assert [note.topic for note in table.notes] == ["header"]


def test_names_that_become_equal_as_text_are_refused() -> None:
    with pytest.raises(DataError, match=r"CR404"):
        read_table(pd.DataFrame([[1, 2]], columns=[1, "1"]))


def test_one_name_twice_is_refused() -> None:
    with pytest.raises(DataError, match=r"CR304"):
        read_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


REFUSED: dict[str, tuple[Any, str]] = {
    "complex numbers": (np.ones((3, 2), complex), "CR106"),
    "dates in an array": (np.array([["2024-01-01"]], "datetime64[D]"), "CR106"),
    "text in an array": (np.array([["1", "2"]]), "CR106"),
    "three dimensions": (np.ones((2, 2, 2)), "CR103"),
    "one dimension": (np.ones(3), "CR103"),
    "a flat list": ([1, 2, 3], "CR103"),
    "ragged rows": ([[1, 2], [3]], "CR109"),
    "no rows": ([], "CR105"),
    "a sparse matrix": (scipy.sparse.eye(5, format="csr"), "CR110"),
    "columns of two lengths": ({"a": [1, 2], "b": [1]}, "CR104"),
    "a column of lists": ({"a": [[1], [2]]}, "CR106"),
    "a column of durations": (pd.DataFrame({"a": [timedelta(1)]}), "CR106"),
    "a complex column": (pd.DataFrame({"a": [1j]}), "CR106"),
    "dates among numbers": ({"a": [1, date(2024, 1, 1)]}, "CR310"),
    "a list column in arrow": (pa.table({"a": [[1], [2]]}), "CR106"),
    "something else": (object(), "CR106"),
    "nothing": (None, "CR106"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused(name: str) -> None:
    source, code = REFUSED[name]
    with pytest.raises(DataError) as caught:
        read_table(source)
    assert caught.value.code == code


def test_the_caller_s_array_stays_writable_and_unchanged() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    table = read_table(values)
    assert not table["x0"].values.flags.writeable
    values[0, 0] = 5.0


class TestTargets:
    table = read_table({"a": [1, 2, 3]})

    @pytest.mark.parametrize(
        ("target", "names", "cells"),
        [
            ([0, 1, 1], ("target",), [[0, 1, 1]]),
            (np.array([[0], [1], [1]]), ("target",), [[0, 1, 1]]),
            (np.array([["x"], ["y"], ["x"]]), ("target",), [["x", "y", "x"]]),
            (["1", "2", "1"], ("target",), [["1", "2", "1"]]),
            (np.array(["1", "2", "1"]), ("target",), [["1", "2", "1"]]),
            ([True, False, True], ("target",), [[True, False, True]]),
            (pd.Series([1.5, 2.5, 3.5], name="price"), ("price",), [[1.5, 2.5, 3.5]]),
            (pl.Series("price", [1.5, 2.5, 3.5]), ("price",), [[1.5, 2.5, 3.5]]),
            (pd.DataFrame({"p": [1, 2, 3], "q": [4, 5, 6]}), ("p", "q"), [[1, 2, 3], [4, 5, 6]]),
            (np.array([[1, 2], [3, 4], [5, 6]]), ("target 0", "target 1"), [[1, 3, 5], [2, 4, 6]]),
            (pd.Series([1, 2, 3], name="a"), ("a (target)",), [[1, 2, 3]]),
            ([None, 1, 2], ("target",), [[None, 1, 2]]),
        ],
    )
    def test_a_target_joins_the_table_with_its_name_and_type(self, target: Any, names: Any, cells: Any) -> None:
        joined, found = attach_target(self.table, target)
        assert found == names
        assert [joined[name].cells() for name in found] == cells

    def test_a_target_of_another_length_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"CR104.*3 targets.*got 2"):
            attach_target(self.table, [1, 2])


def test_reading_a_dict_imports_no_other_library() -> None:
    code = (
        "import sys; from chainrule.data.files import read_table; read_table({'a': [1, 2], 'b': ['x', 'y']});"
        "print([m for m in ('pyarrow', 'narwhals', 'pandas', 'polars', 'scipy', 'sklearn') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
