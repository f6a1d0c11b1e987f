"""The doctor's measures against the numbers behind the lectures' diagnostics."""

import numpy as np
import pytest
from examples import load

from chainrule import Dense, Network, backward, forward, initialize, rules
from chainrule.diagnostics.evidence import Evidence, Training
from chainrule.diagnostics.layers import states
from chainrule.diagnostics.probes import sharpness
from chainrule.diagnostics.rates import bound
from chainrule.engines.base import Rows
from chainrule.engines.reference import ReferenceEngine
from chainrule.optim.rule import Update
from chainrule.training.again import advance
from chainrule.training.loop import Settings

FILE = load("diagnostics")
RATE = FILE["learning_rate"]
TOY = Network(1, [Dense(1, weights=[[-2.0]], biases=[3.0])], loss="half_squared_error")
ROW = Rows(np.array([[5.0]]), np.array([[3.0]]))


def layers_of(network, x, y):
    return states(backward(forward(network, initialize(network), x, y)).trace)


@pytest.mark.parametrize("row", FILE["vanishing_chain"]["rows"], ids=lambda row: str(row["neurons"]))
def test_a_chain_of_sigmoids_gives_the_gradient_and_the_product_of_slopes(row):
    neurons = row["neurons"]
    chain = Network(
        1, [Dense(1, "sigmoid", weights=[[1.0]], biases=[0.0]) for _ in range(neurons)], loss="half_squared_error"
    )
    found = layers_of(chain, [[1.0]], [[0.0]])
    assert found[0].gradient == pytest.approx(row["dL_dw_first"], rel=1e-12)
    assert np.prod([one.slope[0] for one in found]) <= row["upper_bound_of_product_of_derivatives"]
    # the gradient is this product times the error and the input: nothing else multiplies it on its way
    assert np.prod([one.slope[0] for one in found]) * row["output"] == pytest.approx(row["dL_dw_first"], rel=1e-12)


@pytest.mark.parametrize(("function", "dead"), [("relu", True), ("leaky_relu", False)])
def test_the_dead_unit_is_named_and_the_leaky_one_is_not(function, dead):
    case = FILE["dead_relu"]
    unit = Dense(1, function, weights=[case["w"]], biases=[case["b"]], unit_names=["h1"])
    found = layers_of(Network(2, [unit, Dense(1)]), case["inputs"], [[1.0]] * 5)[0]
    assert bool(found.dead[0]) is dead
    assert found.named(found.dead) == ("h1" if dead else "")
    assert found.slope[0] == case["relu_derivative" if dead else "leaky_derivative"]


def evidence(rate):
    training = Training(Update(rules.get("gradient_descent", learning_rate=rate)), "steps", 1, 20, 20, 20, 20, "epochs")
    theta = initialize(TOY)
    return Evidence(TOY, theta, ROW, None, ("x",), "regression", training=training, first=theta)


def test_the_bound_by_curvature_is_the_limit_of_the_quadratic():
    assert sharpness(TOY.plan, initialize(TOY), ROW) == pytest.approx(26.0, rel=1e-6)
    assert bound(evidence(0.01)) == pytest.approx(RATE["limit"], rel=1e-6)


@pytest.mark.parametrize("row", RATE["rows"], ids=lambda row: str(row["eta"]))
def test_a_rate_above_the_bound_diverges_and_one_below_converges(row):
    update = Update(rules.get("gradient_descent", learning_rate=row["eta"]))
    for steps, loss in row["loss_after_steps"].items():
        session = ReferenceEngine().open(TOY.plan, initialize(TOY), (), update, seed=0)
        advance(session, ROW, Settings(update, epochs=20, batch_size=1), 0, int(steps))
        theta = session.export()[0]
        assert forward(TOY, theta, ROW.x, ROW.y).loss == pytest.approx(loss, rel=1e-9, abs=1e-14)
    assert (row["eta"] > bound(evidence(row["eta"]))) == (row["behaviour"] == "diverges")


@pytest.mark.parametrize(("inputs", "share"), [("h_sigmoid", 1.0), ("h_tanh", 0.0)])
def test_gradients_into_one_unit_share_their_sign_where_its_inputs_do(inputs, share):
    case = FILE["same_sign_gradients"]
    h = case[inputs]
    unit = Network(2, [Dense(1, weights=[[0.0, 0.0]], biases=[case["delta"]])], loss="half_squared_error")
    trace = backward(forward(unit, initialize(unit), [h], [[0.0]]))
    assert trace["W1"][0] == pytest.approx(case["grad_" + inputs.removeprefix("h_")], rel=1e-12)
    assert states(trace.trace)[0].one_sign == share
