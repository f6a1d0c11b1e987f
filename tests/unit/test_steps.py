"""The four steps refuse what they cannot use, before any work."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Dropout, Expression, Network, backward, forward, initialize, update
from chainrule.errors import DataError, SettingError

NET = Network(2, [Dense(3, "tanh"), Dense(3, "softmax")])
ONE = Network(2, [Dense(1, "sigmoid")])
THETA, X = initialize(NET), np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0], [0.0, 1.0]])

REFUSED = {
    "x of another width": ({"x": np.ones((4, 3))}, DataError, "CR115"),
    "x of three dimensions": ({"x": np.ones((4, 2, 1))}, DataError, "CR115"),
    "x of words": ({"x": [["a", "b"]]}, DataError, "CR106"),
    "rows of different lengths": ({"x": [[1.0, 2.0], [1.0]]}, DataError, "CR106"),
    "a missing value in x": ({"x": [[1.0, np.nan]]}, DataError, "CR101"),
    "an infinite value in x": ({"x": [[1.0, -np.inf]]}, DataError, "CR102"),
    "too few targets": ({"y": [0, 1]}, DataError, "CR104"),
    "targets of another width": ({"y": np.ones((4, 2))}, DataError, "CR104"),
    "a class code too large": ({"y": [0, 1, 2, 3]}, DataError, "CR108"),
    "a negative class code": ({"y": [0, 1, 2, -1]}, DataError, "CR108"),
    "a probability above 1": ({"y": np.full((4, 3), 1.5)}, DataError, "CR108"),
    "a missing target": ({"y": np.full((4, 3), np.nan)}, DataError, "CR114"),
    "targets of words": ({"y": ["a", "b", "c", "a"]}, DataError, "CR106"),
    "too few weights": ({"sample_weight": [1.0, 2.0]}, DataError, "CR104"),
    "a negative weight": ({"sample_weight": [1.0, 1.0, -1.0, 1.0]}, DataError, "CR112"),
    "a missing weight": ({"sample_weight": [1.0, 1.0, np.nan, 1.0]}, DataError, "CR112"),
    "weights of words": ({"sample_weight": ["a"] * 4}, DataError, "CR106"),
    "too few row numbers": ({"rows": [0, 1]}, DataError, "CR104"),
    "a negative seed": ({"seed": -1}, SettingError, "CR201"),
    "half a step": ({"step": 0.5}, SettingError, "CR202"),
    "θ of another size": ({"theta": np.ones(3)}, SettingError, "CR115"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_forward_refuses(fault):
    changes, kind, code = REFUSED[fault]
    arguments = {"theta": THETA, "x": X, "y": [0, 1, 2, 0], **changes}
    with pytest.raises(kind) as caught:
        forward(NET, arguments.pop("theta"), arguments.pop("x"), arguments.pop("y"), **arguments)
    assert caught.value.code == code


def test_the_row_of_a_bad_value_is_named():
    x = X.copy()
    x[2, 1] = np.nan
    with pytest.raises(DataError, match="row 2, column 1"):
        forward(NET, THETA, x)
    with pytest.raises(DataError, match="row 3"):
        forward(ONE, initialize(ONE), X, [0, 1, 0, 7])


def test_weights_where_a_mask_allows_no_connection_are_refused():
    masked = Network(2, [Dense(2, mask=[[1, 0], [1, 1]])])
    with pytest.raises(SettingError, match="W1") as caught:
        forward(masked, np.ones(masked.plan.size), X)
    assert caught.value.code == "CR204"
    forward(masked, initialize(masked), X)


def test_a_gradient_without_targets_is_refused():
    with pytest.raises(SettingError, match="pass y to forward"):
        backward(forward(NET, THETA, X))


def test_an_output_is_differentiated_without_targets():
    f = Expression("f = w * x", ["x"])
    assert backward(forward(f, [3.0], [[2.0], [5.0]]))["w"].tolist() == [7.0]


@pytest.mark.parametrize("y", [[0, 1, 2, 0], np.eye(3)[[0, 1, 2, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]])
def test_class_codes_and_one_hot_rows_are_the_same_targets(y):
    reference = forward(NET, THETA, X, np.eye(3)[[0, 1, 2, 0]])
    trace = forward(NET, THETA, X, y)
    assert trace.loss == reference.loss
    assert (trace.y == reference.y).all()


@pytest.mark.parametrize(
    "y", [[1, 0, 1, 0], [[1], [0], [1], [0]], [True, False, True, False], np.array([1.0, 0, 1, 0])]
)
def test_two_classes_in_every_form_are_the_same_targets(y):
    assert forward(ONE, initialize(ONE), X, y).y.tolist() == [[1.0], [0.0], [1.0], [0.0]]


def test_one_example_needs_no_brackets():
    trace = forward(NET, THETA, X[0], [2])
    assert trace.prediction.shape == (1, 3)
    assert trace.loss == forward(NET, THETA, X[:1], [2]).loss


def test_the_float_type_of_theta_is_the_one_computed_in():
    for dtype in (np.float32, np.float64):
        trace = forward(NET, THETA.astype(dtype), X, [0, 1, 2, 0])
        assert {array.dtype for array in trace.values.values()} == {np.dtype(dtype)}
        assert backward(trace).vector.dtype == dtype
    assert forward(ONE, [1, 2, 3], X).dtype == np.float64


def test_a_row_of_weight_zero_counts_nothing():
    y = [0, 1, 2, 0]
    some = backward(forward(NET, THETA, X, y, sample_weight=[1, 0, 1, 1]))
    fewer = backward(forward(NET, THETA, X[[0, 2, 3]], [0, 2, 0]))
    np.testing.assert_allclose(some.vector, fewer.vector, rtol=1e-12, atol=1e-15)
    assert (backward(forward(NET, THETA, X, y, sample_weight=[0, 0, 0, 0])).vector == 0).all()


def test_dropout_is_silent_outside_training_and_follows_row_numbers_within():
    network = Network(2, [Dense(6, "relu"), Dropout(0.5), Dense(1)])
    theta = initialize(network, 1)
    assert (forward(network, theta, X)["d1"] == forward(network, theta, X)["a1"]).all()
    whole = forward(network, theta, X, training=True, seed=3, step=2, rows=[10, 11, 12, 13])
    part = forward(network, theta, X[2:3], training=True, seed=3, step=2, rows=[12])
    assert (whole["d1"][2] == part["d1"][0]).all()
    other = forward(network, theta, X, training=True, seed=3, step=3, rows=[10, 11, 12, 13])
    assert (whole["d1"] != other["d1"]).any()


def test_an_update_refuses_a_gradient_of_another_size_and_unknown_constants():
    with pytest.raises(SettingError) as caught:
        update("adam", np.ones(3), np.ones(4))
    assert caught.value.code == "CR115"
    with pytest.raises(SettingError, match="learning_rate"):
        update("adam", np.ones(3), np.ones(3), learning_rat=0.1)
    with pytest.raises(SettingError, match="'adam'"):
        update("adan", np.ones(3), np.ones(3))


def test_a_name_that_a_trace_does_not_hold_is_answered_with_the_nearest():
    trace = forward(NET, THETA, X, [0, 1, 2, 0])
    with pytest.raises(SettingError) as caught:
        trace["w1"]
    assert caught.value.code == "CR210"
    assert "W1" in caught.value.hint
    with pytest.raises(SettingError, match="CR210"):
        backward(trace)["W3"]


def test_a_gradient_is_an_array_and_is_read_by_name():
    gradient = backward(forward(NET, THETA, X, [0, 1, 2, 0]))
    assert len(gradient) == NET.plan.size
    assert np.asarray(gradient, np.float32).dtype == np.float32
    assert gradient["W1"].shape == (3, 2)
    np.testing.assert_array_equal(np.asarray(gradient)[:6].reshape(3, 2), gradient["W1"])
