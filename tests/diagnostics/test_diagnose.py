"""A verdict on planted illnesses, and on a network that nothing ails."""

import numpy as np
import pytest

from chainrule import Dense, Network, diagnose, fit
from chainrule.diagnostics import diagnostics


def rings(count=400):
    """Two classes, one around the other."""
    r = np.random.default_rng(0)
    x = r.normal(size=(count, 2))
    return x, np.array(["in", "out"])[((x**2).sum(axis=1) > 1.4).astype(int)]


def trained(network=None, **settings):
    data = rings()
    given = {"network": network, "epochs": 60, "test": 0.2, "seed": 3, **settings}
    return fit(data, **given), data


OUT = Dense(1, "sigmoid")


def deep(function):
    return Network(2, [*(Dense(10, function) for _ in range(9)), OUT])


PLANTED = {
    "vanishing_gradients": lambda: trained(deep("sigmoid")),
    "dead_units": lambda: trained(Network(2, [Dense(12, "relu", biases=[-20.0] * 12), OUT])),
    "symmetric_units": lambda: trained(
        Network(2, [Dense(12, "tanh", initializer="zeros"), Dense(1, "sigmoid", initializer="zeros")])
    ),
    "learning_rate_too_small": lambda: trained(learning_rate=1e-6),
    "learning_rate_too_large": lambda: trained(learning_rate=3.0),
    "stopped_too_early": lambda: trained(epochs=3),
    "odd_loss": lambda: trained(Network(2, [Dense(16, "tanh"), OUT], loss="mse")),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_illness_is_found_first(name):
    found = diagnose(*PLANTED[name]())
    assert found.verdict == "ill"
    assert found.first.diagnostic == name
    assert found.first.remedy.settings


def test_a_network_that_learned_what_there_is_to_learn_is_healthy():
    found = diagnose(*trained(learning_rate=0.003))
    assert found.verdict == "healthy"
    assert not [one for one in found.findings if one.severity == "illness"]


def test_no_diagnostic_causes_itself_by_way_of_others():
    for record in diagnostics:
        assert set(record.causes) <= set(diagnostics.names()), record.name
