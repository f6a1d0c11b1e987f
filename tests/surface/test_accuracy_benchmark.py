"""The benchmark of accuracy runs, and its arithmetic is right."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import accuracy
import accuracy_ablation
from accuracy_ablation import ABLATIONS, ALTERNATIVES, BASE, OTHERWISE, WITHOUT, by_alternative, by_ingredient
from accuracy_report import MARGIN, Measured, Results, errors, interval, non_inferiority, overall
from accuracy_tables import DEVELOPMENT, HELD_OUT, RECIPES, SMOKE, from_csv, parts

from chainrule.data import fit_encoder
from chainrule.presets import PRESETS


def measured(table, **error_of):
    return [
        Measured(name.replace("_", "-"), "1", table, "", "regression", 0, 0, 100, error, 1 - error**2, None, 1, 1, 1, 1)
        for name, error in error_of.items()
    ]


def tables(ours):
    results = []
    for k, error in enumerate(ours):
        results += measured(
            f"t{k}", constant=1.0, linear=0.5, hist_gradient_boosting=0.6, chainrule_default=error, realmlp_td_s=0.4
        )
    return Results(results)


def test_a_smoke_run_names_who_is_absent_and_reports_the_rest(capsys):
    with threadpool_limits(1):  # boosted trees on 96 rows spend their time waiting for threads
        accuracy.main(["--smoke", "--json", "--contender", "chainrule-default", "--contender", "catboost"])
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    ours = next(row for row in rows if row["kind"] == "table" and row["contender"] == "chainrule-default")
    assert ours["failure"] is None and 0 < ours["score"] <= 1
    assert "seed 0: development" in said.err


def test_zero_is_the_constant_and_one_is_the_better_of_the_fixed_reference():
    found = tables([0.75]).normalised("t0")
    assert found["constant"] == 0 and found["linear"] == 1
    assert found["chainrule-default"] == pytest.approx(0.5)
    assert found["realmlp-td-s"] == pytest.approx(1.2)  # not cut at 1


def test_who_takes_part_does_not_change_a_normalised_score():
    alone = Results(measured("t", constant=1.0, linear=0.5, hist_gradient_boosting=0.6, ours=0.4))
    together = Results([*measured("t", constant=1.0, linear=0.5, hist_gradient_boosting=0.6, ours=0.4, other=0.1)])
    assert alone.normalised("t")["ours"] == together.normalised("t")["ours"]


def test_a_table_without_signal_is_neither_ranked_nor_averaged():
    found = Results(
        [
            *tables([0.4]).tables["t0"]["linear"],
            *measured("noise", constant=1.0, linear=0.99, hist_gradient_boosting=1.1),
        ]
    )
    assert found.normalised("noise") is None


@pytest.mark.parametrize(("error", "not_worse"), [(0.4 + 0.5 * MARGIN / 4, True), (0.4 + 0.5 * MARGIN * 2, False)])
def test_not_worse_means_within_the_margin_with_its_interval(error, not_worse):
    (row,) = non_inferiority(tables([error, error, error, error]))
    assert row["not_worse"] is not_worse


def test_a_wide_interval_does_not_show_that_a_preset_is_not_worse():
    (row,) = non_inferiority(tables([0.2, 0.6, 0.1, 0.69]))
    assert row["lead"] > -MARGIN and not row["not_worse"]


def test_another_seed_is_another_table_unless_the_rows_are_the_same():
    one = measured("t", constant=1.0, linear=0.5, hist_gradient_boosting=0.6)
    other = [replace(row, seed=1) for row in one]
    assert list(Results([*one, *other]).tables) == ["t"]
    drawn = [replace(row, fingerprint="of seed 1") for row in other]
    assert list(Results([*one, *drawn]).tables) == ["t, seed 0", "t, seed 1"]


def test_the_seeds_of_a_table_are_drawn_together_so_that_they_do_not_narrow_an_interval():
    once = {"a": 0.0, "b": 1.0, "c": 4.0}
    twice = {f"{name}, seed {seed}": value for name, value in once.items() for seed in (1, 2)}
    assert interval(twice) == interval(once) == (0.0, 4.0)


def test_ranks_are_of_the_tables_that_everybody_finished():
    both = [*measured("a", constant=1.0, linear=0.5, hist_gradient_boosting=0.6, ours=0.4)]
    some = [*measured("b", constant=1.0, linear=0.5, hist_gradient_boosting=0.4)]
    rows = {row["contender"]: row for row in overall(Results([*both, *some]))}
    assert rows["ours"]["mean_rank"] == 1 and rows["ours"]["tables"] == 1 and rows["linear"]["ranked"] == 1


def test_errors_are_wrong_classes_and_the_rmse_over_the_constants():
    y = np.array([0, 1, 1])
    told = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    found = errors("classification", y, told, None)
    assert found["error"] == pytest.approx(1 / 3)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4]).mean())
    y = np.array([[0.0, 10.0], [2.0, 30.0]])
    found = errors("regression", y, y + np.array([1.0, 0.0]), np.array([1.0, 10.0]))
    assert found["error"] == pytest.approx(0.5) and found["score"] == pytest.approx(0.5)


def test_a_prediction_that_is_not_finite_is_a_failure():
    with pytest.raises(ValueError, match="not finite"):
        errors("regression", np.zeros(2), np.array([0.0, np.nan]), np.ones(1))


@pytest.mark.parametrize("name", [name for name in RECIPES if "-10" not in name or name in ("mixed-10k", "moons-10k")])
def test_a_table_is_the_same_for_the_same_seed(name):
    drawn = RECIPES[name].draw(DEVELOPMENT[0])
    assert drawn.fingerprint() == RECIPES[name].draw(DEVELOPMENT[0]).fingerprint()
    if name.endswith("-10k"):
        assert drawn.fingerprint() != RECIPES[name].draw(HELD_OUT[0]).fingerprint()


def test_held_out_seeds_are_not_development_seeds():
    assert not set(DEVELOPMENT) & set(HELD_OUT)


def test_folds_hold_every_row_out_once_and_spread_the_classes():
    drawn = RECIPES["iris"].draw(0)
    split = parts(drawn, 5, 0)
    assert sorted(np.concatenate([test for _, test in split])) == list(range(150))
    for train, test in split:
        assert not set(train) & set(test)
        assert np.bincount(drawn.y[test]).tolist() == [10, 10, 10]


def test_one_fold_holds_out_a_fifth():
    ((train, test),) = parts(SMOKE.draw(0), 1, 0)
    assert (len(train), len(test)) == (96, 24)


def test_a_file_becomes_a_table(tmp_path):
    path = tmp_path / "houses.csv"
    path.write_text("price,rooms,town,id\n1.5,2,A,1\n2.5,,B,2\n,4,A,3\n3.5,4,,4\n4,5,A,5\n9,1,A,6\n")
    drawn = from_csv(str(path), "price", ("id",)).draw(0)
    assert drawn.task == "regression" and list(drawn.x) == ["rooms", "town"] and len(drawn.y) == 5
    assert drawn.x["town"].dtype == "category" and drawn.x["rooms"].isna().sum() == 1


@pytest.mark.parametrize("name", [*WITHOUT, *OTHERWISE])
def test_another_value_changes_what_a_preset_trains(name):
    for key, value in {**WITHOUT, **OTHERWISE}[name].items():
        assert getattr(fit_encoder if key.isupper() else PRESETS["default"], key) != value


def test_an_alternative_with_a_constant_is_trained_and_leaves_the_constant_as_it_was():
    drawn, height = SMOKE.draw(0), fit_encoder.HEIGHT
    name = next(name for name, value in OTHERWISE.items() if "HEIGHT" in value)
    fewer = {**OTHERWISE[name], "members": 1, "epochs": 2}
    told = [accuracy_ablation._train(change, drawn, 0)(drawn.x) for change in (fewer, {"members": 1, "epochs": 2})]
    assert height == fit_encoder.HEIGHT
    assert not np.array_equal(*told)


def test_what_an_ingredient_brings_is_lost_without_it_and_what_a_value_brings_is_gained_with_it():
    base = {"constant": 1.0, "linear": 0.5, "hist_gradient_boosting": 0.6}
    (without, *_), (other, *_) = ABLATIONS, ALTERNATIVES
    results = Results([
        *measured("t", **base),
        *(replace(one, contender=name, cpu_seconds=seconds) for name, error, seconds in
          ((BASE, 0.4, 1.0), (without, 0.5, 1.0), (other, 0.35, 2.0)) for one in measured("t", x=error)),
    ])  # fmt: skip
    (lost,), (gained,) = by_ingredient(results), by_alternative(results)
    assert lost["brings"] == pytest.approx(0.2) and gained["brings"] == pytest.approx(0.1)
    assert gained["alternative"] == next(iter(OTHERWISE)) and gained["times_processor"] == pytest.approx(2.0)


def test_what_was_measured_is_kept_and_found_again(tmp_path):
    path = tmp_path / "measured.json"
    one = measured("t", ours=0.5)[0]
    accuracy.Cache(str(path)).add(one)
    accuracy.Cache(str(path)).add(replace(one, fold=1))
    accuracy.Cache(str(path)).add(replace(one, fold=2, failure="ValueError"))
    assert sorted(key[-1] for key in accuracy.Cache(str(path)).held) == [0, 1]
