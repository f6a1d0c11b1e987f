"""The parts of the columns: found from the data, named with their reason, overridable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.data.files import read_table
from chainrule.data.schema import Schema, infer_schema
from chainrule.data.table import Table
from chainrule.errors import ChainruleError, DataError, SettingError

N = 60
RNG = np.random.default_rng(7)
SCORE = RNG.normal(size=N).round(6)
CLASS = [["no", "yes"][i] for i in RNG.integers(0, 2, N)]


def passengers(**extra: Any) -> Table:
    return read_table(
        {"age": (RNG.integers(1, 80, N) + 0.5).tolist(), "score": SCORE.tolist(), "alive": CLASS, **extra}
    )


def topics(schema: Schema) -> list[str]:
    return [note.topic for note in schema.notes]


def names(schema: Schema) -> list[str]:
    return [field.name for field in schema.inputs]


TASKS: dict[str, tuple[list[Any], str, tuple[Any, ...]]] = {
    "text of two": (["a", "b"] * 30, "binary", ("a", "b")),
    "text of three": (["c", "a", "b"] * 20, "multiclass", ("a", "b", "c")),
    "truth values": ([True, False] * 30, "binary", (False, True)),
    "0 and 1": ([0, 1] * 30, "binary", (0, 1)),
    "1 and 2": ([1, 2] * 30, "binary", (1, 2)),
    "-1 and 1": ([-1, 1] * 30, "binary", (-1, 1)),
    "0.0 and 1.0": ([0.0, 1.0] * 30, "binary", (0.0, 1.0)),
    "four whole numbers": ([3, 4, 5, 6] * 15, "multiclass", (3, 4, 5, 6)),
    "many whole numbers": (list(range(100, 100 + N)), "regression", ()),
    "fractions": (SCORE.tolist(), "regression", ()),
    "two fractions": ([0.5, 1.5] * 30, "regression", ()),
}


@pytest.mark.parametrize("name", TASKS)
def test_the_task_is_found_from_the_target(name: str) -> None:
    target, task, classes = TASKS[name]
    schema = infer_schema(passengers(y=target), "y", keep=("score",))
    assert (schema.task, schema.classes) == (task, classes)
    assert [type(label) for label in schema.classes] == [type(label) for label in classes]


def test_the_task_can_be_overridden_and_the_note_says_how() -> None:
    table = passengers(y=[3, 4, 5, 6] * 15)
    assert "task='regression'" in str(infer_schema(table, "y").notes[0])
    assert infer_schema(table, "y", task="regression").task == "regression"
    counts = passengers(y=[i % 30 for i in range(N)])
    assert infer_schema(counts, "y").task == "regression"
    assert infer_schema(counts, "y", task="classification").task == "multiclass"


def test_several_targets_are_a_regression() -> None:
    schema = infer_schema(passengers(y=[i * i for i in range(N)]), ("y", "score"))
    assert (schema.task, schema.targets) == ("regression", ("y", "score"))
    assert names(schema) == ["age", "alive"]


BAD_TARGETS: dict[str, tuple[dict[str, Any], Any, dict[str, Any], str]] = {
    "a target that is not there": ({}, "alife", {}, "CR313"),
    "no target": ({}, (), {}, "CR202"),
    "fractions as classes": ({}, "score", {"task": "classification"}, "CR108"),
    "text as numbers": ({}, "alive", {"task": "regression"}, "CR108"),
    "an unknown task": ({}, "alive", {"task": "ranking"}, "CR203"),
    "one class": ({"y": ["a"] * N}, "y", {}, "CR105"),
    "every row its own class": ({"y": [f"id{i}" for i in range(N)]}, "y", {}, "CR113"),
    "several targets with text": ({}, ("alive", "score"), {}, "CR108"),
    "dates": ({"y": ["2024-01-01", "2024-01-02"] * 30}, "y", {}, "CR108"),
    "missing values": ({"y": [1.5, None] * 30}, "y", {}, "CR114"),
    "infinite values": ({"y": [1.5, float("inf")] * 30}, "y", {}, "CR102"),
    "an infinite input": ({"z": [1.5, float("-inf")] * 30}, "alive", {}, "CR102"),
    "keep and drop at once": ({}, "alive", {"keep": ("age",), "drop": ("age",)}, "CR204"),
    "the target dropped": ({}, "alive", {"drop": ("alive",)}, "CR204"),
    "a column to keep that is not there": ({}, "alive", {"keep": ("agee",)}, "CR313"),
    "parts of a number": ({}, "alive", {"date_parts": ("age",)}, "CR106"),
    "everything dropped": ({}, "alive", {"drop": ("age", "score")}, "CR314"),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
def test_a_target_or_option_that_cannot_work_is_refused(name: str) -> None:
    extra, target, options, code = BAD_TARGETS[name]
    with pytest.raises(ChainruleError) as caught:
        infer_schema(passengers(**extra), target, **options)
    assert caught.value.code == code


def test_one_row_is_too_few() -> None:
    with pytest.raises(DataError, match="CR105"):
        infer_schema(read_table({"a": [1], "y": [0]}), "y")


def test_missing_targets_name_their_rows_and_can_be_left_out() -> None:
    table = passengers(y=[None, 1.5, 2.5, None] * 15)
    with pytest.raises(DataError, match=r"30 of 60 rows.*rows 0, 3, 4, 7, 8 and 25 more.*missing_target='drop'"):
        infer_schema(table, "y")
    schema = infer_schema(table, "y", missing_target="drop")
    assert schema.rows.tolist() == [i for i in range(N) if i % 4 in (1, 2)]
    assert "rows" in topics(schema)


# column, reason words; all are left out by default
LEFT_OUT: dict[str, tuple[list[Any], str, str]] = {
    "running numbers": (list(range(N)), "identifier", "running numbers"),
    "running numbers from 1": (list(range(1, N + 1)), "identifier", "running numbers"),
    "shuffled running numbers": (RNG.permutation(np.arange(500, 500 + N)).tolist(), "identifier", "running numbers"),
    "different texts": ([f"name {i}" for i in range(N)], "identifier", "60 different texts in 60 rows"),
    "mostly different texts": ([f"name {i * 3 // 4}" for i in range(N)], "identifier", "45 different texts in 60 rows"),
    "long numbers": ([2**60 + i for i in range(N)], "identifier", "too large to be held exactly"),
    "codes with zeros": ([f"{i:05d}" for i in range(N)], "identifier", "different"),
    "the class in other words": ([{"no": "dead", "yes": "saved"}[c] for c in CLASS], "leak", "= yes"),
    "the class as a number": ([{"no": 7, "yes": 3}[c] for c in CLASS], "leak", "= no"),
    "missing for one class": (
        [None if c == "no" else i * 0.37 for i, c in enumerate(CLASS)],
        "leak",
        "missing exactly where",
    ),
    "the class with a few gaps": (
        [None if i % 20 == 3 else c for i, c in enumerate(CLASS)],
        "leak",
        "one value of 'alive'",
    ),
    "nothing": ([None] * N, "empty", "no value"),
    "dates": (["2024-01-01", "2024-03-01", "2024-05-05"] * 20, "date", "date_parts=('z',)"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_column_that_misleads_is_left_out_and_named(name: str) -> None:
    cells, topic, words = LEFT_OUT[name]
    schema = infer_schema(passengers(z=cells), "alive")
    assert schema["z"].role == "left out"
    (note,) = [note for note in schema.notes if note.topic == topic]
    assert "'z'" in note.where
    assert "left out" in note.text
    assert words in note.text


@pytest.mark.parametrize("name", [name for name, row in LEFT_OUT.items() if row[1] in ("identifier", "leak")])
def test_keep_insists_and_the_note_stays(name: str) -> None:
    cells, topic, _ = LEFT_OUT[name]
    schema = infer_schema(passengers(z=cells), "alive", keep=("z",))
    assert schema["z"].role == "input"
    assert any(note.topic == topic and "kept, as asked" in note.text for note in schema.notes)


KEPT: dict[str, list[Any]] = {
    "measured numbers that all differ": (RNG.normal(size=N) * 100).tolist(),
    "whole numbers that all differ": sorted(RNG.choice(10_000, N, replace=False).tolist()),
    "years in order": [1950 + i // 2 for i in range(N)],
    "a few categories": ["a", "b", "c"] * 20,
    "a nearly perfect predictor": ["x" if c == "no" else "y" for c in CLASS[:-1]]
    + ["x" if CLASS[-1] == "yes" else "y"],
    "numbers with gaps": [None if i % 7 == 0 else i * 0.5 for i in range(N)],
    "truth values": [i % 3 == 0 for i in range(N)],
}


@pytest.mark.parametrize("name", KEPT)
def test_an_honest_column_is_kept(name: str) -> None:
    assert infer_schema(passengers(z=KEPT[name]), "alive")["z"].role == "input"


@pytest.mark.parametrize(
    ("cells", "is_left_out"),
    [
        (SCORE.tolist(), True),
        ((SCORE * -3 + 5).tolist(), True),
        ([None if i % 9 == 0 else value * 1.8 + 32 for i, value in enumerate(SCORE.tolist())], True),
        ((SCORE + RNG.normal(size=N) * 0.1).tolist(), False),
        ((SCORE**2).tolist(), False),
    ],
)
def test_a_number_on_another_scale_gives_a_number_away(cells: list[float], is_left_out: bool) -> None:
    schema = infer_schema(passengers(z=cells), "score")
    assert (schema["z"].role == "left out") is is_left_out


def test_the_only_input_is_kept_whatever_it_looks_like() -> None:
    line = read_table({"x": list(range(30)), "y": [2 * i + 1 for i in range(30)]})
    schema = infer_schema(line, "y")
    assert names(schema) == ["x"]
    assert "kept, being the only input" in str(schema.notes[-1])


def test_a_truth_table_has_no_leaks() -> None:
    gate = read_table({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "y": [0, 0, 1, 1]})
    schema = infer_schema(gate, "y")
    assert names(schema) == ["a", "b"]
    assert schema.notes == ()


def test_columns_of_the_same_information_are_noted_and_kept() -> None:
    place = ["Oslo", "Rome", None] * 20
    table = passengers(city=place, code=[{"Oslo": 1, "Rome": 2}.get(p, 3) for p in place], copy=SCORE.tolist())
    schema = infer_schema(table, "alive")
    found = [(note.where, note.text) for note in schema.notes if note.topic == "same information"]
    assert [where for where, _ in found] == ["column 'code'", "column 'copy'"]
    assert "'city'" in found[0][1]
    assert "'score'" in found[1][1]
    assert names(schema) == ["age", "score", "city", "code", "copy"]


def test_a_column_that_settles_the_class_is_noted_and_kept() -> None:
    cells = [f"{c}{i % 3}" for i, c in enumerate(CLASS)]
    schema = infer_schema(passengers(z=cells), "alive")
    assert schema["z"].role == "input"
    assert "is it known before the target is?" in str(schema.notes)


def test_constant_missing_and_dropped_columns_are_noted() -> None:
    schema = infer_schema(passengers(same=[1.5] * N, gaps=[None, 2.5] * 30, other=["x"] * N), "alive", drop="age")
    assert topics(schema) == ["dropped", "missing", "constant"]
    assert names(schema) == ["score", "same", "gaps", "other"]


def test_more_columns_than_rows_is_noted() -> None:
    table = read_table({f"c{i}": [i * 0.5, 1.5, 2.25] for i in range(5)} | {"y": [1.5, 2.5, 4.5]})
    assert "width" in topics(infer_schema(table, "y"))


def test_date_parts_are_used_when_asked_for() -> None:
    schema = infer_schema(passengers(z=["2024-01-01", "2024-03-01", "2024-05-05"] * 20), "alive", date_parts="z")
    assert schema["z"].treatment == "date"


def test_an_unknown_way_with_missing_targets_is_a_setting_error() -> None:
    with pytest.raises(SettingError, match="CR203"):
        infer_schema(passengers(), "alive", missing_target="guess")


def test_columns_of_all_different_numbers_are_not_called_the_same_information() -> None:
    found = infer_schema(read_table({name: RNG.normal(size=40) for name in "abcd"}), "d")
    assert "same information" not in topics(found)


def test_every_row_its_own_class_is_accepted_when_the_task_is_given() -> None:
    table = read_table({"x": SCORE[:12], "y": [f"n{i}" for i in range(12)]})
    with pytest.raises(DataError, match="CR113.*task='classification' insists"):
        infer_schema(table, "y")
    assert len(infer_schema(table, "y", task="classification").classes) == 12


def test_a_number_whose_square_cannot_be_held_is_refused_as_a_target() -> None:
    with pytest.raises(DataError, match="CR107.*row 26.*logarithm"):
        infer_schema(read_table({"x": SCORE, "y": SCORE * 1e300}), "y")


def test_a_target_that_never_changes_is_said_to_leave_nothing_to_learn() -> None:
    found = infer_schema(read_table({"x": SCORE, "y": np.full(N, 1.5)}), "y", task="regression")
    assert "there is nothing to learn" in "".join(note.text for note in found.notes if note.topic == "constant")


def test_only_dates_left_names_the_option_that_uses_them() -> None:
    days = np.arange("2020-01-01", "2020-03-01", dtype="datetime64[D]")
    with pytest.raises(DataError, match=r"CR314.*date_parts=\('day',\)"):
        infer_schema(read_table({"day": days, "y": SCORE[:60]}), "y")
