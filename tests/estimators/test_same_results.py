"""The same random_state, the same network: weights, loss curves and predictions beside scikit-learn's own."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from chainrule import MLPClassifier, MLPRegressor

X, LABELS = load_iris(return_X_y=True)
TWO = LABELS == 1
DIABETES, PROGRESS = load_diabetes(return_X_y=True)
MANY, INDICATOR = make_multilabel_classification(n_samples=90, random_state=0)
WEIGHTS = np.random.RandomState(0).rand(len(X))
BOTH_TARGETS = np.c_[PROGRESS, PROGRESS**2 / 100] / 100

CASES = {
    "the defaults": (X, LABELS, None, {}),
    "a ragged last batch and a strong penalty": (X, LABELS, None, {"alpha": 1.0, "batch_size": 32}),
    "sample weights": (X, LABELS, WEIGHTS, {"alpha": 0.1, "batch_size": 32}),
    "two classes, nesterov": (
        X, TWO, None, {"solver": "sgd", "batch_size": 16, "activation": "logistic", "learning_rate_init": 0.1}),
    "plain momentum, inverse scaling, two layers": (
        X, TWO, None, {"solver": "sgd", "nesterovs_momentum": False, "batch_size": 16, "activation": "tanh",
        "learning_rate": "invscaling", "learning_rate_init": 0.1, "hidden_layer_sizes": (7, 5)}),
    "an adaptive rate": (X, TWO, None, {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "tol": 1e-2, "max_iter": 400}),
    "no shuffling": (X, LABELS, None, {"shuffle": False, "batch_size": 64}),
    "early stopping of two classes": (X, TWO, None, {"early_stopping": True}),
    "early stopping of three classes": (X, LABELS, None, {"early_stopping": True, "validation_fraction": 0.2}),
    "early stopping with weights": (X, TWO, WEIGHTS, {"early_stopping": True, "learning_rate_init": 0.01}),
    "several labels": (MANY, INDICATOR, None, {"batch_size": 20}),
    "float32": (X.astype(np.float32), LABELS, None, {"batch_size": 64}),
    "regression": (DIABETES, PROGRESS, None, {}),
    "two targets": (DIABETES, BOTH_TARGETS, None, {"batch_size": 64}),
    "a count": (DIABETES, PROGRESS, None, {"loss": "poisson", "batch_size": 64}),
    "regression, early stopping": (DIABETES, PROGRESS / 100, None, {"early_stopping": True, "batch_size": 64}),
}  # fmt: skip


def pair(x, y, weights, settings):
    """scikit-learn's estimator and ours, both fitted."""
    continuous = np.asarray(y).dtype.kind == "f"
    classes = (TheirRegressor, MLPRegressor) if continuous else (TheirClassifier, MLPClassifier)
    if sklearn.__version__ < "1.7" and (weights is not None or "loss" in settings):
        pytest.skip("scikit-learn before 1.7 has neither sample weights nor a Poisson loss here")
    given = {} if weights is None else {"sample_weight": weights}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [cls(**{"random_state": 1, "max_iter": 40, **settings}).fit(x, y, **given) for cls in classes]


@pytest.mark.parametrize("case", CASES)
def test_the_weights_after_training_are_scikit_learns(case):
    x, y, weights, settings = CASES[case]
    theirs, ours = pair(x, y, weights, settings)
    # Sums are added up in another order; rounding grows with the steps.
    close = {"rtol": 2e-3, "atol": 2e-4} if x.dtype == np.float32 else {"rtol": 1e-8, "atol": 1e-9}
    for one, other in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        np.testing.assert_allclose(other, one, **close)
    assert (ours.n_iter_, ours.t_, ours.n_layers_, ours.n_outputs_) == (
        theirs.n_iter_, theirs.t_, theirs.n_layers_, theirs.n_outputs_,
    )  # fmt: skip
    assert ours.out_activation_ == theirs.out_activation_


