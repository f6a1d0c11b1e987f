"""What scikit-learn's users asked for and its MLP does not have."""

import warnings

import numpy as np
import pytest
from click.testing import CliRunner

from chainrule import (
    Dense,
    Dropout,
    LayerNorm,
    Maxout,
    MLPClassifier,
    MLPRegressor,
    activations,
    load,
    losses,
)
from chainrule.cli.main import cli
from chainrule.errors import ChainruleError, ChainruleWarning, DivergedError, SettingError
from chainrule.estimators import ConvergenceWarning

pytestmark = pytest.mark.filterwarnings("ignore::chainrule.estimators.ConvergenceWarning")

RANDOM = np.random.RandomState(3)
X = RANDOM.randn(120, 4)
THREE = np.array(["low", "mid", "top"])[np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])]
TWO = X[:, 0] * X[:, 1] > 0
NUMBERS = X[:, 0] ** 2 + X[:, 1]
QUICK = {"max_iter": 60, "random_state": 0, "learning_rate_init": 0.02}


def test_every_layer_may_have_its_own_activation():
    model = MLPClassifier((8, 6), ("tanh", "gelu"), **QUICK).fit(X, THREE)
    trace = model.activations(X[:2])
    assert [step.constants["activation"].name for step in model._network().plan.steps if step.op == "activation"] == [
        "tanh", "gelu",
    ]  # fmt: skip
    assert model.score(X, THREE) > 0.85 and set(trace) == {"x", "z1", "a1", "z2", "a2", "z3", "a3"}


@pytest.mark.parametrize("name", activations.names())
def test_every_activation_of_the_catalog_trains_or_says_why_not(name):
    model = MLPRegressor(hidden_layer_sizes=(6,), activation=name, max_iter=5, random_state=0, learning_rate_init=1e-4)
    if not activations.get(name).trainable:
        with pytest.raises(SettingError) as caught:
            model.fit(X, NUMBERS)
        assert caught.value.code == "CR205"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        model.fit(X, NUMBERS)
    assert len(model.loss_curve_) == 5 and np.isfinite(model.predict(X)).all()


def test_dropout_is_drawn_from_the_seed_and_only_in_training():
    models = [MLPClassifier((20,), dropout=0.5, **QUICK).fit(X, TWO) for _ in range(2)]
    np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])
    np.testing.assert_array_equal(models[0].predict_proba(X), models[0].predict_proba(X))
    without = MLPClassifier((20,), **QUICK).fit(X, TWO)
    assert not np.array_equal(models[0].coefs_[0], without.coefs_[0])
    per_layer = MLPClassifier((6, 6), dropout=[0.0, 0.2], **QUICK).fit(X, TWO)
    assert sum(isinstance(layer, Dropout) for layer in per_layer._network().layers) == 1


def test_a_masked_connection_stays_at_zero():
    mask = np.ones((4, 6))
    mask[2:, :3] = 0
    model = MLPClassifier((6,), masks=[mask, None], **QUICK).fit(X, TWO)
    assert (model.coefs_[0][2:, :3] == 0).all() and (model.coefs_[0][:2] != 0).all()


def test_layers_of_any_kind_take_the_place_of_the_sizes():
    layers = [Maxout(5, pieces=3), LayerNorm(), Dense(4, "prelu"), Dropout(0.1)]
    model = MLPClassifier(layers=layers, **QUICK).fit(X, THREE)
    assert [one.shape for one in model.coefs_] == [(4, 15), (5, 4), (4, 3)] and model.score(X, THREE) > 0.8
    further = MLPClassifier(layers=layers, warm_start=True, **QUICK).fit(X, THREE).fit(X, THREE)
    assert further.loss_ < model.loss_ and model.predict_proba(X).shape == (120, 3)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "log_cosh", "pinball", losses.get("huber", delta=0.5)])
def test_a_regressor_takes_any_loss_of_the_catalog(loss):
    model = MLPRegressor(loss, (20,), "tanh", solver="lbfgs", max_iter=300, random_state=0).fit(X, NUMBERS)
    assert model.score(X, NUMBERS) > 0.8


