"""Tables that break defaults: the model is sensible all the same, and what is odd is said."""

import warnings

import numpy as np
import pytest

from chainrule import fit

ROWS = 600


def table(**columns):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 4))
    y = 2 * x[:, 0] - x[:, 1] + 0.3 * rng.normal(size=ROWS)
    return {**{f"x{i}": x[:, i].copy() for i in range(4)}, "y": y, **columns}


def fitted(data, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fit(data, "y", test=0.2, **settings)
    metrics = {name: score["value"] for name, score in model.card["score"]["metrics"].items()}
    return metrics, {(note["topic"], note["where"]): note["text"] for note in model.card["notes"]}


def test_a_constant_column_changes_nothing_and_is_named():
    score, notes = fitted(table(k=np.full(ROWS, 7.0)))
    assert score["r2"] > 0.95
    assert "no information" in notes["constant", "columns k"]


def test_a_class_of_three_rows_is_named_and_the_others_are_learned():
    data = table()
    data["y"] = np.where(data["y"] > 0, "big", "small").astype(object)
    data["y"][[5, 300, 511]] = "rare"
    score, notes = fitted(data)
    assert score["accuracy"] > 0.9
    assert "rare (3)" in notes["classes", "target 'y'"]


def test_ten_thousand_categories_are_not_ten_thousand_inputs_and_the_rest_is_learned():
    rng = np.random.default_rng(0)
    x, who = rng.normal(size=20_000), rng.integers(0, 10_000, 20_000)
    score, notes = fitted({"x": x, "who": [f"id{i}" for i in who], "y": x + 0.1 * rng.normal(size=20_000)}, epochs=3)
    assert score["r2"] > 0.95
    assert "rare" in notes["categories", "column 'who'"]
    assert "no more than by chance" in notes["means", "column 'who'"]


def test_ten_thousand_categories_with_effects_of_their_own_are_learned_by_their_means():
    rng = np.random.default_rng(0)
    x, who, effect = rng.normal(size=20_000), rng.integers(0, 10_000, 20_000), rng.normal(size=10_000)
    data = {"x": x, "who": [f"id{i}" for i in who], "y": x + effect[who] + 0.1 * rng.normal(size=20_000)}
    score, notes = fitted(data, epochs=3)
    assert score["r2"] > 0.65  # x alone explains half
    assert "mean of y among the training rows with the same value" in notes["means", "column 'who'"]


def test_one_giant_input_is_named_with_its_row():
    data = table()
    data["x2"][5] = 1e12
    score, notes = fitted(data)
    assert score["r2"] > 0.9
    assert notes["far value", "column 'x2'"].startswith("row 5 holds 1e+12, though half of all values lie between")


def test_one_giant_target_is_named_with_its_row():
    data = table()
    data["y"][5] = 1e12
    score, notes = fitted(data)
    assert np.isfinite(score["rmse"])
    assert notes["far value", "target 'y'"].startswith("row 5 holds 1e+12")


@pytest.mark.parametrize(("shift", "size"), [(1e9, 1.0), (1e9, 1e3), (0.0, 1e9)])
def test_a_target_of_a_billion_is_learned_as_well_as_one_of_one(shift, size):
    data = table()
    data["y"] = shift + size * data["y"]
    score, notes = fitted(data)
    assert score["r2"] > 0.95
    assert not any(topic == "far value" for topic, _ in notes)


@pytest.mark.parametrize("power", [1, 2])
def test_ordinary_columns_hold_no_far_value(power):
    column = np.exp(power * np.random.default_rng(0).standard_normal(ROWS))  # prices, incomes
    _, notes = fitted(table(k=column, n=np.arange(ROWS) % 50 == 0), epochs=1)
    assert not any(topic == "far value" for topic, _ in notes)
