"""`fit`, `Model` and `load` as a user meets them."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

from chainrule import Dense, Dropout, Network, explain, fit, load, report
from chainrule.errors import ChainruleError, ChainruleWarning, DataError, ModelFileError, NotFittedError, SettingError


def flowers(rows: int = 150, seed: int = 0) -> pd.DataFrame:
    """Three kinds that two measures tell apart, a category that helps, some values missing."""
    source = np.random.default_rng(seed)
    kind = source.integers(0, 3, rows)
    width = kind * 1.5 + source.normal(0, 0.5, rows)
    return pd.DataFrame(
        {
            "length": np.where(source.random(rows) < 0.05, np.nan, 3 + width + source.normal(0, 0.3, rows)),
            "width": width,
            "colour": np.array(["red", "blue", "white"])[(kind + (source.random(rows) < 0.1)) % 3],
            "species": np.array(["setosa", "virginica", "versicolor"])[kind],
        }
    )


QUICK = {"epochs": 30, "network": (8,), "learning_rate": 0.01}


@pytest.fixture(scope="module")
def model():
    return fit(flowers(), "species", **QUICK)


def test_a_table_becomes_a_model_that_beats_the_most_frequent_class(model):
    found = model.card["score"]["metrics"]["accuracy"]
    assert found["low"] <= found["value"] <= found["high"]
    assert found["value"] > found["baselines"]["always the most frequent"] + 0.2
    assert "a linear model" in found["baselines"]


def test_labels_come_back_as_they_were(model):
    assert set(model.predict(flowers(20, seed=4))) <= {"setosa", "virginica", "versicolor"}
    probabilities = model.predict_proba(flowers(20, seed=4))
    assert probabilities.shape == (20, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("labels", "kind"), [([1, 2], int), ([-1, 1], int), ([True, False], bool), (["no", "yes"], str)]
)
def test_two_classes_of_any_kind_are_one_logit_and_come_back(labels, kind):
    source = np.random.default_rng(1)
    x = source.normal(size=80)
    model = fit({"x": x, "z": x**2, "y": [labels[int(v > 0)] for v in x]}, "y", **QUICK, test=0)
    assert model.network.output_count == 1
    answers = model.predict({"x": [3.0, -3.0], "z": [9.0, 9.0]})
    assert answers.tolist() == [labels[1], labels[0]]
    assert isinstance(answers.tolist()[0], kind)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    a, b, c = (fit(flowers(80), "species", seed=seed, test=0, **QUICK) for seed in (7, 7, 8))
    assert a.theta.tobytes() == b.theta.tobytes() != c.theta.tobytes()


def test_saved_and_loaded_it_predicts_the_same_bits(model, tmp_path):
    path = model.save(tmp_path / "flowers.model")
    again = load(path)
    new = flowers(40, seed=3)
    assert again.predict_proba(new).tobytes() == model.predict_proba(new).tobytes()
    assert again.card == json.loads(json.dumps(model.card))
    assert again.history["loss"] == model.history["loss"]


def test_columns_are_matched_by_name(model):
    new = flowers(30, seed=5)
    expected = model.predict(new).tolist()
    with pytest.warns(ChainruleWarning, match="another order"):
        assert model.predict(new[["colour", "width", "length"]]).tolist() == expected
    with pytest.warns(ChainruleWarning, match="extra: not known to the model and ignored"):
        assert model.predict(new.assign(extra=1)).tolist() == expected
    assert model.predict(pl.from_pandas(new.drop(columns="species"))).tolist() == expected


def test_a_missing_column_is_named(model):
    with pytest.raises(DataError, match="CR401.*width"):
        model.predict(flowers(5).drop(columns="width"))


def test_a_category_that_training_did_not_have_is_said(model):
    with pytest.warns(ChainruleWarning, match="colour.*green"):
        model.predict(flowers(5).assign(colour="green"))


def test_targets_in_another_order_of_rows_are_not_measured_against(model):
    new = flowers(30, seed=5)
    with pytest.raises(DataError, match="CR111"):
        model.evaluate(new.drop(columns="species"), new["species"][::-1])


def test_a_pair_can_be_measured_on_as_it_can_be_trained_on(model):
    new = flowers(30, seed=5)
    pair = (new.drop(columns="species"), new["species"])
    assert model.evaluate(pair, metrics="accuracy") == model.evaluate(new, metrics=("accuracy",))


def test_no_rows_have_no_score(model):
    with pytest.raises(DataError, match="CR105.*no rows to measure"):
        model.evaluate(flowers(5).head(0))


def test_no_rows_give_no_predictions(model):
    assert model.predict(flowers(5).head(0)).shape == (0,)
    assert model.predict_proba(flowers(5).head(0)).shape == (0, 3)


def test_a_regression_answers_in_the_targets_own_unit():
    source = np.random.default_rng(2)
    x = source.normal(size=(300, 2))
    price = 1e6 + 2e5 * x[:, 0] - 1e5 * np.abs(x[:, 1])
    model = fit((x, price), network=(16,), epochs=100, learning_rate=0.01)
    assert model.evaluate(x, price)["r2"] > 0.9
    assert 5e5 < model.predict(x).mean() < 1.5e6


def test_counts_are_learned_as_counts_by_the_poisson_loss():
    source = np.random.default_rng(2)
    x = source.normal(size=(400, 2))
    model = fit((x, source.poisson(np.exp(1 + x[:, 0]))), task="regression", loss="poisson", **QUICK, test=0)
    answers = model.predict(x)
    assert answers.min() > 0
    assert np.corrcoef(np.log(answers), x[:, 0])[0, 1] > 0.9


@pytest.mark.parametrize("loss", ["mse", "hinge", "binary_crossentropy", "half_squared_error", "huber"])
def test_two_classes_are_learned_under_every_loss_that_fits(loss):
    source = np.random.default_rng(2)
    x = source.normal(size=(200, 2))
    model = fit((x, np.where(x[:, 0] > 0, "yes", "no")), loss=loss, **QUICK, test=0)
    assert model.evaluate(x, np.where(x[:, 0] > 0, "yes", "no"), metrics=("accuracy",))["accuracy"] > 0.9


def test_several_targets_are_predicted_at_once():
    source = np.random.default_rng(2)
    x = source.normal(size=(200, 2))
    model = fit((x, np.stack([x[:, 0] ** 2, 10 - x[:, 0] * x[:, 1]], axis=1)), **QUICK, test=0)
    assert model.predict(x).shape == (200, 2)


def test_a_network_of_ones_own_is_used_as_it_is():
    net = Network(2, [Dense(6, "gelu"), Dropout(0.1), Dense(1, "sigmoid")])
    source = np.random.default_rng(0)
    x = source.normal(size=(60, 2))
    model = fit((x, (x[:, 0] > 0).astype(int)), network=net, epochs=5, test=0)
    assert model.network == net
    with pytest.raises(SettingError, match=r"CR209.*2 inputs"):
        fit((source.normal(size=(60, 5)), np.arange(60) % 2), network=net)


def test_lbfgs_trains_small_tables():
    model = fit(flowers(120), "species", optimizer="lbfgs", network=(6,), l2=0.01, test=0, validation=0)
    assert model.card["algorithm"]["optimizer"] == "lbfgs"
    assert model.evaluate(flowers(200, seed=8))["accuracy"] > 0.85


def test_class_weights_move_the_predictions_towards_the_rare_class():
    source = np.random.default_rng(0)
    y = (source.random(400) < 0.1).astype(int)
    x = source.normal(y[:, None] * 0.8, 1.0, (400, 2))
    plain, balanced = (fit((x, y), class_weight=w, test=0, **QUICK) for w in (None, "balanced"))
    assert balanced.predict(x).sum() > 2 * plain.predict(x).sum()


def test_a_column_that_gives_the_target_away_is_left_out_and_named():
    table = flowers(100)
    table["latin"] = table["species"].str.upper()
    with pytest.warns(ChainruleWarning, match="'latin' left out: it gives the target away"):
        model = fit(table, "species", test=0, **QUICK)
    assert not any("latin" in name for name in model.encoder.input_names)
    assert any("latin" in note["where"] and "gives the target away" in note["text"] for note in model.card["notes"])
    insisted = fit(table, "species", keep=("latin",), test=0, **QUICK)
    assert any("latin" in name for name in insisted.encoder.input_names)


def test_losing_to_a_linear_model_is_said_in_one_line():
    source = np.random.default_rng(0)
    x = source.normal(size=(200, 3))
    model = fit((x, x @ [1.0, 2.0, 3.0] + source.normal(size=200)), network=(4,), epochs=1)
    assert "a linear model" in model.card["score"]["verdict"]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"activation": "Relu"}, "CR203"),
        ({"activation": "reluu"}, "CR203"),
        ({"learning_rate": 0}, "CR201"),
        ({"learning_rate": -1}, "CR201"),
        ({"learning_rate": float("nan")}, "CR201"),
        ({"learning_rate": "0.1"}, "CR202"),
        ({"batch_size": 0}, "CR201"),
        ({"batch_size": 3.5}, "CR202"),
        ({"network": (-5,)}, "CR201"),
        ({"network": (8.5,)}, "CR202"),
        ({"network": "64,32"}, "CR209"),
        ({"seed": "abc"}, "CR202"),
        ({"l2": -1}, "CR201"),
        ({"optimizer": "adamm"}, "CR203"),
        ({"loss": "msee"}, "CR203"),
        ({"loss": "poisson"}, "CR206"),
        ({"validation": 1.0}, "CR201"),
        ({"class_weight": "fair"}, "CR203"),
        ({"engine": "fast"}, "CR203"),
        ({"activation": "binary_step"}, "CR205"),
        ({"metrics": ["acuracy"]}, "CR203"),
        ({"epochs": 0}, "CR201"),
        ({"task": "clustering"}, "CR203"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_before_work_starts(settings, code):
    table = flowers(60)
    with pytest.raises(ChainruleError) as caught:
        fit(table, "species", **{**QUICK, **settings})
    assert caught.value.code == code, str(caught.value)


def test_a_target_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(DataError, match="CR313.*species"):
        fit(flowers(), "specis")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "x.model").write_bytes(b"\x80\x04\x95 not a model")
    with pytest.raises(ModelFileError, match="CR501"):
        load(tmp_path / "x.model")


def test_the_errors_form_one_tree():
    assert issubclass(NotFittedError, ValueError)
    assert issubclass(NotFittedError, AttributeError)
    assert issubclass(DataError, ChainruleError)
    assert issubclass(ChainruleError, ValueError)


def test_importing_chainrule_imports_numpy_and_nothing_heavier():
    heavy = "pandas pyarrow narwhals safetensors rich click sklearn scipy matplotlib"
    code = f"import sys, chainrule; print([m for m in '{heavy}'.split() if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_column_that_is_left_out_is_said():
    data = flowers(60).assign(passenger_id=np.arange(60))
    with pytest.warns(ChainruleWarning, match=r"'passenger_id' left out: .*keep=\('passenger_id',\) insists"):
        fit(data, "species", test=0, epochs=2)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"resume": True}, "CR204"),
        ({"activation": None}, "CR202"),
        ({"callbacks": 3}, "CR202"),
        ({"progress": 3}, "CR202"),
        ({"metrics": "acuracy"}, "CR203.*accuracy"),
        ({"reading": {"delimeter": ";"}}, "CR203.*did you mean 'delimiter'"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_before_training(settings, code):
    with pytest.raises(SettingError, match=code):
        fit(flowers(60), "species", **settings)


def test_rows_too_few_to_be_measured_on_are_said_before_any_training():
    seen = []
    with pytest.raises(DataError, match="CR105.*test=0"):
        fit({"a": [1, 2, 3, 4], "y": [0, 1, 1, 0]}, "y", validation=0, progress=seen.append)
    assert not seen


def test_a_column_whose_name_is_a_number_can_be_the_target():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 3)))
    assert fit(table, 2, test=0, epochs=2).card["data"]["targets"] == ["2"]


def test_a_hint_on_reading_a_file_says_where_fit_takes_the_option(tmp_path):
    path = tmp_path / "menu.csv"
    path.write_bytes("dish,y\ncaf\xe9,1\ntea,0\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"CR303.*encoding='latin-1'.*reading=\{\.\.\.\}"):
        fit(path, "y")


def test_the_prediction_of_a_classifier_is_explained_by_the_class_that_it_chooses(model):
    new = flowers(5, seed=2)
    found = explain(model, new, of="prediction", row=3)
    assert found.value == pytest.approx(model.predict_proba(new)[3].max(), rel=1e-5)


def test_rows_of_ones_own_are_watched_in_place_of_a_share(tmp_path):
    table, watched = flowers(150), flowers(60, seed=1)
    watched.to_csv(tmp_path / "watched.csv", index=False)
    model = fit(table, "species", validation_data=watched, metrics="accuracy", test=0, **QUICK)
    best = model.card["algorithm"]["best_epoch"]
    assert (model.card["data"]["trained_on"], model.card["data"]["validation_rows"]) == (150, 60)
    assert model.history["val_accuracy"][best - 1] == pytest.approx(model.evaluate(watched)["accuracy"])
    from_file = fit(table, "species", validation_data=tmp_path / "watched.csv", metrics="accuracy", test=0, **QUICK)
    np.testing.assert_array_equal(from_file.theta, model.theta)


BAD_ROWS = {
    "a share as well": ({"validation": 0.2}, lambda x, y: (x, y), "CR204"),
    "another column": ({}, lambda x, y: (x.drop(columns="width"), y), "CR401"),
    "a class that training has not": ({}, lambda x, y: (x, ["rose"] * len(x)), "CR108"),
    "no rows": ({}, lambda x, y: (x[:0], y[:0]), "CR105"),
    "two targets": ({}, lambda x, y: (x, np.c_[y, y]), "CR115"),
    "no target": ({}, lambda x, y: (x,), "CR202"),
    "weights of another length": ({}, lambda x, y: (x, y, [1.0]), "CR104"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_rows_to_watch_that_do_not_fit_are_refused(case):
    settings, make, code = BAD_ROWS[case]
    table = flowers()
    x, y = table.drop(columns="species"), table["species"]
    with pytest.raises(ChainruleError) as caught:
        fit((x, y), validation_data=make(x, y), test=0, **settings, **QUICK)
    assert caught.value.code == code


def labelled(rows=300):
    source = np.random.default_rng(2)
    x = source.normal(size=(rows, 3))
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "warm": (x[:, 0] > 0) * 1, "wet": x[:, 0] * x[:, 1] > 0}


@pytest.mark.parametrize("preset", [None, "fast"])
def test_several_columns_of_0_and_1_are_labels_of_which_a_row_may_have_several(preset, tmp_path):
    table = labelled()
    model = fit(table, ["warm", "wet"], preset=preset, epochs=30, seed=1)
    assert model.task == "multilabel" and model.predict(table).shape == model.predict_proba(table).shape == (300, 2)
    found = model.card["score"]["metrics"]["binary_accuracy"]
    assert found["value"] > found["baselines"]["a linear model"] > found["baselines"]["always the most frequent"]
    assert any("taken as labels" in note["text"] for note in model.card["notes"])
    page = report(model, table, tmp_path / "page.html").read_text("utf-8")
    assert 'id="score"' in page and 'id="drivers"' in page and "binary accuracy" in page
    assert fit(table, ["warm", "wet"], task="regression", network=(4,), epochs=2, test=0).task == "regression"


@pytest.mark.parametrize("targets", [["warm"], ["warm", "a"]])
def test_labels_that_are_not_several_columns_of_0_and_1_are_refused(targets):
    with pytest.raises(DataError, match="several columns of 0 and 1") as caught:
        fit(labelled(), targets, task="multilabel")
    assert caught.value.code == "CR108"
