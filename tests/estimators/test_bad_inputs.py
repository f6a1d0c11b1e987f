"""What users pass by mistake: every line is refused with its code, or works as said."""

import numpy as np
import pandas
import pytest

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import ChainruleError

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(64, 4)
Y = (X[:, 0] > 0).astype(int)
FEW = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}

pytestmark = [
    pytest.mark.filterwarnings("ignore::chainrule.estimators.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*a linear model reaches"),
]


def changed(array, place, value):
    copy = np.array(array, dtype=object if isinstance(value, str) else float)
    copy[place] = value
    return copy


DATA = {
    "NaN in X": (changed(X, (3, 1), np.nan), Y, "CR101", "row 3, column 1"),
    "infinity in X": (changed(X, (3, 1), -np.inf), Y, "CR102", "row 3, column 1"),
    "NaN in y": (X, changed(Y, 7, np.nan), "CR114", "row 7"),
    "infinity in y": (X, changed(Y, 7, np.inf), "CR102", "infinity"),
    "None in y": (X, [None, *["a", "b"] * 31, "a"], "CR114", "NaN"),
    "no columns": (X[:, :0], Y, "CR105", "0 feature"),
    "no rows": (X[:0], Y[:0], "CR105", "0 sample"),
    "three dimensions": (X[:, :, None], Y, "CR103", "Reshape"),
    "one dimension": (X[:, 0], Y, "CR103", "Reshape"),
    "another length": (X, Y[:-1], "CR104", "63"),
    "complex numbers": (X + 1j, Y, "CR106", "Complex"),
    "text that could be numbers": (X.astype(str), Y, "CR106", "astype"),
    "a word among numbers": (changed(X, (2, 2), "red"), Y, "CR106", "row 2"),
    "ragged rows": ([*X.tolist()[:-1], [1.0, 2.0]], Y, "CR109", "row 63"),
    "dates": (np.full((64, 2), "2024-01-01", "datetime64[D]"), Y, "CR106", "dates"),
    "whole numbers beyond 2**53": (np.full((64, 2), 2**60 + 1), Y, "CR107", "identifiers"),
    "masked numbers": (np.ma.masked_array(X, X > 2), Y, "CR101", "NaN"),
    "no y": (X, None, "CR114", "requires y"),
    "fractions as classes": (X, np.where(Y, 0.5, 1.5), "CR108", "MLPRegressor"),
    "measurements as classes": (X, X[:, 0], "CR108", "64 distinct"),
    "labels of two types": (X, np.array([1, "a"] * 32, dtype=object), "CR106", "mixes"),
    "several columns of classes": (X, np.c_[Y, Y + 1, Y], "CR108", "multioutput"),
}


@pytest.mark.parametrize("case", DATA)
def test_bad_data_are_refused_with_their_code_and_place(case):
    x, y, code, text = DATA[case]
    with pytest.raises(ChainruleError) as caught:
        MLPClassifier(**FEW).fit(x, y)
    assert caught.value.code == code and text in str(caught.value)


GOOD = {
    "objects that are numbers": X.astype(object),
    "truth values": X > 0,
    "bytes": (np.abs(X) * 50).astype(np.uint8),
    "columns in Fortran's order": np.asfortranarray(X),
    "a strided view": np.repeat(X, 2, axis=0)[::2],
    "reversed rows twice": X[::-1][::-1],
    "big-endian numbers": X.astype(">f8"),
    "a list of lists": X.tolist(),
    "a DataFrame with numbered columns": pandas.DataFrame(X),
}


@pytest.mark.parametrize("case", GOOD)
def test_unusual_arrays_that_hold_numbers_are_the_plain_array(case):
    plain = np.array(np.asarray(GOOD[case]).astype(np.float64))
    expected = MLPClassifier(**FEW).fit(plain, Y).predict_proba(plain)
    np.testing.assert_array_equal(MLPClassifier(**FEW).fit(GOOD[case], Y).predict_proba(GOOD[case]), expected)


@pytest.mark.parametrize("labels", [Y + 1, Y * 2 - 1, Y == 1, Y.astype(float), np.array(["no", "yes"])[Y]])
def test_labels_of_any_kind_come_back(labels):
    found = MLPClassifier(**FEW).fit(X, labels).predict(X)
    assert found.dtype == labels.dtype and set(found) <= set(labels)


def test_a_column_vector_is_one_target_and_said():
    for estimator in (MLPClassifier, MLPRegressor):
        with pytest.warns(UserWarning, match="column-vector"):
            model = estimator(**FEW).fit(X, Y[:, None])
        assert model.predict(X).shape == (64,)


def test_no_rows_to_predict_give_an_empty_answer():
    model = MLPClassifier(**FEW).fit(X, Y)
    assert model.predict(X[:0]).shape == (0,) and model.predict_proba(X[:0]).shape == (0, 2)
    assert MLPRegressor(**FEW).fit(X, Y).predict(X[:0]).shape == (0,)


