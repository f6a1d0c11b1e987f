"""Columns to inputs and back: learned on the training rows, matched by name at prediction."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.encode import Encoder
from chainrule.data.files import read_table
from chainrule.data.fit_encoder import fit_encoder
from chainrule.data.frames import attach_target
from chainrule.data.schema import infer_schema
from chainrule.errors import DataError, ModelFileError

DATA: dict[str, list[Any]] = {
    "age": [20.0, None, 40.0, 30.0, 25.0, 35.0],
    "sex": ["m", "f", "f", "m", None, "x"],
    "alone": [True, False, True, None, True, False],
    "fare": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
}


def fitted(data: dict[str, list[Any]] | None = None, target: Any = "fare", rows: Any = None, **options: Any) -> Encoder:
    table = read_table(DATA if data is None else data)
    return fit_encoder(table, infer_schema(table, target), rows, **options)


def test_every_kind_of_column_has_readable_inputs() -> None:
    encoder = fitted()
    assert encoder.input_names == (
        *("age", "age is missing", "sex=f", "sex=m", "sex=other", "sex is missing", "alone", "alone is missing"),
    )
    encoded = encoder.encode(read_table(DATA), dtype=np.float64)
    deviation = np.std([20, 40, 30, 25, 35])
    np.testing.assert_allclose(encoded[:, 0], [-10 / deviation, 0, 10 / deviation, 0, -5 / deviation, 5 / deviation])
    assert encoded[:, 1].tolist() == [0, 1, 0, 0, 0, 0]
    assert encoded[:, 2:6].tolist() == [
        [0, 1, 0, 0],
        [1, 0, 0, 0],
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 0],
    ]
    np.testing.assert_allclose(encoded[:, 6], [1, 0, 1, 0.6, 1, 0])
    assert [note.topic for note in encoder.notes] == ["categories"]


def test_statistics_come_from_the_training_rows_alone() -> None:
    encoder = fitted(rows=np.array([0, 2, 3]))
    assert encoder.columns[0].shift == 30.0
    assert not encoder.columns[0].marks_missing
    assert encoder.targets[0].shift == pytest.approx(13 / 3, rel=1e-15)


def test_an_input_knows_its_way_back_to_the_unit_of_its_column() -> None:
    encoder = fitted()
    age = encoder.inputs[0]
    encoded = encoder.encode(read_table(DATA), dtype=np.float64)
    assert age.column == "age"
    assert age.to_unit(encoded[2, 0]) == pytest.approx(40.0, rel=1e-15)


def test_regression_targets_are_standardised_and_come_back() -> None:
    encoder = fitted()
    standard = encoder.encode_target(read_table(DATA))
    assert standard.shape == (6, 1)
    np.testing.assert_allclose([standard.mean(), standard.std()], [0, 1], atol=1e-15)
    np.testing.assert_allclose(encoder.decode_target(standard)[:, 0], DATA["fare"], rtol=1e-15)


@pytest.mark.parametrize(
    "labels", [["no", "yes", "no"], [1, 2, 1], [-1, 1, 1], [True, False, True], ["1", "2", "x"], [0.0, 1.0, 0.0]]
)
def test_class_labels_keep_their_type(labels: list[Any]) -> None:
    data = {"a": [float(i) ** 2 for i in range(12)], "y": labels * 4}
    encoder = fitted(data, "y")
    codes = encoder.encode_target(read_table(data))
    assert codes.dtype == np.int64
    decoded = encoder.decode_target(codes).tolist()
    assert decoded == data["y"]
    assert [type(label) for label in decoded] == [type(label) for label in data["y"]]


def test_a_target_that_training_did_not_have_is_refused() -> None:
    data = {"a": [1.5, 2.5, 4.0, 8.0], "y": ["no", "yes", "no", "yes"]}
    encoder = fitted(data, "y")
    with pytest.raises(DataError, match=r"CR108.*'maybe'"):
        encoder.encode_target(read_table({"a": [1.5], "y": ["maybe"]}))
    with pytest.raises(DataError, match="CR114"):
        encoder.encode_target(read_table({"a": [1.5, 2.5], "y": [None, "yes"]}))
    with pytest.raises(DataError, match="CR313"):
        encoder.encode_target(read_table({"a": [1.5]}))
    with pytest.raises(DataError, match="CR108"):
        fitted().encode_target(read_table(DATA | {"fare": ["cheap"] * 6}))


def test_a_constant_column_is_zero_with_scale_one() -> None:
    encoder = fitted({"a": [0.1] * 6, "fare": DATA["fare"]})
    assert (encoder.columns[0].shift, encoder.columns[0].scale) == (0.1, 1.0)
    assert encoder.encode(read_table({"a": [0.1] * 6})).tolist() == [[0.0]] * 6


@pytest.mark.parametrize("size", [1e9, 1e-9, 1e30, 1e-300, 1e300])
def test_numbers_of_any_size_are_standardised(size: float) -> None:
    encoder = fitted({"a": [size * i for i in (1, 2, 3, 5, 8, 13)], "fare": DATA["fare"]}, dtype=np.float64)
    encoded = encoder.encode(read_table({"a": [size * i for i in (1, 2, 3, 5, 8, 13)]}), dtype=np.float64)
    np.testing.assert_allclose([encoded.mean(), encoded.std()], [0, 1], atol=1e-14)


def test_a_large_offset_does_not_swallow_the_spread() -> None:
    values = 1e9 + np.arange(6.0)
    encoder = fitted({"a": values.tolist(), "fare": DATA["fare"]})
    encoded = encoder.encode(read_table({"a": values}), dtype=np.float64)
    assert encoder.columns[0].scale == pytest.approx(np.std(np.arange(6.0)), rel=1e-6)
    np.testing.assert_allclose(encoded.std(), 1, rtol=1e-6)


def test_a_value_beyond_float32_is_named_before_work_starts() -> None:
    data = {"a": [1.0, 1e200, 3.0, 4.0, 5.0, 6.0], "fare": DATA["fare"]}
    with pytest.raises(DataError, match=r"CR107.*'a', row 1.*1e\+200.*logarithm"):
        fitted(data)
    assert fitted(data, dtype=np.float64).columns[0].scale > 1e199


def test_without_scaling_columns_of_very_different_size_are_named() -> None:
    data = {"a": [1e9 * i for i in range(6)], "b": [0.5, 2.5, 1.0, 7.0, 3.0, 2.0], "fare": DATA["fare"]}
    encoder = fitted(data, scale=None)
    assert encoder.encode(read_table(data))[2].tolist() == [2e9, 1.0]
    assert encoder.decode_target([[3.0]]).tolist() == [[3.0]]
    assert "'a'" in encoder.notes[0].where
    assert fitted(data).notes == ()


def test_rare_and_too_many_categories_share_one_input() -> None:
    common = [f"k{i:03d}" for i in range(300) for _ in range(3 + (i < 270))]
    data = {"kind": [*common, "once"], "y": np.arange(len(common) + 1.0) ** 2}
    encoder = fitted(data, "y")
    assert len(encoder.input_names) == 257
    assert encoder.input_names[-1] == "kind=other"
    assert encoder.columns[0].levels[-1] == "k255"
    assert "45 rare or beyond the 256 most frequent of them" in str(encoder.notes[0])


def test_a_category_called_other_keeps_its_name() -> None:
    data = {"kind": ["other", "other", "a", "a", "b", "c"], "fare": DATA["fare"]}
    assert fitted(data).input_names == ("kind=a", "kind=other", "kind=(other)")


def test_inputs_of_one_name_are_refused() -> None:
    data = {"a": ["b", "b", "c", "c", "b", "b"], "a=b": DATA["fare"], "fare": [1.5, 2.0, 7.0, 3.0, 1.0, 0.5]}
    with pytest.raises(DataError, match="CR404"):
        fitted(data)


def test_dates_become_named_parts() -> None:
    data = {"day": ["2024-02-29", "2023-12-31", None, "1969-07-20"], "fare": [1.5, 2.5, 7.0, 4.0]}
    table = read_table(data)
    encoder = fit_encoder(table, infer_schema(table, "fare", date_parts="day"), scale=None)
    assert encoder.input_names == ("day: year", "day is missing", "day: month", "day: weekday", "day: elapsed days")
    encoded = encoder.encode(table)
    assert encoded[0].tolist() == [2024, 0, 2, 3, 19782]
    assert encoded[1].tolist() == [2023, 0, 12, 6, 19722]
    assert encoded[3].tolist() == [1969, 0, 7, 6, -165]
    assert encoded[2, 1] == 1


class TestAtPrediction:
    encoder = fitted()
    plain = encoder.encode(read_table(DATA))

    def test_columns_in_another_order_give_the_same_numbers(self) -> None:
        table = read_table(dict(reversed(DATA.items())))
        np.testing.assert_array_equal(self.encoder.encode(table), self.plain)
        assert [note.topic for note in self.encoder.notes_on(table)] == ["names", "unseen"]

    def test_the_target_is_neither_needed_nor_noted(self) -> None:
        without = read_table({name: cells for name, cells in DATA.items() if name != "fare"})
        np.testing.assert_array_equal(self.encoder.encode(without), self.plain)
        assert [note.topic for note in self.encoder.notes_on(without)] == ["unseen"]
        assert self.encoder.notes_on(read_table(DATA)) == self.encoder.notes_on(without)

    def test_missing_columns_are_named(self) -> None:
        with pytest.raises(DataError, match=r"CR401: 2 of 3.*age, sex.*'agee' may be 'age'"):
            self.encoder.encode(read_table({"agee": [1.5], "alone": [True]}))

    def test_extra_columns_are_ignored_and_named(self) -> None:
        table = read_table(DATA | {"hat": ["red"] * 6})
        np.testing.assert_array_equal(self.encoder.encode(table), self.plain)
        assert "hat" in self.encoder.notes_on(table)[0].where

    def test_an_array_of_the_right_width_is_matched_by_position_and_said_so(self) -> None:
        numbers = fitted({"a": [1.5, 2.0, 5.0], "b": [2.5, 7.0, 1.0], "y": [1.5, 3.0, 9.0]}, "y")
        table = read_table(np.array([[1.5, 2.5]]))
        np.testing.assert_array_equal(numbers.encode(table), numbers.encode(read_table({"a": [1.5], "b": [2.5]})))
        assert "by position" in str(numbers.notes_on(table)[0])

    def test_an_array_of_another_width_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"CR402.*expected 3.*got 2"):
            self.encoder.encode(read_table(np.ones((2, 2))))

    def test_a_frame_after_an_array_is_matched_by_position(self) -> None:
        table = read_table(np.array([[1.5, 2.5], [4.0, 1.0], [2.0, 9.0]]))
        joined, names = attach_target(table, [1.5, 2.5, 9.0])
        encoder = fit_encoder(joined, infer_schema(joined, names))
        frame = pd.DataFrame({"u": [1.5], "v": [2.5]})
        np.testing.assert_array_equal(encoder.encode(read_table(frame)), encoder.encode(read_table([[1.5, 2.5]])))
        with pytest.raises(DataError, match="CR402"):
            encoder.encode(read_table([[1.5, 2.5, 3.5]]))

    @pytest.mark.parametrize(
        ("name", "cells"),
        [
            ("age", ["old"] * 6),
            ("sex", [1.5] * 6),
            ("sex", [True] * 6),
            ("alone", [2] * 6),
            ("age", ["2024-01-01"] * 6),
        ],
    )
    def test_a_column_of_another_type_is_refused(self, name: str, cells: list[Any]) -> None:
        with pytest.raises(DataError, match=rf"CR403.*'{name}'"):
            self.encoder.encode(read_table(DATA | {name: cells}))

    def test_zero_and_one_are_truth_values_and_truth_values_are_numbers(self) -> None:
        table = read_table(DATA | {"alone": [1, 0, 1, None, 1, 0]})
        np.testing.assert_array_equal(self.encoder.encode(table), self.plain)
        ages = read_table(DATA | {"age": [True] * 6})
        assert self.encoder.encode(ages).shape == self.plain.shape

    def test_numbers_match_categories_of_the_same_digits(self) -> None:
        data = {"kind": ["1", "2", "x", "1", "2", "x"], "fare": DATA["fare"]}
        encoder = fitted(data)
        assert encoder.encode(read_table({"kind": [2, 1, 2]})).tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
        assert encoder.text_columns == ("kind",)

    def test_a_column_that_is_missing_in_every_row_is_filled(self) -> None:
        encoded = self.encoder.encode(read_table({"age": [None], "sex": [None], "alone": [None]}))
        assert encoded.tolist() == [[0, 1, 0, 0, 0, 1, pytest.approx(0.6), 1]]

    def test_no_rows_give_an_empty_array_of_the_right_width(self) -> None:
        encoded = self.encoder.encode(read_table({"age": [], "sex": [], "alone": []}))
        assert encoded.shape == (0, 8)
        assert encoded.dtype == np.float32

    def test_an_infinite_value_is_refused(self) -> None:
        with pytest.raises(DataError, match="CR102"):
            self.encoder.encode(read_table(DATA | {"age": [float("inf")] * 6}))

    def test_a_value_that_overflows_is_refused(self) -> None:
        with pytest.raises(DataError, match="CR107"):
            self.encoder.encode(read_table(DATA | {"age": [1e60] * 6}))

    def test_unseen_categories_and_new_gaps_are_counted(self) -> None:
        encoder = fitted(
            {"kind": ["a", "a", "b", "b", "a", "b"], "n": [1.5, 2.0, 7.0, 4.0, 3.0, 8.0], "fare": DATA["fare"]}
        )
        table = read_table({"kind": ["zzz", "a", None, "q"], "n": [1.5, None, None, 2.0]})
        encoded = encoder.encode(table)
        assert encoded[:, :2].tolist() == [[0, 0], [1, 0], [0, 0], [0, 0]]
        assert encoded[1:3, 2].tolist() == [0, 0]
        text = [str(note) for note in encoder.notes_on(table)]
        assert "2 rows with values that training did not have" in text[0]
        assert "q, zzz" in text[0]
        assert "1 missing value," in text[1]
        assert "2 missing values," in text[2]
        assert "4.25" in text[2]

    def test_rows_can_be_chosen(self) -> None:
        np.testing.assert_array_equal(self.encoder.encode(read_table(DATA), np.array([4, 1])), self.plain[[4, 1]])


def test_an_encoder_survives_json_exactly() -> None:
    for encoder in (fitted(), fitted({"a": [0.1, 0.7, 0.3, 0.2], "y": [True, False, False, True]}, "y")):
        again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))
        assert again == encoder
        assert again.input_names == encoder.input_names


@pytest.mark.parametrize("change", [{"columns": [{"name": "a"}]}, {"targets": [{"nom": "a"}]}, {"classes": None}])
def test_a_description_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError, match="CR503"):
        Encoder.from_dict(fitted().to_dict() | change)
    with pytest.raises(ModelFileError, match="CR503"):
        Encoder.from_dict({})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-1e30, 1e30)), min_size=2, max_size=20))
def test_encoding_is_finite_and_comes_back(values: list[float | None]) -> None:
    table = read_table(
        {"a": values, "b": [0.5 * i for i in range(len(values))], "y": [i * i + 0.5 for i in range(len(values))]}
    )
    encoder = fit_encoder(table, infer_schema(table, "y"))
    encoded = encoder.encode(table, dtype=np.float64)
    assert np.isfinite(encoded).all()
    if "a" in encoder.input_names:
        back = [encoder.inputs[0].to_unit(value) for value in encoded[:, 0]]
        largest = max((abs(value) for value in values if value is not None), default=0.0)
        for value, again in zip(values, back, strict=True):
            # Subtracting and adding the mean rounds twice, each time at most half a unit of the largest number.
            assert value is None or abs(value - again) <= 4 * np.finfo(float).eps * largest


def test_columns_that_are_not_used_cannot_spoil_a_prediction(tmp_path: Path) -> None:
    rows = [(f"A{i}", i * 1.5, "007" if i % 2 else "x1", i**2 + 0.5) for i in range(20)]
    (tmp_path / "train.csv").write_text("ticket,a,kind,y\n" + "\n".join(",".join(map(str, row)) for row in rows))
    table = read_table(tmp_path / "train.csv")
    encoder = fit_encoder(table, infer_schema(table, "y"))
    new = tmp_path / "new.csv"
    new.write_text("ticket,a,kind\n" + "".join(f"{i},1.5,007\n" for i in range(20)) + "?,1.5,007\n")
    with pytest.raises(DataError, match="CR310"):
        read_table(new)
    encoded = encoder.encode(read_table(new, text=encoder.text_columns))
    assert encoded.shape == (21, 3)
    assert encoded[:, 1].tolist() == [1.0] * 21


def test_class_names_that_look_like_numbers_are_matched_as_text(tmp_path: Path) -> None:
    data = {"a": [1.5, 2.0, 7.0, 4.0], "y": ["007", "x", "007", "x"]}
    encoder = fitted(data, "y")
    (tmp_path / "test.csv").write_text("a,y\n1.5,007\n2.5,007\n")
    assert encoder.encode_target(read_table(tmp_path / "test.csv", text=encoder.text_columns)).tolist() == [0, 0]


def test_a_few_categories_of_one_row_each_get_an_input_each() -> None:
    encoder = fitted({"kind": list("abcdef"), "fare": DATA["fare"]})
    assert encoder.input_names == tuple(f"kind={letter}" for letter in "abcdef")


def test_thousands_of_categories_of_one_row_each_get_none() -> None:
    data = {"kind": [f"k{i}" for i in range(2000)], "n": [(i * 7919) % 2003 / 2 for i in range(2000)]}
    table = read_table(data | {"y": [i**2 + 0.5 for i in range(2000)]})
    encoder = fit_encoder(table, infer_schema(table, "y", keep="kind"))
    assert encoder.input_names == ("n",)
    assert "each of its 2000 values is rare" in str(encoder.notes[0])
    assert encoder.encode(table).shape == (2000, 1)
    with pytest.raises(DataError, match="CR314"):
        fit_encoder(table, infer_schema(table, "y", keep="kind", drop="n"))


def test_categories_of_parquet_row_groups_with_different_dictionaries_are_one(tmp_path: Path) -> None:
    parts = [pa.array(words).dictionary_encode() for words in (["a", "b"], ["b", "c", None])]
    pq.write_table(pa.table({"k": pa.chunked_array(parts)}), tmp_path / "k.parquet", row_group_size=2)
    assert read_table(tmp_path / "k.parquet")["k"].cells() == ["a", "b", "b", "c", None]
    assert read_table(pa.table({"k": pa.chunked_array(parts)}))["k"].cells() == ["a", "b", "b", "c", None]


PIECES = {"age": np.r_[np.arange(800.0), 1e12, np.nan], "two": np.tile([0.0, 1.0], 401), "y": np.arange(802.0)}


def test_a_number_in_pieces_rises_in_each_by_a_quarter() -> None:
    table = read_table(PIECES)
    encoder = fit_encoder(table, infer_schema(table, "y"), scale="piecewise")
    edges = ["0", "100", "200", "300", "400", "500", "600", "700", "1e+12"]
    pieces = [f"age {low} to {high}" for low, high in pairwise(edges)]
    assert encoder.input_names == ("age", *pieces, "age is missing", "two")
    encoded = encoder.encode(table, dtype=np.float64)
    cut = encoded[:801, 1:9]
    assert cut.min() == -0.125 and cut.max() == 0.125
    rising = np.diff(cut[:800], axis=0)
    assert (rising >= 0).all() and ((rising > 0).sum(axis=1) <= 1).all()
    np.testing.assert_allclose(cut[150], [0.125, 0.0, *[-0.125] * 6], atol=1e-12)
    np.testing.assert_array_equal(
        encoded[801, 1:10], [*encoder.encode(table)[400, 1:9], 1.0]
    )  # the median in its place
    raw = encoder.raw(table)
    np.testing.assert_allclose(raw[150, :9], [150, 100, 150, 200, 300, 400, 500, 600, 700])
    back = [one.to_unit(value) for one, value in zip(encoder.inputs, encoded[150], strict=True)]
    np.testing.assert_allclose(back, raw[150], atol=1e-12)
    assert Encoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


def test_few_rows_and_many_columns_have_fewer_pieces() -> None:
    def inputs(rows: int, columns: int) -> int:
        rng = np.random.default_rng(0)
        table = read_table({f"x{i}": rng.normal(size=rows) for i in range(columns + 1)})
        return len(fit_encoder(table, infer_schema(table, "x0"), scale="piecewise").inputs) // columns - 1

    assert [inputs(rows, 2) for rows in (100, 199, 200, 799, 800)] == [0, 0, 2, 7, 8]
    assert inputs(400, 300) == 3


def test_categories_beside_bent_numbers_are_a_quarter_high() -> None:
    table = read_table(DATA)
    encoder = fit_encoder(table, infer_schema(table, "fare"), scale="piecewise")
    place = encoder.input_names.index("sex=m")
    assert encoder.encode(table)[:, place].tolist() == [0.25, 0, 0, 0.25, 0, 0]
    assert encoder.raw(table)[:, place].tolist() == [1, 0, 0, 1, 0, 0]