@pytest.mark.parametrize("case", CASES)
def test_the_loss_curve_is_scikit_learns(case):
    x, y, weights, settings = CASES[case]
    theirs, ours = pair(x, y, weights, settings)
    # Within an epoch ½ ‖W‖² is taken to move in a straight line, which a strong penalty shows.
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=2e-4 if settings.get("alpha") else 1e-5)
    assert ours.loss_ == ours.loss_curve_[-1]
    if settings.get("early_stopping"):
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-9)
        assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_) and ours.best_loss_ is None
    else:
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=2e-4)
        assert ours.validation_scores_ is None and ours.best_validation_score_ is None


@pytest.mark.parametrize("case", ["the defaults", "two classes, nesterov", "several labels", "regression", "a count"])
def test_predictions_and_scores_are_scikit_learns(case):
    x, y, weights, settings = CASES[case]
    theirs, ours = pair(x, y, weights, settings)
    if not hasattr(theirs, "predict_proba"):
        np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-8)
    else:
        assert (ours.predict(x) == theirs.predict(x)).all() and ours.predict(x).dtype == theirs.predict(x).dtype
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-9)
        np.testing.assert_allclose(ours.predict_log_proba(x), theirs.predict_log_proba(x), atol=1e-7)
        assert (ours.classes_ == theirs.classes_).all()
    assert ours.score(x, y) == pytest.approx(theirs.score(x, y))
    some = np.linspace(0.5, 2.0, len(x))
    assert ours.score(x, y, some) == pytest.approx(theirs.score(x, y, some))


def test_warm_start_goes_on_as_scikit_learn_does():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [
            cls(random_state=1, max_iter=7, warm_start=True, batch_size=32) for cls in (TheirClassifier, MLPClassifier)
        ]
        for model in models:
            model.fit(X, LABELS).fit(X, LABELS)
    theirs, ours = models
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9)
    assert len(ours.loss_curve_) == 14 and ours.n_iter_ == 7 and ours.t_ == theirs.t_ and ours.history_.epochs == 14


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_keeps_the_optimizers_memory_as_scikit_learn_does(solver):
    models = [
        cls(random_state=1, solver=solver, batch_size=32, learning_rate="invscaling")
        for cls in (TheirClassifier, MLPClassifier)
    ]
    for model in models:
        for part in (slice(0, 90), slice(60, 150), slice(0, 150)):
            model.partial_fit(X[part], LABELS[part], classes=[0, 1, 2])
    theirs, ours = models
    np.testing.assert_allclose(ours.coefs_[1], theirs.coefs_[1], rtol=1e-9)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    assert ours.t_ == theirs.t_


def test_lbfgs_ends_in_the_same_minimum_where_there_is_one():
    # Without hidden layers the problem is convex; the ways there differ with the line search.
    theirs, ours = pair(DIABETES, PROGRESS / 100, None, {
        "solver": "lbfgs", "hidden_layer_sizes": (), "alpha": 1.0, "max_iter": 2000, "tol": 1e-8})  # fmt: skip
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-3, atol=1e-4)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-7)


def test_lbfgs_ends_as_low_as_scikit_learns_on_the_whole():
    # From the same weights both find some minimum, not the same one; over seeds and activations neither is ahead.
    ratios = []
    for activation in ("identity", "logistic", "tanh", "relu"):
        for seed in range(2):
            theirs, ours = pair(DIABETES * 20, PROGRESS / 50, None, {
                "solver": "lbfgs", "activation": activation, "hidden_layer_sizes": (10,), "max_iter": 100, "alpha": 1.0,
                "random_state": seed})  # fmt: skip
            ratios.append(ours.loss_ / theirs.loss_)
    assert np.exp(np.mean(np.log(ratios))) < 1.02, ratios