def test_a_classifier_takes_label_smoothing_and_the_hinge():
    smooth = MLPClassifier((8,), loss=losses.get("categorical_crossentropy", label_smoothing=0.2), **QUICK).fit(
        X, THREE
    )
    plain = MLPClassifier((8,), **QUICK).fit(X, THREE)
    assert smooth.predict_proba(X).max() < plain.predict_proba(X).max()
    hinge = MLPClassifier((12,), loss="hinge", **{**QUICK, "max_iter": 200}).fit(X, TWO)
    assert hinge.score(X, TWO) > 0.85 and hinge.out_activation_ == "identity"
    with pytest.raises(SettingError, match="gives no probabilities"):
        hinge.predict_proba(X)
    with pytest.raises(SettingError, match="two classes"):
        MLPClassifier((4,), loss="hinge", **QUICK).fit(X, THREE)


def test_class_weights_act_as_sample_weights_do():
    weights = {"low": 3.0, "mid": 1.0, "top": 0.5}
    by_class = MLPClassifier((5,), class_weight=weights, **QUICK).fit(X, THREE)
    by_row = MLPClassifier((5,), **QUICK).fit(X, THREE, sample_weight=[weights[label] for label in THREE])
    np.testing.assert_array_equal(by_class.coefs_[0], by_row.coefs_[0])
    rare = np.arange(120) < 6
    unweighted = MLPClassifier((5,), **QUICK).fit(X, rare)
    balanced = MLPClassifier((5,), class_weight="balanced", **QUICK).fit(X, rare)
    assert balanced.predict(X).mean() > unweighted.predict(X).mean()
    with pytest.raises(SettingError, match="names the unknown class"):
        MLPClassifier(class_weight={"none": 1}).fit(X, THREE)


def test_validation_data_metrics_and_callbacks_fill_the_history():
    seen = []
    model = MLPClassifier(
        (8,), validation_data=(X[:40], THREE[:40]), metrics=["accuracy", "f1_macro"], callbacks=[seen.append], **QUICK
    ).fit(X[40:], THREE[40:])
    assert list(model.history_) == [
        "epoch", "loss", "loss_at_end", "accuracy", "f1_macro", "val_loss", "val_accuracy", "val_f1_macro",
        "learning_rate", "seconds",
    ]  # fmt: skip
    assert model.history_["val_accuracy"][-1] == pytest.approx(model.score(X[:40], THREE[:40]))
    assert model.history_["loss"] == model.loss_curve_ and len(seen) == 60 and seen[-1].row["epoch"] == 60
    assert seen[-1].learner().theta.shape == (model._network().plan.size,)


@pytest.mark.filterwarnings("ignore:.*a linear model reaches")
def test_validation_data_is_what_early_stopping_watches():
    model = MLPRegressor(
        hidden_layer_sizes=(20,), early_stopping=True, validation_data=(X[:40], NUMBERS[:40]), n_iter_no_change=5,
        max_iter=400, random_state=0, learning_rate_init=0.05,
    ).fit(X[40:], NUMBERS[40:])  # fmt: skip
    assert model.best_validation_score_ == pytest.approx(model.score(X[:40], NUMBERS[:40]))
    assert model.t_ == 80 * model.n_iter_


def test_validation_data_must_have_the_columns_of_training():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["age", "fare", "size", "mass"])
    with pytest.raises(ChainruleError, match="feature names") as caught:
        MLPClassifier(validation_data=(frame[["mass", "age", "fare", "size"]], THREE), **QUICK).fit(frame, THREE)
    assert caught.value.code in ("CR401", "CR402")
    with pytest.raises(ChainruleError, match="expecting 4 features"):
        MLPClassifier(validation_data=(X[:, :3], THREE), **QUICK).fit(X, THREE)


def test_validation_labels_that_training_does_not_know_are_refused():
    with pytest.raises(ValueError, match="classes not in"):
        MLPClassifier(validation_data=(X[:3], ["new", "low", "mid"]), **QUICK).fit(X, THREE)


def test_a_callback_may_stop_the_training():
    for solver in ("adam", "sgd", "lbfgs"):
        model = MLPClassifier((5,), solver=solver, callbacks=[lambda event: event.epoch == 4], random_state=0).fit(
            X, TWO
        )
        assert model.n_iter_ == 4


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_time_budget_ends_the_training(solver):
    model = MLPClassifier((5,), solver=solver, time_budget=1e-6, max_iter=500, random_state=0).fit(X, TWO)
    assert model.n_iter_ < 5


