"""What a preset leaves behind is judged by what it means: merged networks, calibrated logits, annealed rates, a last layer
that begins at 0."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainrule import Dense, Network, diagnose, fit, initialize
from chainrule.diagnostics.doctor import case_of
from chainrule.diagnostics.evidence import Evidence
from chainrule.diagnostics.layers import words
from chainrule.engines.base import Rows
from chainrule.members import merged

WINE = Path(__file__).parents[2] / "examples/data/wine.csv"
pytestmark = pytest.mark.filterwarnings("ignore")


def waves(count=400, seed=0):
    """A number that a straight line does not say."""
    r = np.random.default_rng(seed)
    x = r.normal(size=(count, 3))
    return x, np.sin(2 * x[:, 0]) + x[:, 1] + 0.1 * r.normal(size=count)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"epochs": 40},
        {"validation": 0.2},
        {"network": (32, 16), "validation": 0.2},
        {"activation": "tanh"},
    ],
    ids=["as it is", "few epochs", "one network", "a small one", "tanh"],
)
def test_a_preset_that_learned_its_classes_is_not_called_ill(said):
    found = diagnose(fit(WINE, "cultivar", preset="fast", test=0.25, **said), WINE)
    assert found.verdict == "healthy", str(found)


def test_a_preset_that_was_given_too_few_epochs_is_told_so():
    found = diagnose(fit(WINE, "cultivar", preset="fast", test=0.25, epochs=6), WINE)
    assert found.findings[0].diagnostic == "stopped_too_early" and "epoch 6" in str(found)


def test_a_preset_that_learned_its_numbers_is_not_called_ill():
    found = diagnose(fit(waves(1000), preset="fast", test=0.25), waves(1000))
    assert found.verdict == "healthy", str(found)


def test_a_calibrated_network_is_judged_by_the_loss_that_was_trained():
    """Logits sharpened five-fold after a training with smoothed labels have a loss above that of a constant prediction: a
    faultless table of wines was said to have too large a learning rate."""
    model = fit(WINE, "cultivar", preset="fast", validation=0.2, test=0)
    e, t = case_of(model, WINE, None).evidence, model.card["algorithm"]["temperature"]
    assert t < 0.8
    p = e.trace.prediction**t
    smoothed = 0.9 * e.y + 0.1 / e.y.shape[1]
    trained = -(smoothed * np.log(p / p.sum(axis=1, keepdims=True))).sum(axis=1).mean()
    assert e.loss == pytest.approx(trained, rel=1e-5)
    assert e.loss < 0.9 * e.trace.loss
    assert e.loss < e.constant_loss


def test_a_last_layer_that_begins_at_0_is_no_vanishing_gradient():
    hidden = [Dense(8, "tanh"), Dense(8, "tanh"), Dense(8, "tanh")]
    net = Network(3, [*hidden, Dense(1, initializer="zeros")])
    data = waves()
    found = diagnose(fit(data, network=net, learning_rate=1e-5, epochs=30, test=0.2), data)
    assert found.first.diagnostic == "learning_rate_too_small", str(found)
    assert "vanishing_gradients" not in [one.diagnostic for one in found.findings]


def test_a_gradient_shared_out_among_merged_networks_is_not_taken_for_a_smaller_one():
    net = Network(3, [Dense(5, "sigmoid"), Dense(4, "sigmoid"), Dense(1)], loss="mse")
    x, y = waves(50)
    rows, theta = Rows(x, y[:, None]), initialize(net, seed=1)
    alone = Evidence(net, theta, rows, None, ("a", "b", "c"), "regression")
    network, whole = merged(net, [theta] * 4)
    together = replace(alone, network=network, theta=whole, members=4)
    share = together.layers[0].delta / together.layers[-1].delta
    assert 4 * share == pytest.approx(alone.layers[0].delta / alone.layers[-1].delta, rel=1e-5)
    weak = tuple(
        replace(one, delta=one.delta * 0.5e-4 / share if one.layer == 1 else one.delta) for one in together.layers
    )
    assert words(weak, 4)[1] == "ok" and words(weak)[1] == "vanishing"


def test_a_loss_that_falls_because_the_rate_does_was_not_stopped_too_early():
    x, y = waves()
    settings = {"network": (32,), "epochs": 24, "test": 0.2, "validation": 0, "learning_rate": 0.03, "batch_size": 16}
    annealed, cut_off = (
        case_of(fit((x, y), schedule=schedule, **settings), (x, y), None).evidence.training
        for schedule in ("cosine", "constant")
    )
    assert annealed.is_annealed and not cut_off.is_annealed


def test_the_first_of_several_networks_to_turn_says_whether_weights_from_before_the_turn_were_kept():
    model = fit(waves(), preset="fast", epochs=5, test=0)
    card = {**model.card, "algorithm": {**model.card["algorithm"], "best_epoch": 5, "best_epochs": [5, 2, 4]}}
    assert case_of(replace(model, card=card), waves(), None).evidence.training.best_epoch == 2


def test_units_that_became_flat_while_a_network_learned_its_classes_are_a_note():
    r = np.random.default_rng(4)
    y = r.integers(0, 2, 400)
    x = np.where(y, 1.0, -1.0)[:, None] + 0.1 * r.normal(size=(400, 2))
    net = Network(2, [Dense(6, "tanh"), Dense(6, "tanh"), Dense(1, "sigmoid")])
    found = diagnose(fit((x, y), network=net, learning_rate=0.05, epochs=100, validation=0, l2=0.0, test=0.2), (x, y))
    noted = {one.diagnostic: one.is_ill for one in found.findings}
    assert noted["saturated_units"] is False
    assert found.verdict == "healthy", str(found)
