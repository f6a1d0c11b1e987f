"""Splits: every row once, classes in proportion, equal rows together, the same for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.data.files import read_table
from chainrule.data.schema import Schema, infer_schema
from chainrule.data.split import class_weights, folds, split
from chainrule.data.table import Table
from chainrule.errors import ChainruleError, DataError


def classes(counts: list[int], copies: int = 1) -> tuple[Table, Schema]:
    labels = [f"class {k}" for k, count in enumerate(counts) for _ in range(count)]
    values = [(i // copies) * 1.37 for i in range(len(labels))]
    table = read_table({"x": values, "z": [v % 7 for v in values], "y": labels})
    return table, infer_schema(table, "y", allow_many_classes=True)


def numbers(rows: int) -> tuple[Table, Schema]:
    table = read_table({"x": [i * 1.37 for i in range(rows)], "y": [((i * 7919) % 101) + 0.5 for i in range(rows)]})
    return table, infer_schema(table, "y")


@pytest.mark.parametrize(
    "data", [classes([70, 30]), classes([7, 5, 3]), classes([95, 3, 2]), numbers(10), numbers(999)]
)
@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_every_row_is_in_one_part(data: tuple[Table, Schema], seed: int) -> None:
    parts = split(*data, validation=0.1, test=0.2, seed=seed)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(data[0].row_count))
    assert abs(len(parts.test) - 0.2 * data[0].row_count) <= 1
    assert abs(len(parts.validation) - max(1, 0.1 * data[0].row_count)) <= 1


def test_classes_keep_their_proportion_and_are_all_in_training() -> None:
    table, schema = classes([600, 300, 90, 10, 1])
    parts = split(table, schema, validation=0.1, test=0.2, seed=3)
    codes = table["y"].values
    assert np.bincount(codes[parts.test], minlength=5).tolist() == [120, 60, 18, 2, 0]
    assert np.bincount(codes[parts.train]).min() >= 1


def test_small_classes_together_keep_their_proportion() -> None:
    table, schema = classes([3] * 40)
    parts = split(table, schema, validation=0.1, test=0.2, seed=0)
    assert len(parts.test) == 24
    assert np.bincount(table["y"].values[parts.train], minlength=40).min() >= 1


def test_the_same_seed_gives_the_same_split_and_another_another() -> None:
    table, schema = numbers(200)
    first, again, other = (split(table, schema, seed=seed) for seed in (5, 5, 6))
    assert first.test.tolist() == again.test.tolist()
    assert first.test.tolist() != other.test.tolist()


@pytest.mark.parametrize("copies", [2, 3, 7])
def test_equal_rows_stay_together_and_are_noted(copies: int) -> None:
    table, schema = classes([84, 42], copies)
    parts = split(table, schema, validation=0.1, test=0.2, seed=1)
    of_row = np.arange(126) // copies
    places = [set(of_row[rows]) for rows in (parts.train, parts.validation, parts.test)]
    assert not (places[0] & places[1] or places[0] & places[2] or places[1] & places[2])
    assert abs(len(parts.test) - 25) <= copies
    assert f"{126 - 126 // copies} rows equal to another" in str(parts.notes[0])


def test_rows_that_differ_only_in_a_left_out_column_are_equal() -> None:
    table = read_table({"id": list(range(40)), "x": [0.5, 1.5] * 20, "y": ["a", "b", "b", "a"] * 10})
    schema = infer_schema(table, "y")
    parts = split(table, schema, validation=0, test=0.25)
    groups = np.arange(40) % 4
    assert not set(groups[parts.train]) & set(groups[parts.test])


def test_a_few_distinct_rows_repeated_often_still_leave_most_for_training() -> None:
    table = read_table(
        {"a": [i % 2 for i in range(400)], "b": [i // 2 % 2 for i in range(400)], "y": [i // 4 % 2 for i in range(400)]}
    )
    parts = split(table, infer_schema(table, "y"), validation=0.1, test=0.2, seed=0)
    assert len(parts.train) >= 200
    assert len(parts.test) >= 1


def test_rows_without_a_target_are_in_no_part() -> None:
    table = read_table({"x": [i * 1.37 for i in range(40)], "y": [None, 1.5, 2.5, 4.0] * 10})
    schema = infer_schema(table, "y", missing_target="drop")
    parts = split(table, schema)
    assert all(row % 4 for rows in (parts.train, parts.validation, parts.test) for row in rows)


def test_parts_can_be_done_without() -> None:
    parts = split(*numbers(10), validation=0, test=0)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (10, 0, 0)


@pytest.mark.parametrize(
    ("data", "shares", "code"),
    [
        (numbers(2), (0.1, 0.2), "CR105"),
        (numbers(3), (0.1, 0.2), "CR105"),
        (numbers(10), (0.5, 0.5), "CR204"),
        (numbers(10), (-0.1, 0.2), "CR201"),
        (numbers(10), (1, 0), "CR201"),
        (classes([1, 1, 1]), (0.1, 0.2), "CR105"),
    ],
)
def test_a_split_that_cannot_be_is_refused(data: tuple[Table, Schema], shares: tuple[float, float], code: str) -> None:
    with pytest.raises(ChainruleError) as caught:
        split(*data, validation=shares[0], test=shares[1])
    assert caught.value.code == code


@pytest.mark.parametrize("count", [2, 5, 10])
def test_folds_test_every_row_once_with_classes_in_proportion(count: int) -> None:
    table, schema = classes([60, 40])
    parts = folds(table, schema, count, seed=2)
    assert len(parts) == count
    assert sorted(np.concatenate([part.test for part in parts]).tolist()) == list(range(100))
    for part in parts:
        assert not set(part.train) & set(part.test)
        assert len(part.train) + len(part.test) == 100
        assert abs(np.sum(table["y"].values[part.test] == 0) - 60 / count) <= 1


def test_too_few_rows_for_the_folds_is_refused() -> None:
    with pytest.raises(DataError, match=r"CR105.*3 different in 3 rows.*test=0"):
        folds(*numbers(3), 5)


@pytest.mark.parametrize(
    ("spec", "weights"),
    [
        (None, [1, 1]),
        ("balanced", [2 / 3, 2]),
        ({"yes": 3}, [1, 3]),
        ({"no": 0.5, "yes": 0}, [0.5, 0]),
    ],
)
def test_class_weights_follow_their_spec(spec: Any, weights: list[float]) -> None:
    np.testing.assert_allclose(class_weights(np.array([0, 0, 0, 1]), spec, ("no", "yes")), weights, rtol=1e-15)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("fair", "CR203"),
        ({"maybe": 1}, "CR203"),
        ({"yes": -1}, "CR112"),
        ({"yes": float("nan")}, "CR112"),
        ({"yes": "2"}, "CR112"),
        ({"no": 0, "yes": 0}, "CR112"),
        ([1, 2], "CR202"),
    ],
)
def test_class_weights_that_cannot_be_are_refused(spec: Any, code: str) -> None:
    with pytest.raises(ChainruleError) as caught:
        class_weights(np.array([0, 1]), spec, ("no", "yes"))
    assert caught.value.code == code


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=6),
    st.integers(1, 4),
    st.floats(0.05, 0.4),
    st.floats(0.05, 0.4),
    st.integers(0, 2**32),
)
def test_any_split_is_a_partition_or_a_clear_error(
    counts: list[int], copies: int, validation: float, test: float, seed: int
) -> None:
    table, schema = classes(counts, copies)
    try:
        parts = split(table, schema, validation=validation, test=test, seed=seed)
    except DataError:
        assert len(set(zip(table["x"].cells(), table["y"].cells(), strict=True))) <= len(counts) + 4
        return
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together.tolist()) == list(range(table.row_count))
    assert set(table["y"].values[parts.train]) == set(range(len(counts)))
    assert min(len(parts.validation), len(parts.test)) >= 1
