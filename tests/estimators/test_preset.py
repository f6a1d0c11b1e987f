"""preset="default": tables as they are, through the same two classes."""

import pickle

import numpy as np
import pandas
import polars
import pytest

from chainrule import Dense, MLPClassifier, MLPRegressor, load
from chainrule.errors import ChainruleError, SettingError

RANDOM = np.random.RandomState(5)
AGE = RANDOM.randint(18, 80, 200).astype(float)
CITY = np.array(["Bonn", "Lima", "Oslo"])[RANDOM.randint(0, 3, 200)]
PRICE = 1000 + 10 * AGE + 300 * (CITY == "Oslo") + RANDOM.randn(200)
HIGH = np.where(np.median(PRICE) < PRICE, "high", "low")
FRAME = pandas.DataFrame({"age": np.where(np.arange(200) % 10 == 0, np.nan, AGE), "city": CITY})
PRESET = {"preset": "fast", "random_state": 0}


def test_categories_and_missing_values_are_encoded_and_targets_scaled():
    model = MLPRegressor(**PRESET).fit(FRAME, PRICE)
    assert model.score(FRAME, PRICE) > 0.7 and model.n_features_in_ == 2
    assert model.feature_names_in_.tolist() == ["age", "city"] and model.predict(FRAME).shape == (200,)
    assert {"loss", "val_loss"} <= set(model.history_) and model.n_iter_ == model.history_.epochs


@pytest.mark.parametrize("labels", [HIGH, HIGH == "high", (HIGH == "high") * 2 + 3, list(HIGH)])
def test_labels_come_back_as_they_were(labels):
    model = MLPClassifier(max_iter=20, **PRESET).fit(FRAME, labels)
    predicted = model.predict(FRAME)
    assert predicted.dtype.kind == np.asarray(labels).dtype.kind and set(predicted) <= set(np.unique(labels))
    assert model.predict_proba(FRAME).shape == (200, 2) and model.score(FRAME, labels) > 0.75


def test_without_the_preset_text_columns_and_missing_values_are_refused_and_the_preset_named():
    with pytest.raises(ChainruleError, match='preset="default"') as caught:
        MLPRegressor().fit(FRAME, PRICE)
    assert caught.value.code == "CR106" and "city" in str(caught.value)
    with pytest.raises(ChainruleError, match='contains NaN.*preset="default"') as caught:
        MLPRegressor().fit(FRAME[["age"]], PRICE)
    assert caught.value.code == "CR101"


def test_columns_are_matched_by_name_at_prediction():
    model = MLPRegressor(max_iter=5, **PRESET).fit(FRAME, PRICE)
    np.testing.assert_array_equal(model.predict(FRAME[["city", "age"]]), model.predict(FRAME))
    with pytest.raises(ChainruleError, match="age"):
        model.predict(FRAME[["city"]])


def test_polars_frames_and_plain_arrays_work_too():
    frame = polars.DataFrame({"age": AGE, "city": CITY})
    assert MLPRegressor(**PRESET).fit(frame, polars.Series("price", PRICE)).score(frame, PRICE) > 0.9
    x = np.c_[AGE, CITY == "Oslo"]
    assert MLPRegressor(**PRESET).fit(x, PRICE).score(x, PRICE) > 0.95
    both = MLPRegressor(max_iter=5, **PRESET).fit(x, np.c_[PRICE, -PRICE])
    assert both.predict(x).shape == (200, 2)


def test_a_parameter_that_is_set_is_kept_and_one_without_a_meaning_is_refused():
    model = MLPClassifier((7,), "tanh", max_iter=3, dtype="float64", metrics=["accuracy"], **PRESET).fit(FRAME, HIGH)
    assert model.coefs_[0].shape[1] == 7 and model.coefs_[0].dtype == np.float64 and model.n_iter_ == 3
    assert "val_accuracy" in model.history_
    for name, value in {"layers": [], "tol": 0.1, "warm_start": True, "learning_rate": "adaptive"}.items():
        with pytest.raises(SettingError, match=name) as caught:
            MLPClassifier(**PRESET, **{name: value}).fit(FRAME, HIGH)
        assert caught.value.code == "CR204"
    with pytest.raises(SettingError, match="partial_fit"):
        MLPClassifier(**PRESET).partial_fit(FRAME, HIGH, classes=["high", "low"])


@pytest.mark.parametrize("solver", ["sgd", "lbfgs", "adam"])
def test_every_solver_is_understood(solver):
    model = MLPRegressor(solver=solver, max_iter=30, **PRESET).fit(FRAME, PRICE)
    assert model.score(FRAME, PRICE) > 0.2


def test_dropout_and_alpha_act_in_a_preset_and_an_unknown_preset_is_refused():
    plain, dropped, held = (
        MLPRegressor(max_iter=8, **PRESET, **more).fit(FRAME, PRICE)
        for more in ({}, {"dropout": 0.3}, {"alpha": 100.0})
    )
    assert not np.array_equal(dropped.coefs_[0], plain.coefs_[0])
    assert np.abs(held.coefs_[0]).sum() < np.abs(plain.coefs_[0]).sum()
    with pytest.raises(SettingError, match="fast"):
        MLPRegressor(preset="fastest").fit(FRAME, PRICE)


