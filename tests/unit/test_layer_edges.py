"""Layers at their edges: constant rows, huge numbers, ties, one unit, nothing to drop."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from chainrule import Dense, Dropout, LayerNorm, Maxout, Network, Softmax, backward, forward, initialize

IDENTITY = {"weights": np.eye(3), "bias": "none"}


def passed(network, theta, x, y):
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        trace = forward(network, theta, x, y)
        gradient = backward(trace)
    for array in (*trace.values.values(), *gradient.deltas.values(), gradient.vector):
        assert np.isfinite(array).all()
        assert array.dtype == theta.dtype
    return trace, gradient


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [5.0, 5.0, 5.0], [1e4, 1e4, 1e4], [1e4, -1e4, 0.0], [1e-8, 0.0, 0.0]])
def test_layer_norm_of_constant_huge_and_tiny_rows_is_finite(row, dtype):
    network = Network(3, [Dense(3, **IDENTITY), LayerNorm(), Dense(1)], loss="mse")
    trace, _ = passed(network, initialize(network, 0, dtype), np.array([row]), [[1.0]])
    normal = trace["n1"][0]
    assert abs(normal.mean()) < 1e-3
    assert normal.var() <= 1 + 1e-5
    if len(set(row)) == 1:
        assert (normal == 0).all()


def test_layer_norm_over_one_unit_says_nothing_and_passes_nothing_back():
    network = Network(2, [Dense(1), LayerNorm(), Dense(2)], loss="mse")
    trace, gradient = passed(network, initialize(network, 0), np.array([[1.0, 2.0]]), [[1.0, 0.0]])
    assert trace["n1"].tolist() == [[0.0]]
    assert gradient.deltas["a1"].tolist() == [[0.0]]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("row", [[1e3, 1001.0, 1002.0], [1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [0.0, 0.0, 0.0]])
def test_softmax_of_huge_numbers_is_a_distribution(row, dtype):
    for layers in ([Dense(3, "softmax", **IDENTITY)], [Dense(3, **IDENTITY), Softmax(), Dense(2)]):
        network = Network(3, layers)
        y = [1] if len(layers) == 1 else [[1.0, 0.0]]
        trace, _ = passed(network, initialize(network, 0, dtype), np.array([row]), y)
        p = trace["p1" if len(layers) > 1 else "a1"][0]
        assert p.sum() == pytest.approx(1.0, abs=4 * float(np.finfo(dtype).eps))
        assert (p >= 0).all()


def test_softmax_does_not_change_when_all_logits_move_together():
    network = Network(3, [Dense(3, "softmax", **IDENTITY)])
    z = np.array([[1.0, 2.0, 3.0]])
    near, far = (forward(network, initialize(network), z + shift).prediction for shift in (0.0, 999.0))
    np.testing.assert_array_equal(near, far)


def test_the_first_of_equal_maxout_pieces_wins():
    network = Network(1, [Maxout(2, pieces=2)], loss="output")
    _, gradient = passed(network, np.zeros(network.plan.size), np.array([[3.0]]), [[0.0, 0.0]])
    assert gradient.deltas["z1"].tolist() == [[1.0, 0.0, 1.0, 0.0]]


def test_dropout_keeps_the_mean_and_silences_the_declared_share():
    network = Network(1, [Dense(50, weights=np.ones((50, 1)), bias="none"), Dropout(0.3)], loss="mse")
    trace = forward(network, initialize(network), np.ones((400, 1)), training=True, seed=1)
    kept = trace.prediction != 0
    # a share of n = 20 000 draws deviates by √(0.3·0.7/n) = 0.0032; five deviations
    assert abs((~kept).mean() - 0.3) < 0.016
    assert np.unique(trace.prediction[kept]).tolist() == [1 / 0.7]


def test_dropout_of_nothing_changes_nothing():
    network = Network(2, [Dense(3, "tanh"), Dropout(0.0), Dense(1)])
    theta, x = initialize(network), np.ones((4, 2))
    silent, trained = forward(network, theta, x), forward(network, theta, x, training=True)
    assert (silent.prediction == trained.prediction).all()


def test_randomised_relu_is_its_mean_outside_training_and_drawn_within():
    network = Network(1, [Dense(40, "rrelu", weights=-np.ones((40, 1)), bias="none")], loss="mse")
    theta, x = initialize(network), np.ones((50, 1))
    assert np.unique(forward(network, theta, x).prediction) == pytest.approx(-(1 / 8 + 1 / 3) / 2)
    drawn = -forward(network, theta, x, training=True).prediction
    assert 1 / 8 <= drawn.min() < 0.13
    assert 0.33 < drawn.max() < 1 / 3
    assert np.unique(drawn).size > 1900


def test_a_network_without_layers_is_the_identity():
    network = Network(2, [])
    trace, gradient = passed(network, initialize(network), np.array([[1.0, 2.0]]), [[0.0, 0.0]])
    assert trace.prediction.tolist() == [[1.0, 2.0]]
    assert gradient.deltas["x"].tolist() == [[1.0, 2.0]]


def test_a_bias_shared_by_a_layer_is_one_number():
    network = Network(
        2, [Dense(3, bias="layer", biases=[0.5], weights=np.zeros((3, 2)))], loss="squared_error", reduction="sum"
    )
    trace, gradient = passed(network, initialize(network), np.ones((4, 2)), np.zeros((4, 3)))
    assert trace.prediction.tolist() == [[0.5] * 3] * 4
    assert gradient["b1"].tolist() == [2 * 0.5 * 12]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("last", "targets"), [("sigmoid", [[0.0], [1.0]]), ("exponential", [[0.0], [3.0]]), ("identity", [[0.0], [1.0]])]
)
def test_saturated_outputs_give_finite_losses_and_gradients(last, targets, dtype):
    for size in (1e4, -1e4):
        network = Network(1, [Dense(1, last, weights=[[size]], bias="none")])
        passed(network, initialize(network, 0, dtype), np.ones((2, 1)), targets)
