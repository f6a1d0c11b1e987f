"""What is watched while an estimator trains: validation data, metrics of any kind, callbacks, the history as a table."""

import copy
import pickle

import numpy as np
import pandas
import polars
import pytest

from chainrule import MLPClassifier, MLPRegressor, fit
from chainrule.errors import ChainruleError, SettingError

pytestmark = [
    pytest.mark.filterwarnings("ignore::chainrule.estimators.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*a linear model reaches"),
]

RANDOM = np.random.RandomState(4)
X = RANDOM.randn(120, 4)
NUMBERS = 100 + 20 * X[:, 0] ** 2 + 5 * X[:, 1]
THREE = np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])
FEW = {"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0}


def largest_miss(y_true, y_pred):
    return abs(y_true - y_pred).max()


def share_of_weight(y_true, y_pred, sample_weight):
    return sample_weight[y_pred.argmax(axis=1) == y_true].sum() / sample_weight.sum()


def test_lbfgs_measures_validation_data_and_metrics_after_every_iteration():
    model = MLPClassifier(solver="lbfgs", validation_data=(X[:40], THREE[:40]), metrics=["accuracy"], **FEW)
    model.fit(X[40:], THREE[40:])
    assert list(model.history_) == ["epoch", "loss", "loss_at_end", "accuracy", "val_loss", "val_accuracy"]
    assert model.history_["val_accuracy"][-1] == pytest.approx(model.score(X[:40], THREE[:40]))
    assert model.history_.epochs == model.n_iter_ == 8
    with pytest.raises(ChainruleError, match="are zero"):
        model.set_params(validation_data=(X, THREE, np.zeros(120))).fit(X, THREE)


def test_fit_by_lbfgs_measures_too_and_keeps_to_its_time():
    model = fit((X, NUMBERS), network=(5,), optimizer="lbfgs", metrics=["mae"], validation=0.2, test=0, epochs=12)
    assert {"val_loss", "mae", "val_mae"} <= set(model.history)
    short = fit((X, NUMBERS), network=(5,), optimizer="lbfgs", test=0, epochs=100_000, time_budget=1e-6)
    assert short.card["algorithm"]["stopped"] == "time" and short.history.epochs == 1


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_metrics_of_numbers_are_recorded_in_the_targets_own_unit(optimizer):
    model = fit((X, NUMBERS), network=(5,), optimizer=optimizer, metrics=["mae"], validation=0, test=0, epochs=20)
    told = np.mean(abs(model.predict(X) - NUMBERS))
    assert model.history["mae"][-1] == pytest.approx(told, rel=1e-4) and told > 1


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_function_of_ones_own_is_a_metric(solver):
    model = MLPRegressor(solver=solver, metrics=[largest_miss, "mae"], validation_data=(X[:9], NUMBERS[:9]), **FEW)
    model.fit(X, NUMBERS)
    assert model.history_["largest_miss"][-1] == pytest.approx(abs(model.predict(X) - NUMBERS).max())
    assert model.history_["val_largest_miss"][-1] == pytest.approx(abs(model.predict(X) - NUMBERS)[:9].max())
    assert "largest_miss" in pickle.loads(pickle.dumps(model)).history_


def test_a_function_that_takes_weights_is_given_them():
    weights = RANDOM.rand(120)
    model = MLPClassifier(metrics=share_of_weight, **FEW).fit(X, THREE, sample_weight=weights)
    right = model.predict(X) == THREE
    assert model.history_["share_of_weight"][-1] == pytest.approx(weights[right].sum() / weights.sum())


def test_fit_and_evaluate_take_a_function_and_its_name_is_in_no_file(tmp_path):
    model = fit((X, NUMBERS), network=(5,), metrics=largest_miss, epochs=5, validation=0, test=0, run=tmp_path / "run")
    miss = abs(model.predict(X) - NUMBERS).max()
    assert model.history["largest_miss"][-1] == pytest.approx(miss, rel=1e-4)
    assert model.evaluate(X, NUMBERS, metrics=[largest_miss, "mae"])["largest_miss"] == pytest.approx(miss)
    assert model.card["request"]["metrics"] == []
    again = fit(
        (X, NUMBERS), network=(5,), metrics=largest_miss, epochs=5, validation=0, test=0, run=tmp_path / "run",
        resume=True,
    )  # fmt: skip
    assert again.history["largest_miss"] == model.history["largest_miss"]


def test_a_metric_that_gives_no_number_and_things_that_are_no_metrics_are_refused():
    with pytest.raises(SettingError, match="must give a number") as caught:
        MLPRegressor(metrics=[lambda y_true, y_pred: None], **FEW).fit(X, NUMBERS)
    assert caught.value.code == "CR202"
    for wrong in (3, [None], [["mae"]]):
        with pytest.raises(SettingError, match="must be a name, a record or a function"):
            MLPRegressor(metrics=wrong, **FEW).fit(X, NUMBERS)
    assert "mae" in MLPRegressor(metrics="mae", **FEW).fit(X, NUMBERS).history_


@pytest.mark.parametrize("wrong", [print, ["print"], 3])
def test_callbacks_that_are_no_list_of_functions_are_refused(wrong):
    with pytest.raises(SettingError, match="`callbacks` must be a list of functions"):
        MLPRegressor(callbacks=wrong, **FEW).fit(X, NUMBERS)


@pytest.mark.parametrize(("activation", "says"), [("maxout", "layers="), (np.tanh, "chainrule.register")])
def test_an_activation_that_is_none_says_the_way(activation, says):
    with pytest.raises(SettingError, match=says):
        MLPClassifier(activation=activation).fit(X, THREE)


def test_a_history_is_a_table_of_pandas_and_polars_as_it_stands():
    history = MLPClassifier(validation_data=(X, THREE), metrics=["accuracy"], **FEW).fit(X, THREE).history_
    frame, other = pandas.DataFrame(history), polars.DataFrame(history)
    assert list(frame.columns) == list(history) == other.columns and len(frame) == len(other) == 8
    assert frame["val_loss"].tolist() == other["val_loss"].to_list() == history["val_loss"]
    for same in (pickle.loads(pickle.dumps(history)), copy.deepcopy(history)):
        assert type(same) is type(history) and same == history
    with pytest.raises(KeyError, match="the columns are"):
        history.append({"epoch": 9.0})


def test_classes_may_be_routed_to_partial_fit_and_what_is_not_named_stays():
    pytest.importorskip("sklearn")
    model = MLPClassifier().set_partial_fit_request(classes=True).set_partial_fit_request(sample_weight="w")
    assert model.get_metadata_routing().partial_fit.requests == {"classes": True, "sample_weight": "w"}
    assert model.get_metadata_routing().fit.requests == {"sample_weight": None}
    assert MLPRegressor().get_metadata_routing().partial_fit.requests == {"sample_weight": None}
