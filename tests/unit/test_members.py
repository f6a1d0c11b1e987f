"""Networks merged into one say the mean of what they say apart; probabilities are calibrated in the network itself."""

import numpy as np
import pytest

from chainrule import Dense, Dropout, Network, Scale, forward, initialize
from chainrule.calculus.activations import logistic
from chainrule.calculus.losses import softmax_of
from chainrule.engines.base import Rows
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import SettingError
from chainrule.members import blend, logits, merged, temperature, tempered, widened

RNG = np.random.default_rng(5)
X = RNG.normal(size=(7, 4))
NETWORKS = {
    "one number": Network(4, [Scale(6.0), Dense(5, "mish"), Dropout(0.2), Dense(3, "tanh"), Dense(1)]),
    "two classes": Network(4, [Dense(3, "selu"), Dense(1, "sigmoid")]),
    "three classes": Network(4, [Scale(), Dense(6, "relu"), Dense(2, "tanh"), Dense(3, "softmax")]),
    "no hidden layer": Network(4, [Scale(), Dense(3, "softmax")]),
}


def drawn(network, count):
    return [initialize(network, seed) + 0.3 * RNG.normal(size=network.plan.size) for seed in range(count)]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shares", [None, (1.0,), (0.5, 0.2, 0.3)])
def test_merged_networks_say_the_weighted_mean_of_their_net_inputs(name, shares):
    network = NETWORKS[name]
    thetas = drawn(network, len(shares or "four"))
    whole, theta = merged(network, thetas, shares)
    last = f"z{len([layer for layer in network.layers if isinstance(layer, Dense)])}"
    mean = np.average([forward(network, one, X)[last] for one in thetas], axis=0, weights=shares)
    np.testing.assert_allclose(forward(whole, theta, X)[last], mean, rtol=1e-12, atol=1e-13)
    assert whole.plan.slot(whole.plan.output).width == network.output_count


def test_members_do_not_see_each_other():
    whole, theta = merged(NETWORKS["one number"], drawn(NETWORKS["one number"], 2))
    assert (whole.plan.param("W2").mask == np.kron(np.eye(2), np.ones((3, 5)))).all()
    assert (whole.plan.param("W2").of(theta)[:3, 5:] == 0).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_some_inputs_says_the_same_among_all(name):
    network, kept = NETWORKS[name], np.array([0, 2])
    few = Network(2, network.layers, loss=network.loss)
    (theta,) = drawn(few, 1)
    apart = forward(few, theta, X[:, kept]).prediction
    np.testing.assert_allclose(forward(network, widened(network, few, theta, kept), X).prediction, apart, rtol=1e-12)


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_share_that_was_hidden_in_numbers_is_found(outputs):
    one, other = RNG.normal(size=(2, 5_000, outputs))
    y = 0.3 * one + 0.7 * other + 0.1 * RNG.normal(size=one.shape)
    assert blend(Rows(one, y), Rows(other, y), classes=False) == pytest.approx(0.3, abs=0.01)
    assert blend(Rows(y, y), Rows(-y, y), classes=False) == pytest.approx(1.0)
    weights = (np.arange(len(y)) < 2_500).astype(float)
    assert blend(Rows(one, np.where(weights[:, None], one, other), weights), Rows(other, y), classes=False) > 0.999


def test_the_share_that_was_hidden_in_logits_is_found():
    one, other = 3 * RNG.normal(size=(2, 20_000, 1))
    y = (RNG.random(one.shape) < logistic(0.8 * one + 0.2 * other)).astype(float)
    assert blend(Rows(one, y), Rows(other, y), classes=True) == pytest.approx(0.8, abs=0.03)
    one, other = 3 * RNG.normal(size=(2, 20_000, 3))
    codes = (RNG.random((20_000, 1)) > softmax_of(0.4 * one + 0.6 * other).cumsum(axis=1)).sum(axis=1).clip(0, 2)
    assert blend(Rows(one, codes), Rows(other, codes), classes=True) == pytest.approx(0.4, abs=0.03)


def test_groups_must_divide_units_and_inputs():
    with pytest.raises(SettingError, match=r"CR209.*4 units and 6 inputs do not fall into 4"):
        Network(6, [Dense(4, groups=4), Dense(1)])
    with pytest.raises(SettingError, match="CR204"):
        Dense(4, groups=2, mask=np.ones((4, 4)))


def test_groups_are_restored_from_a_description():
    network = Network(6, [Dense(4, groups=2, bias_initializer="normal"), Dense(1)])
    assert Network.restore(network.describe()) == network


@pytest.mark.parametrize("t", [0.5, 2.0])
def test_the_temperature_that_was_hidden_in_logits_is_found(t):
    z = RNG.normal(size=(20_000, 1)) * 2
    y = (RNG.random((20_000, 1)) < logistic(z)).astype(float)
    assert temperature(Rows(z * t, y)) == pytest.approx(t, rel=0.05)  # 20 000 coins tell it to about 2 %
    z = RNG.normal(size=(20_000, 3)) * 2
    codes = (RNG.random((20_000, 1)) > softmax_of(z).cumsum(axis=1)).sum(axis=1).clip(0, 2)
    assert temperature(Rows(z * t, codes)) == pytest.approx(t, rel=0.05)


def test_rows_of_no_weight_do_not_move_the_temperature():
    z = RNG.normal(size=(500, 1))
    y = (RNG.random((500, 1)) < 0.5).astype(float)
    weights = (np.arange(500) < 250).astype(float)
    assert temperature(Rows(z, y, weights)) == temperature(Rows(z[:250], y[:250], weights[:250]))


@pytest.mark.parametrize("name", ["two classes", "three classes"])
def test_a_tempered_network_divides_its_logits(name):
    network = NETWORKS[name]
    (theta,) = drawn(network, 1)
    cooled = tempered(network, theta, 4.0)
    before, after = (logits(network, one, X, ReferenceEngine()) for one in (theta, cooled))
    np.testing.assert_allclose(after, before / 4.0, rtol=1e-14)
