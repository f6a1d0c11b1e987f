"""Columns of many rare categories, from `fit` to the saved model: every task, weights, folds, runs, old settings."""

import warnings

import numpy as np
import pytest

from chainrule import Dense, MLPRegressor, Network, cross_validate, explain, fit, load, tune
from chainrule.data.files import read_table
from chainrule.data.level_means import learned_from
from chainrule.member_trials import member_trials
from chainrule.prepare import prepare, trial_of
from chainrule.report.page import report_page
from chainrule.tuning.trial import request_of

ROWS = 900
pytestmark = pytest.mark.filterwarnings("ignore::chainrule.errors.ChainruleWarning")


def table(rows=ROWS):
    rng = np.random.default_rng(0)
    code = rng.integers(0, rows // 4, rows)
    x, effect = rng.normal(size=rows), 3 * rng.normal(size=rows // 4)
    y = x + effect[code] + 0.3 * rng.normal(size=rows)
    return {"x": x, "shop": [f"s{k}" for k in code], "y": y}


def means_in(model):
    return [name for name in model.encoder.input_names if name.startswith("shop: ")]


def quick(data, target="y", **settings):
    return fit(data, target, **{"network": (8,), "epochs": 20, **settings})


def test_regression_learns_what_rare_levels_are_worth_and_a_saved_model_says_the_same(tmp_path):
    model = quick(table(), epochs=100)
    assert means_in(model) == ["shop: mean of y"]
    assert model.card["score"]["metrics"]["r2"]["value"] > 0.6  # x alone explains a tenth
    again = load(model.save(tmp_path / "m.model"))
    new = {"x": [0.0, 0.0, 0.0], "shop": ["s3", "never seen", None]}
    assert np.array_equal(again.predict(new), model.predict(new))


@pytest.mark.parametrize("preset", ["fast", None])
def test_classes_and_labels_learn_shares(preset):
    data = table()
    y = data["y"]
    three = {**data, "y": np.where(y > 2, "top", np.where(y < -2, "low", "mid")).astype(object)}
    settings = {"preset": preset, "epochs": 3}
    assert means_in(fit(three, "y", scale="standard", **settings)) == [
        f"shop: share of y={k}" for k in ("low", "mid", "top")
    ]
    two = {**data, "y": np.where(y > 0, "up", "down").astype(object)}
    assert means_in(fit(two, "y", scale="standard", **settings)) == ["shop: share of y=up"]
    labels = {**data, "y": (y > 0).astype(int), "z": (data["x"] > 0).astype(int)}
    assert means_in(fit(labels, ["y", "z"], scale="standard", **settings)) == ["shop: share of y"]
    several = {**data, "z": data["x"] - y}
    assert means_in(fit(several, ["y", "z"], scale="standard", **settings)) == ["shop: mean of y", "shop: mean of z"]


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_folds():
    models = [quick(table(), seed=seed, test=0, validation=0) for seed in (4, 4, 5)]
    assert np.array_equal(models[0].theta, models[1].theta)
    prepared = [
        prepare(request_of(("y",), {"seed": s, "test": 0.0, "validation": 0.0}, "tune"), read_table(table()))
        for s in (4, 5)
    ]
    first, second = (trial_of(one) for one in prepared)
    place = first.encoder.input_names.index("shop: mean of y")
    assert np.array_equal(first.encoder.encode(read_table(table())), second.encoder.encode(read_table(table())))
    assert not np.array_equal(first.rows.x[:, place], second.rows.x[:, place])


def test_rows_that_are_watched_are_encoded_by_the_rows_that_are_not():
    data = read_table(table())
    prepared = prepare(request_of(("y",), {"preset": "fast"}, "tune"), data)
    trial = trial_of(prepared)
    for begin in member_trials(prepared, trial):
        member = begin()
        watched = np.setdiff1d(trial.index, member.index)
        told = learned_from(trial.encoder, data, member.index, None).encode(data, watched)
        assert np.array_equal(member.validation.x, told if member.kept is None else told[:, member.kept])
        assert not np.array_equal(told, trial.encoder.encode(data, watched))
    single = trial_of(prepare(request_of(("y",), {}, "tune"), data))
    assert len(single.validation)
    assert np.array_equal(single.encoder.encode(data, single.index)[:, :-1], single.rows.x[:, :-1])
    assert not np.array_equal(single.encoder.encode(data, single.index)[:, -1], single.rows.x[:, -1])


def test_weights_weigh_the_means():
    data = table()
    weights = np.where(data["y"] > 0, 5.0, 1.0)
    plain, weighted = (quick(data, sample_weight=w, epochs=1).encoder.columns[-1] for w in (None, weights))
    assert weighted.fill > plain.fill + 0.5
    two = {**data, "y": np.where(data["y"] > 2.5, "rare", "usual").astype(object)}
    balanced = quick(two, class_weight="balanced", epochs=1).encoder.columns[-1]
    assert balanced.fill == pytest.approx(0.5, abs=0.05)


def test_a_network_of_ones_own_without_an_input_for_the_means_is_trained_without_them():
    data = table()
    inputs = len(quick(data, epochs=1).encoder.inputs)
    for count, means in ((inputs, 1), (inputs - 1, 0)):
        model = fit(data, "y", network=Network(count, [Dense(4, "relu"), Dense(1)]), epochs=1)
        assert len(means_in(model)) == means


@pytest.mark.parametrize("rows", [3, 5, 8, 12, 40])
def test_few_rows_are_fitted_as_before(rows):
    shop = [f"s{i // 2}" for i in range(rows)]
    data = {"x": np.arange(rows) % 3 * 1.0, "shop": shop, "y": np.arange(rows) * 1.5}
    for preset in ("fast", None):
        assert np.isfinite(fit(data, "y", preset=preset, test=0, epochs=1).predict(data)).all()


def test_folds_tuning_and_estimators_take_them():
    data = table(400)
    assert quick(data).card["score"]["method"] == "folds"
    assert np.isfinite(cross_validate(data, "y", folds=3, network=(4,), epochs=2).mean("r2"))
    found = tune(data, "y", space={"learning_rate": [0.01, 0.1]}, trials=2, network=(4,), epochs=2, n_jobs=1)
    assert means_in(found.model) == ["shop: mean of y"]
    x = np.array([data["x"], data["shop"]], object).T
    model = MLPRegressor(preset="fast", max_iter=2).fit(x, data["y"])
    assert model.predict(x).shape == (400,)


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path):
    whole = quick(table(), run=tmp_path / "a", epochs=6)

    class Stop(Exception):
        pass

    def stop(event):
        if event.epoch == 3:
            raise Stop

    with pytest.raises(Stop):
        quick(table(), run=tmp_path / "b", epochs=6, callbacks=[stop])
    assert np.array_equal(quick(table(), run=tmp_path / "b", epochs=6, resume=True).theta, whole.theta)


def test_a_report_without_rows_names_no_value_and_no_class():
    rng = np.random.default_rng(0)
    code = (
        np.arange(6000) // 3
    )  # no value is frequent enough for an input of its own: the network has few, and all are drawn
    y = rng.normal(size=2000)[code] + 0.3 * rng.normal(size=6000)
    classes = np.where(y > 0.5, "topmost", np.where(y < -0.5, "lowest", "middling")).astype(object)
    data = {"x": rng.normal(size=6000), "shop": [f"shop-of-{k}" for k in rng.permutation(2000)[code]], "y": classes}
    model = quick(data, epochs=2, test=0)
    assert "shop: share of y=topmost" in report_page(model, data)
    page = report_page(model, data, rows=False)
    assert "shop: share of y=class 3" in page
    assert not [value for value in ("topmost", "lowest", "middling", "shop-of") if value in page]


def test_the_working_of_an_explanation_begins_with_the_mean():
    data = table()
    model = quick(data)
    told = str(explain(model, data, row=1, of="d y / d shop: mean of y"))
    assert "∂y/∂shop: mean of y" in told
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "x_shop: mean of y" in str(explain(model, data, row=1, of="z1[0]"))


def test_a_target_of_very_many_classes_gets_no_means():
    rng = np.random.default_rng(0)
    code = rng.integers(0, 400, 4_000)
    many, few = ([f"c{k}" for k in code % count] for count in (65, 64))
    shop = [f"s{k}" for k in code]
    assert not means_in(quick({"shop": shop, "y": many}, epochs=1))
    assert len(means_in(quick({"shop": shop, "y": few}, epochs=1))) == 64
