"""Estimators in every sense: with scikit-learn's tools, and without scikit-learn."""

import copy
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest

import chainrule
from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import ChainruleError, NotFittedError, SettingError

X = np.random.RandomState(0).randn(80, 3)
Y = X[:, 0] > X[:, 1]
QUICK = {
    "hidden_layer_sizes": (4,),
    "activation": "tanh",
    "solver": "lbfgs",
    "max_iter": 300,
    "alpha": 0.1,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def fitted():
    return MLPClassifier(**QUICK).fit(X, Y)


def run_without_scikit_learn(script):
    blocked = "import sys\nfor name in ('sklearn', 'scipy', 'joblib'): sys.modules[name] = None\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocked + script], capture_output=True, text=True, timeout=100,
        env={"PYTHONPATH": str(Path(chainrule.__file__).parents[1]), "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_they_work_without_scikit_learn():
    said = run_without_scikit_learn("""
import numpy as np
from chainrule import MLPClassifier, MLPRegressor
X = np.random.RandomState(0).randn(60, 2)
c = MLPClassifier((4,), solver="lbfgs", max_iter=500, alpha=.1, random_state=0).fit(X, X[:, 0] > 0)
r = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=2000, alpha=.1, random_state=0).fit(X, X[:, 0] * 2)
print(c.score(X, X[:, 0] > 0) > 0.9, r.score(X, X[:, 0] * 2) > 0.9, c._repr_html_())
try:
    MLPClassifier().predict(X)
except ValueError as error:
    print(type(error).__mro__[1].__name__, error)
""")
    assert said.startswith("True True <pre>MLPClassifier(") and "CR602" in said


def test_importing_chainrule_imports_no_scikit_learn():
    said = run_without_scikit_learn("import chainrule; print('sklearn.base' in sys.modules)")
    assert said.strip() == "False"


def test_parameters_have_scikit_learns_names_order_and_defaults():
    sklearn = pytest.importorskip("sklearn.neural_network")
    for ours, theirs in ((MLPClassifier, sklearn.MLPClassifier), (MLPRegressor, sklearn.MLPRegressor)):
        expected = theirs().get_params()
        assert {name: ours().get_params()[name] for name in expected} == expected
    assert MLPClassifier((3,), "tanh").get_params()["activation"] == "tanh"
    if "loss" in sklearn.MLPRegressor().get_params():
        assert MLPRegressor("poisson", (3,), "tanh").hidden_layer_sizes == (3,)


def test_an_unknown_parameter_names_the_nearest():
    with pytest.raises(SettingError, match="did you mean 'max_iter'") as caught:
        MLPClassifier().set_params(max_iters=3)
    assert caught.value.code == "CR203"
    assert MLPClassifier().set_params(max_iter=3).max_iter == 3


def test_repr_shows_what_differs_from_the_defaults():
    model = MLPRegressor(hidden_layer_sizes=(8,), loss=chainrule.losses.get("huber", delta=2.0))
    assert repr(model) == "MLPRegressor(loss=Loss('huber', delta=2.0), hidden_layer_sizes=(8,))"
    assert repr(MLPClassifier()) == "MLPClassifier()"


@pytest.mark.parametrize("estimator", [MLPClassifier(), MLPRegressor()])
def test_before_fit_every_question_is_the_same_error_for_us_and_for_scikit_learn(estimator):
    exceptions = pytest.importorskip("sklearn.exceptions")
    for ask in (
        lambda: estimator.predict(X), lambda: estimator.score(X, Y), lambda: estimator.activations(X),
        lambda: estimator.gradients(X, Y), lambda: estimator.explain(X, Y, of="loss"), lambda: estimator.save("never"),
    ):  # fmt: skip
        with pytest.raises(NotFittedError, match="not fitted yet") as caught:
            ask()
        assert isinstance(caught.value, exceptions.NotFittedError) and caught.value.code == "CR602"


def test_the_convergence_warning_is_scikit_learns_too():
    exceptions = pytest.importorskip("sklearn.exceptions")
    with pytest.warns(exceptions.ConvergenceWarning, match="Maximum iterations"):
        MLPClassifier((3,), max_iter=2, random_state=0).fit(X, Y)
    with pytest.warns(chainrule.estimators.ConvergenceWarning, match="max_fun=3"):
        MLPClassifier((3,), solver="lbfgs", max_fun=3, random_state=0).fit(X, Y)


def test_errors_and_warnings_travel_between_processes():
    exceptions = pytest.importorskip("sklearn.exceptions")
    with pytest.raises(NotFittedError) as caught:
        MLPClassifier().predict(X)
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, exceptions.NotFittedError) and again.code == "CR602" and str(again) == str(caught.value)
    with pytest.warns(exceptions.ConvergenceWarning) as said:
        MLPClassifier((2,), max_iter=1).fit(X, Y)
    again = pickle.loads(pickle.dumps(said[0].message))
    assert isinstance(again, exceptions.ConvergenceWarning) and str(again) == str(said[0].message)


def test_clone_grid_search_pipeline_and_cross_validate():
    pytest.importorskip("sklearn")
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.model_selection import GridSearchCV, cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = MLPClassifier(**QUICK)
    copied = clone(model)
    assert copied is not model and copied.get_params() == model.get_params()
    assert is_classifier(model) and is_regressor(MLPRegressor())
    pipe = make_pipeline(StandardScaler(), model)
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [0.01, 0.1], "mlpclassifier__dropout": [None]}, cv=3).fit(X, Y)
    assert search.best_score_ > 0.85
    assert cross_validate(pipe, X, Y, cv=3, return_train_score=True)["test_score"].mean() > 0.85
    assert "MLPClassifier" in pipe._repr_html_() and "MLPClassifier" in model._repr_html_()


