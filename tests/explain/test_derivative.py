"""The derivative of any value of a pass by any other, such as a prediction by an input."""

import numpy as np
import pytest
from evaluator import recompute
from networks import TRAINABLE, random_trace

from chainrule import Dense, Network, forward, initialize
from chainrule.errors import SettingError
from chainrule.explain import explain_trace

NET = Network(["age", "fare"], [Dense(3, "tanh", unit_names=["h1", "h2", "h3"]), Dense(3, "softmax")])
THETA = initialize(NET, 2)
X = np.array([[1.0, -0.5], [0.3, 0.2]])


def prediction(x: np.ndarray, k: int) -> float:
    return float(forward(NET, THETA, x[None, :]).prediction[0, k])


@pytest.mark.parametrize("form", ["factors", "delta", "paths"])
def test_a_prediction_by_an_input_needs_no_targets(form: str) -> None:
    trace = forward(NET, THETA, X)
    for row in (0, 1):
        explanation = explain_trace(trace, "d prediction[1] / d age", row=row, form=form)
        recompute(explanation, ("input", "parameter", "target", "constant"))
        step = np.array([1e-6, 0.0])
        estimate = (prediction(X[row] + step, 1) - prediction(X[row] - step, 1)) / 2e-6
        assert explanation.value == pytest.approx(estimate, rel=1e-6)
        assert explanation.target == "∂a2[1]/∂age"
        assert explanation.finite_difference is not None


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("d net(h1) / d age", "W1[0,0]"), ("∂z2[2]/∂a1[1]", "W2[2,1]"), ("d z_h2/d fare", "W1[1,1]"), ("da1[0]/da2[0]", "0"),
        ("∂z1[0]/∂b1[0]", "1"), ("d h1 / d b1[2]", "0"), ("d h1/d h1", "1"),
    ],
)  # fmt: skip
def test_what_a_derivative_is(of: str, expected: str) -> None:
    trace = forward(NET, THETA, X)
    if expected.isdigit():
        value = float(expected)
    else:
        name, _, place = expected.partition("[")
        to, source = place.rstrip("]").split(",")
        value = float(trace[name][int(to), int(source)])
    explanation = explain_trace(trace, of)
    recompute(explanation)
    assert explanation.value == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize("seed", range(25))
def test_derivatives_of_random_networks_add_up(seed: int) -> None:
    trace = random_trace(seed, TRAINABLE[seed % len(TRAINABLE)], "mse", rows=2)
    for form in ("factors", "delta", "paths"):
        for of in ("dprediction[0]/dx[1]", "d z1[0] / d x[0]", "d prediction[0] / d W1[0,1]"):
            recompute(explain_trace(trace, of, form=form, row=1))


@pytest.mark.parametrize("of", ["d nothing / d age", "d W1[0,0] / d age", "d prediction / d age", "d a2[0] / d nobody"])
def test_a_derivative_of_nothing_is_refused(of: str) -> None:
    with pytest.raises(SettingError, match="CR210"):
        explain_trace(forward(NET, THETA, X), of)