def test_a_sparse_matrix_gives_the_same_bits_as_its_dense_form():
    from scipy import sparse

    x = X * (X > 1)
    for container in (sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.coo_matrix):
        for solver in ("adam", "lbfgs"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dense = MLPClassifier((6,), solver=solver, random_state=0, max_iter=15).fit(x, LABELS)
                other = MLPClassifier((6,), solver=solver, random_state=0, max_iter=15).fit(container(x), LABELS)
            np.testing.assert_array_equal(dense.predict_proba(x), other.predict_proba(container(x)))


def test_a_sparse_matrix_is_made_dense_in_blocks_with_the_same_result(monkeypatch):
    from scipy import sparse

    from chainrule.estimators import examples

    settings = {"random_state": 0, "max_iter": 8, "batch_size": 7, "early_stopping": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = MLPClassifier((6,), **settings).fit(X, LABELS)
        monkeypatch.setattr(examples, "_CELLS", 4 * 20)
        parts = MLPClassifier((6,), **settings).fit(sparse.csr_matrix(X), LABELS)
        solved = MLPClassifier((6,), solver="lbfgs", max_iter=5, random_state=0).fit(sparse.csr_matrix(X), LABELS)
        dense = MLPClassifier((6,), solver="lbfgs", max_iter=5, random_state=0).fit(X, LABELS)
    np.testing.assert_allclose(parts.predict_proba(sparse.csr_matrix(X)), whole.predict_proba(X), rtol=1e-9)
    np.testing.assert_allclose(solved.loss_, dense.loss_, rtol=1e-6)


@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_every_engine_gives_the_same_weights(engine):
    theirs, ours = pair(X, LABELS, None, {"batch_size": 32, "max_iter": 10})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = MLPClassifier(random_state=1, batch_size=32, max_iter=10, engine=engine).fit(X, LABELS)
    np.testing.assert_allclose(other.coefs_[0], theirs.coefs_[0], rtol=1e-8)
    np.testing.assert_allclose(other.coefs_[0], ours.coefs_[0], rtol=1e-8)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_session_that_is_loaded_goes_on_as_one_that_is_opened(engine):
    from chainrule import Dense, Network, Update, initialize, rules
    from chainrule.engines.base import Rows
    from chainrule.engines.choose import choose

    network = Network(3, [Dense(5, "tanh"), Dense(2, "identity")])
    update, x = Update(rules.get("adam"), l2=0.1), np.random.default_rng(0).normal(size=(11, 3))
    rows, order = Rows(x, x[:, :2].copy()), np.arange(11)[None, :]
    found = choose(engine, network.plan, update, x.dtype)
    start, other = initialize(network, 1).copy(), initialize(network, 2).copy()
    slots = tuple(np.full_like(start, 0.25) for _ in update.rule.slots)
    opened = found.open(network.plan, start, slots, update, seed=0)
    loaded = found.open(network.plan, other, tuple(np.zeros_like(s) for s in slots), update, seed=0)
    table = update.rule.table(1, np.ones(3))
    loaded.train(rows, order, 4, table, 0)
    loaded.load(start, slots)
    for session in (opened, loaded):
        session.train(rows, order, 4, table, 0)
    np.testing.assert_array_equal(opened.export()[0], loaded.export()[0])
    np.testing.assert_array_equal(opened.predict(x), loaded.predict(x))


def test_a_warm_start_with_early_stopping_ends_with_the_best_weights_of_all_calls():
    settings = {"random_state": 0, "max_iter": 15, "warm_start": True, "early_stopping": True, "n_iter_no_change": 30}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = (cls(**settings).fit(X, LABELS) for cls in (TheirClassifier, MLPClassifier))
        first = ours.coefs_[0].copy()
        for model in (theirs, ours):
            model.fit(X, LABELS)
    assert ours.validation_scores_ == theirs.validation_scores_
    best = int(np.argmax(ours.validation_scores_))
    assert np.array_equal(ours.coefs_[0], first) == (best < 15)
    if best < 15:  # scikit-learn trains on the arrays in which it keeps the best
        assert not np.allclose(theirs.coefs_[0], first)