def test_another_number_of_columns_is_refused_at_prediction():
    with pytest.raises(ChainruleError, match="X has 3 features, but MLPClassifier is expecting 4") as caught:
        MLPClassifier(**FEW).fit(X, Y).predict(X[:, :3])
    assert caught.value.code == "CR402"


def test_a_series_in_another_order_than_the_frame_is_refused():
    frame = pandas.DataFrame(X, columns=list("abcd"))
    with pytest.raises(ChainruleError) as caught:
        MLPClassifier(**FEW).fit(frame, pandas.Series(Y).sample(frac=1, random_state=0))
    assert caught.value.code == "CR111"


def test_more_classes_than_half_the_rows_are_warned_of():
    with pytest.warns(UserWarning, match="identifier"):
        MLPClassifier(**FEW).fit(X, np.arange(64))


WEIGHTS = {
    "negative": (-np.ones(64), "CR112"),
    "missing": (np.full(64, np.nan), "CR112"),
    "all zero": (np.zeros(64), "CR112"),
    "of another length": (np.ones(63), "CR104"),
    "a table": (np.ones((64, 2)), "CR112"),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_bad_sample_weights_are_refused(case):
    weights, code = WEIGHTS[case]
    for estimator in (MLPClassifier, MLPRegressor):
        with pytest.raises(ChainruleError) as caught:
            estimator(**FEW).fit(X, Y, sample_weight=weights)
        assert caught.value.code == code


SETTINGS = {
    "learning_rate_init": [(0, "CR201"), (-1, "CR201"), ("0.1", "CR202"), (np.nan, "CR201")],
    "batch_size": [(0, "CR201"), (3.5, "CR202"), ("all", "CR203")],
    "hidden_layer_sizes": [((-5,), "CR201"), ((8.5,), "CR202"), ("ten", "CR202"), ((3, True), "CR202")],
    "activation": [("Relu", "CR203"), (("relu", "tanh"), "CR204")],
    "solver": [("adamw", "CR203")],
    "learning_rate": [("fast", "CR203")],
    "momentum": [(1.0, "CR201"), (-0.1, "CR201")],
    "alpha": [(-1e-4, "CR201")],
    "max_iter": [(0, "CR201"), (10.0, "CR202")],
    "shuffle": [("yes", "CR202")],
    "validation_fraction": [(1.0, "CR201")],
    "beta_1": [(1.0, "CR201")],
    "n_iter_no_change": [(0, "CR201"), (2.5, "CR202")],
    "random_state": [("seed", "CR202"), (-1, "CR201")],
    "dtype": [("float16", "CR203")],
    "engine": [("gpu", "CR203")],
    "preset": [("bset", "CR203")],
    "n_jobs": [(1.5, "CR202")],
    "time_budget": [(0, "CR201")],
    "dropout": [(1.0, "CR201"), ([0.1, 0.2], "CR204")],
    "masks": [(np.ones((4, 3)), "CR202"), ([np.ones((3, 3))], "CR209")],
    "metrics": [(["accurracy"], "CR203")],
    "loss": [("log_los", "CR203")],
    "validation_data": [(X, "CR202")],
    "class_weight": [("heavy", "CR203")],
}


@pytest.mark.parametrize(("name", "value", "code"), [(n, v, c) for n, cases in SETTINGS.items() for v, c in cases])
def test_a_setting_that_cannot_work_is_refused_by_fit_and_named(name, value, code):
    model = MLPClassifier(**{**FEW, name: value})  # nothing is said before fit, as scikit-learn's contract wants it
    with pytest.raises(ChainruleError) as caught:
        model.fit(X, Y)
    assert caught.value.code == code


def test_a_wrong_activation_names_the_right_one():
    with pytest.raises(ChainruleError, match="did you mean 'relu'"):
        MLPClassifier(activation="Relu").fit(X, Y)


def test_a_width_in_the_place_of_the_loss_says_what_comes_first():
    with pytest.raises(ChainruleError, match="first parameter of MLPRegressor is the loss") as caught:
        MLPRegressor((4,)).fit(X, X[:, 0])
    assert caught.value.code == "CR202"


def test_a_poisson_loss_refuses_negative_targets():
    with pytest.raises(ChainruleError, match="row") as caught:
        MLPRegressor("poisson", **FEW).fit(X, X[:, 0])
    assert caught.value.code == "CR108"


def test_the_limit_of_function_calls_is_kept():
    for limit in (1, 5):
        with pytest.warns(UserWarning, match=f"max_fun={limit}"):
            model = MLPClassifier((3,), solver="lbfgs", max_fun=limit, random_state=0).fit(X, Y)
        assert model.n_iter_ <= limit and np.isfinite(model.loss_)