def test_it_is_saved_pickled_explained_and_looked_into(tmp_path):
    model = MLPRegressor(max_iter=10, **PRESET).fit(FRAME, PRICE)
    np.testing.assert_array_equal(load(model.save(tmp_path / "m.chainrule")).predict(FRAME), model.predict(FRAME))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(FRAME), model.predict(FRAME))
    assert "age" in str(model.explain(FRAME, PRICE, of="d prediction / d age", row=1))
    assert model.activations(FRAME)["a1"].shape[0] == 200
    assert model.gradients(FRAME, PRICE)["W1"].shape == model.coefs_[0].T.shape


def test_diabetes_beats_the_linear_model_that_the_defaults_lose_to():
    datasets = pytest.importorskip("sklearn.datasets")
    from sklearn.model_selection import cross_val_score

    x, y = datasets.load_diabetes(return_X_y=True)
    scores = cross_val_score(MLPRegressor(preset="default", random_state=0), x, y, cv=3)
    assert scores.mean() > 0.4  # scikit-learn's defaults reach less than -1 here, ridge regression 0.48


def test_random_state_none_is_the_same_every_time_and_a_number_another_network():
    models = [MLPRegressor(preset="fast", max_iter=3, random_state=seed).fit(FRAME, PRICE) for seed in (None, None, 7)]
    np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])
    assert not np.array_equal(models[0].coefs_[0], models[2].coefs_[0])


@pytest.mark.parametrize("preset", ["fast", "default"])
def test_an_indicator_of_several_labels_is_learned(preset, tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    labels = np.c_[HIGH == "high", AGE > 40, CITY == "Oslo"].astype(int)
    model = MLPClassifier(preset=preset, max_iter=50, random_state=0).fit(FRAME, labels)
    assert model.predict(FRAME).shape == model.predict_proba(FRAME).shape == (200, 3)
    assert (model.predict(FRAME) == labels).mean(axis=0).min() > 0.85 and model.classes_.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(model.predict(FRAME), model.predict_proba(FRAME) > 0.5)
    assert model._model.card["algorithm"]["temperature"] is not None  # calibrated over all labels
    again = load(model.save(tmp_path / "labels.model"))
    np.testing.assert_array_equal(again.predict(FRAME), model.predict(FRAME))
    from_sparse = MLPClassifier(preset=preset, max_iter=50, random_state=0).fit(FRAME, sparse.csr_matrix(labels))
    np.testing.assert_array_equal(from_sparse.predict_proba(FRAME), model.predict_proba(FRAME))


@pytest.mark.parametrize("preset", ["fast", "default"])
def test_validation_data_is_watched_and_all_of_x_is_trained_on(preset):
    kept = (FRAME[:60], HIGH[:60])
    model = MLPClassifier(preset=preset, max_iter=6, random_state=0, metrics=["accuracy"], validation_data=kept)
    model.fit(FRAME[60:], HIGH[60:])
    data = model._model.card["data"]
    assert (data["trained_on"], data["validation_rows"]) == (140, 60)
    best = model._model.card["algorithm"]["best_epochs"]
    assert len(best) == (4 if preset == "fast" else 8)
    wrong = (FRAME[:60], np.where(HIGH[:60] == HIGH[0], HIGH[HIGH[0] != HIGH][0], HIGH[0]))
    misled = MLPClassifier(preset=preset, max_iter=6, random_state=0, validation_data=wrong).fit(FRAME[60:], HIGH[60:])
    assert max(misled._model.card["algorithm"]["best_epochs"]) < min(best)


def test_validation_data_in_a_preset_may_be_weighted_and_its_series_be_called_anything():
    weights = np.where(np.arange(60) < 30, 1.0, 0.0)
    rent = pandas.Series(PRICE[:60] + 500.0 * (weights == 0), name="rent")  # rows of no weight are far off
    kept = [FRAME[:60], rent, weights]
    for widths, bound in (
        ((100,), 0.1),
        ((16,), 1e-4),
    ):  # four networks, whose history is their mean; one of its own widths
        model = MLPRegressor(hidden_layer_sizes=widths, preset="fast", max_iter=4, validation_data=kept, metrics="mae")
        model.fit(FRAME[60:], PRICE[60:])
        told = abs(model.predict(FRAME[:30]) - PRICE[:30]).mean()
        assert told == pytest.approx(model.history_["val_mae"][int(np.argmin(model.history_["val_loss"]))], rel=bound)
        assert model._model.card["algorithm"]["members"] == (4 if bound == 0.1 else 1)
    with pytest.raises(ChainruleError, match="city"):
        MLPRegressor(preset="fast", validation_data=(FRAME[["age"]], PRICE)).fit(FRAME, PRICE)


@pytest.mark.parametrize(("name", "value"), [("layers", [Dense(3)]), ("masks", [None]), ("warm_start", True)])
def test_what_a_preset_cannot_do_is_refused_with_what_to_do_instead(name, value):
    with pytest.raises(SettingError, match=f"`{name}` has no meaning") as caught:
        MLPRegressor(preset="fast", **{name: value}).fit(FRAME, PRICE)
    assert "leave it out" not in caught.value.hint and len(str(caught.value)) < 300


def test_a_warning_of_a_preset_names_the_users_line():
    with pytest.warns(UserWarning, match="left out") as caught:
        MLPRegressor(max_iter=2, **PRESET).fit(FRAME.assign(name=[f"row {i}" for i in range(200)]), PRICE)
    assert [one.filename for one in caught] == [__file__]
