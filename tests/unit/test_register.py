"""A user's own record: refused with the broken law, admitted when all hold, and then usable everywhere."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from chainrule import (
    Activation,
    Dense,
    Loss,
    Network,
    Rule,
    activations,
    backward,
    forward,
    initialize,
    losses,
    register,
)
from chainrule import rules as rule_catalog
from chainrule.errors import SettingError


def softsign(scale=1.0, *, name="my_softsign", off=1.0):
    return Activation(
        name=name, constants={"scale": scale},
        value=lambda z: scale * z / (1 + np.abs(z)),
        slope=lambda z, a: off * scale / (1 + np.abs(z)) ** 2,
        expr="scale*z/(1 + abs(z))", slope_expr="scale/(1 + abs(z))**2",
        latex=r"\frac{z}{1+|z|}", latex_slope=r"\frac{1}{(1+|z|)^2}",
        low=-scale, high=scale, zero_centred=True, continuity=1, saturates=("left", "right"), source="Elliott (1993)",
    )  # fmt: skip


@pytest.fixture
def mine():
    def my_softsign(scale=1.0):
        return softsign(scale)

    yield register(my_softsign)
    activations.forget("my_softsign")


def test_a_registered_activation_works_everywhere(mine):
    network = Network(3, [Dense(4, "my_softsign"), Dense(2, activations.get("my_softsign", scale=2.0))])
    theta = initialize(network, 0)
    x, y = np.random.default_rng(0).normal(size=(5, 3)), np.ones((5, 2))
    assert np.isfinite(backward(forward(network, theta, x, y)).vector).all()
    assert Network.restore(network.describe()) == network
    assert pickle.loads(pickle.dumps(network)) == network


def test_a_pickle_of_a_forgotten_record_names_what_is_missing():
    register(lambda scale=1.0: softsign(scale))
    saved = pickle.dumps(activations.get("my_softsign"))
    activations.forget("my_softsign")
    with pytest.raises(SettingError, match="my_softsign") as caught:
        pickle.loads(saved)
    assert caught.value.code == "CR203"


def test_a_broken_law_is_named_with_its_numbers():
    with pytest.raises(SettingError) as caught:
        register(lambda scale=1.0: softsign(scale, off=1.001))
    error = caught.value
    assert error.code == "CR208"
    assert "my_softsign" in error.what
    assert "slope" in error.what
    assert error.where.startswith("z = ")
    assert float(error.got) == pytest.approx(1.001 * float(error.expected.split()[0]), rel=1e-6)
    assert "my_softsign" not in activations


def test_a_name_that_is_taken_is_refused_before_any_work():
    with pytest.raises(SettingError) as caught:
        register(lambda scale=1.0: softsign(scale, name="relu"))
    assert caught.value.code == "CR207"


def test_a_name_that_no_command_could_write_is_refused():
    with pytest.raises(SettingError, match="usable in formulas"):
        register(lambda scale=1.0: softsign(scale, name="my softsign"))


def test_constants_need_a_function_that_makes_the_record():
    with pytest.raises(SettingError) as caught:
        register(softsign())
    assert caught.value.code == "CR204"
    assert "def my_softsign(scale=1.0)" in caught.value.hint


def test_something_else_than_a_record_is_refused():
    with pytest.raises(SettingError) as caught:
        register(lambda: 3)
    assert caught.value.code == "CR202"


def test_a_record_whose_functions_fail_is_refused_with_the_reason():
    with pytest.raises(SettingError, match="AttributeError") as caught:
        register(Loss("broken_loss", lambda y, p: p.nothing, lambda y, p: p, "p", "1", "p", "1", "here"))
    assert caught.value.code == "CR208"


def test_losses_and_rules_can_be_registered_too():
    quartic = Loss(
        name="quartic", terms=lambda y, p: (p - y) ** 4, slope=lambda y, p: 4 * (p - y) ** 3,
        expr="(p - y)**4", slope_expr="4*(p - y)**3", latex="(p-y)^4", latex_slope="4(p-y)^3", source="here",
    )  # fmt: skip

    def sign_descent(learning_rate=0.01):
        return Rule(
            "sign_descent", lambda theta, g, slots, s: (theta - s["learning_rate"] * np.sign(g), ()),
            (r"\theta - \eta\,\mathrm{sign}\,g",), "Bernstein et al. (2018)", constants={"learning_rate": learning_rate},
        )  # fmt: skip

    try:
        assert register(quartic) is quartic
        signed = register(sign_descent)
        network = Network(2, [Dense(1)], loss="quartic")
        assert Network.restore(network.describe()).loss == quartic
        assert pickle.loads(pickle.dumps(signed)) == signed
    finally:
        for catalog, name in ((losses, "quartic"), (rule_catalog, "sign_descent")):
            if name in catalog:
                catalog.forget(name)