def test_a_scaler_before_it_may_hand_over_a_dataframe():
    pytest.importorskip("sklearn")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    pipe = make_pipeline(StandardScaler(), MLPClassifier(**QUICK)).set_output(transform="pandas").fit(frame, Y)
    assert list(pipe[-1].feature_names_in_) == ["a", "b", "c"] and pipe.score(frame, Y) > 0.85


def test_metadata_routing_hands_sample_weight_on():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.model_selection import cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    seen = []

    class Noting(MLPClassifier):
        def fit(self, X, y, sample_weight=None):
            seen.append(sample_weight)
            return super().fit(X, y, sample_weight)

    with sklearn.config_context(enable_metadata_routing=True):
        model = Noting(**QUICK).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        weights = np.arange(1.0, 81.0)
        cross_validate(pipe, X, Y, cv=2, params={"sample_weight": weights})
        assert all(part is not None and len(part) == 40 for part in seen) and len(seen) == 2
        with pytest.raises(Exception, match="sample_weight"):
            cross_validate(
                make_pipeline(StandardScaler(), Noting(**QUICK)), X, Y, cv=2, params={"sample_weight": weights}
            )
        assert sklearn.base.clone(model).get_metadata_routing().fit.requests == {"sample_weight": True}


def test_pickling_keeps_predictions_and_training_goes_on(fitted):
    other = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(other.predict_proba(X), fitted.predict_proba(X))
    first = MLPClassifier((4,), random_state=0)
    for _ in range(3):
        first.partial_fit(X, Y, classes=[False, True])
    second = pickle.loads(pickle.dumps(first))
    for model in (first, second):
        model.partial_fit(X, Y)
    np.testing.assert_array_equal(first.coefs_[0], second.coefs_[0])
    np.testing.assert_array_equal(copy.deepcopy(second).predict(X), second.predict(X))
    assert repr(pickle.loads(pickle.dumps(MLPClassifier()))) == "MLPClassifier()"


def test_coefs_changed_by_hand_are_the_ones_that_predict(fitted):
    model = copy.deepcopy(fitted)
    model.intercepts_[-1][:] = 50.0
    assert model.predict(X).all()
    model.coefs_ = [np.zeros_like(one) for one in model.coefs_]
    model.intercepts_[-1] = np.array([-50.0])
    assert not model.predict(X).any()
    model.coefs_ = model.coefs_[:1]
    with pytest.raises(SettingError, match="do not fit the network"):
        model.predict(X)


def test_predictions_from_several_threads_are_those_of_one(fitted):
    expected, found = fitted.predict_proba(X), []
    threads = [threading.Thread(target=lambda: found.append(fitted.predict_proba(X))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and all((one == expected).all() for one in found)


@pytest.mark.parametrize("library", [pandas, polars])
def test_dataframes_are_checked_by_their_column_names(library):
    frame = library.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})
    model = MLPClassifier(**QUICK).fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"] and model.n_features_in_ == 3
    np.testing.assert_array_equal(model.predict(frame), MLPClassifier(**QUICK).fit(X, Y).predict(X))
    with pytest.raises(ChainruleError, match="same order"):
        model.predict(frame[["b", "a", "c"]])
    with pytest.raises(ChainruleError, match="now missing:\n- c") as caught:
        model.predict(frame[["a", "b"]])
    assert caught.value.code == "CR401"
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        MLPClassifier(**QUICK).fit(X, Y).predict(frame)


def test_a_subclass_with_fewer_parameters_is_an_estimator_too():
    pytest.importorskip("sklearn")
    from sklearn.base import clone

    class Small(MLPClassifier):
        def __init__(self, alpha=0.1):
            super().__init__((3,), solver="lbfgs", alpha=alpha, random_state=0)

    model = clone(Small(alpha=0.5)).fit(X, Y)
    assert model.get_params() == {"alpha": 0.5} and model.alpha == 0.5 and model.predict(X).shape == (80,)


def test_joblibs_workers_do_not_ask_for_more_threads_than_they_were_given(monkeypatch):
    from chainrule.estimators.settings import threads_of

    monkeypatch.delenv("CHAINRULE_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert (threads_of(None), threads_of(4)) == (2, 4)
    monkeypatch.setenv("CHAINRULE_NUM_THREADS", "3")
    assert threads_of(None) is None
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads_of(None) is None


def test_ctrl_c_keeps_what_was_learned():
    def interrupt(event):
        if event.epoch == 3:
            raise KeyboardInterrupt
        return False

    with pytest.warns(UserWarning, match="interrupted by user"):
        model = MLPClassifier((3,), callbacks=[interrupt], random_state=0).fit(X, Y)
    assert model.n_iter_ == 3 and model.predict(X).shape == (80,)


def test_scores_where_r2_is_not_defined_are_said():
    model = MLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", random_state=0).fit([[0.0], [1.0]], [0.0, 1.0])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert np.isnan(model.score([[0.0]], [0.0]))
    assert "less than two samples" in str(said[0].message)
