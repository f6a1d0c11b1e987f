"""Networks of PyTorch and Keras are diagnosed as their users have them: with the data, and with or without their loss."""

import os

import numpy as np
import pytest

from chainrule import diagnose
from chainrule.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within Keras

R = np.random.default_rng(0)
X = R.normal(size=(400, 4)).astype(np.float32)
NUMBERS = (np.sin(2 * X[:, 0]) + X[:, 1]).astype(np.float32)
TWO = (X[:, 0] * X[:, 1] > 0).astype(int)
THREE = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0).astype(int)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture
def keras(monkeypatch):
    if "KERAS_BACKEND" not in os.environ:
        monkeypatch.setenv("KERAS_BACKEND", "jax")
    pytest.importorskip("jax", reason="Keras has no backend")
    return pytest.importorskip("keras", reason="Keras is not installed")


def trained(torch, layers, y, loss, x=X, rate=0.01, steps=150):
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(*layers(nn))
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    rows, goal, loss = torch.tensor(x), torch.tensor(y), loss(nn)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(net(rows), goal).backward()
        optimizer.step()
    return net


def two(nn):
    return [nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1)]


def three(nn):
    return [nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 3)]


def test_logits_of_two_classes_are_known_by_their_labels(torch):
    net = trained(torch, two, TWO.astype(np.float32)[:, None], lambda nn: nn.BCEWithLogitsLoss())
    for labels in (TWO, TWO.astype(bool), torch.tensor(TWO)):
        assert diagnose(net, X, labels).verdict == "healthy"
    assert diagnose(net, X, TWO, loss=torch.nn.BCEWithLogitsLoss()).verdict == "healthy"


def test_a_network_that_learned_0_and_1_as_numbers_is_left_one_of_numbers(torch):
    net = trained(torch, two, TWO.astype(np.float32)[:, None], lambda nn: nn.MSELoss())
    found = diagnose(net, X, TWO)
    assert found.verdict == "healthy"
    assert found.measured["skill"] > 0.7


@pytest.mark.parametrize("ending", ["logits", "log_softmax"])
def test_logits_of_three_classes_are_known_by_their_labels(torch, ending):
    def layers(nn):
        return three(nn) + ([nn.LogSoftmax(1)] if ending == "log_softmax" else [])

    net = trained(torch, layers, THREE, lambda nn: nn.NLLLoss() if ending == "log_softmax" else nn.CrossEntropyLoss())
    found = diagnose(net, torch.tensor(X), THREE)
    assert found.verdict == "healthy", str(found)
    assert found.measured["skill"] > 0.8


def test_softmax_under_a_loss_that_applies_it_again_is_named(torch):
    net = trained(torch, lambda nn: [*three(nn), nn.Softmax(1)], THREE, lambda nn: nn.CrossEntropyLoss())
    found = diagnose(net, X, THREE, loss=torch.nn.CrossEntropyLoss())
    assert found.first.diagnostic == "odd_loss"
    assert "applied twice" in found.first.said


def test_a_network_of_nans_has_diverged(torch):
    net = torch.nn.Sequential(*two(torch.nn))
    net[0].weight.data[3, 1] = float("nan")
    found = diagnose(net, X, NUMBERS)
    assert (found.verdict, found.first.diagnostic) == ("ill", "diverged")
    assert found.first.measured["what"] == "the parameter W1[3, 1]"
    assert "step" not in found.first.said


def test_large_inputs_and_dead_units_and_other_rows_are_found(torch):
    large = (X * 4000 + 9000).astype(np.float32)
    y = NUMBERS[:, None]

    def wave(nn):
        return [nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1)]

    net = trained(torch, wave, y, lambda nn: nn.MSELoss(), x=large)
    assert diagnose(net, large, NUMBERS).first.diagnostic == "unscaled_inputs"
    net = trained(torch, two, y, lambda nn: nn.MSELoss(), steps=1)
    torch.nn.init.constant_(net[0].bias, -50.0)
    assert diagnose(net, X, NUMBERS).first.diagnostic == "dead_units"
    net = trained(torch, wave, y, lambda nn: nn.MSELoss())
    assert diagnose(net, X, y).verdict == "healthy"
    assert diagnose(net, X, NUMBERS, validation=(X + 2, NUMBERS)).first.diagnostic == "shift"


def test_labels_that_are_words_are_refused_with_the_way_out(torch):
    net = torch.nn.Sequential(*three(torch.nn))
    with pytest.raises(DataError, match="whole numbers"):
        diagnose(net, X, np.array(["a", "b", "c"])[THREE])


def test_a_keras_network_is_judged_by_the_loss_it_was_compiled_with(keras):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential([keras.Input((4,)), layers.Dense(32, activation="relu"), layers.Dense(1)])
    net.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True), optimizer=keras.optimizers.Adam(0.01))
    net.fit(X, TWO, epochs=40, verbose=0)
    assert diagnose(net, X, TWO).verdict == "healthy"
    net = keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dense(1, activation="sigmoid")])
    net.compile(loss="mse", optimizer="sgd")
    assert diagnose(net, X, TWO).first.diagnostic == "odd_loss"


def test_relu_units_that_died_give_one_number_for_every_row(keras):
    """Keras 13891: a layer of few relu units before the output, as it is when they have died."""
    layers = keras.layers
    net = keras.Sequential([keras.Input((4,)), layers.Dense(2, activation="relu"), layers.Dense(1)])
    net.compile(loss="mse", optimizer="adam")
    net.set_weights([np.linspace(-1, 1, 8).reshape(4, 2), np.full(2, -50.0), np.ones((2, 1)), np.full(1, 0.1)])
    assert np.ptp(net.predict(X, verbose=0)) == 0.0
    found = diagnose(net, X, NUMBERS)
    assert found.first.diagnostic == "dead_units", str(found)
    assert "2 of 2 units" in found.first.said
