"""Cross-validation and ensembles: every number from rows that the networks had not seen."""

import numpy as np
import pytest
from tuning_tables import product

from chainrule import cross_validate, fit, fit_ensemble
from chainrule.errors import DataError, ModelFileError, SettingError
from chainrule.metrics import evaluate
from chainrule.tuning import load_ensemble

QUICK = {"network": (8,), "epochs": 8, "learning_rate": 0.02}


@pytest.fixture(scope="module")
def folds():
    return cross_validate(product(), "y", folds=4, **QUICK)


def test_every_row_is_tested_once_and_the_pooled_score_is_that_of_all_rows(folds):
    assert folds.rows.tolist() == list(range(160))
    assert np.bincount(folds.fold).tolist() == [40, 40, 40, 40]
    for one in folds.scores:
        assert evaluate(one.metric, folds.y_true, folds.y_pred) == pytest.approx(one.value)
        assert one.low <= one.value <= one.high


def test_the_values_of_a_fold_are_those_of_its_rows(folds):
    for number, value in enumerate(folds.per_fold["mae"]):
        part = folds.fold == number
        assert evaluate("mae", folds.y_true[part], folds.y_pred[part]) == pytest.approx(value)
    assert folds.mean("mae") == pytest.approx(np.mean(folds.per_fold["mae"]))
    np.testing.assert_allclose(folds.y_true[:, 0], product()["y"])


def test_it_is_the_score_that_fit_gives_small_data(folds):
    five = cross_validate(product(), "y", **QUICK)
    card = fit(product(), "y", **QUICK).card["score"]
    assert card["method"] == "folds"
    assert card["metrics"]["r2"]["value"] == pytest.approx(five.scores[0].value)


def test_other_metrics_take_the_place_of_the_usual_ones():
    data = product()
    data["y"] = ["high" if y > 0 else "low" for y in data["y"]]
    found = cross_validate(data, "y", folds=3, metrics=("balanced_accuracy", "auc"), **QUICK)
    assert [one.metric for one in found.scores] == ["balanced_accuracy", "auc"]
    assert set(found.per_fold) == {"balanced_accuracy", "auc"}
    assert str(found).startswith("3 folds, 160 rows")


def test_folds_that_cannot_be_are_refused():
    with pytest.raises(DataError, match="CR105"):
        cross_validate({"x": [1, 2, 3, 4], "y": [1.5, 2.5, 3.5, 4.5]}, "y", folds=9, task="regression", validation=0)
    with pytest.raises(SettingError, match="CR204.*test"):
        cross_validate("no-such-file.csv", "y", test=0.2)
    with pytest.raises(SettingError, match="CR203"):
        cross_validate("no-such-file.csv", "y", activation="rellu")


@pytest.fixture(scope="module")
def ensemble():
    return fit_ensemble(product(), "y", members=3, **QUICK)


def test_the_members_share_their_rows_and_differ_in_their_weights(ensemble):
    first, second, _ = ensemble.members
    assert first.card["score"]["rows"] == second.card["score"]["rows"] == 32
    assert not np.array_equal(first.theta, second.theta)
    alone = fit(product(), "y", test=0.2, **QUICK)
    np.testing.assert_array_equal(alone.theta, first.theta)


def test_the_ensemble_predicts_the_mean_and_its_squared_error_is_never_above_the_members_mean(ensemble):
    data = product(40, seed=5)
    each = [member.predict(data) for member in ensemble.members]
    np.testing.assert_allclose(ensemble.predict(data), np.mean(each, axis=0), rtol=1e-5)
    rmse = next(one for one in ensemble.scores if one.metric == "rmse")
    squares = [member.card["score"]["metrics"]["rmse"]["value"] ** 2 for member in ensemble.members]
    assert rmse.value**2 <= np.mean(squares)  # Jensen's inequality
    assert rmse.baselines["one network"] == pytest.approx(np.mean(np.sqrt(squares)))


def test_an_ensemble_comes_back_from_its_folder_and_a_foreign_folder_is_left_alone(ensemble, tmp_path):
    folder = ensemble.save(tmp_path / "five")
    again = load_ensemble(folder)
    np.testing.assert_array_equal(again.predict(product(9)), ensemble.predict(product(9)))
    assert again.scores == ensemble.scores
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ModelFileError, match="CR507"):
        ensemble.save(tmp_path)
    (folder / "2.model").unlink()
    with pytest.raises(ModelFileError):
        load_ensemble(folder)


def test_an_ensemble_of_classifiers_averages_probabilities():
    data = product()
    data["y"] = ["high" if y > 0 else "low" for y in data["y"]]
    found = fit_ensemble(data, "y", members=2, **QUICK)
    mean = np.mean([member.predict_proba(data) for member in found.members], axis=0)
    np.testing.assert_allclose(found.predict_proba(data), mean, atol=1e-6)
    assert set(found.predict(data)) <= {"high", "low"}
