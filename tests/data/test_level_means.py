"""Means of the target by level: scikit-learn's on its own definition, and never a row's own target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainrule.data.encode import Encoder
from chainrule.data.files import read_table
from chainrule.data.fit_encoder import fit_encoder
from chainrule.data.level_means import encode_by_folds, learned_from, shrunk_means
from chainrule.data.schema import infer_schema
from chainrule.errors import ModelFileError

ROWS, LEVELS = 3_000, 400
target_encoder = pytest.importorskip("sklearn.preprocessing").TargetEncoder


def drawn(kind: str = "number", seed: int = 0, effect: float = 1.0):
    rng = np.random.default_rng(seed)
    shop = (rng.pareto(0.8, ROWS) * 10).astype(int) % LEVELS
    y = effect * rng.normal(size=LEVELS)[shop] + rng.normal(size=ROWS)
    if kind == "two":
        y = np.where(y > 0, "b", "a")
    if kind == "three":
        y = np.array(["low", "mid", "top"])[np.digitize(y, [-0.5, 1.0])]
    names = [None if i % 97 == 0 else f"s{code}" for i, code in enumerate(shop)]
    return {"x": rng.normal(size=ROWS), "shop": names, "y": list(y)}


def encoder_of(data, **settings):
    table = read_table(data)
    schema = infer_schema(table, "y")
    return fit_encoder(table, schema, level_means=True, **settings), table, schema


def plans(encoder: Encoder):
    return [plan for plan in encoder.columns if plan.means]


def cut(rows: int, count: int = 5, seed: int = 1):
    of_row = np.random.default_rng(seed).permutation(rows) % count
    return [(np.flatnonzero(of_row != k), np.flatnonzero(of_row == k)) for k in range(count)]


@pytest.mark.parametrize(("kind", "columns"), [("number", 1), ("two", 1), ("three", 3)])
def test_means_are_those_of_scikit_learns_target_encoder_with_the_same_strength(kind, columns):
    data = drawn(kind)
    names = np.array([name or "" for name in data["shop"]], object)
    there = names != ""
    distinct, slots = np.unique(names[there], return_inverse=True)
    y = np.array(data["y"])[there]
    codes = y[:, None] if kind == "number" else (y[:, None] == np.unique(y)[-columns:]).astype(float)
    found = shrunk_means(slots, codes, None, len(distinct), together=kind != "number")
    theirs = target_encoder(smooth=float(found.strength[0])).fit(names[there, None], y)
    order = np.argsort(theirs.categories_[0])
    told = np.array(theirs.encodings_).reshape(columns, -1).T[order]
    assert np.abs(told - found.values).max() <= 1e-12 * max(1.0, np.abs(found.values).max())


@pytest.mark.parametrize("kind", ["number", "two", "three"])
def test_rows_to_learn_from_are_those_of_scikit_learns_target_encoder_on_the_other_folds(kind):
    data = drawn(kind)
    encoder, table, _ = encoder_of(data)
    first = plans(encoder)[0]
    raw = replace(encoder, columns=tuple(replace(p, shift=0.0, scale=1.0) for p in plans(encoder)))
    told = encode_by_folds(raw, table, cut(ROWS), None, np.float64)
    names, y = np.array([name or "" for name in data["shop"]], object), np.array(data["y"])
    for others, own in cut(ROWS):
        here = others[names[others] != ""]
        levels = {level: k for k, level in enumerate(first.levels)}
        slots = np.array([levels[name] for name in names[here]])
        numbers = y[here, None] if kind == "number" else (y[here, None] == np.unique(y)[-told.shape[1] :]).astype(float)
        m = shrunk_means(slots, numbers, None, len(levels), together=kind != "number").strength[0]
        theirs = target_encoder(smooth=float(m)).fit(names[here, None], y[here])
        expected = theirs.transform(names[own, None])
        assert np.abs(expected - told[own]).max() <= 1e-12 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("kind", ["number", "three"])
def test_another_target_of_a_row_changes_no_input_of_that_row_but_those_of_its_level(kind):
    data = drawn(kind)
    encoder, table, _ = encoder_of(data)
    before = encode_by_folds(encoder, table, cut(ROWS), None, np.float64)
    counts = {name: data["shop"].count(name) for name in set(data["shop"]) - {None}}
    row = next(i for i, name in enumerate(data["shop"]) if name and 5 < counts[name] < 20)
    other = 1e3 if kind == "number" else "low" if data["y"][row] == "top" else "top"
    changed = dict(data, y=[*data["y"][:row], other, *data["y"][row + 1 :]])
    after = encode_by_folds(encoder, read_table(changed), cut(ROWS), None, np.float64)
    assert np.array_equal(before[row], after[row])
    level = [i for i, name in enumerate(data["shop"]) if name == data["shop"][row] and i != row]
    assert not np.array_equal(before[level], after[level])
    leaky = learned_from(encoder, read_table(changed), np.arange(ROWS), None).encode(
        read_table(changed), dtype=np.float64
    )
    assert not np.array_equal(encoder.encode(table, dtype=np.float64)[row], leaky[row])


def test_the_shares_of_the_classes_sum_to_one_for_every_level_and_for_new_ones():
    encoder, *_ = encoder_of(drawn("three"))
    assert [plan.part for plan in plans(encoder)] == ["share of y=low", "share of y=mid", "share of y=top"]
    sums = np.sum([(*plan.means, plan.fill) for plan in plans(encoder)], axis=0)
    assert len(sums) == len(plans(encoder)[0].levels) + 1
    assert np.abs(sums - 1).max() <= 1e-12


@pytest.mark.parametrize("ratio", [0.5, 4.0])
def test_the_strength_is_the_variance_within_levels_by_that_between_them(ratio):
    rng = np.random.default_rng(3)
    slots = rng.integers(0, 4_000, 40_000)
    y = rng.normal(0, 1 / np.sqrt(ratio), 4_000)[slots] + rng.normal(size=40_000)
    found = shrunk_means(slots, y[:, None], None, 4_000)
    assert found.strength[0] == pytest.approx(ratio, rel=0.1)  # its standard error is some 3 % here
    assert found.is_evident.all()


def test_levels_that_differ_by_chance_alone_get_no_means_and_this_is_said():
    encoders = [encoder_of(drawn(effect=0.0, seed=seed))[0] for seed in range(20)]
    assert (
        sum(bool(plans(encoder)) for encoder in encoders) <= 3
    )  # 1 of 40 by the normal distribution; ratios are skewed
    told = [note.text for encoder in encoders for note in encoder.notes if note.topic == "means"]
    assert len(told) == 20
    assert "no more than by chance" in told[0]


def test_a_column_whose_levels_all_have_an_input_gets_no_mean():
    rng = np.random.default_rng(0)
    code = rng.integers(0, 20, ROWS)
    encoder, *_ = encoder_of({"c": [f"v{k}" for k in code], "y": list(code + rng.normal(size=ROWS))})
    assert len(encoder.inputs) == 20
    assert not plans(encoder)


@pytest.mark.parametrize(("shift", "size"), [(0.0, 1e-150), (1e9, 1.0), (0.0, 1e140)])
def test_targets_of_any_size_give_the_same_inputs(shift, size):
    data = drawn()
    plain, table, _ = encoder_of(data)
    other, moved, _ = encoder_of(data | {"y": [shift + size * y for y in data["y"]]})
    told = [encode_by_folds(e, t, cut(ROWS), None, np.float64) for e, t in ((plain, table), (other, moved))]
    # Of 1e9 + y seven digits of y are left: 1e9 times 1.1e-16, and the spread of the means is about 1.
    assert np.abs(told[0] - told[1]).max() <= 1e-5


def test_weights_count_rows():
    data, rng = drawn(), np.random.default_rng(5)
    slots, y = rng.integers(0, 50, ROWS), np.array(data["y"])[:, None]
    weights = rng.uniform(0, 2, ROWS) * (rng.random(ROWS) < 0.8)
    there = weights > 0
    found = shrunk_means(slots, y, weights, 50)
    same = shrunk_means(slots[there], y[there], 7.0 * weights[there], 50)
    assert np.allclose(found.values, same.values, rtol=1e-12)
    mean = np.average(y[slots == 3, 0], weights=weights[slots == 3])
    assert min(mean, found.prior[0]) < found.values[3, 0] < max(mean, found.prior[0])
    assert not np.allclose(found.values, shrunk_means(slots, y, None, 50).values)


def test_new_and_missing_values_are_taken_for_the_mean_of_all_rows():
    encoder, *_ = encoder_of(drawn())
    new = read_table({"x": [0.0, 0.0], "shop": ["nobody", None]})
    place = encoder.input_names.index("shop: mean of y")
    assert encoder.raw(new)[:, place].tolist() == [plans(encoder)[0].fill] * 2
    assert any(
        "training did not have (nobody): taken for the mean of all rows" in note.text for note in encoder.notes_on(new)
    )


def test_rare_values_of_training_are_no_surprise():
    data = drawn()
    encoder, table, _ = encoder_of(data)
    assert not [note for note in encoder.notes_on(table) if note.topic == "unseen"]


def test_numbers_that_were_text_at_training_find_their_level():
    data = drawn()
    data["shop"] = [None if name is None else "0" + name[1:] if name == "s7" else name[1:] for name in data["shop"]]
    encoder, *_ = encoder_of(data)
    place = encoder.input_names.index("shop: mean of y")
    rare = min(set(data["shop"]) - {None, "07"}, key=data["shop"].count)
    as_text, as_number = ({"x": [0.0], "shop": [value]} for value in (rare, int(rare)))
    assert encoder.raw(read_table(as_text))[0, place] == encoder.raw(read_table(as_number))[0, place]


def test_the_description_comes_back_and_one_that_does_not_hold_together_is_refused():
    encoder, table, _ = encoder_of(drawn("three"), scale="piecewise")
    again = Encoder.from_dict(encoder.to_dict())
    assert np.array_equal(again.encode(table), encoder.encode(table))
    broken = encoder.to_dict()
    next(one for one in broken["columns"] if one["means"])["means"] = (0.5,)
    with pytest.raises(ModelFileError, match="CR503"):
        Encoder.from_dict(broken)


def test_descriptions_of_earlier_versions_have_no_means():
    old = fit_encoder(*(lambda t: (t, infer_schema(t, "y")))(read_table(drawn()))).to_dict()
    for column in old["columns"]:
        del column["means"]
    assert not plans(Encoder.from_dict(old))


def test_rows_that_name_no_level_leave_the_mean_of_all():
    y = 1e9 + np.arange(5.0)[:, None]
    found = shrunk_means(np.full(5, -1), y, None, 2)
    assert found.prior[0] == found.values[1, 0] == 1e9 + 2
    assert not found.is_evident[0]