def test_dtype_engine_and_threads_can_be_chosen():
    model = MLPClassifier((5,), dtype="float32", engine="reference", n_jobs=1, **QUICK).fit(X, TWO)
    assert model.coefs_[0].dtype == np.float32 and model.predict_proba(X).dtype == np.float32
    double = MLPClassifier((5,), dtype=np.float64, **QUICK).fit(X.astype(np.float32), TWO)
    assert double.coefs_[0].dtype == np.float64


def test_more_threads_give_the_same_bits():
    models = [MLPClassifier((5,), n_jobs=n, **QUICK).fit(X, TWO) for n in (1, 2)]
    np.testing.assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])


def test_gradients_are_those_of_finite_differences():
    model = MLPRegressor(hidden_layer_sizes=(3,), activation="tanh", solver="lbfgs", max_iter=20, random_state=0).fit(
        X, NUMBERS
    )
    gradient = model.gradients(X, NUMBERS)["W1"]
    change = 1e-6

    def loss():
        return 0.5 * np.mean((model.predict(X) - NUMBERS) ** 2)

    for unit, source in ((0, 1), (2, 3)):
        before = model.coefs_[0][source, unit]
        model.coefs_[0][source, unit] = before + change
        above = loss()
        model.coefs_[0][source, unit] = before - change
        below = loss()
        model.coefs_[0][source, unit] = before
        assert gradient[unit, source] == pytest.approx((above - below) / (2 * change), rel=1e-4, abs=1e-9)


def test_activations_end_in_the_prediction():
    model = MLPClassifier((7, 3), **QUICK).fit(X, THREE)
    inside = model.activations(X)
    assert inside["a1"].shape == (120, 7) and inside["z2"].shape == (120, 3)
    np.testing.assert_allclose(inside["a3"], model.predict_proba(X), rtol=1e-12)


def test_any_number_is_explained_with_the_names_of_the_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["age", "fare", "size", "mass"])
    model = MLPClassifier((3,), "tanh", **QUICK).fit(frame, THREE)
    explanation = model.explain(frame, THREE, of="W1[2,0]", row=5)
    assert "age" in str(explanation)
    # One row's share of the gradient of all rows is its own gradient.
    alone = model.gradients(frame.iloc[[5]], THREE[[5]])["W1"][2, 0]
    assert explanation.value == pytest.approx(alone, rel=1e-9)


def test_a_classifier_of_several_labels_and_sparse_rows_are_explained_too():
    sparse = pytest.importorskip("scipy.sparse")
    several = np.c_[TWO, X[:, 2] > 0].astype(int)
    model = MLPClassifier((3,), "tanh", **QUICK).fit(X, several)
    explanation = model.explain(sparse.csr_matrix(X), several, of="W2[1,2]", row=7)
    assert explanation.value == pytest.approx(model.gradients(X[[7]], several[[7]])["W2"][1, 2], rel=1e-9)
    assert model.explain(X, of="a1[0]", row=7).value == pytest.approx(model.activations(X)["a1"][7, 0])
    with pytest.raises(ChainruleError, match="there is no row 120") as caught:
        model.explain(X, of="a1[0]", row=120)
    assert caught.value.code == "CR105"


@pytest.mark.parametrize("target", [TWO, THREE, NUMBERS, np.where(TWO, "yes", "no"), TWO.astype(int) + 4])
def test_a_saved_estimator_is_a_model_that_predicts_the_same(target, tmp_path):
    model = (MLPRegressor if target is NUMBERS else MLPClassifier)(hidden_layer_sizes=(4,), **QUICK).fit(X, target)
    again = load(model.save(tmp_path / "saved.chainrule"))
    found = again.predict(X)
    assert found.dtype.kind == model.predict(X).dtype.kind
    if target is NUMBERS:
        np.testing.assert_allclose(found, model.predict(X), rtol=1e-12)
    else:
        assert (found == model.predict(X)).all() and list(again.classes) == model.classes_.tolist()


def test_several_targets_and_several_labels_are_saved(tmp_path):
    both = np.c_[NUMBERS, -NUMBERS]
    model = MLPRegressor(hidden_layer_sizes=(4,), **QUICK).fit(X, both)
    np.testing.assert_allclose(load(model.save(tmp_path / "two.chainrule")).predict(X), model.predict(X), rtol=1e-12)
    indicator = np.c_[TWO, ~TWO, X[:, 2] > 0].astype(int)
    labels = MLPClassifier((4,), **QUICK).fit(X, indicator)
    again = load(labels.save(tmp_path / "labels.chainrule"))
    assert again.task == "multilabel" and again.classes == ()
    np.testing.assert_array_equal(again.predict(X), labels.predict(X))
    np.testing.assert_allclose(again.predict_proba(X), labels.predict_proba(X), rtol=1e-12)
    scores = again.evaluate(X, indicator)
    assert list(scores) == ["binary_accuracy", "f1", "auc", "binary_crossentropy"]
    assert scores["binary_accuracy"] == pytest.approx(np.mean(labels.predict(X) == indicator))
    with pytest.raises(ChainruleError, match="0 and 1 alone"):
        again.evaluate(X, 2 * indicator)


def test_a_saved_estimator_reads_files_and_explains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pytest.importorskip("pandas").DataFrame(X, columns=["age", "fare", "size", "mass"])
    indicator = np.c_[TWO, X[:, 2] > 0].astype(int)
    frame.to_csv("rows.csv", index=False)
    for target in (NUMBERS, THREE, indicator, np.c_[NUMBERS, -NUMBERS]):
        model = (MLPRegressor if target.dtype == float else MLPClassifier)(hidden_layer_sizes=(4,), **QUICK)
        model.fit(frame, target).save("saved.model")
        again = load("saved.model")
        np.testing.assert_allclose(again.outputs(again.read("rows.csv")), again.outputs(again.read(frame)), rtol=1e-9)
        result = CliRunner().invoke(cli, ["predict", "saved.model", "rows.csv"])
        assert result.exit_code == 0 and len(result.output.splitlines()) == 121
        assert CliRunner().invoke(cli, ["show", "saved.model"]).exit_code == 0
        result = CliRunner().invoke(cli, ["explain", "saved.model", "rows.csv", "--row", "2", "--of", "prediction[0]"])
        assert result.exit_code == 0, result.output
        assert "fare" in result.output


def test_training_that_explodes_is_an_error_that_says_where():
    model = MLPRegressor(
        hidden_layer_sizes=(30,), activation="identity", solver="sgd", learning_rate_init=1.0, early_stopping=True
    )
    with pytest.raises(DivergedError, match=r"step \d+, epoch \d+, .*layer") as caught:
        model.fit(X * 100, NUMBERS)
    assert caught.value.code == "CR601" and not hasattr(model, "coefs_")


def test_where_a_linear_model_wins_one_line_says_so_and_names_the_preset():
    far = 1000 + 100 * X @ [1.0, 2.0, 0.0, -1.0]
    with pytest.warns(ChainruleWarning, match=r'R² -\d.*a linear model reaches 1\.00.*preset="default"'):
        MLPRegressor(random_state=0, max_iter=30).fit(X, far)


@pytest.mark.parametrize(
    "case",
    ["a good network", "few rows", "many columns", "a constant target", "warm start", "partial_fit", "another loss"],
)
def test_where_nothing_is_wrong_or_nothing_can_be_told_no_line_is_said(case):
    far = 1000 + 100 * X[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        if case == "a good network":
            MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", random_state=0, max_iter=400).fit(X, NUMBERS)
        elif case == "few rows":
            MLPRegressor(max_iter=3).fit(X[:40], far[:40])
        elif case == "many columns":
            MLPRegressor(max_iter=3).fit(np.hstack([X] * 10), far)
        elif case == "a constant target":
            MLPRegressor(max_iter=3).fit(X, np.full(120, 1000.0))
        elif case == "warm start":
            MLPRegressor(max_iter=3, warm_start=True).fit(X, far)
        elif case == "partial_fit":
            MLPRegressor().partial_fit(X, far)
        else:
            MLPRegressor("mae", max_iter=3).fit(X, far)


def test_two_settings_that_exclude_each_other_are_refused():
    for settings in ({"layers": [Dense(3)], "dropout": 0.1}, {"layers": [Dense(3)], "masks": [None]}):
        with pytest.raises(SettingError) as caught:
            MLPClassifier(**settings).fit(X, TWO)
        assert caught.value.code == "CR204"
